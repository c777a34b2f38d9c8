# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# Reads that share a statement, and lists that share a round trip: each has its own traces, and nobody another organization's.
use strict;
use warnings;
use JSON::PP ();
use Tuor::Postgres;
use Tuor::Run qw(run_dir read_file);
use Tuor::Server;
use Tuor::Test;

# One child, so that everybody meets in it.
my $db = Tuor::Postgres->new(dir => run_dir() . "/r$$");
my $server = Tuor::Server->start(db => $db, conf => <<'END');
TuorRateLimit all off
TuorDatabaseTimeout 8
ServerLimit 1
StartServers 1
ThreadsPerChild 64
MaxRequestWorkers 64
MinSpareThreads 1
MaxSpareThreads 64
END
my $org = $db->ctl('org', 'create', 'Reader');
my $key = $db->ctl('key', 'create', '--org', $org, '--name', 'k');
my @here = (key => $key, server => $server);
my $project = create_project(@here)->{id};
my @small = map { create_trace(@here, project_id => $project, model_input => { content => "of $_" })->{id} } 1 .. 6;
my $big = create_trace(@here, project_id => $project, model_input => { content => 'x' x 300_000 })->{id};
my $tagged = create_trace(@here, project_id => $project)->{id};
my @tags = map { api(POST => '/v1/tags/', { name => "t$_" }, @here)->json->{id} } 1 .. 2;
api(POST => "/v1/traces/$tagged/tags", { tag_ids => [$tags[0]] }, @here);
my $deleted = create_trace(@here, project_id => $project)->{id};
api(DELETE => "/v1/traces/$deleted?expected_version=1", @here);
my $other = $db->ctl('org', 'create', 'Other');
my $foreign = $db->ctl('key', 'create', '--org', $other, '--name', 'k');
my $theirs = create_trace(key => $foreign, server => $server)->{id};

sub figure { my $name = shift; return api(GET => '/metrics', server => $server, key => undef)->body =~ /^\Q$name\E (\S+)$/m ? $1 : undef }
# How many statements so far were shared by more requests than that.
sub shared { my $more = shift; return figure('tuor_read_statement_requests_count') - figure("tuor_read_statement_requests_bucket{le=\"$more\"}") }
sub busy { return api(GET => '/server-status?auto', server => $server, key => undef)->body =~ /^BusyWorkers: (\d+)/m ? $1 : 0 }

# How many of the requests' statements wait for the table: what counts for analytics may wait for it, too.
sub waiting {
    return $db->psql("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = 'tuor_app'"
        . " AND wait_event_type = 'Lock' AND query LIKE '%FROM tuor.traces%'");
}

# The replies to requests that all wait for one statement's end; each is what api() takes after GET. $meanwhile is done before it ends.
sub together {
    my ($meanwhile, @requests) = @_;
    open my $session, '|-', 'psql', '-Xqo', '/dev/null', $db->url or die "psql: $!\n";
    $session->autoflush;
    print $session "BEGIN; LOCK TABLE tuor.traces;\n";
    eventually(10, sub { $db->psql("SELECT count(*) FROM pg_locks WHERE relation = 'tuor.traces'::regclass AND mode = 'AccessExclusiveLock' AND granted") }) or die "no lock\n";
    my @replies = map {
        my $request = $_;
        my $reply = later(sub { my $r = api(GET => @$request, server => $server); return { status => $r->status, body => $r->body } });
        # The first one leads.
        eventually(10, \&waiting) or die "nobody waits\n";
        $reply;
    } @requests;
    ok eventually(20, sub { busy() > @requests }), @requests . ' requests wait';
    $meanwhile->();
    print $session "COMMIT;\n";
    return map { $_->() } @replies;
}
sub statuses { return join ' ', map { $_->{status} } @_ }

