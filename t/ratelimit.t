# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# Rate limits: exact, over all children, over restarts; who is told what.
use strict;
use warnings;
use POSIX ();
use Time::HiRes qw(sleep time);
use Tuor::Postgres;
use Tuor::Run qw(run_dir read_file write_file free_port);
use Tuor::Server;
use Tuor::Test;

my $n = 0;
sub new_key { return new_org("Limit $$ " . ++$n)->{key} }

# Keys that have the form of one and were never issued, as far as the server can tell.
sub unknown_key {
    my $key = new_key();
    psql("DELETE FROM tuor.api_keys WHERE last4 = '" . substr($key, -4) . "' AND name = 'test' AND last_used_at IS NULL");
    return $key;
}

sub get { my ($server, $key) = @_; return api(GET => '/v1/tags/', server => $server, key => $key) }
sub statuses { my ($server, $key, $times) = @_; return join ' ', map { get($server, $key)->status } 1 .. $times }

# How many of CLIENTS x TIMES requests, sent at once, had which status.
sub storm {
    my ($clients, $times, $request) = @_;
    my %count;
    my @pipes;
    for (1 .. $clients) {
        my $pid = open(my $pipe, '-|') // die "fork: $!\n";
        if (!$pid) {
            print $request->()->status, "\n" for 1 .. $times;
            STDOUT->flush;
            POSIX::_exit(0);
        }
        push @pipes, $pipe;
    }
    for my $pipe (@pipes) {
        chomp, $count{$_}++ while <$pipe>;
        close $pipe;
    }
    return \%count;
}

# Changes the configuration and waits until the new generation answers with it.
sub reconfigure {
    my ($server, $from, $to, $how) = @_;
    write_file($server->{conf}, read_file($server->{conf}) =~ s/\Q$from\E/$to/r);
    regenerate($server, $how);
}
sub regenerate {
    my ($server, $how) = @_;
    my $before = () = $server->error_log =~ /resuming normal operations/g;
    my %old = map { $_ => 1 } $server->children;
    $server->$how;
    eventually(20, sub { (() = $server->error_log =~ /resuming normal operations/g) > $before
        && $server->children && !grep { $old{$_} } $server->children }) or diag 'the server did not come back';
}

# This one's window is waited for at the very end.
my $patient = Tuor::Server->start(conf => "TuorRateLimit read 2/min\n");
my $patient_key = new_key();
is statuses($patient, $patient_key, 3), '200 200 429', 'a window is used up';

