# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# Idempotency-Key: one trace a key, and the first answer's bytes for a day.
use strict;
use warnings;
use Tuor::Test;

my $org = new_org("Idempotency $$");
my $project = create_project(key => $org->{key});
my $n = 0;

sub body { return '{"project_id":"' . ($_[1] // $project)->{id} . '", "model_input":{"content":"' . $_[0] . '","n":[1.0, 1e400]},' . "\n" . ' "model_output":{"a\u0000":0.10}, "trace_config":{"model":"m"}}' }
sub post { my ($key, $body, @rest) = @_; return api(POST => '/v1/traces/', $body, key => $org->{key}, headers => { 'Idempotency-Key' => $key }, @rest) }
sub fresh { return "key-$$-" . ++$n }
sub stored { return psql("SELECT count(*) FROM tuor.traces WHERE org_id = '$org->{id}'") }

sub is_replay {
    my ($again, $first, $what) = @_;
    is $again->status, 200, "$what: 200";
    is $again->header('idempotency-replayed'), 'true', '  Idempotency-Replayed';
    ok $again->body eq $first->body, '  the same bytes' or diag $again->body;
    is $again->header('location'), $first->header('location'), '  the same Location';
}

subtest 'a second time' => sub {
    my $before = stored();
    my $first = post('a', body('one'));
    is $first->status, 201, 'the first';
    is $first->header('idempotency-replayed'), undef, 'is no replay';
    is_replay(post('a', body('one')), $first, "repeat $_") for 1 .. 3;
    is_replay(api(POST => '/v1/traces', body('one'), key => $org->{key}, headers => { 'Idempotency-Key' => 'a' }), $first, 'without the slash');
    is stored(), $before + 1, 'one trace';
    is scalar(@{ api(GET => "/v1/traces/" . $first->json->{id} . "/events", key => $org->{key})->json }), 1, 'one event';
    is post('b', body('one'))->status, 201, 'another key';
    is api(POST => '/v1/traces/', body('one'), key => $org->{key})->status, 201, 'and none';
    is stored(), $before + 3, 'make traces of their own';

    my $big = body('x' x 3_000_000);
    my $one = post('big', $big);
    is $one->status, 201, 'three megabytes';
    is_replay(post('big', $big), $one, 'again');
    cmp_ok psql("SELECT sum(pg_column_size(k.*)) FROM tuor.idempotency_keys k WHERE org_id = '$org->{id}' AND key = 'big'"), '<', 400, 'which are stored once';
};

subtest 'whatever became of the trace' => sub {
    my $other = create_project(key => $org->{key}, name => 'Other');
    my $key = fresh();
    my $first = post($key, body('fate', $other));
    my $trace = $first->json;
    my $do = sub { my ($method, $path, $body) = @_; my $r = api($method => $path, defined $body ? $body : (), key => $org->{key}); is $r->status =~ /^20/, 1, "$method $path" or diag $r->body };
    my $tag = api(POST => '/v1/tags/', { name => 't' }, key => $org->{key})->json;
    $do->(POST => "/v1/traces/$trace->{id}/tags", { tag_ids => [$tag->{id}] });
    is_replay(post($key, body('fate', $other)), $first, 'tagged');
    $do->(POST => "/v1/traces/$trace->{id}/review", { action => 'correct', expected_version => 1, corrected_output => { b => 1 } });
    is_replay(post($key, body('fate', $other)), $first, 'corrected');
    $do->(DELETE => "/v1/traces/$trace->{id}?expected_version=2");
    is_replay(post($key, body('fate', $other)), $first, 'deleted');
    $do->(DELETE => "/v1/projects/$other->{id}");
    is_replay(post($key, body('fate', $other)), $first, 'its project archived');
    is post($key, body('fatal', $other))->status, 422, 'another body for that project is 422 before it is 404';
};

subtest 'another body' => sub {
    my $key = fresh();
    my $first = post($key, body('right'));
    for (['another text', body('wrong')], ['more white space', body('right') . ' '], ['another project', body('right', create_project(key => $org->{key}))],
        ['an unknown project', body('right') =~ s/proj_\w+/proj_0000000000000000000000/r]) {
        my $reply = post($key, $_->[1]);
        is $reply->status, 422, $_->[0];
        is $reply->json->{errors}[0]{field}, 'Idempotency-Key', '  names the header';
    }
    is_replay(post($key, body('right')), $first, 'the first one still is');
};

subtest 'scope' => sub {
    my $key = fresh();
    my $first = post($key, body('scope'));
    my $second = database->ctl('key', 'create', '--org', $org->{id}, '--name', 'second');
    is_replay(post($key, body('scope'), key => $second), $first, 'by another key of the organization');
    my $user = new_user('idem');
    database->ctl('user', 'add', $user, '--org', $org->{id}, '--role', 'admin');
    is_replay(api(POST => '/v1/traces/', body('scope'), login => $user, headers => { 'Idempotency-Key' => $key }), $first, 'by an admin');
    my $there = create_project(key => other_org_key());
    my $foreign = post($key, body('scope', $there), key => other_org_key());
    is $foreign->status, 201, 'in another organization it is another key';
    isnt $foreign->json->{id}, $first->json->{id}, '  with a trace of its own';
    is post($key, body('scope'), key => 'tuor_' . 'x' x 49)->status, 401, 'a malformed key learns nothing';
};

subtest 'keys' => sub {
    my $full = join '', map { chr } 0x21 .. 0x7e;
    is post($_, body('k'))->status, 201, length($_) . ' characters' for 'k', $full, 'x' x 255;
    for (['256 characters', 'x' x 256], ['none', ''], ['a space', 'a b'], ['a tab', "a\tb"], ['beyond ASCII', "\xc3\xa4"], ['DEL', "a\x7fb"]) {
        my $raw = join "\r\n", 'POST /v1/traces/ HTTP/1.1', 'Host: x', "X-API-Key: $org->{key}", 'Content-Type: application/json', 'Connection: close',
            "Idempotency-Key: $_->[1]", 'Content-Length: ' . length body('k'), '', body('k');
        my $answer = raw_request($raw);
        like $answer, qr{^HTTP/1.1 4(22|00) }, $_->[0];
        like $answer, qr/"field":"Idempotency-Key"/, '  with the reason' if $_->[1] !~ /\x7f/;
    }
    my $reply = post('x' x 256, '{"project_id":"p"}');
    is join(' ', sort map { $_->{field} } @{ $reply->json->{errors} }), 'Idempotency-Key model_input model_output', 'beside other faults';
    is post('k', '{')->status, 400, 'no JSON is 400';
};

subtest 'only what was stored' => sub {
    my $key = fresh();
    my $closed = create_project(key => $org->{key});
    api(DELETE => "/v1/projects/$closed->{id}", key => $org->{key});
    is post($key, body('later', $closed))->status, 404, 'an archived project';
    is post($key, '{"project_id":"x"}')->status, 422, 'faults';
    api(PUT => "/v1/projects/$closed->{id}", { archived => JSON::PP::false }, key => $org->{key});
    my $first = post($key, body('later', $closed));
    is $first->status, 201, 'are not remembered';
    is_replay(post($key, body('later', $closed)), $first, 'the trace is');
};

subtest 'races' => sub {
    for my $round (1 .. 6) {
        my ($key, $before) = (fresh(), stored());
        my @said = in_parallel(8, sub { my $r = post($key, body("race $round")); return [$r->status, $r->body] });
        is join(' ', sort map { $_->[0] } @said), '200 ' x 7 . '201', 'of eight at once one creates';
        is scalar(grep { $_->[1] eq $said[0][1] } @said), 8, '  and all get its bytes';
        is stored(), $before + 1, '  one trace';
    }
    my $key = fresh();
    my @said = in_parallel(8, sub { post($key, body("body $_[0]"))->status });
    is join(' ', sort @said), '201' . ' 422' x 7, 'of eight bodies one is the right one';

    my @keys = map { fresh() } 1 .. 5;
    my @many = in_parallel(6, sub { my @order = $_[0] % 2 ? @keys : reverse @keys; map { my $r = post($_, body($_)); $r->status . ' ' . $r->json->{id} } @order, @order });
    is scalar(grep { /^201/ } @many), 5, 'several keys in different orders: each creates once';
    is scalar(keys %{ { map { (split ' ')[1] => 1 } @many } }), 5, '  five traces';
};

subtest 'a day later' => sub {
    my $key = fresh();
    my $first = post($key, body('day'));
    my $age = sub { psql("UPDATE tuor.idempotency_keys SET expires_at = expires_at - interval '$_[0]' WHERE org_id = '$org->{id}' AND key = '$key'") };
    is psql("SELECT abs(extract(epoch FROM expires_at - now() - interval '24 hours')) < 60 FROM tuor.idempotency_keys WHERE key = '$key'"), 't', 'it ends after 24 hours';
    $age->('23 hours 59 minutes');
    is_replay(post($key, body('day')), $first, 'a minute before');
    $age->('2 minutes');
    my $second = post($key, body('night'));
    is $second->status, 201, 'afterwards the key is free, for another body too';
    isnt $second->json->{id}, $first->json->{id}, '  for another trace';
    is_replay(post($key, body('night')), $second, 'and stands for that');
    $age->('25 hours');
    is join(' ', sort(in_parallel(6, sub { post($key, body('third'))->status }))), '200 ' x 5 . '201', 'of six at the end of a day one creates';

    psql("INSERT INTO tuor.idempotency_keys SELECT '$org->{id}', 'old-' || i, '\\x00', 't', now(), NULL, now() - interval '2 hours' FROM generate_series(1, 50) i");
    ok eventually(20, sub { post(fresh(), body('sweep')); !psql("SELECT count(*) FROM tuor.idempotency_keys WHERE key LIKE 'old-%'") }), 'old rows go by themselves';
};

# What a statement does that stores the traces of several requests.
subtest 'within one statement' => sub {
    my $ingest = sub {
        my @rows = @_;
        my $array = sub { my ($type, @values) = @_; 'ARRAY[' . join(',', map { defined ? "'$_'" : 'NULL' } @values) . "]::$type\[]" };
        my $hash = psql("SELECT sha256('$org->{key}')");
        my @id = map { "trace_$$" . 'x' . ++$n } @rows;
        my $sql = 'SELECT verdict, first_trace FROM tuor.ingest(' . join(', ',
            $array->(bytea => map { $hash =~ s/\\/\\/r } @rows), $array->(text => map { undef } @rows), $array->(text => map { undef } @rows),
            $array->(text => @id), $array->(text => map { "evt_$_" } @id), $array->(text => map { $_->[2] // $project->{id} } @rows),
            $array->(timestamptz => map { '2026-01-01' } @rows), (map { $array->(text => map { undef } @rows) } 1 .. 3),
            (map { $array->(text => map { '{}' } @rows) } 1 .. 2), $array->(text => map { undef } @rows),
            $array->(text => map { $_->[0] } @rows), $array->(bytea => map { $_->[1] } @rows), 'NULL') . ') ORDER BY n';
        my %number = map { $id[$_] => $_ + 1 } 0 .. $#id;
        return join ' ', map { my ($v, $t) = split /\|/; $t && $v ne 'ok' ? "$v:" . ($number{$t} // 'before') : $v } split /\n/, psql($sql);
    };
    my ($a, $b) = (fresh(), fresh());
    is $ingest->([$a, '\x01'], [$a, '\x01'], [undef, undef], [$a, '\x02'], [$b, '\x01']), 'ok replay:1 ok reuse:1 ok', 'the first of a key wins';
    is $ingest->([$b, '\x01'], [$a, '\x03'], [fresh(), '\x01']), 'replay:before reuse:before ok', 'one before wins';
    my $c = fresh();
    is $ingest->([$c, '\x01', 'proj_none'], [$c, '\x01'], [$c, '\x01']), 'replay:2 ok replay:2', 'and one whose project is there';
    is psql("SELECT count(*) FROM tuor.trace_events WHERE org_id = '$org->{id}' AND trace_id LIKE 'trace_$$" . "x%'"),
        psql("SELECT count(*) FROM tuor.traces WHERE org_id = '$org->{id}' AND id LIKE 'trace_$$" . "x%'"), 'an event each';
};

done_testing;
