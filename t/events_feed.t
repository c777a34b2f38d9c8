# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# GET /v1/events: every event once, in order, without gaps, and waiting for more.
use strict;
use warnings;
use POSIX ();
use Time::HiRes qw(sleep time);
use Tuor::Run qw(run_dir read_file write_file);
use Tuor::Server;
use Tuor::Test;

my $org = new_org("Events $$");
my $key = $org->{key};
my $project = create_project(key => $key)->{id};

sub trace { return create_trace(key => $key, project_id => $project) }
sub verb {
    my ($trace, $verb, %body) = @_;
    my $reply = api($verb eq 'delete' ? 'DELETE' : 'POST', "/v1/traces/$trace->{id}" . ($verb eq 'delete' ? '' : "/$verb"),
        { expected_version => $trace->{version}, %body }, key => $key);
    $reply->status == 200 or die "$verb: " . $reply->body;
    %$trace = %{ $reply->json };
}

# feed(QUERY...): the answer, decoded.
sub feed {
    my %query = @_;
    my %option = map { $_ => delete $query{$_} } grep { exists $query{$_} } qw(key login server);
    my $reply = api(GET => '/v1/events?' . join('&', map { "$_=$query{$_}" } sort keys %query), key => $key, %option);
    is $reply->status, 200, join ' ', 'feed', %query or diag $reply->body;
    return $reply->json;
}