subtest 'each its own trace' => sub {
    my $admin = new_user('reader');
    $db->ctl('user', 'add', $admin, '--org', $org, '--role', 'viewer');
    my ($before, $more) = (shared(1), shared(8));
    my @wanted = (@small, $small[0], $big, $tagged, $deleted, 'trace_0000000000000000000000', $theirs, "%3B");
    my @replies = together(sub { },
        (map { ["/v1/traces/$_", key => $key] } @wanted),
        ["/v1/traces/$theirs", key => $foreign], ["/v1/traces/$small[1]", key => $foreign],
        ["/v1/traces/$small[2]", login => $admin], ["/v1/traces/$theirs", login => $admin]);
    is statuses(@replies), '200 200 200 200 200 200 200 200 200 404 404 404 404 200 404 200 404', 'statuses';
    is_deeply [map { JSON::PP::decode_json($_->{body})->{id} } @replies[0 .. 8, 13, 15]], [@wanted[0 .. 8], $theirs, $small[2]], 'their ids';
    for my $i (0 .. 8) {
        is $replies[$i]{body}, api(GET => "/v1/traces/$wanted[$i]", @here)->body, "$wanted[$i] is as it is alone";
    }
    is scalar(keys %{ { map { $replies[$_]{body} =~ s/"request_id":"[^"]*"//r => 1 } 9 .. 12, 14, 16 } }), 1, 'whatever is not there is not there in the same words';
    cmp_ok shared(1), '>', $before, 'the figures say that a statement was shared';
    cmp_ok shared(8), '>', $more, '  by more than 8';
};

subtest 'a key that is revoked meanwhile' => sub {
    my $brief = $db->ctl('key', 'create', '--org', $org, '--name', 'brief');
    my @replies = together(sub { $db->psql("UPDATE tuor.api_keys SET revoked_at = now() WHERE name = 'brief'") },
        ["/v1/traces/$small[0]", key => $key], (map { ["/v1/traces/$_", key => $brief] } @small[0 .. 3]), (map { ["/v1/traces/$_", key => $key] } @small[0 .. 3]));
    is statuses(@replies), '200 401 401 401 401 200 200 200 200', 'opens nothing any more, and bothers nobody';
};

subtest 'a connection that is lost' => sub {
    my @replies = together(sub { $db->superuser("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'tuor_app' AND wait_event_type = 'Lock'") },
        map { ["/v1/traces/$_", key => $key] } @small);
    is $replies[0]{status}, 503, 'is 503 for the one on it';
    is statuses(@replies[1 .. 5]), '200 200 200 200 200', 'those who wait go with the next';
};

subtest 'lists, in their turns' => sub {
    my $processors = grep { /^processor\s*:/ } split /\n/, read_file('/proc/cpuinfo');
    my $at_a_time = $processors > 2 ? $processors : 2;
    my $admin = new_user('lists');
    $db->ctl('user', 'add', $admin, '--org', $org, '--role', 'viewer');
    my @queries = ('', '?limit=2', '?limit=2&skip=1', '?status=pending', "?tag=$tags[0]", '?model=none', "?project_id=$project&limit=3", '?exclude_fields=model_input', '?limit=500', '?skip=3&limit=1');
    my @requests = ((map { ["/v1/traces/$_", key => $key] } @queries), ['/v1/traces/', key => $foreign], ['/v1/traces/?limit=2', login => $admin], ['/v1/traces/?limit=0', key => $key]);
    my $waiting;
    my @replies = together(sub { $waiting = waiting() }, @requests[0 .. 11]);
    push @replies, { status => api(GET => $requests[12][0], @here)->status };
    is statuses(@replies), ('200 ' x 12) . '422', 'statuses';
    cmp_ok $waiting, '>=', 1, 'of 12 some were asked for';
    cmp_ok $waiting, '<=', $at_a_time, "  $waiting at a time";
    for my $i (0 .. 11) {
        is $replies[$i]{body}, api(GET => @{ $requests[$i] }, server => $server)->body, "$requests[$i][0] is as it is alone";
    }
    isnt $replies[10]{body}, $replies[0]{body}, 'another organization has its own';
    my $long = create_trace(@here, project_id => $project, model_input => { content => 'y' x 700_000 })->{id};
    @replies = together(sub { }, map { ["/v1/traces/?limit=$_", key => $key] } 1 .. 8);
    is statuses(@replies), join(' ', (200) x 8), 'with a long one';
    is $replies[$_ - 1]{body}, api(GET => "/v1/traces/?limit=$_", @here)->body, "  limit=$_" for 1 .. 8;
    my $brief = $db->ctl('key', 'create', '--org', $org, '--name', 'brief list');
    @replies = together(sub { $db->psql("UPDATE tuor.api_keys SET revoked_at = now() WHERE name = 'brief list'") },
        (map { ["/v1/traces/?limit=$_", key => $key] } 1 .. $at_a_time), (map { ["/v1/traces/?limit=$_", key => $brief] } 1 .. 5), (map { ["/v1/traces/?limit=$_", key => $key] } 1 .. 3));
    is statuses(@replies), join(' ', (200) x $at_a_time, (401) x 5, (200) x 3), 'a key that is revoked meanwhile opens nothing, and bothers nobody';
    @replies = together(sub { $db->superuser("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'tuor_app' AND wait_event_type = 'Lock'") },
        map { ["/v1/traces/?limit=$_", key => $key] } 1 .. $at_a_time + 4);
    is join(' ', sort map { $_->{status} } @replies), join(' ', (200) x 4, (503) x $at_a_time), 'lost connections: 503 for those on them, and the rest go with the next';
};

subtest 'a client that has it' => sub {
    my $get = sub { my ($id, $tag) = @_; return api(GET => "/v1/traces/$id", @here, headers => { 'If-None-Match' => $tag }) };
    for my $id ($small[0], $big, $tagged) {
        my $first = api(GET => "/v1/traces/$id", @here);
        my $etag = $first->header('etag');
        for my $header ($etag, "W/$etag", "\"0\", $etag", '*') {
            my $reply = $get->($id, $header);
            is $reply->status, 304, "$header: 304";
            is $reply->body // '', '', '  and no body';
            is $reply->header('etag'), $etag, '  with the tag';
        }
        for my $header ('"7"', 'nonsense', '"', '""', '"99999999999999999999"', '1', $etag =~ s/^"(\d+).*/"$1-0123456789abcdef"/r) {
            my $reply = $get->($id, $header);
            is $reply->status, 200, "$header: 200";
            is $reply->body, $first->body, '  and everything';
        }
    }
    my $etag = api(GET => "/v1/traces/$tagged", @here)->header('etag');
    api(POST => "/v1/traces/$tagged/tags", { tag_ids => [$tags[1]] }, @here);
    my $reply = $get->($tagged, $etag);
    is $reply->status, 200, 'another tag: 200';
    is scalar(@{ $reply->json->{tags} }), 2, '  with both';
    is_deeply $reply->json->{model_input}, { content => 'in' }, '  and the payloads';
    api(POST => "/v1/traces/$small[0]/review", { action => 'approve', expected_version => 1 }, @here);
    $reply = $get->($small[0], '"1"');
    is $reply->json->{status}, 'approved', 'another version: all of it';
    is $get->('trace_0000000000000000000000', '*')->status, 404, 'none: 404';
};

unlike $server->error_log, qr/exit signal/, 'no child has died';
undef $server;
$db->remove;
done_testing;
