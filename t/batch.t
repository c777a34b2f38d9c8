# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# POST /v1/traces/batch: a create body a line, and what became of each.
use strict;
use warnings;
use Tuor::Postgres;
use Tuor::Run qw(run_dir read_file);
use Tuor::Server;
use Tuor::Test;

my $org = new_org("Batch $$");
my $project = create_project(key => $org->{key})->{id};

sub line { return encode({ project_id => $project, model_input => { content => 'in' }, model_output => { a => 1 }, @_ }) }
sub post { my ($body, @rest) = @_; return api(POST => '/v1/traces/batch', $body, key => $org->{key}, type => 'application/x-ndjson', @rest) }
sub statuses { return join ' ', map { $_->{status} } $_[0]->lines }
sub good { my $line = line() . "\n"; return $line x $_[0] }
sub stored { return psql("SELECT count(*) FROM tuor.traces WHERE org_id = '$org->{id}'") }
sub tally { my %count; $count{$_}++ for @_; return join ' ', map { "$_:$count{$_}" } sort keys %count }

subtest 'good lines' => sub {
    my @lines = map { line(model_output => { n => $_ }, trace_config => { model => "m$_" }) } 1 .. 3;
    for my $path ('/v1/traces/batch', '/v1/traces/batch/') {
        my $reply = api(POST => $path, join("\n", @lines), key => $org->{key}, type => 'application/x-ndjson; charset=utf-8');
        is $reply->status, 200, $path;
        is $reply->header('content-type'), 'application/x-ndjson', '  NDJSON';
        my @said = $reply->lines;
        is statuses($reply), '201 201 201', '  a line each';
        is_deeply [sort keys %{ $said[0] }], [qw(status trace_id)], '  of status and id';
        for my $i (0 .. 2) {
            my $trace = api(GET => "/v1/traces/$said[$i]{trace_id}", key => $org->{key})->json;
            is $trace->{model_output}{n}, $i + 1, '  in the order of the lines';
            is $trace->{status} . $trace->{version}, 'pending1', '  new';
        }
        my @listed = map { $_->{id} } @{ api(GET => '/v1/traces/?limit=3', key => $org->{key})->json };
        is_deeply \@listed, [reverse map { $_->{trace_id} } @said], '  and so are lists';
        is scalar(@{ api(GET => "/v1/traces/$said[0]{trace_id}/events", key => $org->{key})->json }), 1, '  with its event';
    }
    is scalar(@{ api(GET => '/v1/traces/?model=m2', key => $org->{key})->json }), 2, 'filters find them';
    my $odd = '{"project_id":"' . $project . '","model_input" : { "b":1.0,"a":1e400 , "a":"\ud800\u0000"},"model_output":{}, "trace_config":null}';
    my ($said) = post("$odd\n")->lines;
    is api(GET => "/v1/traces/$said->{trace_id}", key => $org->{key})->raw('model_input'), '{"b":1.0,"a":1e400,"a":"\ud800\u0000"}', 'bytes stay';
};

