# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# Requests that share a commit: each has its own answer, and what is acknowledged is stored, once.
use strict;
use warnings;
use IO::Socket::INET;
use Socket qw(SOL_SOCKET SO_LINGER);
use JSON::PP ();
use POSIX ();
use Time::HiRes qw(time sleep);
use Tuor::Postgres;
use Tuor::Run qw(run_dir);
use Tuor::Server;
use Tuor::Test;

# One child, so that everybody meets in it.
my $timeout = 8;
my $db = Tuor::Postgres->new(dir => run_dir() . "/w$$");
my $server = Tuor::Server->start(db => $db, conf => <<"END");
TuorRateLimit all off
TuorDatabaseTimeout $timeout
ServerLimit 1
StartServers 1
ThreadsPerChild 64
MaxRequestWorkers 64
MinSpareThreads 1
MaxSpareThreads 64
END
my $org = $db->ctl('org', 'create', 'Writer');
my $key = $db->ctl('key', 'create', '--org', $org, '--name', 'k');
my @here = (key => $key, server => $server);
my $project = create_project(@here)->{id};
$db->psql(<<'END');
    CREATE FUNCTION tuor.accident() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.model = 'hold' THEN
            PERFORM pg_advisory_xact_lock(42);
        ELSIF NEW.model = 'poison' THEN
            RAISE EXCEPTION 'not this one';
        ELSIF NEW.model = 'die' THEN
            PERFORM pg_terminate_backend(pg_backend_pid());
            PERFORM pg_sleep(1);
        END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER accident BEFORE INSERT ON tuor.traces FOR EACH ROW EXECUTE FUNCTION tuor.accident();
END

sub body { my ($run, %more) = @_; return { project_id => $project, model_input => { content => "of $run" }, model_output => { a => 1 }, trace_config => { model => 'm', internal_run_id => $run }, %more } }
sub poor { my ($run, $model) = @_; return body($run, trace_config => { model => $model, internal_run_id => $run }) }
sub stored { my $runs = join ',', map { "'$_'" } @_; return $db->psql("SELECT count(*) FROM tuor.traces WHERE internal_run_id IN ($runs)") }
sub figure { my $name = shift; return api(GET => '/metrics', server => $server, key => undef)->body =~ /^\Q$name\E (\S+)$/m ? $1 : undef }
# How many statements so far were shared by more requests than that.
sub shared { my $more = shift; return figure('tuor_ingest_commit_requests_count') - figure("tuor_ingest_commit_requests_bucket{le=\"$more\"}") }
sub busy { return api(GET => '/server-status?auto', server => $server, key => undef)->body =~ /^BusyWorkers: (\d+)/m ? $1 : 0 }

sub locks { return $db->psql("SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE locktype = 'advisory' AND objid = 42 AND $_[0]") }

# A statement is under way, and waits. Returns a sub that lets it go on, 'now' or when its request is 'answered', and tells with which status.
sub hold {
    open my $session, '|-', 'psql', '-Xqo', '/dev/null', $db->url or die "psql: $!\n";
    $session->autoflush;
    print $session "SELECT pg_advisory_lock(42);\n";
    eventually(10, sub { locks("granted AND application_name = 'psql'") }) or die "no lock\n";
    my $held = later(sub { api(POST => '/v1/traces/', poor('held', 'hold'), @here)->status });
    eventually(10, sub { locks("NOT granted AND application_name <> 'psql'") }) or die "nobody waits\n";
    return sub {
        my ($when) = @_;
        my $status = $when eq 'answered' ? $held->() : undef;
        print $session "SELECT pg_advisory_unlock(42);\n";      # its end is open in the processes that were begun since, too
        return $status // $held->();
    };
}

# The replies to requests that wait for the same commit, all but so many; each is what api() takes.
sub together {
    my ($prompt, @requests) = @_;
    my $release = hold();
    my @replies = map {
        my $request = $_;
        later(sub { my $r = api(@$request, server => $server); return { status => $r->status, body => $r->body, replayed => $r->header('idempotency-replayed') } })
    } @requests;
    ok eventually(20, sub { busy() >= @requests - $prompt + 2 }), @requests - $prompt . ' requests wait';
    is $release->('now'), 201, '  and the one before them is stored';
    return map { $_->() } @replies;
}
sub post { my ($body, %more) = @_; return [POST => '/v1/traces/', $body, key => $key, %more] }
sub statuses { my %n; $n{ $_->{status} }++ for @_; return join ' ', map { "$_:$n{$_}" } sort keys %n }

