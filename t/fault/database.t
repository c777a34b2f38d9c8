# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# When the database is away, slow, old or forgetful: 503 in time, and back without help.
use strict;
use warnings;
use File::Copy qw(copy);
use File::Path qw(make_path);
use POSIX ();
use Time::HiRes qw(time sleep);
use Tuor::Postgres;
use Tuor::Run qw(run_dir source);
use Tuor::Server;
use Tuor::Test;

# Above connect_timeout=2, which takes libpq up to three seconds.
my $timeout = 3;
my $unlimited = join '', map { "TuorRateLimit $_ off\n" } qw(ingest read write export);
my $db = Tuor::Postgres->new(dir => run_dir() . "/f$$");
my $server = Tuor::Server->start(db => $db, conf => "${unlimited}TuorDatabaseTimeout $timeout\n");
my $org = $db->ctl('org', 'create', 'Fault');
my $key = $db->ctl('key', 'create', '--org', $org, '--name', 'fault');
$db->ctl('user', 'add', 'main-admin', '--org', $org, '--role', 'admin');
my @here = (key => $key, server => $server);
my $project = create_project(@here)->{id};
my $trace = create_trace(@here, project_id => $project)->{id};

my %body = (project_id => $project, model_input => {}, model_output => {});
my @calls = (
    [201, POST => '/v1/traces/', \%body], [200, GET => "/v1/traces/$trace"], [200, GET => '/v1/traces/'], [200, GET => '/v1/traces/export?status=pending'],
    [200, GET => "/v1/traces/$trace/events"], [409, POST => "/v1/traces/$trace/review", { action => 'approve', expected_version => 99 }], [200, GET => '/v1/tags/'],
);

sub calls {
    my ($what, $seconds, @expected) = @_;
    for my $call (@calls) {
        my ($status, @request) = @$call;
        my $begin = time;
        my $reply = api(@request, @here);
        my $took = time - $begin;
        is $reply->status, $expected[0] // $status, "$what: $request[0] $request[1]" or diag $reply->body;
        cmp_ok $took, '<', $seconds, sprintf '  in %.2f s', $took;
        next if $reply->status != 503;
        like $reply->header('retry-after'), qr/^[1-9]\d*$/, '  with Retry-After';
        like $reply->json->{detail}, qr/database/, '  says why';
        my $id = $reply->header('x-request-id');
        like $server->error_log, qr/TUOR0002.*\[\Q$id\E\] 503 /, '  its X-Request-Id stands in the log';
        unlike $reply->body, qr/socket|\.s\.PGSQL|SELECT|tuor_app/, '  and tells nothing of the inside';
    }
}

