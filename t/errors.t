# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# Refusals: their form, their order, and that odd requests are refused, not failed at.
use strict;
use warnings;
use Tuor::Test;

my $org = new_org("Errors $$");
my $key = $org->{key};
my $project = create_project(key => $key)->{id};
my $trace = create_trace(key => $key, project_id => $project)->{id};
my $absent = 'trace_0000000000000000000000';

sub verdict { my $reply = shift; return join ' ', $reply->status, sort map { $_->{field} } @{ $reply->json->{errors} // [] } }

# status, headers and body of a request as it is written here; no client that tidies it up.
sub raw {
    my ($method, $target, $headers, $body) = @_;
    my $answer = raw_request("$method $target HTTP/1.1\r\nHost: t\r\nConnection: close\r\n" . ($headers // "X-API-Key: $key\r\n") . "\r\n" . ($body // ''));
    my ($head, $text) = split /\r\n\r\n/, $answer, 2;
    my ($status) = ($head // '') =~ m{^HTTP/1\.1 (\d+)};
    return ($status // 0, $head // '', $text // '');
}

subtest 'form' => sub {
    my @each = (
        [400 => api(POST => '/v1/traces/', '{', key => $key)], [401 => api(GET => '/v1/traces/', key => undef)],
        [404 => api(GET => '/v1/nothing', key => $key)], [404 => api(GET => "/v1/traces/$absent", key => $key)],
        [405 => api(PUT => '/v1/traces/', {}, key => $key)], [409 => api(POST => "/v1/traces/$trace/reset", { expected_version => 1 }, key => $key)],
        [413 => api(POST => '/v1/traces/', ' ' x (18 << 20), key => $key)], [415 => api(POST => '/v1/traces/', '{}', type => 'text/plain', key => $key)],
        [422 => api(POST => '/v1/traces/', '{}', key => $key)], [422 => api(GET => '/v1/traces/?x=1', key => $key)],
        [403 => api(POST => '/v1/traces/', {}, login => 'viewer')],
    );
    for (@each) {
        my ($status, $reply) = @$_;
        next if $status == 413 && $reply->status == 599;    # cut off while it was sending
        is $reply->status, $status, "$status: " . $reply->json->{detail};
        like $reply->header('content-type'), qr{^application/json\b}, '  is JSON';
        ok !ref $reply->json->{detail} && length $reply->json->{detail} > 8, '  has a sentence in detail';
        unlike $reply->body, qr{SELECT|tuor\.|/tmp|/usr|\.c:}i, '  tells nothing of the inside';
        ok length $reply->header('x-request-id'), '  has an X-Request-Id';
        is join(',', sort split /,/, $reply->header('allow')), 'GET,HEAD,POST', '  has Allow' if $status == 405;
        like $reply->header('www-authenticate'), qr/\S/, '  has WWW-Authenticate' if $status == 401;
    }
    my $faults = api(POST => '/v1/traces/', '{}', key => $key)->json->{errors};
    is_deeply [map { join ',', sort keys %$_ } @$faults], [('field,message') x 3], 'errors are pairs of field and message';
};

subtest 'methods' => sub {
    my %allow = (
        '/v1/traces' => 'GET,HEAD,POST', '/v1/traces/export' => 'GET,HEAD', "/v1/traces/$trace" => 'GET,HEAD,DELETE',
        "/v1/traces/$trace/events" => 'GET,HEAD', "/v1/traces/$trace/review" => 'POST', "/v1/traces/$trace/reset" => 'POST',
        "/v1/traces/$trace/restore" => 'POST', "/v1/traces/$trace/tags" => 'POST', "/v1/traces/$trace/tags/tag_x" => 'DELETE',
    );
    for my $path (sort keys %allow) {
        for my $slash ('', '/') {
            my %may = map { $_ => 1 } split /,/, $allow{$path};
            for my $method (grep { !$may{$_} } qw(GET POST PUT DELETE PATCH OPTIONS PROPFIND FOO)) {
                my ($status, $head, $body) = raw($method, "$path$slash", "X-API-Key: $key\r\nContent-Length: 0\r\n");
                is $status, 405, "$method $path$slash";
                my ($allowed) = $head =~ /^Allow: (.*?)\r?$/m;
                is join(',', sort split /,\s*/, $allowed // ''), join(',', sort split /,/, $allow{$path}), '  Allow' if $slash eq '';
                like $body, qr/^\{"detail":/, '  as JSON' if $slash eq '';
            }
        }
    }
    for my $path ('/v1/traces', "/v1/traces/$trace", '/v1/nothing') {
        my ($status, $head) = raw('TRACE', $path);
        is $status, 405, "TRACE $path";
        like $head, qr/^Allow: /m, '  Allow';
    }
};

subtest 'with and without a final slash' => sub {
    my %status = ('' => 404);
    for (['GET', '/v1/traces', 200], ['POST', '/v1/traces', 415], ['GET', '/v1/traces/export', 200], ['GET', "/v1/traces/$trace", 200],
         ['GET', "/v1/traces/$trace/events", 200], ['POST', "/v1/traces/$trace/review", 415], ['POST', "/v1/traces/$trace/reset", 415],
         ['POST', "/v1/traces/$trace/restore", 415], ['POST', "/v1/traces/$trace/tags", 415], ['DELETE', "/v1/traces/$trace/tags/tag_x", 200],
         ['DELETE', "/v1/traces/$trace", 422], ['GET', '/v1/projects', 200], ['GET', '/v1/tags', 200], ['GET', "/v1/projects/$project", 200]) {
        my ($method, $path, $status) = @$_;
        is +(raw($method, "$path$_"))[0], $status, "$method $path$_" for '', '/';
    }
    is +(raw('GET', $_))[0], 404, $_ for '/v1', '/v1/', '/v1/trace', '/v1/tracesx', '/v1/traces/a/b', '/v1/traces/a/b/c/d/e/f/g/h/i', '/v1/Traces', '/v1x';
};

subtest 'the order of refusals' => sub {
    my $gone = new_org("Suspended $$");
    ctl('org', 'suspend', $gone->{id});
    my $foreign = create_trace(key => other_org_key())->{id};
    my $revoked = do {
        my $other = database->ctl('key', 'create', '--org', $org->{id}, '--name', 'gone');
        my ($id) = database->ctl('key', 'list', '--org', $org->{id}, '--json') =~ /"(key_\w+)"[^{}]*"gone"/;
        database->ctl('key', 'revoke', $id, '--org', $org->{id});
        $other;
    };
    # Each request has a fault of its own and all those that come later.
    my @steps = (
        [401, 'no key', 'PUT', '/v1/nothing?%zz', undef],
        [401, 'a revoked key', 'PUT', '/v1/nothing?%zz', $revoked],
        [401, 'a revoked key on a known route', 'POST', "/v1/traces/$absent/review?%zz", $revoked],
        [403, 'a suspended organization', 'PUT', '/v1/nothing?%zz', $gone->{key}],
        [403, 'a suspended organization, wrong method', 'PUT', '/v1/traces?%zz', $gone->{key}],
        [404, 'no such route', 'PUT', '/v1/nothing?%zz', $key],
        [405, 'no such method', 'PUT', "/v1/traces/$absent/review?%zz", $key],
        [415, 'no such type', 'POST', "/v1/traces/$absent/review?%zz", $key, 'text/plain', '{'],
        [413, 'too large', 'POST', "/v1/traces/$absent/review?%zz", $key, 'application/json', undef, 99_999_999],
        [400, 'no JSON', 'POST', "/v1/traces/$absent/review?x=1", $key, 'application/json', '{'],
        [400, 'no query', 'POST', "/v1/traces/$absent/review?%zz", $key, 'application/json', '{}'],
        [422, 'a faulty member', 'POST', "/v1/traces/$absent/review", $key, 'application/json', '{"expected_version":7}'],
        [422, 'a faulty parameter', 'POST', "/v1/traces/$absent/review?x=1", $key, 'application/json', '{"expected_version":7,"action":"approve"}'],
        [404, 'no such trace', 'POST', "/v1/traces/$absent/review", $key, 'application/json', '{"expected_version":7,"action":"approve"}'],
        [404, 'a foreign trace', 'POST', "/v1/traces/$foreign/review", $key, 'application/json', '{"expected_version":7,"action":"approve"}'],
        [409, 'another version', 'POST', "/v1/traces/$trace/review", $key, 'application/json', '{"expected_version":7,"action":"approve"}'],
    );
    for (@steps) {
        my ($expected, $what, $method, $target, $by, $type, $body, $length) = @$_;
        my $headers = ($by ? "X-API-Key: $by\r\n" : '') . ($type ? "Content-Type: $type\r\n" : '')
            . 'Content-Length: ' . ($length // length($body // '')) . "\r\n";
        is +(raw($method, $target, $headers, $body))[0], $expected, "$expected $what";
    }
    # The role comes between method and body.
    is api(PUT => '/v1/nothing', '{', login => 'viewer', type => 'x')->status, 404, '404 before the role';
    is api(PUT => '/v1/traces', '{', login => 'viewer', type => 'x')->status, 405, '405 before the role';
    is api(POST => "/v1/traces/$absent/review?%zz", '{', login => 'viewer', type => 'x')->status, 403, '403, the role, before the body';
};

subtest 'foreign and absent' => sub {
    my $foreign = create_trace(key => other_org_key())->{id};
    my $tag = api(POST => '/v1/tags/', { name => "foreign $$" }, key => other_org_key())->json->{id};
    for (['GET', '/v1/traces/%s'], ['GET', '/v1/traces/%s/events'], ['DELETE', '/v1/traces/%s?expected_version=1'], ['DELETE', '/v1/traces/%s/tags/' . $tag],
         ['POST', '/v1/traces/%s/review', { action => 'approve', expected_version => 1 }], ['POST', '/v1/traces/%s/reset', { expected_version => 1 }],
         ['POST', '/v1/traces/%s/restore', { expected_version => 1 }], ['POST', '/v1/traces/%s/tags', { tag_ids => [$tag] }]) {
        my ($method, $path, @body) = @$_;
        my ($one, $other) = map { api($method => sprintf($path, $_), @body, key => $key) } $absent, $foreign;
        is $one->status, 404, "$method $path: an absent one";
        is $other->status, 404, '  a foreign one';
        is $other->body, $one->body, '  are told in the same words';
        is_deeply [sort grep { !/^(date|x-request-id)$/ } keys %{ $one->headers }], [sort grep { !/^(date|x-request-id)$/ } keys %{ $other->headers }], '  and headers';
    }
    my ($one, $other) = map { api(POST => "/v1/traces/$trace/tags", { tag_ids => [$_] }, key => $key) } 'tag_0000000000000000000000', $tag;
    is $one->status, 404, 'an absent tag';
    is $other->body, $one->body, 'a foreign tag, in the same words';
};

subtest 'odd ids' => sub {
    my @odd = ('%00', 'trace_%00', "$trace%00", "$trace%20", "%20$trace", '%ff', '%c3%a4', '%2f', "%2e%2e", "$trace%2f", "$trace%2fevents", '..%2f..', '.', '..',
               '%252f', '%25', '-1', "'", '%27;--', '%22', '*', '%', '%%', '%zz', '%1', 'a' x 100, 'a' x 101, 'a' x 8000, '%F0%9F%98%80', 'trace_' . 'z' x 22, ';x', ':', '@',
               "\xff", '{id}', '{', '%0d%0aX:%20y', uc $trace, "$trace.json", 'NULL', '0', '%5c', '%3f', '%23', '$1', '%24%31', '(select%201)', "tag_0000000000000000000000");
    for my $id (@odd) {
        for my $target ("/v1/traces/$id", "/v1/traces/$id/events", "/v1/traces/$trace/tags/$id", "/v1/traces/$id/review") {
            my $method = $target =~ /tags/ ? 'DELETE' : $target =~ /review/ ? 'POST' : 'GET';
            my ($status, $head, $body) = raw($method, $target, "X-API-Key: $key\r\nContent-Type: application/json\r\nContent-Length: 2\r\n", '{}');
            ok $status >= 200 && $status < 500, "$method " . substr($target, 0, 60) . ": $status" or diag substr $head, 0, 300;
            ok $status == 200 || $body =~ /^\{"detail":"[^"]+/, '  a refusal is JSON' or diag substr $body, 0, 200;
        }
    }
    is +(raw('GET', "/v1/traces/$trace" . 'a' x 9000))[0], 414, 'longer than httpd takes';
    is +(raw('GET', '/v1/%2e%2e/v1/traces'))[0], 200, 'dots are resolved before the route is looked for';
    is +(raw('GET', '/v1/traces/../../server-status', ''))[0] == 401 ? 401 : 200, 200, 'and may lead out of /v1';
};

subtest 'query parameters' => sub {
    my $get = sub { return api(GET => "/v1/traces/?$_[0]", key => $key) };
    my %faulty = (
        'x=1' => 'x', 'LIMIT=1' => 'LIMIT', 'limit[]=1' => 'limit[]', '=1' => '', 'limit=1&limit=1' => 'limit', 'status=approved&status=rejected' => 'status',
        'limit=0' => 'limit', 'limit=501' => 'limit', 'limit=-1' => 'limit', 'limit=1.0' => 'limit', 'limit=x' => 'limit', 'limit=' => 'limit', 'limit' => 'limit',
        'limit=%201' => 'limit', 'limit=1%20' => 'limit', 'limit=+1' => 'limit', 'limit=0x1' => 'limit', 'limit=99999999999999999999' => 'limit', 'limit=1e1' => 'limit',
        'skip=-1' => 'skip', 'skip=x' => 'skip', 'skip=99999999999999999999' => 'skip', 'skip=2147483648' => 'skip',
        'status=' => 'status', 'status=Approved' => 'status', 'status=done' => 'status', 'status=approved,rejected' => 'status', 'status=approved,' => 'status', 'status=approved%00' => 400,
        'from_date=yesterday' => 'from_date', 'from_date=' => 'from_date', 'from_date=2026-13-01' => 'from_date', 'from_date=2026-02-30' => 'from_date', 'to_date=2026-1-1' => 'to_date',
        'from_date=2026-05-20T25:00:00Z' => 'from_date', 'from_date=1779271200' => 'from_date', 'from_date=2026-05-20T10:00:00Zx' => 'from_date', 'to_date=2026-05-20T10' => 'to_date',
        'cursor=' => 'cursor', 'cursor=x' => 'cursor', 'cursor=' . 'A' x 3000 => 'cursor', 'cursor=%27' => 'cursor', "cursor=$trace" => 'cursor',
        'exclude_fields=x' => 'exclude_fields', 'exclude_fields=id' => 'exclude_fields', 'exclude_fields=events' => 'exclude_fields', 'exclude_fields=model_inputx.a' => 'exclude_fields',
        'format=csv' => 'format', 'limit=0&skip=-1&status=x&from_date=x&to_date=x&cursor=x&exclude_fields=x&y=z' => 'cursor exclude_fields from_date limit skip status to_date y',
        '%zz=1' => 400, 'limit=%zz' => 400, 'limit=1%' => 400, 'limit=%1' => 400, 'x=%ff' => 400, '%c3=1' => 400, 'model=%ed%a0%80' => 400, 'model=a%00b' => 400,
    );
    for my $query (sort keys %faulty) {
        my $expected = $faulty{$query} eq '400' ? 400 : "422 $faulty{$query}";
        is verdict($get->($query)), $expected, substr $query, 0, 80;
    }
    is $get->($_)->status, 200, substr $_, 0, 80 for '', '&', '&&limit=1&', 'limit=500', 'limit=001', 'skip=2147483647', '%6cimit=1', 'model=', 'model=a+b%20c%2B', 'project_id=', "tag='",
        'from_date=2026-05-20', 'from_date=2026-05-20T10:00:00Z&to_date=2026-05-20T12:00:00%2B02:00', 'from_date=2026-05-20T10:00:00.123456789', 'exclude_fields=',
        'from_date=0001-01-01&to_date=9999-12-31T23:59:59Z', 'exclude_fields=model_input.a,model_input,trace_config.%F0%9F%98%80', 'model=' . 'x' x 5000;
    is verdict(api(GET => '/v1/traces/export?limit=1', key => $key)), '422 limit', 'export knows no limit';
};

subtest 'X-Request-Id' => sub {
    my %seen;
    for (1 .. 3) {
        my $id = api(GET => '/v1/traces/', key => $key)->header('x-request-id');
        ok length $id >= 8, 'made here' if $_ == 1;
        ok !$seen{$id}++, '  and each time another';
    }
    my $with = sub { return api(GET => $_[0], key => $key, headers => { 'X-Request-Id' => $_[1] })->header('x-request-id') };
    is $with->('/v1/traces/', $_), $_, "kept: $_" for 'abc-123', 'x' x 128, '0af7651916cd43dd8448eb211c80319c', 'a.b_c:d@e+f/g=';
    is $with->('/v1/nothing', 'error-1'), 'error-1', 'kept by an error';
    isnt $with->('/v1/traces/', $_), $_, 'not kept: ' . substr($_, 0, 20) for 'x' x 129, 'a b', "\xe4", '<x>', '"';
    is +(raw('GET', '/v1/traces/%zz', "X-API-Key: $key\r\nX-Request-Id: early-1\r\n"))[1] =~ /^X-Request-Id: (.*?)\r?$/m ? $1 : undef, 'early-1', 'kept where httpd itself refuses';
};

subtest 'protocol' => sub {
    my $n = psql("SELECT count(*) FROM tuor.traces WHERE org_id = '$org->{id}'");
    for ("GET\r\n\r\n", "GET /v1/traces HTTP/1.1\r\n\r\n", "GET /v1/traces HTTP/9.9\r\nHost: t\r\n\r\n", "\0\0\0\0", "GET /v1/traces HTTP/1.1\r\nHost: t\r\nBad Header: x\r\n\r\n",
         "POST /v1/traces HTTP/1.1\r\nHost: t\r\nX-API-Key: $key\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}x", "GET /v1/traces HTTP/1.1\r\nHost: t\r\nX: " . 'x' x 20000 . "\r\n\r\n",
         "POST /v1/traces HTTP/1.1\r\nHost: t\r\nX-API-Key: $key\r\nTransfer-Encoding: identity\r\nContent-Length: 2\r\n\r\n{}") {
        my ($status) = raw_request($_ . "GET / HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n") =~ m{^HTTP/\S+ (\d+)};
        ok !$status || ($status >= 400 && $status < 506), 'refused: ' . (($status // 'no answer') . ' ' . substr($_, 0, 40) =~ s/[\r\n\0]/ /gr);
    }
    is psql("SELECT count(*) FROM tuor.traces WHERE org_id = '$org->{id}'"), $n, 'nothing was stored';
    is api(GET => '/v1/traces/', key => $key)->status, 200, 'the server is well';
};

done_testing;
