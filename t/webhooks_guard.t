# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# No webhook reaches an address that is not public: by no URL, by no name, however often its
# addresses change.
#
# Runs in a network namespace where every address of the world is this machine: whatever the server
# connected to would be seen by a sentinel, and nothing can leave.
use strict;
use warnings;
use Encode qw(encode_utf8);
use JSON::PP;
use Socket qw(inet_pton inet_ntop AF_INET AF_INET6);
use Time::HiRes qw(time);
use Tuor::Receiver;
use Tuor::Run qw(source run_dir read_file write_file);
use Tuor::Test;
use Tuor::Webhooks;

my $dir = run_dir();
if (!$ENV{TUOR_TEST_NETNS}) {
    my @unshare = qw(unshare --user --map-current-user --keep-caps --net --mount);
    my $why = `@unshare sh -c 'ip link set lo up && test -r "@{[source()]}/t/TEST"' 2>&1`;
    plan skip_all => 'no network namespaces for this user here: ' . ($why =~ s/\s+/ /gr) if $?;
    write_file("$dir/resolv.conf", "nameserver 127.0.0.1\noptions timeout:3 attempts:2\n");
    write_file("$dir/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n");
    $ENV{TUOR_TEST_NETNS} = 1;
    exec @unshare, 'sh', '-ec', <<~'END', 'sh', $dir, $^X, (map { "-I$_" } @INC), $0;
        ip link set lo up
        ip route add local 0.0.0.0/0 dev lo
        ip -6 route add local ::/0 dev lo
        ip address add 93.184.216.99/32 dev lo
        mount --bind "$1/resolv.conf" /etc/resolv.conf
        mount --bind "$1/nsswitch.conf" /etc/nsswitch.conf
        shift
        exec "$@"
        END
}

my ($python) = grep { -x } '/usr/bin/python3', '/usr/local/bin/python3';
my @helpers;
sub helper {
    my ($script, @args) = @_;
    my $pid = open my $out, '-|', $python, source() . "/t/lib/$script", @args or die "$script: $!\n";
    push @helpers, [$pid, $out];
    defined <$out> or die "$script did not start\n";
}
END { my $status = $?; kill KILL => $_->[0] for @helpers; close $_->[1] for @helpers; $? = $status }

my ($queries, $connects) = map { "$dir/$_-$$" } qw(queries connects);
write_file($_, '') for $queries, $connects;
helper('stub_dns.py', $queries);
helper('sentinel.py', $connects, 443, 8443);
sub queries  { return split /\n/, read_file($queries) }
sub connects { return split /\n/, read_file($connects) }

my $receiver = Tuor::Receiver->start(address => '::');
my $port = $receiver->port;
# no network is allowed beside the public ones: only the authority is ours
my $hooks = Tuor::Webhooks->start(allow => 'TuorWebhookCAFile ' . Tuor::Receiver->ca . "\n", conf => "TuorWebhookTimeout 2\n");
my $project = $hooks->must(201, POST => '/v1/projects/', { name => 'guard', webhook_secret => 's' });
my $path = "/v1/projects/$project->{id}";

