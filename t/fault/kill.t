# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# What was acknowledged is there, whoever dies: a ledger of every request, kept
# outside, is compared with the database and the API.
use strict;
use warnings;
use HTTP::Tiny;
use JSON::PP;
use POSIX ();
use Time::HiRes qw(time sleep);
use Tuor::Postgres;
use Tuor::Run qw(run_dir read_file);
use Tuor::Server;
use Tuor::Test;

my $unlimited = join '', map { "TuorRateLimit $_ off\n" } qw(ingest read write export);
my $db = Tuor::Postgres->new(dir => run_dir() . "/k$$");
my $server = Tuor::Server->start(db => $db, conf => "${unlimited}TuorDatabaseTimeout 3\n");
my $org = $db->ctl('org', 'create', 'Kill');
my $key = $db->ctl('key', 'create', '--org', $org, '--name', 'kill');
my $project = create_project(key => $key, server => $server)->{id};

# Writes until the end of time: the nonce before it is sent, the outcome after.
sub writer {
    my ($ledger, $name, $end) = @_;
    open my $out, '>>', $ledger or POSIX::_exit(1);
    $out->autoflush;
    my $http = HTTP::Tiny->new(timeout => 15);
    my %headers = ('X-API-Key' => $key, 'Content-Type' => 'application/json');
    for (my $n = 0; time < $end; $n++) {
        my $nonce = "$name-$n";
        print $out "sent $nonce\n";
        my $reply = $http->post($server->url . '/v1/traces/', { headers => \%headers, content =>
            qq({"project_id":"$project","model_input":{"nonce":"$nonce"},"model_output":{"n":$n},"trace_config":{"internal_run_id":"$nonce"}}) });
        my ($id) = $reply->{status} == 201 ? $reply->{content} =~ /"id":"(trace_\w+)"/ : ();
        print $out $id ? "acked $nonce $id\n" : "unknown $nonce $reply->{status}\n";
        sleep 0.05 unless $id;
        next unless $id && $n % 2;
        $reply = $http->post($server->url . "/v1/traces/$id/review", { headers => \%headers, content => '{"action":"approve","expected_version":1}' });
        print $out "reviewed $nonce $id\n" if $reply->{status} == 200;
    }
    POSIX::_exit(0);
}

# under_load(SECONDS, sub { ... }): four writers, and what happens meanwhile; the ledger's lines.
my $round = 0;
sub under_load {
    my ($seconds, $meanwhile) = @_;
    my $ledger = run_dir() . "/ledger-$$-" . ++$round;
    my $end = time + $seconds;
    my @pids = map { my $name = "r$round-w$_"; my $pid = fork // die "fork: $!\n"; writer($ledger, $name, $end) if !$pid; $pid } 1 .. 4;
    $meanwhile->($end);
    waitpid $_, 0 for @pids;
    return map { [split / /] } split /\n/, read_file($ledger);
}

# What is wrong with the database, by the ledger.
sub losses {
    my @lines = @_;
    my %row = map { my ($nonce, $id, $status, $version, $events) = split /\|/; ("$nonce" => { id => $id, status => $status, version => $version, events => $events }) }
        split /\n/, $db->psql("SELECT internal_run_id, id, status, version, (SELECT string_agg(type, ',' ORDER BY e.id) FROM tuor.trace_events e WHERE e.org_id = t.org_id AND e.trace_id = t.id)"
            . " FROM tuor.traces t WHERE model_input = '{\"nonce\":\"' || internal_run_id || '\"}'");
    my %sent = map { $_->[1] => 1 } grep { $_->[0] eq 'sent' } @lines;
    my @wrong;
    for (@lines) {
        my ($what, $nonce, $id) = @$_;
        my $row = $row{$nonce};
        push @wrong, "lost $nonce" if $what eq 'acked' && (!$row || $row->{id} ne $id);
        push @wrong, "lost the review of $nonce" if $what eq 'reviewed' && (!$row || $row->{status} ne 'approved' || $row->{version} != 2);
    }
    for my $nonce (keys %row) {
        my $row = $row{$nonce};
        my $events = $row->{version} == 1 ? 'trace.created' : 'trace.created,review.approved';
        push @wrong, "$nonce has version $row->{version} and events $row->{events}" if $row->{events} ne $events;
    }
    push @wrong, map { "twice: $_" } split /\n/, $db->psql('SELECT internal_run_id FROM tuor.traces GROUP BY 1 HAVING count(*) > 1');
    return @wrong;
}

sub summary {
    my %n;
    $n{ $_->[0] }++ for @_;
    return join ', ', map { "$n{$_} $_" } sort keys %n;
}

# Every acknowledged trace over HTTP, too.
sub unreadable {
    my @acked = grep { $_->[0] eq 'acked' } @_;
    return grep {
        my $reply = api(GET => "/v1/traces/$_->[2]", key => $key, server => $server);
        my $good = $reply->status == 200 && ($reply->raw('model_input') // '') eq qq({"nonce":"$_->[1]"});
        diag "$_->[2]: ", $reply->status, ' ', $reply->body if !$good;
        !$good;
    } @acked;
}

subtest 'the ledger sees losses' => sub {
    my @lines = under_load(0.5, sub { });
    cmp_ok scalar(grep { $_->[0] eq 'acked' } @lines), '>', 4, summary(@lines);
    is join(', ', losses(@lines)), '', 'there is none';
    my ($victim) = grep { $_->[0] eq 'acked' } @lines;
    is join(', ', losses(@lines, ['acked', 'never-sent', 'trace_x'])), 'lost never-sent', 'one that is not there';
    $db->psql("DELETE FROM tuor.trace_events WHERE trace_id = '$victim->[2]'; DELETE FROM tuor.traces WHERE id = '$victim->[2]'");
    like join(', ', losses(@lines)), qr/lost $victim->[1]/, 'one that has gone';
};

subtest 'children of httpd are killed' => sub {
    my $killed = 0;
    my @lines = under_load(7, sub {
        my $end = shift;
        while (time < $end - 1) {
            sleep 0.4;
            my @children = $server->children or next;
            # Each a process of the server that this test started.
            kill KILL => $children[rand @children];
            $killed++;
        }
    });
    cmp_ok $killed, '>', 8, "$killed were";
    cmp_ok scalar(grep { $_->[0] eq 'acked' } @lines), '>', 50, summary(@lines);
    is join(', ', losses(@lines)), '', 'nothing acknowledged is lost, nothing is there twice';
    is scalar(() = unreadable(@lines)), 0, 'and all can be read';
    ok eventually(5, sub { $server->children >= 2 }), 'there are children again';
};

for my $how (qw(immediate kill)) {
    subtest $how eq 'kill' ? 'PostgreSQL is killed' : 'PostgreSQL restarts at once' => sub {
        my @lines = under_load(8, sub {
            for (1 .. 2) {
                sleep 1.2;
                $how eq 'kill' ? $db->kill : $db->stop($how);
                sleep 0.2;
                $db->start;
            }
        });
        cmp_ok scalar(grep { $_->[0] eq 'acked' } @lines), '>', 50, summary(@lines);
        my %status = map { $_->[2] => 1 } grep { $_->[0] eq 'unknown' } @lines;
        is join(' ', sort keys %status), '503', 'meanwhile the answer is 503, nothing else';
        is join(', ', losses(@lines)), '', 'nothing acknowledged is lost, nothing is there twice';
        is scalar(() = unreadable(@lines)), 0, 'and all can be read';
        is api(GET => '/v1/traces/', key => $key, server => $server)->status, 200, 'the server needs no help';
    };
}

undef $server;
$db->remove;
done_testing;
