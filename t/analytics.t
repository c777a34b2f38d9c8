# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# GET /v1/projects/{id}/analytics: figures that are right at every moment, and that are looked up, not counted anew.
use strict;
use warnings;
use POSIX ();
use Time::HiRes qw(sleep time);
use Tuor::Run qw(source);
use Tuor::Test;

my $org = new_org("Analytics $$");
my $key = $org->{key};

sub analytics {
    my ($project, %query) = @_;
    my $reply = api(GET => "/v1/projects/$project/analytics" . (%query ? '?' . join('&', map { "$_=$query{$_}" } sort keys %query) : ''), key => $key);
    is $reply->status, 200, join(' ', 'analytics', map { "$_=$query{$_}" } sort keys %query) or diag $reply->body;
    return $reply->json;
}

sub verb {
    my ($trace, $verb, %body) = @_;
    my $reply = api($verb eq 'delete' ? 'DELETE' : 'POST', "/v1/traces/$trace->{id}" . ($verb eq 'delete' ? '' : "/$verb"),
        { expected_version => $trace->{version}, %body }, key => $key);
    $reply->status == 200 or die "$verb: " . $reply->body;
    %$trace = %{ $reply->json };
}

# Counts what nobody has counted yet, so that figures come from the counts alone.
sub fold { 1 while psql("SELECT tuor.analytics_fold('$org->{id}', 700, 1)") > 0 }

subtest 'figures' => sub {
    my $project = create_project(key => $key)->{id};
    my $empty = analytics($project);
    is_deeply $empty, {
        totals => { pending => 0, approved => 0, rejected => 0, corrected => 0 }, rates => { approved => 0, rejected => 0, corrected => 0 },
        series => [], by_model => [], by_prompt_version => [], by_reviewer => [], by_field => [], time_to_review => { p50 => undef, p90 => undef },
    }, 'of nothing';

    my $output = { vendor => 'A', items => [{ price => 1 }, { price => 2 }], 'a.b' => 1 };
    my @traces = map { create_trace(key => $key, project_id => $project, model_output => $output,
        trace_config => { model => $_ < 6 ? 'gpt-4o' : 'other', $_ < 2 ? (prompt_version_id => 'prm_1') : () }) } 1 .. 8;
    verb($traces[0], 'review', action => 'approve');
    verb($traces[1], 'review', action => 'approve');
    verb($traces[2], 'review', action => 'reject');
    verb($traces[3], 'review', action => 'correct', corrected_output => { vendor => 'B', items => [{ price => 3 }, { price => 4 }], 'a.b' => 2 });
    my $expected = {
        totals => { pending => 4, approved => 2, rejected => 1, corrected => 1 }, rates => { approved => 0.5, rejected => 0.25, corrected => 0.25 },
        series => [{ start => POSIX::strftime('%Y-%m-%dT00:00:00.000000Z', gmtime), created => 8, approved => 2, rejected => 1, corrected => 1 }],
        by_model => [{ model => 'gpt-4o', total => 5, pending => 1, approved => 2, rejected => 1, corrected => 1 },
            { model => 'other', total => 3, pending => 3, approved => 0, rejected => 0, corrected => 0 }],
        by_prompt_version => [{ prompt_version_id => undef, total => 7, pending => 4, approved => 1, rejected => 1, corrected => 1 },
            { prompt_version_id => 'prm_1', total => 1, pending => 0, approved => 1, rejected => 0, corrected => 0 }],
        by_reviewer => [{ actor_id => $traces[0]{last_reviewed_by}, name => 'test', total => 4, approved => 2, rejected => 1, corrected => 1 }],
        by_field => [{ path => '["a.b"]', count => 1 }, { path => 'items[].price', count => 1 }, { path => 'vendor', count => 1 }],
    };
    for my $when ('at once', 'counted') {
        my $got = analytics($project);
        my $time = delete $got->{time_to_review};
        is_deeply $got, $expected, $when;
        ok $time->{p50} > 0 && $time->{p50} <= $time->{p90} && $time->{p90} < 60, '  time to review, in seconds';
        fold();
    }

    verb($traces[0], 'reset');
    verb($traces[0], 'review', action => 'reject');
    verb($traces[1], 'reset');
    verb($traces[2], 'delete');
    verb($traces[3], 'delete');
    verb($traces[3], 'restore');
    verb($traces[5], 'delete');
    for my $when ('at once', 'counted') {
        my $got = analytics($project);
        is_deeply $got->{totals}, { pending => 4, approved => 0, rejected => 1, corrected => 1 }, "reset, reviewed again, deleted and restored: $when";
        is_deeply $got->{by_reviewer}, [{ %{ $expected->{by_reviewer}[0] }, total => 2, approved => 0 }], '  by reviewer';
        is_deeply $got->{by_field}, $expected->{by_field}, '  by field';
        fold();
    }
    verb($traces[3], 'delete');
    is_deeply analytics($project)->{by_field}, [], 'a deleted correction counts no more';
    my $now = time;
    my $at = sub { POSIX::strftime('%Y-%m-%dT%H:%M:%SZ', gmtime($now + shift)) };
    is_deeply analytics($project, from_date => $at->(-3600), to_date => $at->(3600))->{totals}, { pending => 4, approved => 0, rejected => 1, corrected => 0 },
        'parts of a day';
    is analytics($project, @$_)->{totals}{pending}, 0, '  or none of it' for [from_date => $at->(3600)], [to_date => $at->(-3600)], [from_date => $at->(3600), to_date => $at->(7200)];
    is analytics($project, from_date => $at->(-86400 * 3), to_date => $at->(86400 * 3))->{totals}{pending}, 4, 'days with parts of days around';
    is analytics($project, from_date => $at->(-3600), to_date => $at->(-7200))->{totals}{pending}, 0, 'the end before the beginning';
};