# A process that runs a sub; its exit status is what the sub returns.
sub background { my $run = shift; my $pid = fork // die "fork: $!\n"; return $pid if $pid; POSIX::_exit($run->() ? 0 : 1) }

subtest 'pages' => sub {
    my $start = feed();
    is_deeply [@$start{qw(events has_more)}], [[], JSON::PP::false], 'nothing yet';
    my @traces = map { trace() } 1 .. 3;
    my $tag = api(POST => '/v1/tags/', { name => 'feed' }, key => $key)->json;
    verb($traces[0], 'review', action => 'correct', corrected_output => { answer => 'better' }, comment => 'why "not"');
    api(POST => "/v1/traces/$traces[0]{id}/tags", { tag_ids => [$tag->{id}] }, key => $key);
    verb($traces[0], 'reset');
    verb($traces[1], 'delete');

    my $all = feed();
    is_deeply [map { $_->{event_type} } @{ $all->{events} }],
        [('trace.created') x 3, qw(review.corrected tag.added trace.reset trace.deleted)], 'everything, in order';
    my %expected = map { $_->{event_id} => { %$_, trace_id => $traces[0]{id}, project_id => $project } }
        @{ api(GET => "/v1/traces/$traces[0]{id}/events", key => $key)->json };
    is_deeply { map { $_->{event_id} => $_ } grep { $_->{trace_id} eq $traces[0]{id} } @{ $all->{events} } }, \%expected,
        'each is the event of the audit trail, with its trace and project';
    is $all->{events}[-1]{trace_id}, $traces[1]{id}, 'a deletion is told, too';
    ok !$all->{has_more}, 'that was all';
    is_deeply feed(after => $all->{cursor})->{events}, [], 'behind it there is nothing';
    is_deeply feed(after => $start->{cursor})->{events}, $all->{events}, 'the first cursor still stands at the beginning';

    my (@read, $cursor);
    for (1 .. 3) {
        my $page = feed(limit => 3, defined $cursor ? (after => $cursor) : ());
        push @read, @{ $page->{events} };
        $cursor = $page->{cursor};
        is !!$page->{has_more}, $_ < 3, "page $_: has_more";
    }
    is_deeply \@read, $all->{events}, 'pages make up the whole';

    is_deeply [map { $_->{event_type} } @{ feed(types => 'trace.reset,review.corrected')->{events} }], [qw(review.corrected trace.reset)], 'types';
    my $none = feed(types => 'trace.restored');
    is_deeply [@$none{qw(events has_more)}], [[], JSON::PP::false], 'none of a type';
    is_deeply feed(after => $none->{cursor})->{events}, [], '  and its cursor is behind those looked at';
    my $latest = feed(after => 'latest');
    is_deeply $latest->{events}, [], 'after=latest begins at the end';
    trace();
    is_deeply [map { $_->{event_type} } @{ feed(after => $latest->{cursor})->{events} }], ['trace.created'], '  and goes on from there';
};

subtest 'looking back' => sub {
    my $own = new_org("Back $$");
    my @key = (key => $own->{key});
    my ($one, $two) = map { create_project(@key)->{id} } 1, 2;
    my @traces = map { create_trace(@key, project_id => $_ % 3 ? $one : $two) } 1 .. 6;
    api(POST => "/v1/traces/$traces[1]{id}/review", { action => 'approve', expected_version => 1 }, @key);
    api(DELETE => "/v1/traces/$traces[2]{id}", { expected_version => 1 }, @key);
    # A day apart, the last one today; the other organization's events lie between them.
    psql("UPDATE tuor.trace_events e SET occurred_at = now() - (n.n - n.i) * interval '1 day'"
       . " FROM (SELECT id, row_number() OVER (ORDER BY pos, seq) AS i, count(*) OVER () AS n FROM tuor.trace_events WHERE org_id = '$own->{id}') n"
       . " WHERE e.org_id = '$own->{id}' AND e.id = n.id");

    my $all = feed(@key)->{events};
    my $back = feed(@key, before => 'latest');
    is_deeply $back->{events}, [reverse @$all], 'the whole feed, newest first';
    ok !$back->{has_more}, '  is all';
    is_deeply feed(@key, before => $back->{cursor})->{events}, [], '  with nothing before it';
    is_deeply feed(@key, after => $back->{cursor})->{events}, [@$all[1 .. $#$all]], '  and the cursor turns round';
    my (@read, $cursor);
    for (1 .. 3) {
        my $page = feed(@key, limit => 3, before => $cursor // 'latest');
        push @read, @{ $page->{events} };
        $cursor = $page->{cursor};
        is !!$page->{has_more}, $_ < 3, "page $_: has_more";
    }
    is_deeply \@read, $back->{events}, 'pages make up the whole';

    my $ids = sub { my $page = feed(@key, before => 'latest', @_); return [map { $_->{event_id} } @{ $page->{events} }] };
    my $where = sub { my $like = shift; return [map { $_->{event_id} } grep { $like->($_) } reverse @$all] };
    is_deeply $ids->(types => 'review.approved,trace.deleted'), $where->(sub { $_[0]{event_type} ne 'trace.created' }), 'types';
    is_deeply $ids->(project_id => $two), $where->(sub { $_[0]{project_id} eq $two }), 'a project';
    is_deeply $ids->(trace_id => $traces[2]{id}), $where->(sub { $_[0]{trace_id} eq $traces[2]{id} }), 'a trace, though it is deleted';
    is_deeply $ids->(actor_id => $all->[0]{actor_id}), $where->(sub { 1 }), 'an actor';
    is_deeply $ids->(actor_id => 'user_0'), [], '  and one who did nothing';
    is_deeply $ids->(project_id => $org->{id}), [], 'no project';
    for my $i (0 .. $#$all) {
        my $at = $all->[$i]{occurred_at};
        is_deeply $ids->(from_date => $at), [map { $_->{event_id} } reverse @$all[$i .. $#$all]], "from the time of event $i";
        is_deeply $ids->(to_date => $at), [map { $_->{event_id} } reverse @$all[0 .. $i - 1]], "  and up to it";
    }
    is_deeply $ids->(from_date => $all->[2]{occurred_at}, to_date => $all->[5]{occurred_at}, limit => 2), [map { $all->[$_]{event_id} } 4, 3], 'between two times';

    for (['before=x', 'before'], ['before=latest&after=latest', 'after'], ['before=latest&wait=1', 'wait'], ['actor_id=user_1', 'actor_id'],
         ['before=latest&from_date=x', 'from_date'], ['project_id=proj_1&to_date=2026-01-01', 'project_id to_date']) {
        my $reply = api(GET => "/v1/events?$_->[0]", @key);
        is $reply->status . ' ' . join(' ', map { $_->{field} } @{ $reply->json->{errors} // [] }), "422 $_->[1]", $_->[0];
    }
};

subtest 'who, and what is refused' => sub {
    is api(GET => '/v1/events', login => 'viewer')->status, 200, 'a viewer reads';
    is_deeply [grep { $_->{project_id} eq $project } @{ feed(key => other_org_key())->{events} }], [], 'nobody sees another organization';
    is api(GET => '/v1/events', key => undef)->status, 401, 'nor anything without a credential';
    my @wrong = (
        ['after=x', 'after'], ['after=', 'after'], ['wait=31', 'wait'], ['wait=-1', 'wait'], ['wait=1.5', 'wait'], ['limit=0', 'limit'],
        ['limit=501', 'limit'], ['types=', 'types'], ['types=trace.made', 'types'], ['types=trace.created,x', 'types'], ['cursor=x', 'cursor'],
    );
    for (@wrong) {
        my $reply = api(GET => "/v1/events?$_->[0]", key => $key);
        is $reply->status . ' ' . join(' ', map { $_->{field} } @{ $reply->json->{errors} // [] }), "422 $_->[1]", $_->[0];
    }
    is api(POST => '/v1/events', {}, key => $key)->status, 405, 'POST';
};

subtest 'waiting' => sub {
    my $cursor = feed(after => 'latest')->{cursor};
    my $began = time;
    is_deeply feed(after => $cursor, wait => 1)->{events}, [], 'in vain';
    cmp_ok time - $began, '>=', 0.95, 'takes its time';

    for my $case (['this server' => sub { trace() }, 2.5], ['another' => sub {
            psql("INSERT INTO tuor.trace_events (org_id, trace_id, id, type, actor_type, occurred_at, status_after, version)"
               . " SELECT org_id, id, 'evt_' || lpad(floor(random() * 1e15)::text, 22, '0'), 'tag.added', 'system', now(), status, version"
               . " FROM tuor.traces WHERE org_id = '$org->{id}' LIMIT 1") }, 2.5]) {
        my ($where, $write, $most) = @$case;
        my @pids = map { background(sub {
            my $page = feed(after => $cursor, wait => 20);
            return @{ $page->{events} } == 1 && write_file(run_dir() . "/woken-$$", time) || 1;
        }) } 1 .. 3;
        sleep 0.7;
        ok eventually(5, sub { psql("SELECT count(*) = 0 FROM pg_stat_activity WHERE usename = 'tuor_app' AND state <> 'idle'") eq 't' }),
            'those who wait hold no transaction';
        $write->();
        my $wrote = time;
        waitpid $_, 0 for @pids;
        my ($last) = sort { $b <=> $a } map { read_file(run_dir() . "/woken-$_") } @pids;
        cmp_ok $last - $wrote, '<', $most, sprintf 'a write of %s wakes all three, after %.0f ms', $where, 1000 * ($last - $wrote);
        $cursor = feed(after => $cursor)->{cursor};
    }

    my $pid = background(sub { $began = time; my $page = feed(after => $cursor, wait => 20, types => 'review.approved');
        return @{ $page->{events} } == 1 && time - $began > 0.4 });
    my $trace = trace();
    trace() for 1 .. 5;
    sleep 0.6;
    verb($trace, 'review', action => 'approve');
    waitpid $pid, 0;
    is $?, 0, 'other events do not end a wait for a type';
};

subtest 'a transaction that is still at work' => sub {
    my $cursor = feed(after => 'latest')->{cursor};
    my $pid = background(sub { psql("BEGIN; SELECT pg_current_xact_id(); SELECT pg_sleep(2); COMMIT") });
    ok eventually(5, sub { psql("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'") }), 'one that has written something';
    my $trace = trace();
    is_deeply feed(after => $cursor)->{events}, [], 'holds back what comes after it';
    my $began = time;
    is_deeply [map { $_->{trace_id} } @{ feed(after => $cursor, wait => 10)->{events} }], [$trace->{id}], 'until it has ended';
    cmp_ok time - $began, '<', 4, 'and no longer';
    waitpid $pid, 0;
};

subtest 'many writers and a reader' => sub {
    my @traces = map { trace() } 1 .. 4;
    my $cursor = feed(after => 'latest')->{cursor};
    my $before = psql("SELECT count(*) FROM tuor.trace_events WHERE org_id = '$org->{id}'");
    my $ids = join ',', map { "'$_->{id}'" } @traces;
    # Some take their transaction's id long before they write, some long after they read; all sit on what they wrote for a while.
    my @writers = map { my $n = $_; background(sub { psql(<<~"END"); 1 }) } 1 .. 8;
        DO \$\$
        DECLARE
            t tuor.traces;
            which int;
        BEGIN
            FOR i IN 1 .. 60 LOOP
                IF random() < 0.4 THEN PERFORM pg_current_xact_id(); END IF;
                IF random() < 0.4 THEN PERFORM pg_sleep(random() * 0.01); END IF;
                which := 1 + floor(random() * 4);
                SELECT * INTO t FROM tuor.traces WHERE id = (ARRAY[$ids])[which] AND org_id = '$org->{id}' FOR NO KEY UPDATE;
                UPDATE tuor.traces SET version = t.version + 1 WHERE org_id = t.org_id AND id = t.id;
                INSERT INTO tuor.trace_events (org_id, trace_id, id, type, actor_type, occurred_at, status_after, version)
                    VALUES (t.org_id, t.id, 'evt_' || lpad(floor(random() * 1e15)::text, 22, '0'), 'trace.reset', 'system', now(), 'pending', t.version + 1);
                IF random() < 0.4 THEN PERFORM pg_sleep(random() * 0.02); END IF;
                IF random() < 0.1 THEN ROLLBACK; ELSE COMMIT; END IF;
            END LOOP;
        END \$\$
        END
    push @writers, background(sub { trace() for 1 .. 60; 1 }) for 1, 2;
    my (@read, %running);
    @running{@writers} = ();
    my $pages = 0;
    while (1) {
        for (keys %running) { delete $running{$_} if waitpid($_, 1) == $_ }
        my $page = api(GET => "/v1/events?after=$cursor&limit=7" . (%running ? '&wait=1' : ''), key => $key)->json;
        push @read, @{ $page->{events} };
        $cursor = $page->{cursor};
        $pages++;
        last if !%running && !$page->{has_more};
    }
    my $written = psql("SELECT count(*) FROM tuor.trace_events WHERE org_id = '$org->{id}'") - $before;
    cmp_ok $written, '>', 400, "$written events were written";
    my %seen;
    $seen{ $_->{event_id} }++ for @read;
    is scalar @read, $written, "and read, on $pages pages";
    is scalar keys %seen, $written, 'each once';
    my %version;
    my $wrong = grep { my $last = $version{ $_->{trace_id} } // 0; $version{ $_->{trace_id} } = $_->{version}; $_->{version} <= $last } @read;
    is $wrong, 0, 'those of a trace in the order of its versions';
};

subtest 'long histories' => sub {
    my $old = new_org("Long $$");
    my $id = create_project(key => $old->{key})->{id};
    psql(<<~"END");
        INSERT INTO tuor.traces (org_id, id, project_id, created_at, updated_at, model_input, model_output)
            SELECT '$old->{id}', 'trace_' || lpad(n::text, 22, '0'), '$id', now(), now(), '{}', '{}' FROM generate_series(1, 20000) n;
        INSERT INTO tuor.trace_events (org_id, trace_id, id, type, actor_type, occurred_at, status_after, version, comment)
            SELECT org_id, id, 'evt_' || right(id, 22), CASE WHEN id LIKE '%9999' THEN 'review.approved' ELSE 'trace.created' END,
                   'system', now(), 'pending', 1, CASE WHEN id LIKE '%00001' THEN repeat('x', 3000000) END
            FROM tuor.traces WHERE org_id = '$old->{id}' ORDER BY id;
        END
    my $page = feed(key => $old->{key}, types => 'review.approved', limit => 1);
    is $page->{events}[0]{trace_id}, 'trace_' . '0' x 18 . '9999', 'rare ones are found, however many others come before';
    is_deeply feed(key => $old->{key}, types => 'trace.restored')->{events}, [], 'or not found';
    my ($n, $cursor, $requests) = (0, undef, 0);
    do {
        $page = feed(key => $old->{key}, limit => 500, $cursor ? (after => $cursor) : ());
        $n += @{ $page->{events} };
        $cursor = $page->{cursor};
        $requests++;
    } while ($page->{has_more} && $requests < 50);
    is "$n $requests", '20000 40', 'all of them, five hundred at a time';
    $page = feed(key => $old->{key}, before => 'latest', types => 'trace.restored');
    is_deeply [scalar @{ $page->{events} }, $page->{has_more}], [0, JSON::PP::false], 'looking back through all of them, for what is not there';
    my $first = feed(key => $old->{key}, limit => 1)->{events}[0];
    $page = feed(key => $old->{key}, before => 'latest', trace_id => $first->{trace_id});
    is_deeply [map { $_->{event_id} } @{ $page->{events} }], [$first->{event_id}], '  and for the very first one';
    psql("UPDATE tuor.trace_events SET comment = repeat('x', 3000000) WHERE org_id = '$old->{id}' AND trace_id <= 'trace_" . '0' x 20 . "08'");
    $page = feed(key => $old->{key}, limit => 10);
    is_deeply [scalar @{ $page->{events} }, $page->{has_more}], [3, JSON::PP::true], 'long comments make short pages';
};

subtest 'a copy of the database in another cluster' => sub {
    # As if the events had been written where transactions had come much further. Analytics read events,
    # too: where they notice first, once more, so that it is the feed.
    my ($place, $unnoticed, $all);
    for (1 .. 6) {
        psql('UPDATE tuor.trace_events SET pos = pos + 1000000000');
        ($place) = psql("SELECT max(pos) FROM tuor.trace_events WHERE org_id = '$org->{id}'");
        $unnoticed = trace();
        $all = feed(limit => 500);
        $all = feed(limit => 500, after => $all->{cursor}) while $all->{has_more};
        last if error_log() =~ /TUOR0901: .*copy/;
    }
    is $all->{events}[-1]{trace_id}, $unnoticed->{id}, 'what is written there comes last';
    my $later = trace();
    is_deeply [map { $_->{trace_id} } @{ feed(after => $all->{cursor})->{events} }], [$later->{id}], 'and so on';
    is psql("SELECT bool_and(pos > $place) FROM tuor.trace_events WHERE trace_id IN ('$unnoticed->{id}', '$later->{id}')"), 't', 'behind all others';
    like error_log(), qr/TUOR0901: .*copy/, 'the log says so';
    is psql('SELECT tuor.event_rebase()'), 'f', 'once';
};

subtest 'bounds' => sub {
    my $server = Tuor::Server->start(conf => "TuorEventWaiters 1\nTuorRateLimit read off\nTuorRateLimit ingest off\n"
        . "ThreadsPerChild 16\nMaxRequestWorkers 16\nStartServers 1\nServerLimit 1\nMinSpareThreads 1\nMaxSpareThreads 16\n");
    my $cursor = feed(after => 'latest', server => $server)->{cursor};
    my $pid = background(sub { my $page = feed(after => $cursor, wait => 20, server => $server); write_file(run_dir() . "/woken-$$", time);
        return @{ $page->{events} } == 1 });
    sleep 1.2;
    my $began = time;
    my $reply = api(GET => "/v1/events?after=$cursor&wait=20", key => $key, server => $server);
    cmp_ok time - $began, '<', 1, 'one too many is answered at once';
    is $reply->status . $reply->header('retry-after'), '2001', '  with Retry-After';
    create_trace(key => $key, project_id => $project, server => $server);
    my $wrote = time;
    waitpid $pid, 0;
    is $?, 0, 'the one that waits is served';
    my $took = read_file(run_dir() . "/woken-$pid") - $wrote;
    cmp_ok $took, '<', 0.8, sprintf '  and at once, as the write was in the same child: after %.0f ms', 1000 * $took;

    $cursor = feed(after => 'latest', server => $server)->{cursor};
    $pid = background(sub { my $page = feed(after => $cursor, wait => 20, server => $server); return time - $began < 6 && !@{ $page->{events} } });
    sleep 0.5;
    $began = time;
    $server->graceful;
    waitpid $pid, 0;
    is $?, 0, 'a graceful restart ends the wait with an ordinary answer';
    cmp_ok time - $began, '<', 4, '  soon';
    ok $server->stop, 'and stops';
    unlike $server->error_log, qr/\bexit signal|AH00052/, 'nothing crashed';
};

done_testing;