subtest 'line ends' => sub {
    my $l = line();
    is statuses(post($_->[1])), $_->[2], $_->[0] for
        ['no end', $l, 201], ['CRLF', "$l\r\n$l\r\n", '201 201'], ['blank lines', "\n\n \t\n$l\n\r\n\n$l\n\n", '201 201'],
        ['blanks around', "  $l \t\r\n", 201], ['a form feed is none', "\f$l\n$l", '400 201'], ['NUL', "\0\n$l", '400 201'],
        ['two in a line', "$l $l\n$l", '400 201'], ['one over two lines', "{\n}\n$l", '400 400 201'], ['CR alone is none', "$l\r$l", 400];
    for my $empty ('', "\n", " \r\n\n") {
        my $reply = post($empty);
        is $reply->status . ($reply->body // ''), 200, 'nothing asked, nothing answered';
    }
};

subtest 'bad lines' => sub {
    my $before = stored();
    my $foreign = create_project(key => other_org_key())->{id};
    my $archived = create_project(key => $org->{key})->{id};
    api(DELETE => "/v1/projects/$archived", key => $org->{key});
    my @cases = (
        ['good', line(), 201],
        ['nonsense', 'nonsense', 400, qr/^The line is not valid JSON: .*byte 0/],
        ['cut', '{"project_id":"', 400],
        ['invalid UTF-8', line(model_input => { a => 'X' }) =~ s/X/\xff/r, 400],
        ['a member twice', '{"project_id":"a","project_id":"b"}', 400, qr/twice/],
        ['a list', '[]', 422, qr/object/, 'line'],
        ['good', line(), 201],
        ['nothing', '{}', 422, qr/./, 'model_input model_output project_id'],
        ['too deep', line() =~ s/"in"/"[" x 10 . "]" x 10/er, 422, qr/10 levels/, 'model_input'],
        ['too big', line(model_output => { x => 'x' x 5_300_000 }), 422, qr/5242880/, 'model_output'],
        ['no object', line(trace_config => 1), 422, qr/./, 'trace_config'],
        ['a long project', line(project_id => 'x' x 100_000), 422, qr/./, 'project_id'],
        ['an unknown project', line(project_id => 'proj_0000000000000000000000'), 404, qr/project/],
        ['a foreign one', line(project_id => $foreign), 404, qr/project/],
        ['an archived one', line(project_id => $archived), 404, qr/project/],
        ['good', line(unknown => 1), 201],
    );
    my $reply = post(join "\n", map { $_->[1] } @cases);
    is $reply->status, 200, 'all in one';
    my @said = $reply->lines;
    for my $i (0 .. $#cases) {
        my ($what, undef, $status, $detail, $fields) = @{ $cases[$i] };
        is $said[$i]{status}, $status, $what;
        like $said[$i]{detail}, $detail, '  says why' if $detail;
        is join(' ', sort map { $_->{field} } @{ $said[$i]{errors} // [] }), $fields // '', '  and where' if $status == 422;
    }
    is stored(), $before + 3, 'the good ones are stored';
    is encode({ %{ $said[13] } }), encode({ %{ $said[12] } }), 'a foreign project and an unknown one look the same';
};

subtest 'many' => sub {
    my $before = stored();
    my $reply = post(good(1000));
    is tally(map { $_->{status} } $reply->lines), '201:1000', 'a thousand';
    is scalar(keys %{ { map { $_->{trace_id} => 1 } $reply->lines } }), 1000, '  of their own ids';
    is stored(), $before + 1000, '  are stored';
    is psql("SELECT count(*) FROM tuor.trace_events WHERE org_id = '$org->{id}'"), stored(), '  with their events';
    $reply = post("\n" x 5000 . good(1001));
    is $reply->status, 422, 'one more';
    like $reply->json->{detail}, qr/1001 .* 1000/, '  is told';
    is_deeply [map { $_->{field} } @{ $reply->json->{errors} }], ['body'], '  as a fault of the body';
    is stored(), $before + 1000, '  and stores nothing';
    is tally(map { $_->{status} } post(good(499) . "x\n" . join('', map { line(project_id => 'p') . "\n" } 1 .. 500))->lines), '201:499 400:1 404:500', 'mixed';
};

subtest 'big' => sub {
    my $mb = line(model_input => { x => 'x' x 1_000_000 });
    my $reply = post("$mb\n" x 60);
    is tally(map { $_->{status} } $reply->lines), '201:60', 'sixty megabytes';
    $reply = post("$mb\n" x 68);
    is $reply->status, 413, 'sixty-eight are too many';
    is ref $reply->json, 'HASH', '  in JSON';
    my ($first, @rest) = map { $_->{status} } post(join "\n", map { line(model_input => { x => 'x' x 5_000_000 }, model_output => { x => 'y' x 5_000_000 }, trace_config => { x => 'z' x 5_000_000 }) } 1 .. 4)->lines;
    is "$first @rest", '201 201 201 201', 'four lines of fifteen megabytes';
};

subtest 'as a whole' => sub {
    is api(POST => '/v1/traces/batch', line(), key => $org->{key}, type => $_)->status, 415, $_ for 'application/json', 'text/plain';
    is post(line(), key => undef)->status, 401, 'nobody';
    is post('x', key => 'tuor_' . 'x' x 49)->status, 401, 'a malformed key';
    my $gone = database->ctl('key', 'create', '--org', $org->{id}, '--name', 'gone');
    database->ctl('key', 'revoke', api(GET => '/v1/me', key => $gone)->json->{id}, '--org', $org->{id});
    is post($_, key => $gone)->status, 401, 'a revoked key' for line(), 'x', '';
    is api(POST => '/v1/traces/batch', line(), login => $_, type => 'application/x-ndjson')->status, 403, $_ for qw(viewer reviewer);
    is statuses(api(POST => '/v1/traces/batch', line(), login => 'admin', type => 'application/x-ndjson')), 404, "admin, of another organization's project";
    is api(POST => '/v1/traces/batch?x=1', line(), key => $org->{key}, type => 'application/x-ndjson')->status, 422, 'an unknown parameter';
    my $get = api(GET => '/v1/traces/batch', key => $org->{key});
    is $get->status . ' ' . $get->header('allow'), '405 POST', 'GET';
    my $key = { 'Idempotency-Key' => 'batch' };
    my @ids = map { (post(line(), headers => $key)->lines)[0]{trace_id} } 1, 2;
    isnt $ids[0], $ids[1], 'Idempotency-Key is ignored';
    my $suspended = new_org("Suspended $$");
    database->ctl('org', 'suspend', $suspended->{id});
    is post(line(), key => $suspended->{key})->status, 403, 'a suspended organization';
};

subtest 'rate limit' => sub {
    my $server = Tuor::Server->start(conf => "TuorRateLimit ingest 10/min\nTuorRateLimit console 7/min\n");
    my $reply = post("x\n" . good(3), server => $server);
    is statuses($reply), '400 201 201 201', 'each line counts';
    is $reply->header('ratelimit') =~ /r=(\d+)/ && $1, 6, '  and the answer says so';
    $reply = post(good(9), server => $server);
    is statuses($reply), '201 ' x 6 . '429 429 429', 'those beyond the quota are refused';
    like +($reply->lines)[8]{detail}, qr/10 requests per minute.*again in \d+ second/, '  with the reason';
    is $reply->header('ratelimit') =~ /r=(\d+)/ && $1, 0, '  nothing is left';
    my $over = post(line(), server => $server);
    is $over->status, 429, 'then the whole request is';
    cmp_ok $over->header('retry-after'), '>=', 1, '  with Retry-After';

    my $fresh = database->ctl('key', 'create', '--org', $org->{id}, '--name', 'fresh');
    is scalar(grep { ($_ // 0) == 201 } in_parallel(6, sub { map { $_->{status} } post(good(4), server => $server, key => $fresh)->lines })), 10, 'six batches at once: the quota passes, exactly';
    my $user = new_user('batch');
    database->ctl('user', 'add', $user, '--org', $org->{id}, '--role', 'admin');
    is tally(map { $_->{status} } api(POST => '/v1/traces/batch', good(9), login => $user, server => $server, type => 'application/x-ndjson')->lines), '201:7 429:2', 'a person has the quota of the console';
};

subtest 'trouble with the database' => sub {
    my $db = Tuor::Postgres->new(dir => run_dir() . "/pg-batch-$$");
    my $server = Tuor::Server->start(db => $db, conf => "TuorRateLimit all off\nTuorDatabaseTimeout 3\n");
    my $id = $db->ctl('org', 'create', 'Batch');
    my $key = $db->ctl('key', 'create', '--org', $id, '--name', 'k');
    my $at = api(POST => '/v1/projects/', { name => 'p' }, key => $key, server => $server)->json->{id};
    my $send = sub { api(POST => '/v1/traces/batch', join("\n", map { line(project_id => $at, trace_config => { model => $_ }) } @_), key => $key, server => $server, type => 'application/x-ndjson') };
    my $count = sub { $db->psql('SELECT count(*) FROM tuor.traces') };
    $db->psql(<<~'END');
        CREATE FUNCTION tuor.accident() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF NEW.model = 'poison' THEN
                RAISE EXCEPTION 'not this one';
            ELSIF NEW.model = 'die' THEN
                PERFORM pg_terminate_backend(pg_backend_pid());
                PERFORM pg_sleep(1);
            END IF;
            RETURN NEW;
        END $$;
        CREATE TRIGGER accident BEFORE INSERT ON tuor.traces FOR EACH ROW EXECUTE FUNCTION tuor.accident();
        END
    is statuses($send->('a', 'poison', 'b', 'c')), '201 500 201 201', 'a line that the database refuses hurts no other';
    is $count->(), 3, '  stored';
    my $reply = $send->(('a') x 300, 'die', ('b') x 300);
    is $reply->status, 200, 'the connection is lost in the middle';
    is join(' ', map { $_->{status} } $reply->lines), join(' ', (201) x 250, (503) x 351), '  the first group is stored, the rest says 503';
    is $count->(), 253, '  stored';
    like +($reply->lines)[400]{detail}, qr/database/, '  with the reason';
    $reply = $send->('die', 'a');
    is $reply->status, 503, 'before anything was stored: the whole is 503';
    cmp_ok $reply->header('retry-after'), '>=', 1, '  with Retry-After';
    is $count->(), 253, '  and nothing is stored';
    is statuses($send->('a')), 201, 'the next one succeeds';
    $db->stop;
    is $send->('a')->status, 503, 'no database';
    $db->start;
    ok eventually(10, sub { $send->('a')->status == 200 }), 'and there it is again';
    like $server->error_log, qr/TUOR0801: \[[^]]+\] (?:351|250) traces/, 'the log tells';
    undef $server;
    $db->remove;
};

done_testing;
