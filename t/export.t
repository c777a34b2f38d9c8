# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# GET /v1/traces/export: the rows, the filters, and that it is a stream.
use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;
use IO::Uncompress::Gunzip qw(gunzip);
use Time::HiRes qw(time sleep);
use Tuor::Test;
use Tuor::Run qw(build_config read_file);
use Tuor::Server;

my $org = new_org("Export $$");
my $key = $org->{key};
my $project = create_project(key => $key)->{id};
my $second = create_project(key => $key)->{id};

sub export { my ($query, %opt) = @_; return api(GET => '/v1/traces/export' . ($query ? "?$query" : ''), key => $key, %opt) }
sub rows   { my $reply = ref $_[0] ? $_[0] : export(@_); die $reply->body if $reply->status != 200; return $reply->lines }
sub verdict { my $reply = shift; return join ' ', $reply->status, sort map { $_->{field} } @{ $reply->json->{errors} // [] } }

# Which of the traces, numbered from 1, in the order of the rows.
my @traces;
sub numbers { my %n; my $i = 0; $n{$_} = ++$i for @traces; return join ' ', map { $n{ $_->{metadata}{trace_id} } // '?' } @_ }

subtest 'nothing' => sub {
    my $reply = export();
    is $reply->status, 200, 'is no error';
    is $reply->body, '', 'and has no rows';
    like $reply->header('content-type'), qr{^application/x-ndjson\b}, 'as JSON lines';
    is api(HEAD => '/v1/traces/export', key => $key)->status, 200, 'HEAD';
};

# approved, rejected, corrected, pending, approved, corrected, deleted
my @verdicts = ('approve', 'reject', 'correct', undef, 'approve', 'correct', 'approve');
my @tags = map { api(POST => '/v1/tags/', { name => $_ }, key => $key)->json->{id} } 'b', 'Z', 'a', "\x{e4}";
for my $i (0 .. $#verdicts) {
    my $id = create_trace(key => $key, project_id => $i % 2 ? $second : $project, model_input => { n => $i + 1, pad => 'x' }, model_output => { a => 'm' },
                          trace_config => { model => 'gpt' })->{id};
    push @traces, $id;
    api(POST => "/v1/traces/$id/tags", { tag_ids => [$i % 2 ? @tags : $tags[0]] }, key => $key) if $i < 4;
    api(POST => "/v1/traces/$id/review", { action => $verdicts[$i], expected_version => 1, comment => "about $i", $verdicts[$i] eq 'correct' ? (corrected_output => { a => 'c' }) : () }, key => $key)
        if $verdicts[$i];
}
api(DELETE => "/v1/traces/$traces[6]?expected_version=2", key => $key);

subtest 'a row' => sub {
    my ($row) = grep { $_->{metadata}{trace_id} eq $traces[2] } rows();
    is_deeply [sort keys %$row], [sort qw(model_input model_output corrected_output final_output trace_config tags events metadata)], 'has the documented members';
    is_deeply $row->{model_input}, { n => 3, pad => 'x' }, 'model_input';
    is_deeply $row->{corrected_output}, { a => 'c' }, 'corrected_output';
    is_deeply $row->{final_output}, { a => 'c' }, 'final_output';
    is_deeply $row->{trace_config}, { model => 'gpt' }, 'trace_config';
    is_deeply $row->{tags}, ['b'], 'tags are names';
    my $trace = api(GET => "/v1/traces/$traces[2]", key => $key)->json;
    my @copied = qw(status project_id created_at updated_at last_reviewed_at version last_reviewed_by created_by org_id updated_by deleted_at deleted_by restored_at restored_by);
    is_deeply $row->{metadata}, { trace_id => $traces[2], map { $_ => $trace->{$_} } @copied }, 'metadata is as in the trace';
    is_deeply $row->{events}, api(GET => "/v1/traces/$traces[2]/events", key => $key)->json, 'events are the audit trail';
    is scalar @{ $row->{events} }, 3, '  created, tagged, corrected';
    my ($tagged) = grep { $_->{metadata}{trace_id} eq $traces[1] } rows();
    is_deeply $tagged->{tags}, ['Z', 'a', 'b', "\x{e4}"], 'names are sorted';
    like export()->body, qr/\A(\{[^\n]+\}\n)+\z/, 'each row is a line';
};

subtest 'filters' => sub {
    my $found = sub { return numbers(rows(shift)) };
    is $found->(''), '1 2 3 5 6', 'without status: what was reviewed, oldest first';
    is $found->("status=$_->[0]"), $_->[1], "status=$_->[0]" for ['approved', '1 5'], ['rejected', '2'], ['corrected', '3 6'], ['pending', '4'], ['approved,corrected', '1 3 5 6'],
        ['pending,approved,rejected,corrected', '1 2 3 4 5 6'], ['corrected,corrected', '3 6'], ['approved%2Crejected', '1 2 5'];
    is $found->("project_id=$second"), '2 6', 'project_id';
    is $found->("tag=$tags[0]"), '1 2 3', 'tag';
    is $found->("tag=$tags[1]&status=pending"), '4', 'tag and status';
    my @at = map { api(GET => "/v1/traces/$_", key => $key)->json->{created_at} } @traces[1, 4];
    is $found->("from_date=$at[0]&to_date=$at[1]"), '2 3', 'from_date is in, to_date is not';
    is $found->("to_date=1970-01-01"), '', 'before all time';
    my $foreign = create_project(key => other_org_key())->{id};
    is $found->($_), '', "$_ matches nothing" for "project_id=$foreign", 'project_id=proj_0000000000000000000000', "project_id='", "tag=x'%3B--", 'tag=tag_0000000000000000000000', 'project_id=%5C%27';
    is verdict(export($_)), '422 status', $_ for 'status=', 'status=done', 'status=approved,done', 'status=approved%20', 'status=,', 'status=Approved';
    is verdict(export("status=approved&status=corrected")), '422 status', 'a parameter twice';
    is verdict(export('limit=1&x=2&status=y&from_date=z&format=q')), '422 format from_date limit status x', 'all faults at once';
    is export('from_date=%zz')->status, 400, 'a bad percent-encoding';
};

subtest 'exclude_fields' => sub {
    my $one = sub { return (rows("status=corrected&project_id=$project&exclude_fields=$_[0]"))[0] };
    my $full = $one->('');
    is_deeply $one->('model_input.pad')->{model_input}, { n => 3 }, 'a member';
    is_deeply $one->('model_input.n,model_input.pad,final_output.a,trace_config.model')->{$_}, {}, "all members of $_" for qw(model_input final_output trace_config);
    is_deeply $one->('final_output.a')->{corrected_output}, { a => 'c' }, 'final_output alone';
    is_deeply $one->('corrected_output.a,model_output.nothing'), { %$full, corrected_output => {} }, 'the rest stays';
    my %without = %$full;
    delete $without{events};
    is_deeply $one->('events'), \%without, 'events';
    is_deeply $one->('model_input.a.b')->{model_input}, $full->{model_input}, 'only direct members: what follows the first dot is a key';
    my $odd = create_project(key => $key)->{id};
    api(POST => '/v1/traces/', qq({"project_id":"$odd","model_input":{"pdf\\u005fbase64":"x","a":1,"b":0.10,"a":{"a":2},"":5,"\\ud800":1},"model_output":{}}), key => $key);
    my $left = sub { return map { api(GET => "/v1/traces/$_&project_id=$odd&exclude_fields=$_[0]", key => $key)->body =~ /"model_input":(.*?),"model_output"/ } 'export?status=pending', '?limit=1' };
    for (['model_input.pdf_base64', '{"a":1,"b":0.10,"a":{"a":2},"":5,"\ud800":1}', 'a key is what it means, however it is written'],
         ['model_input.a', '{"pdf\u005fbase64":"x","b":0.10,"":5,"\ud800":1}', 'of duplicates all go'], ['model_input.', '{"pdf\u005fbase64":"x","a":1,"b":0.10,"a":{"a":2},"\ud800":1}', 'the empty key']) {
        is_deeply [$left->($_->[0])], [($_->[1]) x 2], "$_->[2], in exports and lists";
    }
    is verdict(export("exclude_fields=$_")), '422 exclude_fields', $_ for 'model_input', 'model', 'metadata', 'tags', 'id', 'metadata.org_id', 'events.comment', 'model_input.a,x', '*';
};

subtest 'events of many' => sub {
    my $own = create_project(key => $key)->{id};
    # Three traces with events, one without any, one with hundreds.
    psql(<<"END");
        INSERT INTO tuor.traces (org_id, id, project_id, status, created_at, updated_at, model_input, model_output)
            SELECT '$org->{id}', 'trace_1' || lpad(n::text, 21, '0'), '$own', 'approved', now(), now(), '{}', '{}' FROM generate_series(1, 300) n;
        INSERT INTO tuor.trace_events (org_id, trace_id, id, type, actor_type, occurred_at, status_after, version)
            SELECT '$org->{id}', 'trace_1' || lpad(n::text, 21, '0'), 'evt_' || lpad(e::text, 22, '0'), 'x' || n, 'system', now(), 'approved', e
            FROM generate_series(1, 300) n, generate_series(1, 600) e WHERE e <= n % 7 OR n = 150
END
    my @rows = rows("project_id=$own");
    is scalar @rows, 300, 'all traces';
    my @wrong = grep { my $n = substr($_->{metadata}{trace_id}, 7) + 0; my $count = $n == 150 ? 600 : $n % 7;
        @{ $_->{events} } != $count or grep { $_->{event_type} ne "x$n" } @{ $_->{events} } or join(' ', map { $_->{version} } @{ $_->{events} }) ne join ' ', 1 .. $count } @rows;
    is scalar @wrong, 0, 'each with its own events, in order';
    is join(' ', map { substr($_->{metadata}{trace_id}, 7) + 0 } rows("project_id=$own&exclude_fields=events")), join(' ', 1 .. 300), 'and without events';
    psql("DELETE FROM tuor.trace_events WHERE trace_id < 'trace_2'; DELETE FROM tuor.traces WHERE id < 'trace_2' AND org_id = '$org->{id}'");
};

# ------------------------------------------------------------ as a stream

my ($big, $its);        # an organization with many rows, and its project
clear();

# Rows that no socket's buffer takes: N of about KB each, with numbers from 0.
sub fill {
    my ($n, $kb) = @_;
    psql(<<"END");
        INSERT INTO tuor.traces (org_id, id, project_id, status, created_at, updated_at, model_input, model_output)
            SELECT '$big->{id}', 'trace_0' || lpad(n::text, 21, '0'), '$its', 'approved', now(), now(), '{"n":' || n || ',"a":"' || repeat('abcdefgh', $kb * 128) || '"}', '{}'
            FROM generate_series(0, $n - 1) n;
        INSERT INTO tuor.trace_events (org_id, trace_id, id, type, actor_type, occurred_at, status_after, version)
            SELECT org_id, id, 'evt_' || substr(id, 7), 'trace.created', 'system', now(), 'pending', 1 FROM tuor.traces WHERE org_id = '$big->{id}';
        ANALYZE tuor.traces; ANALYZE tuor.trace_events
END
}
# A new one is quicker than emptying the old.
sub clear { $big = new_org("Export $$"); $its = create_project(key => $big->{key})->{id} }

# A request whose answer is read later, or never.
sub start {
    my ($server, $headers) = @_;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $server->port) or die "connect: $!\n";
    print $socket "GET /v1/traces/export HTTP/1.1\r\nHost: t\r\nConnection: close\r\nX-API-Key: $big->{key}\r\n" . ($headers // '') . "\r\n";
    return $socket;
}

sub rest { my $socket = shift; local $/; return scalar <$socket> // '' }

my $unlimited = join '', map { "TuorRateLimit $_ off\n" } qw(ingest read write export);
my $server = Tuor::Server->start(conf => "${unlimited}TuorDatabaseTimeout 3\nTuorExportConcurrency 4\n");

subtest 'a consistent snapshot' => sub {
    fill(200, 64);
    my $socket = start($server);
    sysread $socket, my $first, 4000;
    like $first, qr{^HTTP/1\.1 200 .*\r\n\r\n}s, 'it has begun';
    sleep 0.3;
    psql("UPDATE tuor.traces SET status = 'rejected', version = 2 WHERE org_id = '$big->{id}'; DELETE FROM tuor.trace_events WHERE org_id = '$big->{id}' AND id > 'evt_00000000000000000000150'");
    create_trace(key => $big->{key}, project_id => $its, server => $server);
    my $all = $first . rest($socket);
    is scalar(() = $all =~ /"trace_id":"trace_/g), 200, 'all 200 rows';
    is scalar(() = $all =~ /"status":"approved"/g), 200, 'as they were when it began';
    is scalar(() = $all =~ /"event_type":"trace.created"/g), 200, 'with their events';
    like $all, qr/\r\n0\r\n\r\n\z/, 'to a clean end';
    clear();
};

subtest 'the first byte' => sub {
    # So many rows before the one that matches that finding it takes its time.
    psql(<<"END");
        INSERT INTO tuor.traces (org_id, id, project_id, created_at, updated_at, model_input, model_output)
            SELECT '$big->{id}', 'trace_0' || lpad(n::text, 21, '0'), '$its', now(), now(), '{}', '{}' FROM generate_series(1, 100000) n;
        UPDATE tuor.traces SET status = 'approved' WHERE org_id = '$big->{id}' AND id > 'trace_0' || lpad('99000', 21, '0');
        ANALYZE tuor.traces
END
    my $begin = time;
    my $socket = start($server);
    sysread $socket, my $head, 4000;
    my $first = time - $begin;
    like $head, qr{^HTTP/1\.1 200 }, 'the head is there';
    my $text = $head . rest($socket);
    my $total = time - $begin;
    is scalar(() = $text =~ /"trace_id"/g), 1000, 'then the rows';
    cmp_ok $first, '<', 0.5 + $total / 2, sprintf 'after %.3f of %.3f s', $first, $total;
    my $head_only = api(HEAD => '/v1/traces/export?status=approved,pending', key => $big->{key}, server => $server);
    is $head_only->status, 200, 'HEAD';
    ok eventually(2, sub { psql("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'COPY%' AND state = 'active'") == 0 }), '  lets nobody read the rows';
};

subtest 'memory' => sub {
    plan skip_all => 'a sanitizer keeps freed memory' if build_config()->{preload};
    my $peak = sub { my $max = 0; for ($server->children) { my ($kb) = read_file("/proc/$_/status") =~ /^VmHWM:\s+(\d+)/m; $max = $kb if $kb && $kb > $max } return $max / 1024 };
    my $count = sub {
        my ($query, %headers) = @_;
        my ($lines, $last) = (0, '');
        my $reply = HTTP::Tiny->new(timeout => 120)->get($server->url . "/v1/traces/export?$query", { headers => { 'X-API-Key' => $big->{key}, %headers },
            data_callback => sub { $lines += $_[0] =~ tr/\n//; $last = substr $_[0], -1 } });
        return $lines;
    };
    $count->('status=approved') for 1 .. 4;
    my $before = $peak->();
    is $count->('status=pending,approved'), 100_000, '100 000 rows';
    is $count->('status=pending,approved&exclude_fields=model_input.a,events'), 100_000, 'and again, without members';
    cmp_ok $peak->() - $before, '<', 16, 'cost no more than 1 000';
    clear();
    fill(30, 5000);
    my $size = 0;
    HTTP::Tiny->new(timeout => 120)->get($server->url . '/v1/traces/export?exclude_fields=model_input.b', { headers => { 'X-API-Key' => $big->{key} }, data_callback => sub { $size += length $_[0] } });
    cmp_ok $size, '>', 30 * 5_000_000, '30 rows of 5 MB';
    cmp_ok $peak->() - $before, '<', 100, sprintf 'do not fit in the %.0f MB that the child grew by', $peak->() - $before;
};

subtest 'compressed' => sub {
    clear();
    fill(100, 64);
    my $socket = start($server, "Accept-Encoding: gzip\r\n");
    my $head = '';
    $head .= <$socket> until $head =~ /\r\n\r\n\z/ || eof $socket;
    like $head, qr{^Content-Encoding: gzip\r$}m, 'when asked for';
    my ($zipped, $chunk) = ('');
    while (defined(my $line = <$socket>)) {
        my $n = hex($line =~ s/\s+\z//r) or last;
        read $socket, $chunk, $n + 2;
        $zipped .= substr $chunk, 0, $n;
    }
    gunzip(\$zipped, \my $plain) or die;
    ok $plain eq api(GET => '/v1/traces/export', key => $big->{key}, server => $server)->body, 'the same bytes';
    cmp_ok length $zipped, '<', length($plain) / 10, 'fewer of them on the way';
};

subtest 'readers that stall' => sub {
    clear();
    fill(800, 64);
    # As many as the export connections of both children allow.
    my @stalled = map { start($server) } 1 .. 8;
    # One child may have got more of them than it serves at a time: it refuses some.
    my ($served) = grep { sysread $_, my $head, 1000; $head =~ m{^HTTP/1\.1 200 } } @stalled;
    sleep 0.5;
    my $slowest = 0;
    for (1 .. 20) {
        my $begin = time;
        my $reply = api(GET => '/v1/traces/?limit=1&exclude_fields=model_input', key => $big->{key}, server => $server);
        is $reply->status, 200, 'a list, meanwhile' if $_ == 1 || $reply->status != 200;
        create_trace(key => $big->{key}, project_id => $its, server => $server);
        $slowest = time - $begin if time - $begin > $slowest;
    }
    cmp_ok $slowest, '<', 2, sprintf 'twenty lists and creates are as quick as ever (%.3f s)', $slowest;
    my $begin = time;
    my @more = map { start($server) } 1 .. 8;
    my @heads = map { my $head = ''; sysread $_, $head, 200; $head =~ m{^HTTP/1\.1 (\d+)} ? $1 : 'none' } @more;
    ok !grep({ !/^(200|503)$/ } @heads), "more exports are let in or told to wait: @heads";
    cmp_ok time - $begin, '<', 6, 'in time';
    close $_ for @more;
    like rest($served), qr/\r\n0\r\n\r\n\z/, 'one that goes on reading gets all of it';
    close $_ for @stalled;
    ok eventually(10, sub { api(GET => '/v1/traces/export', key => $big->{key}, server => $server)->status == 200 }), 'when they have gone, others are served';
    ok eventually(10, sub { psql("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'COPY%' AND state = 'active'") == 0 }), 'and no statement runs on for nobody';
};

subtest 'a backend that dies' => sub {
    for my $headers ('', "Accept-Encoding: gzip\r\n") {
        my $socket = start($server, $headers);
        sysread $socket, my $text, 1000;
        like $text, qr{^HTTP/1\.1 200 }, 'it has begun' . ($headers ? ', compressed' : '');
        ok eventually(5, sub { psql("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query LIKE 'COPY (SELECT t.id%' AND application_name = 'tuor'") > 0 }), '  its backend is killed';
        $text .= rest($socket);
        unlike $text, qr/\r\n0\r\n(?:[^\n]*\n)?\r\n\z/, '  the answer has no end';
        cmp_ok scalar(() = $text =~ /"trace_id"/g), '<', 800, '  and not all rows' unless $headers;
    }
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        open STDOUT, '>', '/dev/null';
        exec 'curl', '-s', '--limit-rate', '2M', '-H', "X-API-Key: $big->{key}", $server->url . '/v1/traces/export';
    }
    eventually(5, sub { psql("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'COPY (SELECT t.id%' AND application_name = 'tuor'") > 0 });
    sleep 0.3;
    psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'COPY%' AND application_name = 'tuor'");
    waitpid $pid, 0;
    is $? >> 8, 18, 'curl calls it a partial file';
    like $server->error_log, qr/TUOR0101.*export broken off/, 'and the log says so';
    is export('', server => $server)->status, 200, 'the next one is served';
};

subtest 'TuorExportTimeout' => sub {
    my $short = Tuor::Server->start(conf => "${unlimited}TuorExportTimeout 1\n");
    my $socket = start($short);
    my $begin = time;
    sysread $socket, my $text, 1000;
    like $text, qr{^HTTP/1\.1 200 }, 'it begins';
    sleep 2;
    $text .= rest($socket);
    unlike $text, qr/\r\n0\r\n\r\n\z/, 'is broken off';
    cmp_ok time - $begin, '<', 8, '  soon';
    like $short->error_log, qr/TuorExportTimeout/, '  and the log names the directive';
    is api(GET => '/v1/traces/export?status=pending', key => $big->{key}, server => $short)->status, 200, 'a quick one is not';
};

done_testing;
