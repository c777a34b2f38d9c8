# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# The review queue: oldest first, each trace to one holder at a time, and leases that are advice.
use strict;
use warnings;
use Tuor::Test;
use Tuor::Run qw(run_info);
use Tuor::Server;

my $org = new_org("Queue $$");
my $key = $org->{key};
my @users = map { new_user($_) } 'queue-ada', 'queue-ben', 'queue-vic';
my ($ada, $ben, $vic) = @users;
database()->ctl('user', 'add', $ada, '--org', $org->{id}, '--role', 'reviewer', '--name', 'Ada');
database()->ctl('user', 'add', $ben, '--org', $org->{id}, '--role', 'reviewer');
database()->ctl('user', 'add', $vic, '--org', $org->{id}, '--role', 'viewer');

sub as    { my $who = shift; return $who eq 'key' ? (key => $key) : (login => $who) }
sub next_ { my ($who, %body) = @_; return api(POST => '/v1/queue/next', \%body, as($who)) }
sub taken { my $reply = next_(@_); return $reply->status == 200 ? ($reply->json->{trace} // { id => 'none' })->{id} : $reply->status }
sub hold  { my ($who, $trace, %body) = @_; return api(PUT => "/v1/queue/leases/$trace", \%body, as($who)) }
sub give  { my ($who, $trace, $client) = @_; return api(DELETE => "/v1/queue/leases/$trace" . ($client ? "?client=$client" : ''), as($who))->status }
sub queue { my ($who, $query) = @_; return api(GET => "/v1/queue?$query", as($who))->json }
sub verb  { my ($trace, $verb, %body) = @_; return api(POST => "/v1/traces/$trace->{id}/$verb", { expected_version => $trace->{version}, %body }, key => $key) }
sub project { return create_project(key => $key, @_)->{id} }
sub traces  { my ($n, $project, %more) = @_; return map { create_trace(key => $key, project_id => $project, %more) } 1 .. $n }
sub expire  { psql("UPDATE tuor.queue_leases SET expires_at = now() - interval '1 second' WHERE org_id = '$org->{id}'" . ($_[0] ? " AND trace_id = '$_[0]'" : '')) }

subtest 'the next one' => sub {
    my $project = project();
    my @traces = traces(3, $project, model_output => { total => 12 });
    my $reply = next_($ada, project_id => $project, client => 'tab-1');
    is $reply->status, 200, 'is handed out';
    my $got = $reply->json;
    is $got->{trace}{id}, $traces[0]{id}, '  the oldest first';
    is_deeply $got->{trace}, api(GET => "/v1/traces/$traces[0]{id}", key => $key)->json, '  as it is read, payloads included';
    my $lease = $got->{lease};
    is $lease->{trace_id}, $traces[0]{id}, 'with a lease';
    is $lease->{project_id}, $project, '  of its project';
    my $me = api(GET => '/v1/me', login => $ada)->json;
    is_deeply $lease->{holder}, { type => 'user', id => $me->{id}, name => 'Ada' }, '  for whom it is';
    is_deeply [$lease->{client}, $lease->{mine}], ['tab-1', JSON::PP::true], '  in this tab';
    is psql("SELECT '$lease->{expires_at}'::timestamptz - '$lease->{leased_at}'::timestamptz"), '00:05:00', '  for five minutes';
    is taken($ada, project_id => $project, client => 'tab-1'), $traces[1]{id}, 'then another one';
    is taken($ada, project_id => $project, client => 'tab-2'), $traces[2]{id}, '  in another tab, too';
    my $none = next_('key', project_id => $project);
    is $none->body, '{"trace":null,"lease":null}', 'and then none is left';
    is_deeply api(POST => '/v1/queue/next', login => $ben)->json, { trace => undef, lease => undef }, 'a body is not needed';
    is give($ada, $traces[1]{id}, 'tab-1'), 204, 'given back';
    my $again = next_('key', project_id => $project)->json;
    is $again->{trace}{id}, $traces[1]{id}, '  it goes to the next who asks';
    is $again->{lease}{holder}{type}, 'api_key', '  an API key here';
    like $again->{lease}{holder}{name}, qr/\S/, '  by its name';
    is $again->{lease}{client}, undef, '  without a client';
};

subtest 'not in the queue' => sub {
    my $project = project();
    my ($reviewed, $deleted, $pending) = traces(3, $project);
    verb($reviewed, 'review', action => 'approve');
    api(DELETE => "/v1/traces/$deleted->{id}?expected_version=1", key => $key);
    is taken($ada, project_id => $project), $pending->{id}, 'what is reviewed or deleted';
    my $archived = project();
    my ($inside) = traces(1, $archived);
    api(DELETE => "/v1/projects/$archived", key => $key);
    is taken($ada, project_id => $archived), 'none', 'what an archived project has';
    isnt taken($ada), $inside->{id}, '  whichever is asked for';
    is queue($ada, "project_id=$archived")->{pending}, 0, '  nor counted';
    verb({ id => $reviewed->{id}, version => 2 }, 'reset');
    is taken($ada, project_id => $project), $reviewed->{id}, 'a trace that was reset is there again';
    my $foreign = create_project(key => other_org_key())->{id};
    for (['project_id', $foreign], ['project_id', 'proj_0000000000000000000000'], ['tag_id', 'tag_0000000000000000000000']) {
        is next_($ada, @$_)->status, 404, "$_->[0] $_->[1] is no queue";
        is api(GET => "/v1/queue?$_->[0]=$_->[1]", login => $ada)->status, 404, '  nor can it be looked at';
    }
    my $theirs = create_trace(key => other_org_key(), project_id => $foreign)->{id};
    is hold($ada, $theirs)->status, 404, "another organization's trace cannot be held";
    is give($ada, $theirs), 404, '  nor given back';
};

subtest 'by tag' => sub {
    my ($a, $b) = (project(), project());
    my $tag = api(POST => '/v1/tags/', { name => "urgent $$" }, key => $key)->json->{id};
    my @a = traces(3, $a);
    my @b = traces(2, $b);
    my $tagged = sub { api(POST => "/v1/traces/$_[0]/tags", { tag_ids => [$tag] }, key => $key)->status };
    $tagged->($_->{id}) for $a[1], $a[2], $b[0];
    is taken($ada, tag_id => $tag), $a[1]{id}, 'the oldest with the tag';
    is taken($ada, tag_id => $tag, project_id => $b), $b[0]{id}, '  in a project';
    is taken($ada, tag_id => $tag), $a[2]{id}, '  and the next';
    is taken($ada, tag_id => $tag), 'none', '  until none is left';
    is_deeply [@{ queue($ada, "tag_id=$tag") }{qw(pending leased)}], [3, 3], 'counted';
    is_deeply [@{ queue($ada, "tag_id=$tag&project_id=$a") }{qw(pending leased)}], [2, 2], '  in a project';
    verb($a[1], 'review', action => 'approve');
    is queue($ada, "tag_id=$tag")->{pending}, 2, 'a verdict takes it out';
    verb({ id => $a[1]{id}, version => 2 }, 'reset');
    is taken($ada, tag_id => $tag), $a[1]{id}, '  a reset puts it back';
    api(DELETE => "/v1/traces/$a[2]{id}?expected_version=1", key => $key);
    is queue($ada, "tag_id=$tag")->{pending}, 2, 'a deletion takes it out';
    verb({ id => $a[2]{id}, version => 2 }, 'restore');
    is queue($ada, "tag_id=$tag")->{pending}, 3, '  restored, it is there';
    verb($b[1], 'review', action => 'reject');
    $tagged->($b[1]{id});
    is queue($ada, "tag_id=$tag")->{pending}, 3, 'tagging what is reviewed changes nothing';
    api(DELETE => "/v1/traces/$b[0]{id}/tags/$tag", key => $key);
    is queue($ada, "tag_id=$tag")->{pending}, 2, 'without its tag it is out';
};

subtest 'leases' => sub {
    my $project = project();
    my ($trace, $other) = traces(2, $project);
    my $id = $trace->{id};
    my $first = next_($ada, project_id => $project, client => 't')->json->{lease};
    my $longer = hold($ada, $id, client => 't');
    is $longer->status, 200, 'a sign of life';
    is $longer->json->{leased_at}, $first->{leased_at}, '  goes on with the lease';
    cmp_ok $longer->json->{expires_at}, 'gt', $first->{expires_at}, '  for longer';
    my $refused = hold($ben, $id, client => 't');
    is $refused->status, 409, 'somebody else';
    like $refused->json->{detail}, qr/^Ada holds this trace until \d/, '  is told so in words';
    is_deeply [@{ $refused->json }{qw(holder expires_at)}], [$first->{holder}, $longer->json->{expires_at}], '  is told who has it, and until when';
    is hold($ada, $id, client => 'u')->status, 409, 'so is the same person in another tab';
    is give($ben, $id, 't'), 204, 'others may say that they give it back';
    is give($ada, $id, 'u'), 204, '  or another tab';
    is hold($ben, $id)->status, 409, '  and nothing happens';
    expire($id);
    is queue($ada, "project_id=$project")->{leased}, 0, 'when its time is over, it is free';
    is hold($ben, $id, client => 'b')->json->{holder}{name}, $ben, '  for whoever comes, by login where there is no name';
    is hold($ada, $id, client => 't')->status, 409, '  and the first has lost it';
    expire($id);
    is taken('key', project_id => $project), $id, 'the queue hands it out again';
    is give('key', $id), 204, 'given back';
    is give('key', $id), 204, '  twice';
    is hold($ada, $id)->json->{mine}, JSON::PP::true, 'a free one can be held by its id';
    verb($trace, 'review', action => 'approve');
    is psql("SELECT count(*) FROM tuor.queue_leases WHERE trace_id = '$id'"), 0, 'a verdict by somebody else ends the lease';
    my $late = hold($ada, $id);
    is $late->status, 409, '  and the holder hears of it';
    is_deeply [@{ $late->json }{qw(status current_version)}], ['approved', 2], '  with what it is now';
    hold($ada, $other->{id});
    api(DELETE => "/v1/traces/$other->{id}?expected_version=1", key => $key);
    is psql("SELECT count(*) FROM tuor.queue_leases WHERE trace_id = '$other->{id}'"), 0, 'a deletion does, too';
    is hold($ada, $other->{id})->status, 404, '  and it cannot be held';
    my ($third) = traces(1, $project);
    hold($ada, $third->{id});
    is verb($third, 'review', action => 'reject')->status, 200, 'a lease stops nobody from judging';
    my ($fourth) = traces(1, $project);
    hold($ada, $fourth->{id});
    is verb({ id => $fourth->{id}, version => 7 }, 'review', action => 'approve')->status, 409, 'a verdict that fails';
    is hold($ben, $fourth->{id})->status, 409, '  leaves the lease';
};

subtest 'no more than twenty' => sub {
    my $project = project();
    traces(22, $project);
    my @got = map { taken($ada, project_id => $project, client => 'greedy') } 1 .. 20;
    is scalar(grep { /^trace_/ } @got), 20, 'twenty in one tab';
    my $more = next_($ada, project_id => $project, client => 'greedy');
    is $more->status, 409, '  and not one more';
    like $more->json->{detail}, qr/20 traces.*give some back/, '  which says what to do';
    like taken($ada, project_id => $project, client => 'modest'), qr/^trace_/, 'another tab has twenty of its own';
    give($ada, $got[0], 'greedy');
    is taken($ada, project_id => $project, client => 'greedy'), $got[0], 'giving back makes room';
    psql("DELETE FROM tuor.queue_leases WHERE org_id = '$org->{id}'");
};

subtest 'the overview' => sub {
    my $project = project();
    my @traces = traces(5, $project);
    my $before = queue($ada, '')->{reviewed};
    next_($ada, project_id => $project, client => 'a');
    next_($ben, project_id => $project, client => 'b');
    api(POST => "/v1/traces/$traces[2]{id}/review", { action => 'approve', expected_version => 1 }, login => $ada);
    verb($traces[3], 'review', action => 'reject');
    my $got = queue($ada, "project_id=$project&client=a");
    is_deeply [@{$got}{qw(pending pending_more leased)}], [3, JSON::PP::false, 2], 'what is left';
    is_deeply $got->{reviewed}, { mine => 1, all => 2 }, 'what was done';
    is_deeply [map { "$_->{trace_id} $_->{holder}{name} " . ($_->{client} // '-') . ($_->{mine} ? ' mine' : '') } sort { $a->{trace_id} cmp $b->{trace_id} } @{ $got->{leases} }],
        ["$traces[0]{id} Ada a mine", "$traces[1]{id} $ben -"], 'who is at what; of others not in which tab';
    is_deeply [map { $_->{mine} ? 1 : 0 } sort { $a->{trace_id} cmp $b->{trace_id} } @{ queue($ada, "project_id=$project&client=other")->{leases} }], [0, 0],
        'another tab sees that it is not its own';
    my $all = queue($ada, '');
    is_deeply [map { $all->{reviewed}{$_} - $before->{$_} } qw(mine all)], [1, 2], 'in all projects';
    cmp_ok $all->{pending}, '>', 3, '  more is pending';
    is_deeply queue($ada, "project_id=$project&since=2100-01-01T00:00:00Z")->{reviewed}, { mine => 0, all => 0 }, 'since some time';
    is queue('key', "project_id=$project&since=2020-01-01")->{reviewed}{mine}, 1, '  or another, by a key';
    is api(GET => '/v1/queue', key => other_org_key())->json->{leases}[0], undef, 'others see none of it';
    psql("INSERT INTO tuor.traces (org_id, id, project_id, created_at, updated_at, model_input, model_output)
        SELECT '$org->{id}', 'trace_' || lpad(n::text, 22, '0'), '$project', now(), now(), '{}', '{}' FROM generate_series(1, 10000) n");
    is_deeply [@{ queue($ada, "project_id=$project") }{qw(pending pending_more)}], [10000, JSON::PP::true], 'counting stops at ten thousand';
};

subtest 'roles' => sub {
    is api(GET => '/v1/queue', login => $vic)->status, 200, 'a viewer may look';
    is next_($vic)->status, 403, '  and take nothing';
    is hold($vic, 'trace_0000000000000000000000')->status, 403, '  nor hold';
    is give($vic, 'trace_0000000000000000000000'), 403, '  nor give back';
    is api($_->[0] => $_->[1], $_->[2], key => undef)->status, 401, "$_->[0] $_->[1] wants a credential"
        for ['GET', '/v1/queue'], ['POST', '/v1/queue/next', {}], ['PUT', '/v1/queue/leases/x', {}], ['DELETE', '/v1/queue/leases/x'];
    is next_($ada, client => $_->[0])->status, 422, "client: $_->[1]" for ['', 'empty'], ['x' x 65, 'too long'], [7, 'a number'];
    is api(GET => '/v1/queue?since=never', login => $ada)->status, 422, 'since has to be a time';
    is api(POST => '/v1/queue/next?x=1', {}, login => $ada)->status, 422, 'an unknown parameter';
};

subtest 'eight drain a hundred' => sub {
    my $project = project();
    my @traces = map { $_->{id} } traces(100, $project);
    my @logins = ($ada, $ben, 'key');
    for my $round ('one project', 'all projects') {
        my @where = $round eq 'one project' ? (project_id => $project) : ();
        # Nothing else is free while all are drained.
        psql("UPDATE tuor.projects SET archived = true WHERE org_id = '$org->{id}' AND id <> '$project'");
        my @got = in_parallel(8, sub {
            my $n = shift;
            my @mine;
            while (@mine < 20) {
                my $id = taken($logins[$n % 3], @where, client => "p$n");
                last if $id !~ /^trace_/;
                push @mine, $id;
            }
            return @mine;
        });
        is_deeply [sort @got], [sort @traces], "$round: every trace once";
        psql("DELETE FROM tuor.queue_leases WHERE org_id = '$org->{id}'");
    }
    # And with verdicts and expiries in between.
    my @judged = in_parallel(8, sub {
        my $n = shift;
        my @done;
        while ((my $id = taken($logins[$n % 3], project_id => $project, client => "q$n")) =~ /^trace_/) {
            if (rand() < 0.2) { expire($id) }
            elsif (api(POST => "/v1/traces/$id/review", { action => 'approve', expected_version => 1 }, as($logins[$n % 3]))->status == 200) { push @done, $id }
        }
        return @done;
    });
    is_deeply [sort @judged], [sort @traces], 'judged while leases expire: every trace once';
    is psql("SELECT count(*) FROM tuor.queue_leases WHERE project_id = '$project'"), 0, '  and no lease is left';
};

subtest 'a lease of one second' => sub {
    my $server = Tuor::Server->start(conf => "TuorRateLimit all off\nTuorQueueLease 1\n");
    my $project = project();
    my ($trace) = traces(1, $project);
    my $next = sub { api(POST => '/v1/queue/next', { project_id => $project }, key => $key, server => $server)->json->{trace} };
    is $next->()->{id}, $trace->{id}, 'is given';
    ok eventually(10, sub { my $again = $next->(); $again && $again->{id} eq $trace->{id} }), 'and over by itself';
    for ('TuorQueueLease 0', 'TuorQueueLease 3601', 'TuorQueueLease 5m') {
        my ($status, $said) = Tuor::Server->configtest("$_\n");
        isnt $status, 0, "$_ is refused";
        like $said, qr/1 to 3600/, '  with what would be right';
    }
};

# With statistics of an empty table and of a full one, for what is looked for among many and is not there.
subtest 'plans' => sub {
    my $project = project();
    my $tag = api(POST => '/v1/tags/', { name => "plans $$" }, key => $key)->json->{id};
    psql(<<~"END");
        INSERT INTO tuor.traces (org_id, id, project_id, created_at, updated_at, model_input, model_output, status, tagged)
            SELECT '$org->{id}', 'trace_plan' || lpad(n::text, 22, '0'), '$project', now(), now(), '{}', '{}',
                   CASE WHEN n % 2 = 0 THEN 'pending' ELSE 'approved' END, n % 10 < 2 FROM generate_series(1, 20000) n;
        INSERT INTO tuor.trace_tags (org_id, trace_id, tag_id)
            SELECT org_id, id, '$tag' FROM tuor.traces WHERE project_id = '$project' AND tagged;
        END
    for my $statistics ('as they are', 'fresh') {
        psql('ANALYZE tuor.traces, tuor.trace_tags, tuor.queue_leases, tuor.trace_events') if $statistics eq 'fresh';
        for my $call ("tuor.queue_next('$project', NULL, 'user', 'user_x', '', 1000, 20)", "tuor.queue_next(NULL, NULL, 'user', 'user_x', '', 1000, 20)",
                      "tuor.queue_next('$project', '$tag', 'user', 'user_x', '', 1000, 20)", "tuor.queue_next(NULL, '$tag', 'user', 'user_x', '', 1000, 20)",
                      "tuor.queue_counts('$project', NULL, 'user_x', now() - interval '1 day', 10001)", "tuor.queue_counts(NULL, '$tag', 'user_x', now() - interval '1 day', 10001)") {
            my $plan = database()->run_sql(database()->url =~ s{//tuor@}{//postgres@}r, <<~"END");
                LOAD 'auto_explain';
                SET auto_explain.log_min_duration = 0;
                SET auto_explain.log_nested_statements = on;
                SET auto_explain.log_analyze = on;
                SET auto_explain.log_timing = off;
                SET auto_explain.log_level = warning;
                SET client_min_messages = warning;
                -- As the module's connections have it, for tables small enough to be read through.
                SET enable_seqscan = off;
                SET enable_bitmapscan = off;
                SELECT set_config('tuor.org_id', '$org->{id}', false);
                BEGIN;
                SELECT * FROM $call;
                ROLLBACK;
                END
            like $plan, qr/traces_project_status|trace_tags_open/, "$statistics: $call goes by the index";
            is join("\n", $plan =~ /(Seq Scan on (?:traces|trace_events|trace_tags|queue_leases)\b.*)/g), '', '  reads no table through';
            # Counts may touch as many as they count; what is next, only those that are held.
            my @rows = map { $_ > 100 ? $_ : () } $plan =~ /(?:Sort|Materialize|Scan)[^\n]*\(actual rows=(\d+)/g;
            is "@rows", "", "  nor many rows of it" or diag $plan if $call =~ /next/;
            is join("\n", $plan =~ /(Rows Removed by Filter: \d{3,})/g), '', '  nor drops many' or diag $plan;
        }
    }
};

done_testing;
