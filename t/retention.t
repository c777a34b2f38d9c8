# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# Retention: tuorctl prune, TuorRetention, and what goes and what stays with a trace.
use strict;
use warnings;
use Tuor::Postgres;
use Tuor::Run qw(run_dir);
use Tuor::Server;
use Tuor::Test;

my $org = new_org("Retention $$");
my $key = $org->{key};
my $project = create_project(key => $key)->{id};

# Ids hold the time of creation: an old trace is one with an old id, in every table.
sub grow_old {
    my ($trace, $n) = @_;
    my $old = sprintf 'trace_0%021d', $n;
    psql(<<~"END");
        BEGIN;
        INSERT INTO tuor.traces SELECT (jsonb_populate_record(t, '{"id": "$old", "created_at": "2001-01-01"}')).* FROM tuor.traces t WHERE t.id = '$trace';
        UPDATE tuor.trace_events SET trace_id = '$old' WHERE trace_id = '$trace';
        UPDATE tuor.trace_tags SET trace_id = '$old' WHERE trace_id = '$trace';
        DELETE FROM tuor.traces WHERE id = '$trace';
        COMMIT;
        END
    return $old;
}

sub pruned {
    my ($status, $out, $err) = ctl('prune', '--org', $org->{id}, '--json', @_);
    is "$status$err", 0, "tuorctl prune @_" or return {};
    return Tuor::Test::decode($out);
}
sub removed { my $said = pruned(@_); return "$said->{traces} $said->{webhook_deliveries}" }
sub there { return scalar @{ api(GET => '/v1/traces/?limit=500', key => $key)->json } }
sub rows { my ($table, $column) = (@_, 'trace_id'); return psql("SELECT count(*) FROM tuor.$table WHERE org_id = '$org->{id}' AND $column LIKE 'trace_0%'") }

subtest 'calling it wrongly' => sub {
    for (['--before is missing', 'prune'], ['no time such as', 'prune', '--before', 'x'], ['still to come', 'prune', '--before', '2999-01-01'],
         ['"done" is no status', 'prune', '--before', '2020-01-01', '--status', 'done'], ['names no status', 'prune', '--before', '2020-01-01', '--status', ','],
         ['--before does not belong here', 'org', 'list', '--before', '2020-01-01'], ['--dry-run does not belong here', 'check', '--dry-run'],
         ['no organization', 'prune', '--before', '2020-01-01', '--org', 'nobody']) {
        my ($pattern, @args) = @$_;
        my ($status, $out, $err) = ctl(@args);
        ok $status, "tuorctl @args";
        like $err, qr/\Q$pattern/, '  says why';
    }
};

my $tag = api(POST => '/v1/tags/', { name => "t$$" }, key => $key)->json->{id};
my @old;
for my $n (1 .. 6) {
    my $trace = create_trace(key => $key, project_id => $project)->{id};
    api(POST => "/v1/traces/$trace/tags", { tag_ids => [$tag] }, key => $key);
    api(POST => "/v1/traces/$trace/review", { action => $n == 1 ? 'reject' : 'approve', expected_version => 1 }, key => $key) if $n < 4;
    api(DELETE => "/v1/traces/$trace?expected_version=1", key => $key) if $n == 6;
    push @old, grow_old($trace, $n);
}
my $new = create_trace(key => $key, project_id => $project)->{id};
psql(<<"END");
    INSERT INTO tuor.webhook_deliveries (org_id, id, project_id, event_id, event_type, status, created_at, updated_at, body_size, body)
        SELECT '$org->{id}', 'whd_0' || n, '$project', 'evt_1', 'review.approved', s, now(), now(), 2, '{}' FROM unnest(ARRAY['success', 'failed', 'sending']) WITH ORDINALITY u (s, n);
    INSERT INTO tuor.webhook_attempts (org_id, delivery_id, attempt, attempted_at) VALUES ('$org->{id}', 'whd_01', 1, now());
END
my $figures = sub { return api(GET => "/v1/projects/$project/analytics", key => $key)->json->{totals} };
my $before = $figures->();

subtest 'tuorctl prune' => sub {
    is removed('--before', '2020-01-01', '--dry-run'), '6 2', 'a dry run tells';
    is there(), 6, '  and removes nothing';
    is removed('--before', '2020-01-01', '--status', 'rejected,deleted', '--dry-run'), '2 0', 'of some statuses';
    is removed('--before', '2020-01-01', '--status', 'rejected,deleted'), '2 0', '  and they go';
    is there(), 5, '  one of those that are seen';
    is api(GET => "/v1/traces/$old[0]", key => $key)->status, 404, '  this one';
    is removed('--before', '2000-01-01T00:00:00Z', '--status', 'pending'), '2 0', 'pending ones, too';
    # A row that somebody holds is left for the next time, and nobody waits.
    my $holder = fork // die "fork: $!\n";
    if (!$holder) { open STDERR, '>', '/dev/null'; exec 'psql', '-Xq', '-d', database->url, '-o', '/dev/null', '-c', "BEGIN; SELECT FROM tuor.traces WHERE id = '$old[1]' FOR UPDATE", '-c', 'SELECT pg_sleep(60)'; die }
    ok eventually(10, sub { psql("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND query NOT LIKE '%activity%'") > 0 }), 'somebody holds one';
    is removed('--before', '2020-01-01'), '1 2', '  the other one goes, and deliveries that have ended';
    psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND pid <> pg_backend_pid()");
    waitpid $holder, 0;
    ok eventually(10, sub { removed('--before', '2020-01-01') eq '1 0' }), '  the held one later';
    is removed('--before', '2020-01-01'), '0 0', 'then nothing is left';
    is there(), 1, 'what is new stays';
    is rows('trace_events') . rows('trace_tags') . rows('traces', 'id'), '000', 'events and tags went with their traces';
    is psql("SELECT string_agg(status, ' ') FROM tuor.webhook_deliveries WHERE org_id = '$org->{id}'"), 'sending', 'a delivery under way stays';
    is psql("SELECT count(*) FROM tuor.webhook_attempts WHERE org_id = '$org->{id}'"), 0, 'attempts went with their deliveries';
    is_deeply $figures->(), $before, 'analytics keep what they have counted';
    my $feed = api(GET => '/v1/events?limit=100', key => $key)->json;
    is join(' ', map { $_->{trace_id} } @{ $feed->{events} }), $new, 'the feed has the events of what is there';
    is api(GET => "/v1/events?after=$feed->{cursor}", key => $key)->status, 200, '  and its cursors stay good';
};

