# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# Plans: no documented query reads a table in full or sorts more than a page. The statements are those
# that the module sends, and the plans those that PostgreSQL ran, as auto_explain notes them.
use strict;
use warnings;
use JSON::XS ();
use Tuor::Postgres;
use Tuor::Run qw(run_dir);
use Tuor::Server;
use Tuor::Test;

use constant { TRACES => 50_000, RARE => 12, PAGE => 10 };

# Tables that grow with use; all others have a row for each project, tag, member or key.
my %hot = map { $_ => 1 } qw(traces trace_events trace_tags webhook_deliveries webhook_attempts analytics_counts idempotency_keys);

my $db = Tuor::Postgres->new(dir => run_dir() . '/plans', settings => {
    autovacuum => 'off', fsync => 'off', 'auto_explain.log_min_duration' => 0, 'auto_explain.log_analyze' => 'on',
    'auto_explain.log_timing' => 'off', 'auto_explain.log_buffers' => 'on', 'auto_explain.log_nested_statements' => 'on',
    'auto_explain.log_format' => 'json',
});
if (!eval { $db->superuser("LOAD 'auto_explain'"); 1 }) {
    $db->remove;
    plan skip_all => 'PostgreSQL has no auto_explain here (Debian: postgresql-contrib)';
}
$db->superuser("ALTER ROLE tuor_app SET session_preload_libraries = 'auto_explain'");
my $org = $db->ctl('org', 'create', 'Plans');
my $key = $db->ctl('key', 'create', '--org', $org, '--name', 'plans');
$db->ctl('org', 'create', 'Neighbour');

# Whatever is rare is among the oldest, so that a walk from the newest would meet all else first.
my ($rare, $common) = map { 'proj_' . $_ x 22 } 'r', 'c';
$db->psql(<<~"END");
    INSERT INTO tuor.projects (org_id, id, name, webhook_url, webhook_secret)
        SELECT o.org_id, p.id, p.id, 'https://example.com/', 's' FROM tuor.organizations o, (VALUES ('$rare'), ('$common')) p (id);
    INSERT INTO tuor.tags (org_id, id, name) VALUES ('$org', 'tag_rare', 'rare'), ('$org', 'tag_common', 'common');
    INSERT INTO tuor.traces (org_id, id, project_id, status, tagged, created_at, updated_at, last_reviewed_at, model,
                             prompt_version_id, internal_run_id, model_input, model_output)
        SELECT o.org_id, 'trace_' || lpad(n::text, 22, '0'), CASE WHEN n <= @{[RARE]} THEN '$rare' ELSE '$common' END,
               CASE WHEN n <= @{[RARE]} THEN (ARRAY['approved', 'rejected', 'corrected'])[n % 3 + 1] ELSE 'pending' END,
               n <= @{[RARE]} OR n % 10 = 0, timestamptz '2026-01-01' + n * interval '1 second', timestamptz '2026-01-01' + n * interval '1 second',
               timestamptz '2026-01-01' + n * interval '1 second', CASE WHEN n <= @{[RARE]} THEN 'rare' ELSE 'common' END,
               CASE WHEN n <= @{[RARE]} THEN 'prm_rare' ELSE 'prm_common' END, 'run' || n, '{}', '{}'
            FROM tuor.organizations o, generate_series(1, CASE o.name WHEN 'Plans' THEN @{[TRACES]} ELSE 1000 END) n;
    INSERT INTO tuor.trace_tags (org_id, trace_id, tag_id)
        SELECT t.org_id, t.id, CASE t.project_id WHEN '$rare' THEN 'tag_rare' ELSE 'tag_common' END FROM tuor.traces t WHERE t.org_id = '$org' AND t.tagged;
    INSERT INTO tuor.trace_events (org_id, trace_id, id, type, actor_type, occurred_at, status_after, version)
        SELECT t.org_id, t.id, 'evt_' || right(t.id, 22), CASE t.project_id WHEN '$rare' THEN 'trace.restored' ELSE 'trace.created' END, 'user', t.created_at, t.status, 1 FROM tuor.traces t;
    INSERT INTO tuor.webhook_deliveries (org_id, id, project_id, event_id, event_type, status, by_hand, created_at, updated_at, lease_until, body_size, body)
        SELECT '$org', 'whd_' || (p.id = '$rare')::int || lpad(n::text, 21, '0'), p.id, 'evt_' || n, 'review.approved', CASE WHEN n <= 4 * @{[RARE]} THEN (ARRAY['pending', 'sending', 'success', 'failed'])[n % 4 + 1] WHEN p.id = '$common' THEN 'success' ELSE 'failed' END,
               true, '2026-01-01', '2026-01-01', CASE WHEN n <= 4 * @{[RARE]} AND n % 4 = 1 THEN now() + interval '1 hour' END, 2, '{}'
            FROM generate_series(1, 10000) n, (VALUES ('$rare'), ('$common')) p (id);
    INSERT INTO tuor.prompts (org_id, id, project_id, version, content, source, is_active, created_at)
        VALUES ('$org', 'prm_rare', '$rare', 1, 'x', 'manual', true, '2025-01-01');
    SELECT setval('tuor.event_seq', 1000000);
    UPDATE tuor.projects SET webhook_url = NULL;    -- nothing is to be sent
    END