subtest 'headers' => sub {
    my $server = Tuor::Server->start;
    my $key = new_key();
    my $reply = get($server, $key);
    is $reply->header('ratelimit-policy'), '"read";q=120;w=60', 'the policy';
    is $reply->header('ratelimit'), '"read";r=119;t=60', 'what is left of it';
    like get($server, $key)->header('ratelimit'), qr/^"read";r=118;t=(60|59)$/, 'one less';

    my $post = sub { api(POST => '/v1/tags/', shift, server => $server, key => $key) };
    my $created = $post->({ name => 'x' });
    is $created->header('ratelimit-policy'), '"write";q=100;w=60', 'another class';
    like $created->header('ratelimit'), qr/^"write";r=99;t=/, 'has its own count';
    for (['422', {}], ['409', { name => 'X' }], ['400', '{'], ['415', 'x', 'text/plain']) {
        my ($status, $body, $type) = @$_;
        my $got = api(POST => '/v1/tags/', $body, server => $server, key => $key, type => $type // 'application/json');
        is $got->status, $status, "a $status";
        like $got->header('ratelimit'), qr/^"write";r=\d+;t=\d+$/, '  counts, and says so';
    }
    like $post->({ name => 'y' })->header('ratelimit'), qr/^"write";r=94;/, 'all were counted';
    is api(GET => '/v1/nonsense', server => $server, key => $key)->header('ratelimit'), undef, 'an unknown route is not counted';
    is api(PATCH => '/v1/tags/', server => $server, key => $key)->header('ratelimit'), undef, 'nor is a 405';
    is api(GET => '/v1/tags/', server => $server, key => 'tuor_x')->header('ratelimit'), undef, 'nor a malformed key';

    for (['"ingest";q=200;w=60', POST => '/v1/traces/', {}], ['"export";q=20;w=60', GET => '/v1/traces/export'],
        ['"refine";q=5;w=60', POST => '/v1/projects/proj_0000000000000000000000/prompts/refine'], ['"ingest";q=200;w=60', POST => '/otlp/v1/traces', {}]) {
        my ($policy, $method, $path, @body) = @$_;
        is api($method => $path, @body, server => $server, key => $key)->header('ratelimit-policy'), $policy, "$method $path";
    }

    my $raw = raw_request("GET /v1/tags/ HTTP/1.1\r\nHost: x\r\nX-API-Key: $key\r\nConnection: close\r\n\r\n", $server);
    is scalar(() = $raw =~ /^RateLimit:/mg), 1, 'RateLimit stands there once';
    is scalar(() = $raw =~ /^RateLimit-Policy:/mg), 1, 'and so does the policy';
};

subtest 'exact over all children' => sub {
    for my $mpm (qw(event prefork)) {
        my $server = Tuor::Server->start(mpm => $mpm, conf => "TuorRateLimit read 100/min\nTuorRateLimit write 7/min\n");
        ok eventually(30, sub { scalar($server->children) > 1 }), "$mpm has several children";
        my ($one, $two) = map { new_key() } 1, 2;
        is_deeply storm(16, 25, sub { get($server, $one) }), { 200 => 100, 429 => 300 }, 'of 400 requests at once 100 pass';
        is_deeply storm(16, 4, sub { api(POST => '/v1/tags/', { name => "$$ " . rand }, server => $server, key => $one) }),
            { 201 => 7, 429 => 57 }, 'another class has a quota of its own';
        my $first = get($server, $two);
        is $first->status, 200, 'and so has another key';
        like $first->header('ratelimit'), qr/^"read";r=99;/, 'which is whole';
    }
};

subtest 'a refusal' => sub {
    my $server = Tuor::Server->start(conf => "TuorRateLimit read 1/min\n");
    my $key = new_key();
    get($server, $key);
    my $reply = get($server, $key);
    is $reply->status, 429, 'over the quota';
    like $reply->header('content-type'), qr{^application/json}, 'is JSON';
    my $wait = $reply->header('retry-after');
    like $wait, qr/^\d+$/, 'Retry-After is a number';
    ok $wait >= 1 && $wait <= 60, 'of seconds within the window';
    like $reply->json->{detail}, qr/^The limit of 1 requests per minute in the class "read" .* $wait seconds?$/, 'the detail says all of it';
    is $reply->header('ratelimit'), qq("read";r=0;t=$wait), 'and the headers agree';
    my $unread = raw_request("POST /v1/tags/ HTTP/1.1\r\nHost: x\r\nX-API-Key: " . new_key() . "\r\nConnection: close\r\n"
        . "Content-Type: application/json\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n{\"a\":0}  ", $server);
    like $unread, qr{^HTTP/1\.1 100 }, 'a body within the limit is asked for';
    my $limited = Tuor::Server->start(conf => "TuorRateLimit write 1/min\n");
    api(POST => '/v1/tags/', { name => 'a' }, server => $limited, key => $key);
    $unread = raw_request("POST /v1/tags/ HTTP/1.1\r\nHost: x\r\nX-API-Key: $key\r\nConnection: close\r\n"
        . "Content-Type: application/json\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n", $limited);
    like $unread, qr{^HTTP/1\.1 429 }, 'one beyond it is not';
    is api(POST => "/v1/tags/$_->[0]", $_->[1], server => $limited, key => $key, type => $_->[2])->status, 429, "  and comes before $_->[3]" for
        ['', 'x', 'text/plain', 415], ['', '{', 'application/json', 'a 400 of the body'], ['?x=%zz', '{}', 'application/json', 'a 400 of the query'],
        ['?x=1', '{}', 'application/json', 422];
    is api(PUT => '/v1/tags/tag_0000000000000000000000', {}, server => $limited, key => $key)->status, 429, '  and 404';
};

subtest 'signed-in people' => sub {
    my $server = Tuor::Server->start(conf => "TuorRateLimit console 5/min\nTuorRateLimit read 1/min\n");
    my $as = sub { api($_[0] => '/v1/tags/', ($_[0] eq 'POST' ? {} : ()), login => $_[1], server => $server) };
    my $reply = $as->(GET => 'viewer');
    is $reply->header('ratelimit-policy'), '"console";q=5;w=60', 'have a class of their own';
    is $as->(POST => 'viewer')->header('ratelimit'), undef, 'a request without the role is not counted';
    is join(' ', map { $as->(GET => 'viewer')->status } 1 .. 5), '200 200 200 200 429', 'which counts';
    is $as->(GET => 'admin')->status, 200, 'for each of them';
    is $as->(POST => 'admin')->header('ratelimit-policy'), '"console";q=5;w=60', 'whatever the route';
    is statuses($server, new_key(), 2), '200 429', 'keys have theirs';
    my $default = Tuor::Server->start;
    is api(GET => '/v1/tags/', login => 'viewer', server => $default)->header('ratelimit-policy'), '"console";q=1200;w=60', 'by default 1200';
};

subtest 'off' => sub {
    my $server = Tuor::Server->start(conf => "TuorRateLimit read off\nTuorRateLimit write 1/min\n");
    my $key = new_key();
    my $reply = get($server, $key);
    is $reply->header('ratelimit'), undef, 'no header';
    is $reply->header('ratelimit-policy'), undef, 'of either kind';
    is_deeply storm(8, 25, sub { get($server, $key) }), { 200 => 200 }, 'and no limit';
    is join(' ', map { api(POST => '/v1/tags/', { name => "n$_" }, server => $server, key => $key)->status } 1, 2), '201 429', 'the others stay';
    my $all = Tuor::Server->start(conf => "TuorRateLimit all off\n");
    is api(POST => '/v1/tags/', { name => 'z' }, server => $all, key => $key)->header('ratelimit'), undef, 'all off';
};

subtest 'restarts' => sub {
    my $server = Tuor::Server->start(conf => "TuorRateLimit read 5/min\n");
    my $key = new_key();
    is statuses($server, $key, 3), '200 200 200', 'three of five';
    regenerate($server, 'graceful');
    like get($server, $key)->header('ratelimit'), qr/^"read";r=1;/, 'a graceful restart keeps the count';
    regenerate($server, 'restart');
    is statuses($server, $key, 2), '200 429', 'so does HUP';
    kill KILL => $server->children;
    ok eventually(20, sub { get($server, $key)->status == 429 }), 'so does the death of every child';
    reconfigure($server, 'read 5/min', 'read 7/min', 'graceful');
    is statuses($server, $key, 3), '200 200 429', 'a higher quota applies to the window at once';
    reconfigure($server, 'read 7/min', 'read 2/min', 'graceful');
    my $reply = get($server, $key);
    is $reply->status, 429, 'so does a lower one';
    like $reply->header('ratelimit'), qr/^"read";r=0;/, 'of which nothing is left';
    regenerate($server, 'graceful') for 1 .. 3;
    is get($server, $key)->status, 429, 'and again';
    unlike $server->error_log, qr/exit signal (?!Killed)/, 'nobody crashed';
};

subtest '401 before 429' => sub {
    my $server = Tuor::Server->start(conf => "TuorRateLimit read 3/min\n");
    my $org = new_org("Revoked $$");
    is statuses($server, $org->{key}, 4), '200 200 200 429', 'a good key is limited';
    psql("UPDATE tuor.api_keys SET revoked_at = now() WHERE org_id = '$org->{id}'");
    is statuses($server, $org->{key}, 3), '401 401 401', 'revoked, it is told so';
    my $suspended = new_org("Suspended $$");
    is statuses($server, $suspended->{key}, 4), '200 200 200 429', 'another good key';
    ctl('org', 'suspend', $suspended->{id});
    is get($server, $suspended->{key})->status, 403, 'suspended, it is told so';
    is_deeply storm(4, 10, sub { get($server, 'tuor_' . 'x' x 49) }), { 401 => 40 }, 'a malformed key is always a 401';
    my $unknown = unknown_key();
    is_deeply storm(4, 10, sub { get($server, $unknown) }), { 401 => 40 }, 'and so is one that nobody issued';
};

subtest 'without the database' => sub {
    my $db = Tuor::Postgres->new(dir => run_dir() . '/limit-pg');
    my $id = $db->ctl('org', 'create', 'Away');
    my $key = $db->ctl('key', 'create', '--org', $id, '--name', 'k');
    my $server = Tuor::Server->start(db => $db, conf => "TuorRateLimit read 2/min\n");
    is_deeply storm(1, 30, sub { get($server, $key) }), { 200 => 2, 429 => 28 }, 'a flood';
    $db->stop;
    is get($server, $key)->status, 429, 'is refused even when the database is away';
    my $write = api(POST => '/v1/tags/', { name => 'x' }, server => $server, key => $key);
    is $write->status, 503, 'unlike what would pass';
    like $write->header('ratelimit'), qr/^"write";r=99;/, 'which is counted';
    $server->stop;
    $db->remove;
};

subtest 'virtual hosts' => sub {
    my $port = free_port();
    my $server = Tuor::Server->start(conf => "TuorRateLimit read 9/min\nTuorRateLimit write 8/min\n"
        . "Listen 127.0.0.1:$port\n<VirtualHost 127.0.0.1:$port>\nTuorRateLimit read 4/min\n</VirtualHost>\n");
    my $vhost = bless { %$server, port => $port, owner => 0 }, 'Tuor::Server';
    my $key = new_key();
    is get($server, $key)->header('ratelimit-policy'), '"read";q=9;w=60', 'the main server';
    my $reply = get($vhost, $key);
    is $reply->header('ratelimit-policy'), '"read";q=4;w=60', 'a virtual host with a quota of its own';
    like $reply->header('ratelimit'), qr/;r=2;/, 'counts together with it';
    is api(POST => '/v1/tags/', {}, server => $vhost, key => $key)->header('ratelimit-policy'), '"write";q=8;w=60', 'and inherits the rest';
};

subtest 'configtest' => sub {
    my @wrong = (
        ['fetch 200/min', qr/no class "fetch"; write ingest, read, write, export, refine, console or all/],
        ['read 200', qr{"200" is no limit; write a number of requests per minute, as in "TuorRateLimit read 200/min", or off}],
        ['read 200/s', qr{"200/s" is no limit}],
        ['read -1/min', qr{"-1/min" is no limit}],
        ['read 0/min', qr{from 1/min to 1000000/min; "TuorRateLimit read off" sets none}],
        ['read 1000001/min', qr{from 1/min to 1000000/min}],
        ['read 99999999999999999999/min', qr{from 1/min to 1000000/min}],
        ['read', qr/TuorRateLimit takes two arguments/],
    );
    for (@wrong) {
        my ($line, $pattern) = @$_;
        my ($status, $said) = Tuor::Server->configtest("TuorRateLimit $line\n");
        isnt $status, 0, "TuorRateLimit $line";
        like $said, $pattern, '  is told what to write';
    }
    my ($status, $said) = Tuor::Server->configtest("<Location /x>\nTuorRateLimit read 1/min\n</Location>\n");
    like $said, qr/TuorRateLimit not allowed (here|in)/, 'no location has limits';
    for my $line ('read 1/min', 'all off', 'ALL 1000000/MIN', 'export OFF') {
        ($status, $said) = Tuor::Server->configtest("TuorRateLimit $line\n");
        is $status, 0, "TuorRateLimit $line" or diag $said;
    }
};

subtest 'after Retry-After' => sub {
    my $refused = get($patient, $patient_key);
    if ($refused->status == 429) {
        sleep $refused->header('retry-after');
        $refused = get($patient, $patient_key);
    }
    is $refused->status, 200, 'a request passes';
    like $refused->header('ratelimit'), qr/^"read";r=1;t=60$/, 'in a new window';
    is statuses($patient, $patient_key, 2), '200 429', 'with a new quota';
};

done_testing;
