# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# X-Request-Id is on every answer, whoever makes it; a W3C traceparent gets as far as the logs.
use strict;
use warnings;
use Tuor::Test;
use Tuor::Run qw(read_file);
use Tuor::Server;

my $server = Tuor::Server->start(conf => <<'END');
LogLevel tuor:debug
LogFormat "%s %{tuor-request-id}n %{tuor-trace-id}n %{UNIQUE_ID}e" ids
CustomLog logs/ids_log ids
RequestReadTimeout body=1
<Location "/v1/closed">
    Require all denied
</Location>
END
my $org = new_org("Ids $$");
my $key = $org->{key};
my @with = (key => $key, server => $server);
my $trace = create_trace(@with)->{id};
my $tag = api(POST => '/v1/tags/', { name => 't' }, @with)->json->{id};

# status and X-Request-Id of a request that is written here.
sub raw {
    my ($line, @headers) = @_;
    my $answer = raw_request("$line HTTP/1.1\r\nHost: t\r\nConnection: close\r\n" . join('', map { "$_\r\n" } @headers) . "\r\n", $server);
    my ($status) = $answer =~ m{^HTTP/1\.1 (\d+)};
    my @ids = $answer =~ /^X-Request-Id: (.*?)\r?$/mg;
    return ($status, "@ids");
}

subtest 'on every answer of ours' => sub {
    my @each = (
        [200, GET => "/v1/traces/$trace"], [200, HEAD => "/v1/traces/$trace"], [200, GET => '/v1/traces/export'], [200, GET => '/v1/openapi.json'],
        [200, GET => '/healthz'], [200, GET => '/metrics'], [405, POST => '/metrics', {}], [200, GET => '/readyz'], [201, POST => '/v1/tags/', { name => 'u' }], [204, DELETE => "/v1/tags/$tag"], [400, POST => '/v1/tags/', '{'],
        [404, GET => '/v1/nothing'], [404, GET => '/v1/traces/trace_x'], [405, PUT => '/v1/traces/', {}], [409, POST => "/v1/traces/$trace/reset", { expected_version => 1 }],
        [415, POST => '/v1/tags/', '{}', type => 'text/plain'], [422, POST => '/v1/tags/', {}],
    );
    for (@each) {
        my ($status, $method, $path, @rest) = @$_;
        my $reply = api($method => $path, @rest, @with, headers => { 'X-Request-Id' => 'mine-1' });
        is $reply->status . ' ' . $reply->header('x-request-id'), "$status mine-1", "$method $path";
    }
    my $etag = api(GET => "/v1/traces/$trace", @with)->header('etag');
    is api(GET => "/v1/traces/$trace", @with, headers => { 'If-None-Match' => $etag, 'X-Request-Id' => 'mine-2' })->header('x-request-id'), 'mine-2', 'with 304';
    is api(GET => '/v1/traces/', @with, key => undef, headers => { 'X-Request-Id' => 'mine-3' })->header('x-request-id'), 'mine-3', 'with 401';
    is api(POST => '/v1/traces/', {}, server => $server, login => 'viewer', headers => { 'X-Request-Id' => 'mine-4' })->header('x-request-id'), 'mine-4', 'with 403';
};