subtest 'each its own answer' => sub {
    my $revoked = $db->ctl('key', 'create', '--org', $org, '--name', 'revoked');
    $db->psql("UPDATE tuor.api_keys SET revoked_at = now() WHERE name = 'revoked'");
    my $other = $db->ctl('org', 'create', 'Other');
    my $foreign = $db->ctl('key', 'create', '--org', $other, '--name', 'k');
    my $suspended = $db->ctl('org', 'create', 'Suspended');
    my $silent = $db->ctl('key', 'create', '--org', $suspended, '--name', 'k');
    $db->psql("UPDATE tuor.organizations SET suspended = true WHERE org_id = '$suspended'");
    my $limited = $db->ctl('org', 'create', 'Limited');
    my $last = $db->ctl('key', 'create', '--org', $limited, '--name', 'k');
    my $small = create_project(key => $last, server => $server)->{id};
    $db->ctl('org', 'limit', $limited, '2');
    my $admin = new_user('writer');
    $db->ctl('user', 'add', $admin, '--org', $org, '--role', 'admin');
    my %once = (headers => { 'Idempotency-Key' => 'same' });
    my %twice = (headers => { 'Idempotency-Key' => 'differs' });
    my ($companies, $crowds) = (shared(1), shared(16));

    my @replies = together(3,
        (map { post(body("good-$_")) } 1 .. 6),                                 # 0-5
        post(body('revoked'), key => $revoked), post(body('nobody'), key => 'tuor_' . 'x' x 49),        # 6, 7
        post(body('foreign'), key => $foreign), post(body('unknown', project_id => 'proj_0')),          # 8, 9
        post(body('silent'), key => $silent),                                   # 10
        (map { post(body("limited-$_", project_id => $small), key => $last) } 1 .. 4),                  # 11-14
        (map { post(body('same'), %once) } 1 .. 4),                             # 15-18
        (map { post(body("differs-$_"), %twice) } 1 .. 2),                      # 19, 20
        post({ project_id => $project }), post('{'),                            # 21, 22
        [POST => '/v1/traces/', body('person'), login => $admin],               # 23
        [POST => '/v1/traces/batch', join("\n", map { encode($_) } body('line-1'), body('line-2', project_id => 'proj_0'), body('line-3')), key => $key, type => 'application/x-ndjson'],
    );
    is statuses(@replies[0 .. 5]), '201:6', 'those that are in order are stored';
    is_deeply [map { JSON::PP::decode_json($_->{body})->{model_input}{content} } @replies[0 .. 5]], [map { "of good-$_" } 1 .. 6], '  and each has its own';
    is $replies[6]{status}, 401, 'a revoked key';
    is $replies[7]{status}, 401, 'no key';
    is $replies[8]{status}, 404, "another organization's project";
    is $replies[9]{status}, 404, 'no project';
    is $replies[10]{status}, 403, 'a suspended organization';
    is statuses(@replies[11 .. 14]), '201:2 402:2', 'a limit is kept exactly';
    is statuses(@replies[15 .. 18]), '200:3 201:1', 'one Idempotency-Key, one trace';
    is scalar(keys %{ { map { $_->{body} => 1 } @replies[15 .. 18] } }), 1, '  one answer';
    is scalar(grep { $_->{replayed} } @replies[15 .. 18]), 3, '  and three replays';
    is statuses(@replies[19, 20]), '201:1 422:1', 'one Idempotency-Key, two bodies';
    is $replies[21]{status}, 422, 'a body with faults';
    is $replies[22]{status}, 400, 'no JSON';
    is $replies[23]{status}, 201, 'a person';
    is join(' ', map { JSON::PP::decode_json($_)->{status} } split /\n/, $replies[24]{body}), '201 404 201', 'lines of a batch';
    is stored(map { "good-$_" } 1 .. 6), 6, 'six are stored';
    is stored('same'), 1, 'one';
    is stored(map { "differs-$_" } 1 .. 2), 1, 'one';
    is stored(map { "limited-$_" } 1 .. 4), 2, 'two';
    is stored(qw(line-1 line-2 line-3 person)), 3, 'three';
    is stored(qw(revoked nobody foreign unknown silent)), 0, 'and none of those that were refused';
    is $db->psql("SELECT count(*) FROM tuor.traces t WHERE (SELECT count(*) FROM tuor.trace_events e WHERE e.org_id = t.org_id AND e.trace_id = t.id AND e.type = 'trace.created' AND e.actor_id = t.created_by) <> 1"),
        0, 'every trace has its event';
    cmp_ok shared(1), '>', $companies, 'the figures say that a commit was shared';
    cmp_ok shared(16), '>', $crowds, '  by more than 16';
};