# Many requests at once: how many of each status, and the slowest.
sub crowd {
    my ($n) = @_;
    my $out = run_dir() . "/crowd-$$";
    my @pids = map {
        my $i = $_;
        my $pid = fork // die "fork: $!\n";
        if (!$pid) {
            my $begin = time;
            my (undef, @request) = @{ $calls[$i % 3] };
            my $status = api(@request, @here)->status;
            Tuor::Run::write_file("$out-$i", "$status " . (time - $begin));
            POSIX::_exit(0);
        }
        $pid
    } 1 .. $n;
    waitpid $_, 0 for @pids;
    my (%status, $slowest);
    for (1 .. $n) {
        my ($status, $took) = split / /, Tuor::Run::read_file("$out-$_");
        $status{$status}++;
        $slowest = $took if $took > ($slowest // 0);
    }
    return (\%status, $slowest);
}

subtest 'well' => sub { calls('at first', 2) };

subtest 'a backend killed between two requests' => sub {
    for my $round (1 .. 3) {
        crowd(12) if $round == 3;
        $db->superuser("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'tuor_app'");
        sleep 0.1;
        calls("round $round", 2);
    }
};

subtest 'stopped' => sub {
    crowd(12);
    $db->stop('fast');
    calls('away', 1.5, 503) for 1 .. 2;
    is api(GET => '/v1/traces/', key => 'tuor_x', server => $server)->status, 401, 'a malformed key needs no database';
    is api(GET => '/v1/traces/', login => 'admin', server => $server)->status, 503, 'a user does';
    my ($statuses, $slowest) = crowd(20);
    is_deeply $statuses, { 503 => 20 }, 'twenty at once are refused';
    cmp_ok $slowest, '<', $timeout + 1, sprintf '  in %.2f s', $slowest;
    $db->start;
    ok eventually(3, sub { api(GET => '/v1/traces/', @here)->status == 200 }), 'back within three seconds of its start';
    calls('afterwards', 2) for 1 .. 3;
    sleep 0.6;
    ($statuses) = crowd(20);
    ok !$statuses->{503}, 'and no error comes after that' or diag explain $statuses;
};

subtest 'restarted the hard way' => sub {
    for my $how (qw(immediate kill)) {
        crowd(8);
        $how eq 'kill' ? $db->kill : $db->stop($how);
        $db->start;
        ok eventually(3, sub { api(GET => '/v1/traces/', @here)->status == 200 }), "back after $how";
        calls('afterwards', 2);
    }
};

subtest 'paused' => sub {
    calls('before', 2);
    $db->pause;
    for my $call (@calls[0, 1, 2, 3]) {
        my ($status, @request) = @$call;
        my $begin = time;
        my $reply = api(@request, @here);
        is $reply->status, 503, "$request[0] $request[1]";
        cmp_ok time - $begin, '<', $timeout + 1, sprintf '  in %.2f s', time - $begin;
    }
    my ($statuses, $slowest) = crowd(24);
    is_deeply $statuses, { 503 => 24 }, 'two dozen at once';
    cmp_ok $slowest, '<', $timeout + 1, sprintf '  in %.2f s', $slowest;
    $db->resume;
    ok eventually(4, sub { api(GET => '/v1/traces/', @here)->status == 200 }), 'back when it goes on';
    sleep 0.6;
    calls('afterwards', 2);
};

subtest 'a row that somebody else holds' => sub {
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        eval { $db->psql("BEGIN; SELECT 1 FROM tuor.traces WHERE id = '$trace' FOR UPDATE; SELECT pg_sleep(6)") };
        POSIX::_exit(0);
    }
    eventually(3, sub { $db->psql("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'") });
    my $begin = time;
    my $reply = api(POST => "/v1/traces/$trace/review", { action => 'approve', expected_version => 1 }, @here);
    is $reply->status, 503, 'a review does not wait for ever';
    cmp_ok time - $begin, '<', $timeout + 1, sprintf '  but %.2f s', time - $begin;
    is api(GET => "/v1/traces/$trace", @here)->status, 200, 'reads go on';
    waitpid $pid, 0;
    sleep 0.3;
    is api(GET => "/v1/traces/$trace", @here)->json->{version}, 1, 'what was refused did not happen later';
    is api(GET => "/v1/traces/$trace/events", @here)->json->[-1]{event_type}, 'trace.created', '  nor its event';
    is api(POST => "/v1/traces/$trace/review", { action => 'approve', expected_version => 1 }, @here)->status, 200, 'and can be done now';
    $calls[5][0] = 409;
};

subtest 'a table that somebody else holds' => sub {
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        eval { $db->psql("BEGIN; LOCK tuor.traces IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(16)") };
        POSIX::_exit(0);
    }
    eventually(3, sub { $db->psql("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'") });
    for my $call (@calls[0 .. 3]) {
        my ($status, @request) = @$call;
        my $begin = time;
        is api(@request, @here)->status, 503, "$request[0] $request[1]";
        cmp_ok time - $begin, '<', $timeout + 1, sprintf '  in %.2f s', time - $begin;
    }
    $db->psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'");
    waitpid $pid, 0;
    ok eventually(3, sub { api(GET => '/v1/traces/export', @here)->status == 200 }), 'released, all goes on';
};

subtest 'rows that are found slowly' => sub {
    # What was answered 503 may still have been stored, but not any later.
    ok eventually(10, sub { $db->psql("SELECT count(*) FROM pg_stat_activity WHERE usename = 'tuor_app' AND state = 'active'") eq '0' }), 'nobody writes';
    my $all = scalar(() = api(GET => '/v1/traces/export?status=pending,approved', @here)->lines);
    $db->psql("CREATE POLICY slow ON tuor.traces AS RESTRICTIVE FOR SELECT USING (pg_sleep(4.0 / $all)::text IS NOT NULL)");
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $server->port) or die "connect: $!\n";
    my $begin = time;
    print {$socket} "GET /v1/traces/export?status=pending,approved&exclude_fields=events HTTP/1.1\r\nHost: t\r\nConnection: close\r\nX-API-Key: $key\r\n\r\n";
    sysread $socket, my $head, 2000;
    cmp_ok time - $begin, '<', 1, sprintf 'the first byte of an export does not wait for them: %.2f s', time - $begin;
    like $head, qr{^HTTP/1\.1 200 }, 'it is that of the answer';
    my $rest = do { local $/; <$socket> };
    is scalar(() = "$head$rest" =~ /"trace_id"/g), $all, 'then come all rows';
    cmp_ok time - $begin, '>', $timeout, sprintf 'longer than TuorDatabaseTimeout: %.2f s', time - $begin;
    $db->psql('DROP POLICY slow ON tuor.traces');
};

