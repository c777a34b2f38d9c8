# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# Webhooks as documented: bytes, headers, signature, test ping, retry, the log.
use strict;
use warnings;
use utf8;
use Digest::SHA qw(hmac_sha256_hex);
use Encode qw(encode_utf8);
use JSON::PP;
use Tuor::Receiver;
use Tuor::Server;
use Tuor::Test;
use Tuor::Webhooks;

my $receiver = Tuor::Receiver->start;
my $hooks = Tuor::Webhooks->start;

sub signature { my ($body, $secret) = @_; return 'sha256=' . hmac_sha256_hex($body, encode_utf8($secret)) }
sub last_request { my $n = shift; return ($receiver->wait($n))[-1] }
sub detail { my $reply = shift; return $reply->status . ' ' . ($reply->json->{detail} // '') }
my $sent = 0;

subtest 'a correction, byte for byte' => sub {
    my $project = $hooks->project($receiver->url('/ok/a@b?x=1'));
    my %payload = (
        model_input => '{"content":"Extract company name","n":1e400,"z":[0.1,1.0,12345678901234567890],"ü":"\u0000\ud83d\ude00\ud800"}',
        model_output => '{"company":"Gogle Inc.","a":1,"a":2}',
        trace_config => '{"model":"gpt-4o","internal_run_id":"run_01j2abcde","é":"✓"}',
    );
    my $reply = $hooks->api(POST => '/v1/traces/', encode_utf8("{\"project_id\":\"$project->{id}\", "
        . join(', ', map { "\"$_\" : $payload{$_}" } qw(model_input model_output trace_config)) . '}'));
    is $reply->status, 201, 'a trace' or diag $reply->body;
    # what Perl's parser does not take, an unpaired surrogate, is compared as text
    my $trace = { id => $reply->raw('id') =~ s/"//gr };
    my $corrected = '{"company":"Google Inc.","a":2,"wörter":["ß"]}';
    my $review = $hooks->api(POST => "/v1/traces/$trace->{id}/review", encode_utf8("{\"action\":\"correct\",\"expected_version\":1,"
        . "\"corrected_output\": $corrected, \"comment\":\"no part of it\"}"));
    is $review->status, 200, 'a correction' or diag $review->body;

    my $request = last_request(++$sent);
    is $request->{method}, 'POST', 'a POST arrives';
    is $request->{path}, '/ok/a@b?x=1', 'at the URL';
    my ($event) = map { decode_json($_) } $request->{body} =~ s/\\ud800//r;
    my ($logged) = grep { $_->{event_type} eq 'review.corrected' } @{ $hooks->must(200, GET => "/v1/traces/$trace->{id}/events") };
    my $expected = encode_utf8("{\"event_id\":\"$logged->{event_id}\",\"event_type\":\"review.corrected\",\"actor_type\":\"api_key\","
        . "\"actor_id\":\"$logged->{actor_id}\",\"occurred_at\":\"$logged->{occurred_at}\",\"status_before\":\"pending\","
        . "\"status_after\":\"corrected\",\"final_output_before\":null,\"final_output_after\":$corrected,"
        . "\"corrected_output_before\":null,\"corrected_output_after\":$corrected,\"correction_diff\":")
        . $review->raw('correction_diff')
        . encode_utf8(",\"trace\":{\"id\":\"$trace->{id}\",\"model_input\":$payload{model_input},"
        . "\"model_output\":$payload{model_output},\"trace_config\":$payload{trace_config}}}");
    is $request->{body}, $expected, 'the body is the documented one, payloads as sent';
    is_deeply [map { $_->{path} } @{ $event->{correction_diff} }], ['company', 'wörter[0]'], 'the diff says what changed'
        or diag $review->raw('correction_diff');

    my %header = %{ $request->{header} };
    is $header{'content-type'}, 'application/json', 'Content-Type';
    is $header{'x-tuor-event-id'}, $event->{event_id}, 'X-Tuor-Event-Id';
    is $header{'x-tuor-trace-id'}, $trace->{id}, 'X-Tuor-Trace-Id';
    is $header{'x-tuor-signature'}, signature($request->{body}, 's3cret'), 'X-Tuor-Signature over the raw body';
    like $header{'user-agent'}, qr{^Tuor/\d+\.\d+\.\d+$}, 'User-Agent';
    is $header{'content-length'}, length $request->{body}, 'Content-Length';
    is_deeply [grep { /^(expect|transfer-encoding|cookie|authorization|x-api-key)$/ } keys %header], [], 'and nothing that does not belong there';

    my $delivery = $hooks->settled($project);
    is_deeply [sort keys %$delivery], [qw(attempt_count attempts created_at error event_id event_type id project_id response_status
        status trace_id updated_at)], 'members of a delivery';
    like $delivery->{id}, qr/^whd_[0-9A-Za-z]{22}$/, 'an id';
    is_deeply [@$delivery{qw(event_id event_type trace_id project_id status attempt_count response_status error)}],
        [$event->{event_id}, 'review.corrected', $trace->{id}, $project->{id}, 'success', 1, 200, undef], 'and what they say';
    like $delivery->{$_}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/, $_ for qw(created_at updated_at);
    my ($attempt, @more) = @{ $delivery->{attempts} };
    is @more, 0, 'one attempt';
    is_deeply [sort keys %$attempt], [qw(attempted_at duration_ms error response_body status_code)], 'its members';
    is_deeply [@$attempt{qw(status_code error response_body)}], [200, undef, '{"ok": true}'], 'and what they say';
    like $attempt->{duration_ms}, qr/^\d+$/, 'how long it took';
    cmp_ok $attempt->{attempted_at}, 'ge', $delivery->{created_at}, 'and when it was';
};

subtest 'approved and rejected' => sub {
    my $project = $hooks->project($receiver->url('/ok'));
    my $trace = $hooks->trace($project, model_output => { answer => 42 });
    $hooks->review($trace, 'approve');
    my $request = last_request(++$sent);
    my $event = decode_json($request->{body});
    is_deeply [@$event{qw(event_type status_before status_after final_output_after corrected_output_after correction_diff)}],
        ['review.approved', 'pending', 'approved', { answer => 42 }, undef, undef], 'an approval';
    is_deeply [map { exists $event->{$_} ? $event->{$_} : 'absent' } qw(final_output_before corrected_output_before)], [undef, undef], 'nulls stand there';
    is $event->{trace}{trace_config}, undef, 'no trace_config is null';
    like $request->{body}, qr/"trace_config":null\}\}$/, 'written out';

    my $second = $hooks->trace($project);
    $hooks->review($second, 'reject');
    my $rejected = decode_json(last_request(++$sent)->{body});
    is_deeply [@$rejected{qw(event_type status_after final_output_after)}], ['review.rejected', 'rejected', undef], 'a rejection has no final output';

    my $back = $hooks->must(200, POST => "/v1/traces/$second->{id}/reset", { expected_version => 2 });
    $hooks->review($back, 'approve');
    is decode_json(last_request(++$sent)->{body})->{status_before}, 'pending', 'after a reset it starts from pending again';
    $hooks->settled($project);
    is scalar($hooks->deliveries($project)), 3, 'the reset itself sends nothing';
    my $tag = $hooks->must(201, POST => '/v1/tags/', { name => 'silent' });
    $hooks->must(200, POST => "/v1/traces/$second->{id}/tags", { tag_ids => [$tag->{id}] });
    $hooks->must(200, DELETE => "/v1/traces/$second->{id}/tags/$tag->{id}");
    $hooks->must(200, DELETE => "/v1/traces/$second->{id}?expected_version=4");
    $hooks->must(200, POST => "/v1/traces/$second->{id}/restore", { expected_version => 5 });
    is scalar(@{ $hooks->must(200, GET => "/v1/traces/$second->{id}/events") }), 8, 'nor do tags, deletes and restores, which are events';
    is scalar($hooks->deliveries($project)), 3, '  and no deliveries';
};

subtest 'the reviewer is named' => sub {
    my $project = $hooks->project($receiver->url('/ok'));
    $hooks->db->ctl('user', 'add', 'main-reviewer', '--org', $hooks->{org}, '--role', 'reviewer');
    my $trace = $hooks->trace($project);
    my $reply = $hooks->api(POST => "/v1/traces/$trace->{id}/review", { action => 'approve', expected_version => 1 }, login => 'main-reviewer');
    is $reply->status, 200, 'a reviewer approves' or diag $reply->body;
    my $event = decode_json(last_request(++$sent)->{body});
    is $event->{actor_type}, 'user', 'actor_type';
    like $event->{actor_id}, qr/^user_/, 'actor_id';
};

subtest 'non-ASCII secret of 512 characters' => sub {
    my $secret = 'ключ✓' x 102 . 'ок';
    my $project = $hooks->project($receiver->url('/ok'), webhook_secret => $secret);
    $hooks->verdict($project);
    my $request = last_request(++$sent);
    is $request->{header}{'x-tuor-signature'}, signature($request->{body}, $secret), 'signs with its UTF-8 bytes';
};

subtest 'big payloads' => sub {
    my $project = $hooks->project($receiver->url('/ok'));
    my $trace = $hooks->trace($project, model_input => { content => 'x' x 5_000_000 }, model_output => { a => 'y' x 5_000_000 });
    $hooks->review($trace, 'correct', corrected_output => { a => 'z' x 5_000_000 });
    my $request = ($receiver->wait(++$sent, 20))[-1];
    cmp_ok length $request->{body}, '>', 25_000_000, 'arrive whole';
    is $request->{header}{'x-tuor-signature'}, signature($request->{body}, 's3cret'), 'and signed';
    is $hooks->settled($project)->{status}, 'success', 'a success';
    $receiver->forget;      # megabytes that every look at the log would read again
    $sent = 0;
};

subtest 'switched off' => sub {
    my $project = $hooks->project($receiver->url('/ok'), webhook_active => JSON::PP::false);
    $hooks->verdict($project);
    is scalar($hooks->deliveries($project)), 0, 'no delivery while inactive';
    my $bare = $hooks->must(201, POST => '/v1/projects/', { name => 'bare' });
    $hooks->verdict($bare);
    is scalar($hooks->deliveries($bare)), 0, 'none without a webhook';
    my $archived = $hooks->project($receiver->url('/ok'));
    my $trace = $hooks->trace($archived);
    $hooks->must(200, DELETE => "/v1/projects/$archived->{id}");
    $hooks->review($trace, 'approve');
    last_request(++$sent);
    is $hooks->settled($archived)->{status}, 'success', 'an archived project still delivers';
};

subtest 'webhook.test' => sub {
    my $project = $hooks->project($receiver->url('/ok'), name => "Käse \"1\"\n", webhook_active => JSON::PP::false);
    my $reply = $hooks->api(POST => "/v1/projects/$project->{id}/test-webhook");
    is $reply->status, 202, '202, also while inactive' or diag $reply->body;
    my $delivery = $reply->json;
    is_deeply [@$delivery{qw(event_type trace_id project_id status attempt_count response_status error)}],
        ['webhook.test', undef, $project->{id}, 'pending', 0, undef, undef], 'with the delivery';
    my $request = last_request(++$sent);
    my ($at) = $request->{body} =~ /"occurred_at":"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)"/;
    is $request->{body}, encode_utf8("{\"event_id\":\"$delivery->{event_id}\",\"event_type\":\"webhook.test\",\"action\":\"test\","
        . "\"occurred_at\":\"$at\",\"project\":{\"id\":\"$project->{id}\",\"name\":\"Käse \\\"1\\\"\\n\"},\"trace\":null}"), 'the documented body';
    ok exists $request->{header}{'x-tuor-trace-id'}, 'X-Tuor-Trace-Id is there';
    is $request->{header}{'x-tuor-trace-id'}, '', 'and empty';
    is $request->{header}{'x-tuor-signature'}, signature($request->{body}, 's3cret'), 'signed';
    is $hooks->settled($project)->{status}, 'success', 'and logged';

    my $bare = $hooks->must(201, POST => '/v1/projects/', { name => 'bare' });
    like detail($hooks->api(POST => "/v1/projects/$bare->{id}/test-webhook")), qr/^409 .*webhook_url/, '409 without a URL';
    my $unsigned = $hooks->must(201, POST => '/v1/projects/', { name => 'no secret', webhook_url => $receiver->url('/ok') });
    like detail($hooks->api(POST => "/v1/projects/$unsigned->{id}/test-webhook")), qr/^409 .*secret/, '409 without a secret';
    is $hooks->api(POST => '/v1/projects/proj_0000000000000000000000/test-webhook')->status, 404, '404 for a project that is not there';
    is $hooks->api(POST => "/v1/projects/$project->{id}/test-webhook", 'x', type => 'text/plain')->status, 415, '415 for another body';
};

subtest 'retry' => sub {
    my $project = $hooks->project($receiver->url('/status/503'));
    $hooks->verdict($project);
    my $first = last_request(++$sent);
    my $failed = $hooks->settled($project);
    is_deeply [@$failed{qw(status attempt_count response_status)}], ['failed', 1, 503], 'a failure';
    like $failed->{error}, qr/503/, 'says why';
    is $failed->{attempts}[0]{response_body}, '{"status": 503}', 'and what the answer was';
    sleep 2;
    is scalar($receiver->requests), $sent, 'nothing is sent again by itself';

    $hooks->must(200, PUT => "/v1/projects/$project->{id}", { webhook_url => $receiver->url('/ok/again'), webhook_secret => 'neues Geheimnis' });
    my $reply = $hooks->api(POST => "/v1/webhook-deliveries/$failed->{id}/retry");
    is $reply->status, 202, 'retried';
    is_deeply [@{ $reply->json }{qw(id status attempt_count response_status error)}], [$failed->{id}, 'pending', 1, undef, undef], 'with the delivery';
    my $second = last_request(++$sent);
    is $second->{path}, '/ok/again', 'to the present URL';
    is $second->{body}, $first->{body}, 'with the same body';
    is $second->{header}{'x-tuor-event-id'}, $first->{header}{'x-tuor-event-id'}, 'and event id';
    is $second->{header}{'x-tuor-signature'}, signature($first->{body}, 'neues Geheimnis'), 'signed with the present secret';
    my $delivery = $hooks->settled($project);
    is_deeply [@$delivery{qw(status attempt_count response_status error)}], ['success', 2, 200, undef], 'now a success';
    is_deeply [map { $_->{status_code} } @{ $delivery->{attempts} }], [503, 200], 'both attempts are in the log';

    $hooks->must(200, PUT => "/v1/projects/$project->{id}", { webhook_active => JSON::PP::false });
    is $hooks->api(POST => "/v1/webhook-deliveries/$failed->{id}/retry")->status, 202, 'a success too, and while inactive';
    last_request(++$sent);
    is $hooks->settled($project)->{attempt_count}, 3, 'a third attempt';
    $hooks->must(200, PUT => "/v1/projects/$project->{id}", { webhook_secret => undef });
    like detail($hooks->api(POST => "/v1/webhook-deliveries/$failed->{id}/retry")), qr/^409 .*secret/, '409 without a secret';
    is $hooks->api(POST => '/v1/webhook-deliveries/whd_0000000000000000000000/retry')->status, 404, '404 for none';

    my $slow = $hooks->project($receiver->url('/slow/2'));
    $hooks->verdict($slow);
    last_request(++$sent);
    my ($sending) = $hooks->deliveries($slow);
    is $sending->{status}, 'sending', 'one on its way';
    like detail($hooks->api(POST => "/v1/webhook-deliveries/$sending->{id}/retry")), qr/^409 .*sending/, 'is 409';
    $hooks->settled($slow);
};

subtest 'the log' => sub {
    my $project = $hooks->project($receiver->url('/ok'));
    my @traces = map { my $trace = $hooks->trace($project); $hooks->review($trace, 'approve'); $trace->{id} } 1 .. 5;
    $receiver->wait($sent += 5);
    $hooks->settled($project);
    is_deeply [map { $_->{trace_id} } $hooks->deliveries($project)], [reverse @traces], 'newest first';
    is_deeply [map { $_->{trace_id} } $hooks->deliveries($project, '?skip=1&limit=2')], [@traces[3, 2]], 'skip and limit';
    is scalar($hooks->deliveries($project, '?status=success')), 5, 'by status';
    is scalar($hooks->deliveries($project, '?status=failed')), 0, 'none of another';
    is scalar($hooks->deliveries($project, '?skip=5')), 0, 'nothing beyond the end';
    my $path = "/v1/projects/$project->{id}/webhook-deliveries";
    for my $bad ('status=done', 'limit=0', 'limit=501', 'limit=x', 'skip=-1', 'nonsense=1') {
        my $reply = $hooks->api(GET => "$path?$bad");
        is $reply->status . ' ' . $reply->json->{errors}[0]{field}, '422 ' . ($bad =~ s/=.*//r), $bad;
    }
    is $hooks->api(GET => "$path/")->status, 200, 'a final slash';
    is $hooks->api(GET => '/v1/projects/proj_0000000000000000000000/webhook-deliveries')->status, 404, '404 for no project';
    is $hooks->api(GET => '/v1/webhook-deliveries/whd_0000000000000000000000')->status, 404, 'and for no delivery';

    my ($delivery) = $hooks->deliveries($project);
    my $other = $hooks->db->ctl('org', 'create', 'Other');
    my $key = $hooks->db->ctl('key', 'create', '--org', $other, '--name', 'other');
    is $hooks->api(GET => $path, key => $key)->body, $hooks->api(GET => '/v1/projects/proj_0000000000000000000000/webhook-deliveries')->body,
        'another organization learns nothing';
    is $hooks->api(GET => "/v1/webhook-deliveries/$delivery->{id}", key => $key)->status, 404, 'of a delivery either';
    is $hooks->api(POST => "/v1/webhook-deliveries/$delivery->{id}/retry", key => $key)->status, 404, 'nor can it retry it';
    is $hooks->api(POST => "/v1/projects/$project->{id}/test-webhook", key => $key)->status, 404, 'nor test';
};

subtest 'roles' => sub {
    my $project = $hooks->project($receiver->url('/ok'));
    $hooks->verdict($project);
    last_request(++$sent);
    my $delivery = $hooks->settled($project);
    $hooks->db->ctl('user', 'add', "main-$_", '--org', $hooks->{org}, '--role', $_) for qw(viewer admin);
    for my $role (qw(viewer reviewer admin)) {
        my $login = "main-$role";
        is $hooks->api(GET => "/v1/projects/$project->{id}/webhook-deliveries", login => $login)->status, 200, "$role reads the log";
        is $hooks->api(GET => "/v1/webhook-deliveries/$delivery->{id}", login => $login)->status, 200, '  and a delivery';
        my $may = $role eq 'admin' ? 202 : 403;
        is $hooks->api(POST => "/v1/webhook-deliveries/$delivery->{id}/retry", login => $login)->status, $may, "  retry: $may";
        is $hooks->api(POST => "/v1/projects/$project->{id}/test-webhook", login => $login)->status, $may, "  test: $may";
    }
    $receiver->wait($sent += 2);
    $hooks->settled($project);
    is $hooks->api(GET => "/v1/webhook-deliveries/$delivery->{id}", key => undef)->status, 401, '401 without a credential';
};

subtest 'pending rows wait for nobody in particular' => sub {
    my $project = $hooks->project($receiver->url('/ok'));
    $hooks->verdict($project);
    last_request(++$sent);
    my $delivery = $hooks->settled($project);
    # as if the child that wrote it had died before it could claim it
    $hooks->psql("UPDATE tuor.webhook_deliveries SET status = 'pending' WHERE id = '$delivery->{id}'");
    last_request(++$sent);
    is $hooks->settled($project)->{attempt_count}, 2, 'another child claims it';

    $hooks->psql("UPDATE tuor.webhook_deliveries SET status = 'sending', attempt_token = 'dead', attempt_count = 3,"
        . " lease_until = now() - interval '1 second' WHERE id = '$delivery->{id}'");
    my $swept = $hooks->settled($project);
    is_deeply [@$swept{qw(status error response_status)}], ['failed', 'interrupted: outcome unknown', undef], 'an attempt past its lease is failed';
    is_deeply $swept->{attempts}[2]{error}, 'interrupted: outcome unknown', 'and in the log';
    sleep 2;
    is scalar($receiver->requests), $sent, 'but not sent again';

    $hooks->psql("BEGIN; UPDATE tuor.webhook_deliveries SET status = 'pending', by_hand = false WHERE id = '$delivery->{id}';"
        . "UPDATE tuor.projects SET webhook_active = false WHERE id = '$project->{id}'; COMMIT");
    like $hooks->settled($project)->{error}, qr/switched off/, 'what is due when the webhook is switched off is not sent';
    is scalar($receiver->requests), $sent, 'really not';
};

subtest 'TuorWebhookConcurrency: one at a time for a project' => sub {
    my $own = Tuor::Webhooks->start(conf => "TuorWebhookConcurrency 2 1\nServerLimit 1\nStartServers 1\nMaxRequestWorkers 16\nMaxSpareThreads 16\n");
    my ($slow, $other) = map { $own->project($receiver->url($_)) } '/slow/4', '/ok/beside';
    $own->verdict($slow) for 1, 2;
    my $one = sub { my $status = shift; return grep { $_->{status} eq $status } $own->deliveries($slow) };
    ok eventually(10, sub { $one->('sending') && $one->('pending') }), 'the second waits for the first';
    my ($pending) = $one->('pending');
    like detail($own->api(POST => "/v1/webhook-deliveries/$pending->{id}/retry")), qr/^409 .*pending/, '  and is not to be retried meanwhile: 409';
    $own->verdict($other);
    is $own->settled($other)->{status}, 'success', "another project's is sent beside it";
    is $own->settled($slow, 30)->{status}, 'success', 'both are sent in the end';
    my @times = map { $_->{time} } grep { $_->{path} eq '/slow/4' } $receiver->requests;
    is scalar @times, 2, '  once each';
    cmp_ok $times[1] - $times[0], '>=', 4, '  the second when the first had its answer';
    $sent += 3;
};

# A claim looks at what lies behind the last one, so that a long backlog is not walked again each time.
subtest 'claims: who is next' => sub {
    my $claimed = sub {
        my ($busy, $after, $from) = @_;
        my $list = sub { defined $_[0] ? "ARRAY[" . join(',', map { "'$_'" } @{ $_[0] }) . "]::text[]" : 'NULL' };
        return join ' ', split /\n/, $hooks->psql(<<"END");
            BEGIN;
            INSERT INTO tuor.organizations (org_id, name) SELECT 'org_!' || o, 'Claims' FROM generate_series(1, 3) o;
            INSERT INTO tuor.projects (org_id, id, name, webhook_url, webhook_secret, webhook_active)
                SELECT 'org_!' || o, 'proj_' || p, 'Claims', 'https://x', 's', true FROM generate_series(1, 3) o, generate_series(1, 3) p;
            INSERT INTO tuor.webhook_deliveries (org_id, id, project_id, event_id, event_type, created_at, updated_at, body_size, body)
                SELECT 'org_!' || o, 'whd_' || p || n, 'proj_' || p, 'evt_1', 'webhook.test', now(), now(), 2, '{}'
                FROM generate_series(1, 3) o, generate_series(1, 3) p, generate_series(1, 3) n WHERE o <> 2 OR p = 2;
            SELECT right(org_id, 1) || right(id, 2)
                FROM tuor.webhook_claim('try', 1000, 1000, 2, 1000, @{[$list->($busy)]}, @{[$list->([map { 0 } @{ $busy // [] }])]}, @{[$from // "'', ''"]}, @{[$list->($after)]})
                WHERE org_id < 'org_0';
            ROLLBACK;
END
    };
    my $all = '111 112 121 122 131 132 221 222 311 312 321 322 331 332';
    my @known = map { "org_!$_" } '1/proj_2', '2/proj_2', '3/proj_1';
    is $claimed->(undef, undef), $all, 'the oldest of each project, as many as may be under way';
    is $claimed->(\@known, undef), $all, 'asked for by a child of the version before';
    is $claimed->(\@known, ['', '', '']), $all, 'nothing is known';
    is $claimed->(\@known, ['', '', ''], "'org_!2', 'proj_2'"), '311 312 321 322 331 332 111 112 121 122 131 132 221 222', 'who was last is last';
    is $claimed->(\@known, ['whd_21', '', 'whd_12']), '111 112 122 123 131 132 221 222 313 321 322 331 332', 'what lies before is not looked at';
    is $claimed->(\@known, ['whd_29', 'whd_29', 'whd_19'], "'org_!1', 'proj_3'"), '321 322 331 332 111 112 131 132', 'there may be nothing behind';
};

subtest 'pending again, behind what was claimed since' => sub {
    my $own = Tuor::Webhooks->start(conf => "TuorWebhookConcurrency 2 1\nServerLimit 1\nStartServers 1\nMaxRequestWorkers 16\nMaxSpareThreads 16\n");
    my $project = $own->project($receiver->url('/slow/1'));
    $own->verdict($project);
    my $early = $own->settled($project, 10);
    $own->verdict($project) for 1 .. 7;
    sleep 3.5;      # further back than claims look by themselves
    $own->psql("UPDATE tuor.webhook_deliveries SET status = 'pending' WHERE id = '$early->{id}'");
    my $of = sub { my $wanted = shift; return grep { $_->{status} eq $wanted } $own->deliveries($project) };
    ok eventually(10, sub { my ($one) = grep { $_->{id} eq $early->{id} } $of->('success'); $one && $one->{attempt_count} == 2 }), 'it is sent';
    cmp_ok scalar($of->('pending')), '>', 0, '  before those that came later';
    $sent += 9;
    ok eventually(20, sub { $of->('success') == 8 }), '  which are sent, too';
};

subtest 'a network that is allowed' => sub {
    my $project = $hooks->project($receiver->url('/ok'));
    my $port = $receiver->port;
    for my $url ("https://localhost:$port/ok", "https://LOCALHOST.:$port/", "http://127.0.0.1:$port/ok", "https://me:secret\@127.0.0.1:$port/ok", "https://10.0.0.1/") {
        my $reply = $hooks->api(PUT => "/v1/projects/$project->{id}", { webhook_url => $url });
        is $reply->status . ' ' . ($reply->json->{errors}[0]{field} // ''), '422 webhook_url', "does not admit $url";
    }
};

subtest 'graceful restart' => sub {
    my $project = $hooks->project($receiver->url('/slow/3'));
    $hooks->verdict($project);
    last_request(++$sent);
    $hooks->server->graceful;
    is $hooks->settled($project)->{status}, 'success', 'a delivery under way is finished';
    $hooks->verdict($project);
    last_request(++$sent);
    is $hooks->settled($project)->{status}, 'success', 'and the next one works';
};

subtest 'figures' => sub {
    my $body = $hooks->api(GET => '/metrics')->body;
    like $body, qr/^tuor_webhook_attempts_total\{outcome="success"\} [1-9]/m, 'successes';
    like $body, qr/^tuor_webhook_attempts_total\{outcome="failed"\} [1-9]/m, 'failures';
    like $body, qr/^tuor_webhook_attempt_seconds_count [1-9]/m, 'how long they took';
    like $body, qr/^tuor_webhook_sending 0$/m, 'what is under way';
    like $body, qr/^tuor_webhook_waiting 0$/m, 'and what waits';
};

subtest 'configtest' => sub {
    my @bad = (
        ['TuorWebhookAllow 10.0.0.1/8', qr/bits beyond its prefix.*\/32/],
        ['TuorWebhookAllow localhost', qr/10\.20\.0\.0\/16/],
        ['TuorWebhookAllow', qr/requires at least one argument/],
        ['TuorWebhookTimeout 0', qr/from 1 to/],
        ['TuorWebhookTimeout 10s', qr/number of seconds/],
        ['TuorWebhookConcurrency -1', qr/from 1 to/],
        ['TuorWebhookConcurrency 4 5', qr/for one project/],
        ['TuorWebhookCAFile /nowhere/ca.pem', qr/cannot read .*No such file/],
        ['TuorWebhookCAFile /etc/hostname', qr/no certificate.*PEM/],
    );
    for my $case (@bad) {
        my ($status, $out) = Tuor::Server->configtest($case->[0]);
        isnt $status, 0, $case->[0];
        like $out, $case->[1], '  says what would be right';
    }
    my ($status, $out) = Tuor::Server->configtest("TuorWebhookAllow 10.20.0.0/16 fd00::/8\nTuorWebhookTimeout 5\nTuorWebhookConcurrency 64 8\n");
    is $status, 0, 'and good values pass' or diag $out;
};

is join("\n", $hooks->server->error_log =~ /^.*(?:\[(?:crit|alert|emerg)\]|AddressSanitizer|exit signal).*$/mg), '', 'nothing bad in the error log';
done_testing;