subtest 'a statement that the database refuses' => sub {
    my @replies = together(0, (map { post(body("kept-$_")) } 1 .. 5), post(poor('bad', 'poison')), [POST => '/v1/traces/batch',
        join("\n", encode(body('l-1')), encode(poor('l-2', 'poison')), encode(body('l-3'))), key => $key, type => 'application/x-ndjson']);
    is statuses(@replies[0 .. 4]), '201:5', 'hurts no other request';
    is $replies[5]{status}, 500, 'the one that it is about hears of it';
    is join(' ', map { JSON::PP::decode_json($_)->{status} } split /\n/, $replies[6]{body}), '201 500 201', 'and of lines the one';
    is stored((map { "kept-$_" } 1 .. 5), 'bad', qw(l-1 l-2 l-3)), 7, 'seven are stored';
};

subtest 'a connection that is lost' => sub {
    my @runs = map { "lost-$_" } 1 .. 8;
    my @requests = map { post(body($_), headers => { 'Idempotency-Key' => $_ }) } @runs;
    my @replies = together(0, @requests, post(poor('killer', 'die')));
    is statuses(@replies), '503:9', 'is 503 for everybody on it';
    is stored(@runs, 'killer'), 0, 'and nothing is stored';
    @replies = map { api(@$_, server => $server) } @requests;
    is join(' ', map { $_->status } @replies), join(' ', (201) x 8), 'sent again they are stored';
    is stored(@runs), 8, '  once each';
};

subtest 'backends killed under load' => sub {
    my $end = time + 4;
    my @killer = (fork // die "fork: $!\n");
    if (!$killer[0]) {
        while (time < $end) {
            $db->superuser("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'tuor_app'");
            sleep 0.1;
        }
        POSIX::_exit(0);
    }
    my @said = in_parallel(12, sub {
        my $me = shift;
        my (@acked, $failed);
        for (my $n = 0; time < $end; $n++) {
            my $run = "load-$me-$n";
            my $status = 0;
            while ($status !~ /^20/) {          # until it is acknowledged, as a client with a key may
                $status = api(@{ post(body($run), headers => { 'Idempotency-Key' => $run }) }, server => $server)->status;
                $failed->{$status}++ if $status !~ /^20/;
            }
            push @acked, $run;
        }
        return { acked => \@acked, failed => $failed };
    });
    waitpid $killer[0], 0;
    my %failed = map { %{ $_->{failed} // {} } } @said;
    my @acked = map { @{ $_->{acked} } } @said;
    is_deeply [grep { $_ != 503 } keys %failed], [], 'all that failed were told 503';
    cmp_ok scalar(keys %failed), '>', 0, '  and some were';
    cmp_ok scalar(@acked), '>', 50, scalar(@acked) . ' were acknowledged';
    is stored(@acked), scalar(@acked), '  and are stored, once each';
    is $db->psql("SELECT count(*) FROM tuor.traces WHERE internal_run_id LIKE 'load-%'"), scalar(@acked), 'nothing else is';
};

subtest 'clients that have gone' => sub {
    my @gone = map { "gone-$_" } 1 .. 6;
    my $release = hold();
    my @sockets = map {
        my $body = encode(body($_));
        my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $server->port) or die "connect: $!\n";
        print $socket "POST /v1/traces/ HTTP/1.1\r\nHost: x\r\nX-API-Key: $key\r\nContent-Type: application/json\r\nContent-Length: ", length $body, "\r\n\r\n$body";
        $socket;
    } @gone;
    ok eventually(20, sub { busy() > @gone + 1 }), 'they wait';
    setsockopt $_, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0) for @sockets;
    close $_ for @sockets;
    my $stayed = later(sub { api(@{ post(body('stayed')) }, server => $server)->status });
    ok eventually(20, sub { busy() > @gone + 2 }), 'and one more';
    $release->('now');
    is $stayed->(), 201, 'that one is stored';
    cmp_ok stored(@gone), '<=', 6, 'the others at most once';
    is api(@{ post(body('next')) }, server => $server)->status, 201, 'and so is the next';
};

subtest 'a commit that does not end' => sub {
    my $release = hold();
    my @said = in_parallel(5, sub { my $r = api(@{ post(body("late-$_[0]")) }, server => $server); return { status => $r->status, retry => $r->header('retry-after') } });
    is_deeply [grep { $_->{status} != 201 && !($_->{status} == 503 && $_->{retry}) } @said], [], 'those that waited go with the next, or are told 503';
    is $release->('answered'), 503, 'the one on it is told 503';
    is stored(map { "late-$_" } 1 .. 5), scalar(grep { $_->{status} == 201 } @said), '  as they are stored';
    is api(@{ post(body('after')) }, server => $server)->status, 201, 'the next one is';
};

unlike $server->error_log, qr/exit signal/, 'no child has died';
undef $server;
$db->remove;
done_testing;