# Nobody's background work shall be among the plans.
1 while $db->psql("SELECT sum(tuor.analytics_fold(o.org_id, 100000, 1)) FROM tuor.organizations o") > 0;

my $server = Tuor::Server->start(db => $db, conf => "TuorRateLimit all off\nTuorExportTimeout 60\n");
my $log_at = 0;

# What PostgreSQL has run since the last call: the plans of statements that touch a hot table.
sub plans {
    my $text = substr $db->log, $log_at;
    $log_at += length $text;
    my @plans;
    while ($text =~ /plan:\n((?:\t.*\n)+)/g) { push @plans, JSON::XS->new->decode($1) }
    return @plans;
}

sub walk { my ($node, $visit) = @_; $visit->($node); walk($_, $visit) for @{ $node->{Plans} // [] } }

sub most { my ($a, $b) = @_; return $a > $b ? $a : $b }

# Rows of hot tables that were looked at, the largest sort, and what should not be there at all.
sub cost {
    my $plan = shift;
    my %cost = (rows => 0, sorted => 0, full => '', blocks => ($plan->{Plan}{'Shared Hit Blocks'} // 0) + ($plan->{Plan}{'Shared Read Blocks'} // 0));
    walk($plan->{Plan}, sub {
        my $node = shift;
        if ($hot{ $node->{'Relation Name'} // '' } && $node->{'Node Type'} =~ /Scan/) {
            $cost{full} = "$node->{'Node Type'} on $node->{'Relation Name'}" if $node->{'Node Type'} eq 'Seq Scan' && $node->{'Actual Loops'};
            $cost{rows} += ($node->{'Actual Rows'} + ($node->{'Rows Removed by Filter'} // 0)) * $node->{'Actual Loops'};
        }
        my $groups = 0;
        $groups += $node->{$_}{'Group Count'} // 0 for grep { $node->{$_} } 'Full-sort Groups', 'Pre-sorted Groups';
        $cost{sorted} = most($cost{sorted}, $node->{Plans}[0]{'Actual Rows'} / most($groups, 1)) if $node->{'Node Type'} =~ /^(?:Incremental )?Sort$/;
    });
    return \%cost;
}

sub outline {
    my ($node, $indent) = @_;
    my @said = map { ref $node->{$_} ? "@{ $node->{$_} }" : $node->{$_} } grep { defined $node->{$_} } 'Index Name', 'Index Cond', 'Filter', 'Sort Key';
    return join ' ', "$indent$node->{'Node Type'}:", "$node->{'Actual Rows'} (-" . ($node->{'Rows Removed by Filter'} // 0) . ") rows x $node->{'Actual Loops'}", @said,
        "\n" . join '', map { outline($_, "$indent  ") } @{ $node->{Plans} // [] };
}

my $phase;

# A request whose answer has some rows, and how many rows of hot tables it may look at, at most.
sub bounded {
    my ($name, $path, %opt) = @_;
    my $rows = $opt{rows} // 6 * PAGE;
    my $sorted = $opt{sorted} // $rows;
    plans();
    my $reply = api($opt{method} // 'GET', $path, $opt{body} // (), key => $key, server => $server);
    is $reply->status, $opt{status} // 200, "$name: answers" or diag $reply->body;
    my $n = () = $reply->body =~ /"(?:id|event_id|trace_id)":"(?:trace|evt|whd)_/g;
    ok $n, '  with rows' if !defined $opt{empty};
    my $seen = 0;
    for my $plan (plans()) {
        my $cost = cost($plan);
        $seen++;
        next if $cost->{rows} <= $rows && $cost->{sorted} <= $sorted && !$cost->{full} && $cost->{blocks} <= 40 * $rows;
        fail("  $phase: a statement looks at $cost->{rows} rows and $cost->{blocks} blocks, sorts $cost->{sorted} $cost->{full}");
        diag $plan->{'Query Text'}, "\n", outline($plan->{Plan}, '');
    }
    ok $seen, "  $phase: in $seen statements, all bounded";
    return $reply;
}

sub next_of { return ($_[0]->header('link') // '') =~ /^<([^>]+)>; rel="next"$/ ? $1 : undef }

for (qw(unanalysed analysed)) {
    $phase = $_;
    # Statements were planned for the statistics of before.
    if ($phase eq 'analysed') { $db->psql('VACUUM ANALYZE'); $server->stop; $server->run }

    subtest "lists, $phase" => sub {
        for my $query ('', "project_id=$rare", "project_id=$common", 'status=rejected', 'status=approved', 'status=pending', "project_id=$rare&status=rejected",
                       "project_id=$common&status=pending", 'tag=tag_rare', 'tag=tag_common', "tag=tag_rare&project_id=$rare", 'tag=tag_rare&status=rejected',
                       'model=rare', 'model=common', "model=rare&project_id=$rare", "model=common&project_id=$common", 'model=rare&status=rejected',
                       'model=common&status=pending', 'prompt_version_id=prm_rare', 'prompt_version_id=prm_common', "prompt_version_id=prm_rare&project_id=$rare&status=corrected",
                       'internal_run_id=run1', "internal_run_id=run777&project_id=$common&status=pending", 'internal_run_id=run7&tag=tag_rare', 'to_date=2030-01-01',
                       "status=rejected&to_date=2030-01-01", "project_id=$rare&to_date=2030-01-01") {
            my $first = bounded("list $query", "/v1/traces/?limit=" . PAGE . "&$query");
            bounded('  next page', next_of($first)) if next_of($first);
        }
        bounded("list $_", '/v1/traces/?limit=' . PAGE . "&$_", empty => 1) for 'from_date=2030-01-01', "model=rare&project_id=$common", "status=rejected&project_id=$common", 'model=none', 'internal_run_id=none';
        bounded('skip', '/v1/traces/?skip=20&limit=' . PAGE . "&$_", rows => 8 * PAGE) for '', 'status=pending', 'model=common';
    };

    subtest "exports, $phase" => sub {
        for my $query ('', 'status=rejected', 'status=rejected,corrected', "project_id=$rare", "project_id=$rare&status=corrected", 'tag=tag_rare', 'tag=tag_rare&status=rejected,approved') {
            # Each row has its event, and its tag.
            bounded("export $query", "/v1/traces/export?$query", rows => 8 * RARE);
        }
        bounded('export of a common tag', '/v1/traces/export?status=pending&tag=tag_common', rows => 6 * TRACES / 10, sorted => 2 * PAGE * PAGE);
        bounded('export of a day without any', '/v1/traces/export?from_date=2030-01-01', empty => 1);
        bounded('export as csv', "/v1/traces/export?format=csv&project_id=$rare", rows => 8 * RARE, empty => 1);
    };

    subtest "webhook deliveries, $phase" => sub {
        for my $project ($rare, $common) {
            my $path = "/v1/projects/$project/webhook-deliveries?limit=" . PAGE;
            # There is nowhere to send to, so none is pending for long.
            bounded("deliveries $_", $path . $_, empty => /pending/ || undef) for '', map { "&status=$_" } qw(pending sending success failed);
        }
        bounded('one delivery', '/v1/webhook-deliveries/whd_' . '0' x 21 . '1');
        bounded('none to send again', "/v1/projects/$rare/webhook-deliveries/retry", method => 'POST', body => { from => '2020-01-01', to => '2020-02-01' }, status => 409, empty => 1);
    };

    subtest "the rest, $phase" => sub {
        my $id = 'trace_' . '0' x 21 . '9';
        bounded('a trace', "/v1/traces/$id");
        bounded('its events', "/v1/traces/$id/events");
        bounded('the feed', '/v1/events?limit=' . PAGE, rows => 400);
        bounded('the feed from its end', '/v1/events?after=latest', rows => 400, empty => 1);
        bounded('the feed of a rare type', '/v1/events?limit=' . PAGE . '&types=trace.restored', rows => 11_000);
        bounded('verdicts since the prompt was saved', "/v1/projects/$rare/prompts/refine", method => 'POST', body => {}, status => 503, empty => 1);
        bounded('what came of a prompt', "/v1/projects/$rare/prompts/prm_rare/stats", empty => 1);
        # Without statistics the part of a report that is no whole day reads its project's traces.
        bounded('analytics', "/v1/projects/$common/analytics?bucket=day", empty => 1) if $phase eq 'analysed';
        bounded('idempotent', '/v1/traces/', method => 'POST', body => { project_id => $common, model_input => {}, model_output => {} }, status => 201);
    };
}

$server->stop;
$db->remove;
done_testing;