subtest 'reviewers who are people' => sub {
    my $project = create_project(key => $key)->{id};
    my @people = map { my ($login, @name) = (new_user("people$_"), $_ == 1 ? ('--name', 'Rita R.') : ());
        [database->ctl('user', 'add', $login, '--org', $org->{id}, '--role', 'reviewer', @name), $login] } 1, 2;
    for my $n (0, 1, 1) {
        my $trace = create_trace(key => $key, project_id => $project);
        is api(POST => "/v1/traces/$trace->{id}/review", { action => 'reject', expected_version => 1 }, login => $people[$n][1])->status, 200, 'a verdict';
    }
    for my $when ('at once', 'counted') {
        is_deeply analytics($project)->{by_reviewer}, [
            { actor_id => $people[1][0], name => $people[1][1], total => 2, approved => 0, rejected => 2, corrected => 0 },
            { actor_id => $people[0][0], name => 'Rita R.', total => 1, approved => 0, rejected => 1, corrected => 0 },
        ], "their names, or logins: $when";
        fold();
    }
};

subtest 'who, and what is refused' => sub {
    my $project = create_project()->{id};
    is api(GET => "/v1/projects/$project/analytics", login => 'viewer')->status, 200, 'a viewer reads';
    is api(GET => "/v1/projects/$project/analytics", key => $key)->status, 404, 'nobody reads of another organization';
    is api(GET => '/v1/projects/proj_0000000000000000000000/analytics')->status, 404, 'or of no project';
    for (['bucket=hour', 'bucket'], ['bucket=', 'bucket'], ['from_date=x', 'from_date'], ['to_date=2026-13-01', 'to_date'], ['x=1', 'x']) {
        my $reply = api(GET => "/v1/projects/$project/analytics?$_->[0]");
        is $reply->status . ' ' . join(' ', map { $_->{field} } @{ $reply->json->{errors} // [] }), "422 $_->[1]", $_->[0];
    }
};

# The same figures, counted from the traces themselves.
sub brute_force {
    my ($project, $where, $bucket) = @_;
    my $from = "FROM tuor.traces t WHERE t.org_id = '$org->{id}' AND t.project_id = '$project' AND t.deleted_at IS NULL AND $where";
    my $counts = join ', ', map { "count(*) FILTER (WHERE t.status = '$_')" } qw(approved rejected corrected);
    my $rows = sub { [map { [split /\|/, $_, -1] } split /\n/, psql(shift)] };
    return {
        series => $rows->("SELECT to_char(date_trunc('$bucket', t.created_at), 'YYYY-MM-DD'), count(*), $counts $from GROUP BY 1 ORDER BY 1"),
        by_model => $rows->("SELECT t.model, count(*), $counts $from GROUP BY 1 ORDER BY 2 DESC, coalesce(t.model, '')"),
        by_prompt_version => $rows->("SELECT t.prompt_version_id, count(*), $counts $from GROUP BY 1 ORDER BY 2 DESC, coalesce(t.prompt_version_id, '')"),
        by_reviewer => $rows->("SELECT t.last_reviewed_by, count(*), $counts $from AND t.status <> 'pending' GROUP BY 1 ORDER BY 2 DESC, 1"),
        by_field => $rows->("SELECT regexp_replace(d->>'path', '\\[\\d+\\]', '[]'), count(*) FROM (SELECT json_array_elements(t.correction_diff::json) AS d $from"
            . " AND t.status = 'corrected') s GROUP BY 1 ORDER BY 2 DESC, 1"),
        time => [split /\|/, psql("SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY took), percentile_disc(0.9) WITHIN GROUP (ORDER BY took)"
            . " FROM (SELECT extract(epoch FROM t.last_reviewed_at - t.created_at) AS took $from AND t.status <> 'pending') s")],
    };
}

sub compare {
    my ($got, $want, $what) = @_;
    my @verdicts = qw(approved rejected corrected);
    is_deeply [grep { $_->[1] } map { [substr($_->{start}, 0, 10), @$_{created => @verdicts}] } @{ $got->{series} }], $want->{series}, "$what: series";
    is_deeply [map { [$_->{model} // '', @$_{total => @verdicts}] } @{ $got->{by_model} }], $want->{by_model}, '  models';
    is_deeply [map { [$_->{prompt_version_id} // '', @$_{total => @verdicts}] } @{ $got->{by_prompt_version} }], $want->{by_prompt_version}, '  prompt versions';
    is_deeply [map { [$_->{actor_id}, @$_{total => @verdicts}] } @{ $got->{by_reviewer} }], $want->{by_reviewer}, '  reviewers';
    is_deeply [map { [@$_{qw(path count)}] } @{ $got->{by_field} }], $want->{by_field}, '  fields';
    for my $i (0, 1) {
        my ($p, $true) = ($got->{time_to_review}{ ('p50', 'p90')[$i] }, $want->{time}[$i]);
        ok abs($p - $true) <= 0.026 * $true + 0.001, "  time to review: $p is near $true";
    }
}

subtest 'some thousand, against a count of all' => sub {
    my $project = create_project(key => $key)->{id};
    my $sql = Tuor::Run::read_file(source() . '/t/bench/analytics.sql') =~ s/:'org'/'$org->{id}'/gr =~ s/:'proj'/'$project'/gr =~ s/:rows/5000/gr;
    # Without the traces of the subtests before.
    $sql =~ s/WHERE t\.org_id = '\S+' AND e\.happened/WHERE t.org_id = '$org->{id}' AND t.project_id = '$project' AND e.happened/;
    psql($sql);
    fold();
    my ($left) = psql("SELECT count(*) FROM tuor.trace_events e, tuor.analytics_state s WHERE e.org_id = '$org->{id}' AND s.org_id = e.org_id AND (e.pos, e.seq) > (s.pos, s.seq)");
    is $left, 0, 'all is counted';
    for my $bucket (qw(day week month)) {
        compare(analytics($project, bucket => $bucket), brute_force($project, 'true', $bucket), "by $bucket");
    }
    # Within a month, over the end of one, from first to last, with whole months inside, and half open.
    my ($from, $to);
    for my $range (['-90 days', '-87 days'], ['-70 days', '-40 days'], ['month -2 months', 'month -1 month'], ['month -3 months -1 day', 'month -1 month 1 day'],
            ['-300 days', undef], [undef, '-150 days'], ['-200 days', '-100 days']) {
        ($from, $to) = map { !defined $_ ? undef : psql('SELECT (' . (s/^month // ? "date_trunc('month', now())" : 'now()') . " + interval '$_')::date") } @$range;
        my $where = join ' AND ', $from ? "t.created_at >= '$from'" : 'true', $to ? "t.created_at < '$to'" : 'true';
        compare(analytics($project, $from ? (from_date => $from) : (), $to ? (to_date => $to) : (), bucket => 'week'),
            brute_force($project, $where, 'week'), join ' to ', map { $_ // '' } $from, $to);
    }
    my $got = analytics($project, from_date => $from, to_date => $to);
    is scalar @{ $got->{series} }, 100, 'every day has a bucket';

    subtest 'no scan of a table' => sub {
        # auto_explain is for superusers.
        my $plan = database()->run_sql(database()->url =~ s{//tuor@}{//postgres@}r, <<~"END");
            SET plan_cache_mode = force_generic_plan;
            LOAD 'auto_explain';
            SET auto_explain.log_min_duration = 0;
            SET auto_explain.log_nested_statements = on;
            SET auto_explain.log_level = warning;
            SET client_min_messages = warning;
            SELECT set_config('tuor.org_id', '$org->{id}', false);
            SELECT count(*) FROM tuor.analytics_report('$project', 'day', NULL, NULL, NULL, NULL, NULL, NULL);
            END
        like $plan, qr/Index.* Scan .*on analytics_counts/, 'counts are read by their index';
        is_deeply [$plan =~ /(Seq Scan on (?:traces|trace_events|analytics_counts).*)/g], [], 'and nothing else is read through';
    };
};

subtest 'while writers are at work' => sub {
    my $project = create_project(key => $key)->{id};
    my @pids = map {
        my $n = $_;
        my $pid = fork // die "fork: $!\n";
        if (!$pid) {
            for my $i (1 .. 15) {
                my $trace = create_trace(key => $key, project_id => $project, trace_config => { model => "m$n" });
                verb($trace, 'review', action => ('approve', 'reject')[$i % 2]) if $i % 3;
                verb($trace, 'reset') if $i % 5 == 1 && $i % 3;
                verb($trace, 'delete') if $i % 7 == 0;
            }
            POSIX::_exit(0);
        }
        $pid
    } 1 .. 4;
    # Two count at the same time as the server does.
    push @pids, map {
        my $pid = fork // die "fork: $!\n";
        if (!$pid) { psql("SELECT tuor.analytics_fold('$org->{id}', 7, 1)") for 1 .. 40; POSIX::_exit(0) }
        $pid
    } 1, 2;
    my %running;
    @running{@pids} = ();
    while (%running) {
        for (keys %running) { delete $running{$_} if waitpid($_, 1) == $_ }
        api(GET => "/v1/projects/$project/analytics", key => $key)->status == 200 or fail 'a report meanwhile';
        sleep 0.05;
    }
    compare(analytics($project), brute_force($project, 'true', 'day'), 'at the end, at once');
    fold();
    compare(analytics($project), brute_force($project, 'true', 'day'), 'at the end, counted');
    is psql("SELECT count(*) FROM tuor.analytics_counts WHERE least(pending, approved, rejected, corrected) < 0"), 0, 'no count is below zero';
};

subtest 'hostile payloads' => sub {
    my $project = create_project(key => $key)->{id};
    my $odd = create_trace(key => $key, project_id => $project, model_output => { map { ("k$_" => 1) } 1 .. 300 }, trace_config => { model => 'm' x 900 });
    verb($odd, 'review', action => 'correct', corrected_output => { map { ("k$_" => 2) } 1 .. 300 });
    my $other = create_project(key => $key)->{id};
    my $escaped = api(POST => '/v1/traces/', "{\"project_id\":\"$other\",\"model_input\":{},\"model_output\":{\"q\\\"\\\\\\u0000\":\"\\u0000\",\"a[0]\":1,\"x\":[[1]]}}", key => $key)->json;
    verb($escaped, 'review', action => 'correct', corrected_output => { x => [[2]] });
    for my $when ('at once', 'counted') {
        my $got = analytics($project);
        is scalar @{ $got->{by_field} }, 100, "$when: no more than a hundred paths of a correction";
        is $got->{by_model}[0]{model}, 'm' x 900, '  a long model';
        my %path = map { $_->{path} => $_->{count} } @{ analytics($other)->{by_field} };
        is $path{'["a[0]"]'}, 1, '  a key that looks like an index stays';
        is $path{'x[][]'}, 1, '  indexes of indexes';
        fold();
    }
};

subtest 'in the background' => sub {
    my $project = create_project(key => $key)->{id};
    create_trace(key => $key, project_id => $project);
    ok eventually(15, sub { psql("SELECT sum(pending) FROM tuor.analytics_counts WHERE project_id = '$project' AND kind = 'all'") }), 'the server counts by itself';
};

done_testing;