subtest 'on every answer of httpd' => sub {
    my $auth = "X-API-Key: $key";
    my @each = (
        ['a password that is wrong', 401, 'GET /v1/traces', 'Authorization: Basic eDp5'], ['no credential', 401, 'GET /v1/traces'],
        ['a location that is closed', 403, 'GET /v1/closed', $auth], ['broken percent-encoding', 400, 'GET /v1/traces/%zz', $auth], ['an encoded slash', 404, 'GET /v1/traces/a%2Fb', $auth],
        ['TRACE', 405, 'TRACE /v1/traces', $auth], ['a path that is too long', 414, 'GET /v1/traces/' . 'a' x 9000, $auth], ['a header that is too long', 400, 'GET /v1/traces', $auth, 'X: ' . 'x' x 9000],
        ['a header without a colon', 400, 'GET /v1/traces', $auth, 'bad header'], ['an expectation', 417, 'GET /v1/traces', $auth, 'Expect: more'],
        ['a coding that is unknown', 400, 'POST /v1/tags', $auth, 'Content-Type: application/json', 'Transfer-Encoding: rot13'], ['a length that is none', 400, 'POST /v1/tags', $auth, 'Content-Length: x'],
        ['a body that does not come', 408, 'POST /v1/tags', $auth, 'Content-Type: application/json', 'Content-Length: 9'],
    );
    for (@each) {
        my ($what, $status, @request) = @$_;
        my ($got, $id) = raw(@request, 'X-Request-Id: mine-9');
        # What stands behind a broken header line is not read any more: the id is ours then.
        like "$got $id", qr/^$status (mine-9|[\w@-]{20,})$/, "$status $what";
    }
};

my $trace_id = '0af7651916cd43dd8448eb211c80319c';
my $good = "00-$trace_id-b7ad6b7169203331-01";

# What the logs say of a request: the access log its trace id, the error log the text in brackets.
my $n = 0;
sub logged {
    my $parent = shift;
    my $id = 'logged-' . ++$n;
    api(GET => '/v1/traces/trace_x', @with, headers => { 'X-Request-Id' => $id, 'traceparent' => $parent });
    my $seen;
    eventually(5, sub { ($seen) = read_file("$server->{dir}/logs/ids_log") =~ /^404 \Q$id\E (\S+) /m });
    my ($tag) = $server->error_log =~ /TUOR0002: \[(\Q$id\E\b[^\]]*)\]/;
    return ($seen, $tag =~ s/^\S+ ?//r);
}

subtest 'made here, it is that of mod_unique_id' => sub {
    my $id = api(GET => '/v1/traces/trace_x', @with)->header('x-request-id');
    ok eventually(5, sub { read_file("$server->{dir}/logs/ids_log") =~ /^404 \Q$id\E - \Q$id\E$/m }), 'in the header and in the log';
};

subtest 'traceparent' => sub {
    is join('|', logged($good)), "$trace_id|trace=$trace_id", 'the trace id stands beside the request id';
    is join('|', logged($_)), "$trace_id|trace=$trace_id", "taken: $_" for "00-$trace_id-b7ad6b7169203331-00", "cc-$trace_id-b7ad6b7169203331-01-what-comes-later", "01-$trace_id-b7ad6b7169203331-01";
    is join('|', logged($_)), '-|', 'not taken: ' . substr $_, 0, 70 for '', 'x', uc $good, "$good-x", "00-$trace_id-b7ad6b7169203331", "ff-$trace_id-b7ad6b7169203331-01", '00-' . '0' x 32 . '-b7ad6b7169203331-01',
        "00-$trace_id-0000000000000000-01", "00-${trace_id}0-b7ad6b7169203331-01", "00_$trace_id-b7ad6b7169203331-01", "0g-$trace_id-b7ad6b7169203331-01", "$good, $good", "01-$trace_id-b7ad6b7169203331-01.x", "<$good>", "a" x 5000;
    ok $server->error_log !~ /<00-|trace=\W/, 'and nothing of those is in the log';
};

subtest 'in the log of a failure' => sub {
    my $broken = Tuor::Server->start(conf => "DBDParams \"host=/nonexistent dbname=x connect_timeout=1\"\n");
    my $reply = api(GET => '/v1/traces/', server => $broken, key => $key, headers => { traceparent => $good, 'X-Request-Id' => 'down-1' });
    is $reply->status . ' ' . $reply->header('x-request-id'), '503 down-1', 'a database that is away';
    like $broken->error_log, qr/TUOR0002: \[down-1 trace=$trace_id\] 503/, 'is logged with both ids';
};

done_testing;