subtest 'more requests than connections' => sub {
    my $small = Tuor::Server->start(db => $db, conf => "${unlimited}TuorDatabaseTimeout 5\nDBDMax 2\nDBDKeep 2\n");
    my $before = $server;
    $server = $small;
    @here = (key => $key, server => $small);
    my ($statuses, $slowest) = crowd(32);
    ok !$statuses->{503}, 'queue for them' or diag explain $statuses;
    cmp_ok $db->psql("SELECT count(*) FROM pg_stat_activity WHERE usename = 'tuor_app'"), '<=', 4 + 16, 'and there are no more than allowed';
    $server = $before;
    @here = (key => $key, server => $server);
};

subtest 'roles and row-level security' => sub {
    my $app = "host=$db->{socket} port=5432 dbname=tuor user=tuor_app";
    my $as_app = sub { return $db->run_sql($app, $_[0]) };
    is $as_app->("SELECT rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb FROM pg_roles WHERE rolname = current_user"), 'f', 'the role of the server has no powers';
    is $as_app->("SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = 'tuor' AND pg_has_role(current_user, relowner, 'USAGE')"), 0, 'and owns nothing';
    for my $table (qw(organizations members api_keys projects tags traces trace_tags trace_events)) {
        is $as_app->("SELECT count(*) FROM tuor.$table"), 0, "without an organization it sees no $table";
        my $own = $as_app->("SET tuor.org_id = '$org'; SELECT count(*) FILTER (WHERE org_id <> '$org') FROM tuor.$table");
        is $own, 0, '  and in one none of another';
    }
    cmp_ok $as_app->("SET tuor.org_id = '$org'; SELECT count(*) FROM tuor.traces"), '>', 0, 'in one it sees that one\'s traces';
    for my $sql ("UPDATE tuor.traces SET status = 'approved'", 'DELETE FROM tuor.traces', 'DELETE FROM tuor.trace_events', 'UPDATE tuor.trace_events SET comment = NULL', 'TRUNCATE tuor.traces',
                 "INSERT INTO tuor.projects (org_id, id, name) VALUES ('$org', 'proj_x', 'x')", "SET tuor.org_id = 'org_x'; INSERT INTO tuor.projects (org_id, id, name) VALUES ('$org', 'proj_x', 'x')",
                 'ALTER TABLE tuor.traces DISABLE ROW LEVEL SECURITY', 'SELECT * FROM tuor.schema_migrations', 'CREATE TABLE tuor.x ()', 'SET ROLE tuor', 'UPDATE tuor.organizations SET suspended = false') {
        my $before = $db->psql("SELECT count(*), sum(version) FROM tuor.traces");
        my $failed = !eval { $as_app->($sql); 1 };
        is $db->psql("SELECT count(*), sum(version) FROM tuor.traces"), $before, "$sql: does nothing";
        ok $failed, '  and is refused' unless $sql =~ /^UPDATE tuor\.traces/;
    }
};

subtest 'an older schema' => sub {
    my $some = run_dir() . "/sql-$$";
    make_path($some);
    my ($first) = sort glob source() . '/sql/0001_*.sql';
    copy($first, $some) or die "$first: $!";
    $db->superuser("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'tuor'");
    $server->stop;
    $db->superuser('ALTER DATABASE tuor RENAME TO kept');
    $db->superuser('CREATE DATABASE tuor OWNER tuor');
    {
        local $ENV{TUOR_DATABASE_URL} = $db->url;
        local $ENV{TUOR_SQL_DIR} = $some;
        system(source() . '/build/tuorctl migrate >/dev/null') == 0 or die;
    }
    SKIP: {
        my @all = glob source() . '/sql/*.sql';
        skip 'there is only one migration', 1 if @all < 2;
        $server->run;
        my $reply = api(GET => '/v1/traces/', @here);
        is $reply->status, 503, 'is not served';
        ok $reply->header('retry-after'), '  with Retry-After';
        like $reply->json->{detail}, qr/tuorctl migrate/, '  and says what to do';
        like $server->error_log, qr/TUOR0003.*tuorctl migrate/, '  as does the log';
        is api(POST => '/v1/traces/', \%body, @here)->status, 503, 'nothing is written';
        $db->ctl('migrate');
        my $new = $db->ctl('org', 'create', 'New');
        my $its = $db->ctl('key', 'create', '--org', $new, '--name', 'new');
        is api(GET => '/v1/traces/', key => $its, server => $server)->status, 200, 'migrated, it is served without a restart';
        is create_trace(key => $its, server => $server)->{version}, 1, 'and takes traces';
    }
};

undef $server;
$db->remove;
done_testing;