subtest 'a limit of stored traces' => sub {
    my $limited = new_org("Retention limited $$");
    my $its = create_project(key => $limited->{key})->{id};
    my @ids = map { create_trace(key => $limited->{key}, project_id => $its)->{id} } 1 .. 3;
    ctl('org', 'limit', $limited->{id}, 3);
    my $more = sub { return api(POST => '/v1/traces/', { project_id => $its, model_input => {}, model_output => {} }, key => $limited->{key})->status };
    is $more->(), 402, 'reached';
    grow_old($ids[$_], 100 + $_) for 0, 1;
    ctl('prune', '--before', '2020-01-01', '--org', $limited->{id});
    is join(' ', map { $more->() } 1 .. 3), '201 201 402', 'what went makes room';
};

subtest 'what analytics have not counted yet' => sub {
    my $uncounted = grow_old(create_trace(key => $key, project_id => $project)->{id}, 200);
    # As if the count were behind this event.
    my $state = psql("SELECT pos || ', ' || seq FROM tuor.analytics_state WHERE org_id = '$org->{id}'");
    is psql(<<~"END"), '0', 'stays';
        BEGIN;
        UPDATE tuor.analytics_state SET pos = 0, seq = 0 WHERE org_id = '$org->{id}';
        SELECT removed FROM tuor.prune_traces('$org->{id}', 'trace_1', NULL, '', 100);
        ROLLBACK;
        END
    is removed('--before', '2020-01-01'), '1 0', 'tuorctl has it counted first';
};

subtest 'tuorctl stats' => sub {
    my ($status, $out) = ctl('stats');
    is $status, 0, 'answers';
    like $out, qr/^traces +\d+ +\d+ +\d+ +\d+$/m, 'with a line a table';
    my $bytes = sub { my ($of_trace) = grep { exists $_->{bytes_per_trace} } map { Tuor::Test::decode($_) } split /\n/, (ctl('stats', '--json'))[1]; return $of_trace->{bytes_per_trace} // 0 };
    ok eventually(30, sub { $bytes->() > 100 }), 'and the bytes of a trace, as soon as PostgreSQL has its figures';
};

subtest 'TuorRetention' => sub {
    for my $wrong (qw(0 -1 x 36501 1.5)) {
        my ($status, $said) = Tuor::Server->configtest("TuorRetention $wrong");
        is $status, 1, "TuorRetention $wrong";
        like $said, qr/TuorRetention takes a number of days/, '  says why';
    }
    my $db = Tuor::Postgres->new(dir => run_dir() . '/retention');
    my @orgs = map { $db->ctl('org', 'create', $_) } 1 .. 3;
    $db->psql(<<~"END");
        INSERT INTO tuor.projects (org_id, id, name) SELECT o.org_id, 'proj_1', 'p' FROM tuor.organizations o;
        INSERT INTO tuor.traces (org_id, id, project_id, created_at, updated_at, model_input, model_output)
            SELECT o.org_id, 'trace_' || p || lpad(n::text, 21, '0'), 'proj_1', now(), now(), '{}', '{}'
            FROM tuor.organizations o, generate_series(1, 1300) n, unnest(ARRAY['0', 'z']) p;
        INSERT INTO tuor.trace_events (org_id, trace_id, id, type, actor_type, occurred_at, status_after, version)
            SELECT t.org_id, t.id, 'evt_' || t.id, 'trace.created', 'user', now(), 'pending', 1 FROM tuor.traces t;
        END
    my $server = Tuor::Server->start(db => $db, conf => "TuorRetention 30\n");
    ok eventually(60, sub { $db->psql("SELECT count(*) FROM tuor.traces WHERE id < 'trace_1'") == 0 }), 'old ones go by themselves, of each organization';
    is $db->psql("SELECT count(*) || ' ' || (SELECT count(*) FROM tuor.trace_events) FROM tuor.traces"), '3900 3900', 'new ones stay, with their events';
    ok eventually(60, sub { $db->psql('SELECT count(*) FROM tuor.organizations WHERE pruned_at IS NULL') == 0 }), 'then they are left alone for a while';
    $server->stop;
    $db->remove;
};

done_testing;
