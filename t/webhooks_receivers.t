# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# Receivers of every kind: what they answer, and what they do instead of answering.
use strict;
use warnings;
use IO::Socket::INET;
use JSON::PP;
use Time::HiRes qw(time sleep);
use Tuor::Receiver;
use Tuor::Test;
use Tuor::Webhooks;

my $receiver = Tuor::Receiver->start;
my $hooks = Tuor::Webhooks->start(conf => "TuorWebhookTimeout 2\n");

# One verdict to that path: the delivery when it is settled, and the requests that it made.
sub deliver {
    my ($path, %arg) = @_;
    my $to = $arg{receiver} // $receiver;
    my $project = ($arg{hooks} // $hooks)->project($arg{url} // $to->url($path));
    my $before = () = $to->requests;
    ($arg{hooks} // $hooks)->verdict($project);
    my $delivery = ($arg{hooks} // $hooks)->settled($project, 20);
    my @requests = $to->requests;
    return ($delivery, @requests[$before .. $#requests]);
}

sub is_about { my ($got, $expected, $off, $name) = @_; ok abs($got - $expected) <= $off, $name or diag "$got, not $expected" }

subtest 'statuses' => sub {
    for my $status (200, 201, 202, 204, 299) {
        my ($delivery, @requests) = deliver("/status/$status");
        is_deeply [@$delivery{qw(status response_status error)}], ['success', $status, undef], "$status is a success";
        is @requests, 1, '  after one request';
    }
    for my $status (300, 304, 400, 401, 404, 410, 429, 500, 503, 599) {
        my ($delivery, @requests) = deliver("/status/$status");
        is_deeply [@$delivery{qw(status response_status)}], ['failed', $status], "$status is a failure";
        like $delivery->{error}, qr/\b$status\b/, '  the error says so';
        is @requests, 1, '  after one request';
    }
};

subtest 'redirects' => sub {
    for my $status (301, 302, 303, 307, 308) {
        for my $target ($receiver->url('/ok'), 'https://169.254.169.254/', 'http://127.0.0.1:1/') {
            my ($delivery, @requests) = deliver("/redirect/$status/" . $target =~ s{([^A-Za-z0-9])}{sprintf '%%%02X', ord $1}ger);
            is_deeply [@$delivery{qw(status response_status)}], ['failed', $status], "$status to $target is a failure";
            is @requests, 1, '  and not followed';
        }
    }
};

subtest 'silence' => sub {
    for my $path ('/stall', '/trickle') {
        my ($delivery, @requests) = deliver($path);
        is $delivery->{status}, 'failed', "$path fails";
        like $delivery->{error}, qr/^timed out.* 2 s$/, '  says why';
        is_about $delivery->{attempts}[0]{duration_ms}, 2000, 500, '  after two seconds';
        is @requests, 1, '  one request';
    }
    my ($trickle) = deliver('/trickle');
    is $trickle->{response_status}, 200, 'a status that came is told';
    like $trickle->{attempts}[0]{response_body}, qr/^x{1,4}$/, 'and as much of the body';

    my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 5) or die;
    my ($delivery) = deliver('', url => 'https://127.0.0.1:' . $listener->sockport . '/');
    like $delivery->{error}, qr/^timed out: no connection/, 'one that never shakes hands';
    is_about $delivery->{attempts}[0]{duration_ms}, 2000, 500, '  after two seconds';
    my $port = $listener->sockport;
    close $listener;
    ($delivery) = deliver('', url => "https://127.0.0.1:$port/");
    like $delivery->{error}, qr/^cannot connect/, 'nobody there';
    is $delivery->{response_status}, undef, '  no status';
    cmp_ok $delivery->{attempts}[0]{duration_ms}, '<', 1000, '  at once';
    is $delivery->{attempts}[0]{response_body}, undef, '  no body';
};

subtest 'broken connections' => sub {
    for my $path ('/drop', '/reset', '/garbage') {
        my ($delivery, @requests) = deliver($path);
        is $delivery->{status}, 'failed', "$path fails";
        ok length $delivery->{error}, "  says why: $delivery->{error}";
        is @requests, 1, '  one request';
    }
    # libcurl likes to ask again where a connection that it kept breaks
    my $project = $hooks->project($receiver->url('/ok'));
    my $broken = $hooks->project($receiver->url('/drop'));
    for my $round (1 .. 3) {
        $hooks->verdict($project);
        my $ok = ($receiver->wait(scalar(() = $receiver->requests)))[-1];
        eventually(5, sub { !grep { $_->{status} =~ /ing$/ } $hooks->deliveries($project) });
        my $before = () = $receiver->requests;
        $hooks->verdict($broken);
        is $hooks->settled($broken)->{status}, 'failed', 'dropped after a good one';
        is scalar($receiver->requests), $before + 1, '  one request';
    }
};

subtest 'answers of every size and kind' => sub {
    my ($delivery) = deliver('/big/4096');
    is length $delivery->{attempts}[0]{response_body}, 4096, 'four kilobytes are kept';
    ($delivery) = deliver('/big/4097');
    is length $delivery->{attempts}[0]{response_body}, 4096, 'and no more';
    ($delivery) = deliver('/big/10000000000');
    is_deeply [@$delivery{qw(status response_status error)}], ['success', 200, undef], 'ten gigabytes are not read';
    cmp_ok $delivery->{attempts}[0]{duration_ms}, '<', 1500, '  and not waited for';
    ($delivery) = deliver('/bytes/' . unpack('H*', "a\0b\xff\xc3\xa4\xed\xa0\x80\xf0\x9f\x98\x80<b>"));
    is $delivery->{attempts}[0]{response_body}, "a\x{fffd}b\x{fffd}\x{e4}\x{fffd}\x{fffd}\x{fffd}\x{1f600}<b>", 'bytes that are no text';
    ($delivery) = deliver('/bytes/c3a4/4095');
    is $delivery->{attempts}[0]{response_body}, 'x' x 4095, 'a character that the cut would halve goes';
    ($delivery) = deliver('/bytes//0');
    is $delivery->{attempts}[0]{response_body}, '', 'an empty answer';
};

subtest 'certificates' => sub {
    for my $kind (qw(expired selfsigned wronghost)) {
        my $bad = Tuor::Receiver->start(certificate => $kind);
        my ($delivery, @requests) = deliver('/ok', receiver => $bad);
        is $delivery->{status}, 'failed', "$kind fails";
        like $delivery->{error}, qr/certificate|subject name/i, "  says why: $delivery->{error}";
        is @requests, 0, '  and no request was made';
    }
    my $strict = Tuor::Webhooks->start(allow => "TuorWebhookAllow 127.0.0.0/8\n");
    my ($delivery, @requests) = deliver('/ok', hooks => $strict);
    like $delivery->{error}, qr/certificate/, 'an authority that nobody named';
    is @requests, 0, '  no request';
    my $old = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1) or die;
    my $port = $old->sockport;
    close $old;
    my $tls = Tuor::Receiver->ca =~ s{/ca\.pem$}{}r;
    my $pid = open my $server, '-|', 'openssl', 's_server', '-quiet', '-accept', "127.0.0.1:$port", '-cert', "$tls/good.pem", '-key', "$tls/good.key",
        '-tls1_1', '-cipher', 'ALL:@SECLEVEL=0' or die;
    eventually(5, sub { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) });
    ($delivery) = deliver('', url => "https://127.0.0.1:$port/");
    like $delivery->{error}, qr/TLS|handshake/i, "TLS 1.1 is no TLS: $delivery->{error}";
    kill TERM => $pid;
    close $server;
};

subtest 'one that stalls delays no other' => sub {
    my $stall = $hooks->project($receiver->url('/stall'));
    my @traces = map { $hooks->trace($stall) } 1 .. 60;
    my $other = $hooks->project($receiver->url('/ok'));
    my @others = map { $hooks->trace($other) } 1 .. 5;
    $hooks->review($_, 'approve') for @traces;
    for my $trace (@others) {
        my $start = time;
        $hooks->review($trace, 'approve');
        ok eventually(5, sub { grep { ($_->{header}{'x-tuor-trace-id'} // '') eq $trace->{id} } $receiver->requests }), 'the other delivery arrives';
        cmp_ok time - $start, '<', 1.5, '  at once';
    }
    eventually(60, sub { !$hooks->deliveries($stall, '?status=pending') && !$hooks->deliveries($stall, '?status=sending') });
    is scalar($hooks->deliveries($stall, '?status=failed&limit=500')), 60, 'the stalled ones fail, every one';
    my %seen;
    $seen{ $_->{header}{'x-tuor-event-id'} }++ for $receiver->requests;
    is_deeply [grep { $_ > 1 } values %seen], [], 'none of all these was sent twice';
};

subtest 'connections are used again' => sub {
    my $project = $hooks->project($receiver->url('/ok/again'));
    # One after the other: deliveries that are under way together have a connection each.
    for (1 .. 20) {
        $hooks->review($hooks->trace($project), 'approve');
        $hooks->settled($project);
    }
    my @peers = map { $_->{peer} } grep { $_->{path} eq '/ok/again' } $receiver->requests;
    is @peers, 20, 'twenty deliveries';
    my %peers = map { $_ => 1 } @peers;
    cmp_ok scalar(keys %peers), '<', 8, 'over a connection or two of each child';
};

subtest 'ten seconds, when nothing else is said' => sub {
    my $default = Tuor::Webhooks->start;
    for my $path ('/stall', '/trickle') {
        my $project = $default->project($receiver->url($path));
        $default->verdict($project);
    }
    my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 5) or die;
    $default->verdict($default->project('https://127.0.0.1:' . $listener->sockport . '/'));
    for my $project (@{ $default->must(200, GET => '/v1/projects/') }) {
        my $delivery = $default->settled($project, 15);
        is $delivery->{status}, 'failed', "$project->{webhook_url} fails";
        is_about $delivery->{attempts}[0]{duration_ms}, 10_000, 500, '  after ten seconds';
    }
};

for my $mpm (qw(worker prefork)) {
    subtest $mpm => sub {
        my $server = Tuor::Webhooks->start(mpm => $mpm, conf => "TuorWebhookTimeout 2\n");
        my ($delivery) = deliver('/ok', hooks => $server);
        is $delivery->{status}, 'success', 'delivers';
        ($delivery) = deliver('/stall', hooks => $server);
        is $delivery->{status}, 'failed', 'fails';
        my $start = time;
        $server->server->stop;
        cmp_ok time - $start, '<', 5, 'stops soon';
        is join("\n", $server->server->error_log =~ /^.*(?:SIGKILL|exit signal|still did not exit).*$/mg), '', 'and cleanly';
    };
}

done_testing;