# {url: JSON text, where, category} of each line
sub lines {
    my $name = shift;
    return map { my ($url, $where, $category) = split /\t/; { url => $url, where => $where // '', category => $category // '' } }
        grep { /^"/ } split /\n/, read_file(source() . "/t/data/$name");
}
sub put { my $url = shift; return $hooks->api(PUT => $path, "{\"webhook_url\":$url}") }
sub short { my $text = shift; return length $text > 80 ? substr($text, 0, 77) . '...' : $text }

# A test delivery to each URL, all at once: URL => delivery.
my %project_of;
sub deliver_all {
    my ($sql, @urls) = @_;
    my %delivery;
    for my $url (@urls) {
        my $id = $project_of{$url} //= $hooks->must(201, POST => '/v1/projects/',
            { name => 'to', webhook_secret => 's', webhook_url => $sql ? 'https://hooks.example.com/' : $url })->{id};
        # past the check at saving time, as if the rules had been others then
        $hooks->psql("UPDATE tuor.projects SET webhook_url = '$url' WHERE id = '$id'") if $sql;
        $delivery{$url} = $hooks->must(202, POST => "/v1/projects/$id/test-webhook")->{id};
    }
    eventually(60, sub { $hooks->psql("SELECT count(*) FROM tuor.webhook_deliveries WHERE status IN ('pending', 'sending')") eq '0' });
    return map { $_ => $hooks->delivery($delivery{$_}) } @urls;
}

subtest 'the controls' => sub {
    my @urls = map { "https://hooks.test:$port$_" } '/ok', '/ok/2';
    my %delivery = deliver_all(0, @urls);
    is $delivery{$_}{status}, 'success', "$_ is delivered to" or diag $delivery{$_}{error} for @urls;
    is scalar(() = $receiver->requests), 2, 'really';
    my %reachable = deliver_all(0, 'https://v4-5db8d822.ssrf.test/', 'https://v6-26064700470000000000000000001111.ssrf.test/', 'https://9.9.9.9/');
    is_deeply [sort { $a cmp $b } connects()], [qw(2606:4700:4700::1111 9.9.9.9 93.184.216.34)], 'the sentinel sees what is connected to';
    write_file($connects, '');
};

subtest 'URLs to refuse' => sub {
    my $asked = () = queries();
    for my $line (grep { $_->{where} =~ /^(?:create|either|policy)$/ } lines('ssrf_bad_urls.txt')) {
        my $reply = put($line->{url});
        if ($line->{where} eq 'policy') {
            cmp_ok $reply->status, '<', 500, 'policy: ' . short($line->{url});
            next;
        }
        is $reply->status . ' ' . ($reply->json->{errors}[0]{field} // ''), '422 webhook_url', "$line->{category}: " . short($line->{url});
    }
    $hooks->must(200, PUT => $path, { webhook_url => undef });
    is scalar(() = queries()), $asked, 'no name was looked up for it';
};

subtest 'URLs to accept' => sub {
    for my $line (lines('ssrf_ok_urls.txt')) {
        my $reply = put($line->{url});
        is $reply->status, 200, short($line->{url}) or diag $reply->body;
        is $reply->raw('webhook_url'), $line->{url}, '  and comes back as it was sent';
    }
};

subtest 'names that lead astray' => sub {
    my @urls = map { JSON::PP->new->allow_nonref->decode($_->{url}) } grep { $_->{where} eq 'connect' } lines('ssrf_bad_urls.txt');
    push @urls, map { "https://$_.ssrf.test/" } qw(mixed-4-6 own);
    cmp_ok scalar(@urls), '>', 10, 'there are some';
    my %delivery = deliver_all(0, @urls);
    for my $url (@urls) {
        is $delivery{$url}{status}, 'failed', "$url fails";
        my $why = $url =~ /nxdomain/ ? qr/does not exist/ : $url =~ /redir/ ? qr/./ : qr/private, local or reserved/;
        like $delivery{$url}{error}, $why, "  says why: $delivery{$url}{error}";
        unlike $delivery{$url}{error}, qr/\b10\.|127\.0|::1/, '  without telling the address' unless $url =~ /redir/;
    }
    is_deeply [grep { $_ ne '93.184.216.34' } connects()], [], 'no refused address was connected to';
    write_file($connects, '');
};

# First, second, middle, last address of a range, as {text, name}.
sub addresses {
    my ($net, $bits) = split m{/}, shift;
    my $family = $net =~ /:/ ? AF_INET6 : AF_INET;
    my $binary = unpack 'B*', inet_pton($family, $net);
    my $host = length($binary) - $bits;
    my %seen;
    return grep { !$seen{ $_->{text} }++ } map {
        my $packed = pack 'B*', substr($binary, 0, $bits) . $_;
        { text => inet_ntop($family, $packed), name => ($family == AF_INET ? 'v4-' : 'v6-') . unpack('H*', $packed), family => $family }
    } $host ? ('0' x $host, '0' x ($host - 1) . '1', '1' . '0' x ($host - 1), '1' x $host) : ('');
}

subtest 'every range' => sub {
    my @ranges = map { (split /\t/)[0] } grep { /^[0-9a-f:]/ } split /\n/, read_file(source() . '/t/data/ssrf_ranges.txt');
    cmp_ok scalar(@ranges), '>=', 49, 'all of them';
    my @addresses = map { addresses($_) } @ranges;
    my @literals = map { $_->{family} == AF_INET6 ? "https://[$_->{text}]/" : "https://$_->{text}/" } @addresses;
    my @saved = grep { put(qq("$_"))->status != 422 } @literals;
    is "@saved", '', scalar(@literals) . ' addresses in URLs are refused when they are saved';
    for my $how (['in a URL that is saved nevertheless', 1, @literals], ['by name', 0, map { "https://$_->{name}.ssrf.test/" } @addresses]) {
        my ($what, $sql, @urls) = @$how;
        my %delivery = deliver_all($sql, @urls);
        my @sent = grep { $delivery{$_}{status} ne 'failed' || $delivery{$_}{error} !~ /private, local or reserved|scope|no IPv6/ } @urls;
        is "@sent", '', "$what: every delivery is refused" or diag explain $delivery{ $sent[0] };
    }
    is_deeply [connects()], [], 'and nothing was connected to';
};

subtest 'a name that changes its addresses' => sub {
    my $rounds = 40;
    my @urls = map { "https://rebind-$_.ssrf.test:$port/ok" } 1 .. 5;
    my $asked = () = queries();
    for (1 .. $rounds / 5) {
        my %delivery = deliver_all(0, @urls);
        sleep 1;
    }
    cmp_ok scalar(grep { /^rebind.* 1$/ } (queries())[$asked .. -1 + (() = queries())]), '<=', 40, 'is looked up once a delivery at most';
    is_deeply [connects()], [], 'and its private address is never connected to';
};

subtest 'a name server that keeps silent' => sub {
    my $stall = $hooks->must(201, POST => '/v1/projects/', { name => 's', webhook_secret => 's', webhook_url => 'https://stall.ssrf.test/' });
    my $ok = $hooks->must(201, POST => '/v1/projects/', { name => 'k', webhook_secret => 's', webhook_url => "https://hooks.test:$port/ok" });
    $hooks->must(202, POST => "/v1/projects/$stall->{id}/test-webhook") for 1 .. 20;
    my $start = time;
    $hooks->must(202, POST => "/v1/projects/$ok->{id}/test-webhook");
    is $hooks->settled($ok)->{status}, 'success', 'another delivery goes on';
    cmp_ok time - $start, '<', 1, '  at once';
    my $delivery = $hooks->settled($stall, 20);
    like $delivery->{error}, qr/^timed out: the name/, 'its own are given up';
    my @late = grep { abs($hooks->delivery($_->{id})->{attempts}[0]{duration_ms} - 2000) > 500 } $hooks->deliveries($stall);
    is @late, 0, '  when the time is over, all of them';
    cmp_ok scalar(grep { /^stall\S* 1$/ } queries()), '<=', 8, '  after few questions';
};

my $stopping = time;
$hooks->server->stop;
cmp_ok time - $stopping, '<', 6, 'the server stops, whatever its look-ups do';
is join("\n", $hooks->server->error_log =~ /^.*(?:\[(?:crit|alert|emerg)\]|AddressSanitizer|exit signal).*$/mg), '', 'nothing bad in the error log';
done_testing;
