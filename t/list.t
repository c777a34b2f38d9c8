# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# GET /v1/traces/: filters, pages, and pages that are larger than memory.
use strict;
use warnings;
use Tuor::Test;
use Tuor::Run qw(build_config read_file);
use Tuor::Server;

my $org = new_org("List $$");
my $key = $org->{key};
my $project = create_project(key => $key)->{id};

sub list { my ($query, %opt) = @_; return api(GET => '/v1/traces/' . ($query ? "?$query" : ''), key => $key, %opt) }
sub ids  { my $reply = ref $_[0] ? $_[0] : list($_[0]); die $reply->body if $reply->status != 200; return $reply->body =~ /(?<=[\[,]\{"id":")(trace_\w+)/g }
sub numbers { my %n; my $i = 0; $n{$_} = ++$i for @{ $_[0] }; return join ' ', map { $n{$_} // '?' } @_[1 .. $#_] }
sub next_of { my $reply = shift; return ($reply->header('link') // '') =~ /^<([^>]+)>; rel="next"$/ ? $1 : undef }

subtest 'nothing' => sub {
    my $reply = list();
    is $reply->status, 200, 'is no error';
    is $reply->body, "[]\n", 'but an empty array';
    like $reply->header('content-type'), qr{^application/json\b}, 'as JSON';
    is $reply->header('link'), undef, 'without a next page';
    is list('', headers => { 'Accept-Encoding' => 'gzip' })->status, 200, 'compressed, too';
};

# Seven traces, numbered from 1, of two projects.
my $second = create_project(key => $key)->{id};
my @created = map { create_trace(key => $key, project_id => $_ % 3 ? $project : $second, model_input => { n => $_, pad => 'x' },
                                 trace_config => { model => $_ % 2 ? 'odd' : 'even', prompt_version_id => "p$_", internal_run_id => $_ }) } 1 .. 7;
my @traces = map { $_->{id} } @created;
my @tags = map { api(POST => '/v1/tags/', { name => $_ }, key => $key)->json->{id} } qw(b A);
api(POST => "/v1/traces/$traces[$_ - 1]/tags", { tag_ids => [@tags] }, key => $key) for 2, 5;
my %verdict = (1 => 'approve', 2 => 'reject', 3 => 'correct', 4 => 'approve');
api(POST => "/v1/traces/$traces[$_ - 1]/review", { action => $verdict{$_}, expected_version => 1, $_ == 3 ? (corrected_output => { a => 1 }) : () }, key => $key) for 1 .. 4;

sub found { return numbers(\@traces, ids($_[0])) }

subtest 'filters' => sub {
    is found(''), '7 6 5 4 3 2 1', 'newest first';
    is found("project_id=$project"), '7 5 4 2 1', 'project_id';
    is found("status=$_->[0]"), $_->[1], "status=$_->[0]" for ['pending', '7 6 5'], ['approved', '4 1'], ['rejected', '2'], ['corrected', '3'];
    is found("tag=$tags[0]"), '5 2', 'tag';
    is found('model=odd'), '7 5 3 1', 'model';
    is found('prompt_version_id=p4'), '4', 'prompt_version_id';
    is found('internal_run_id=6'), '6', 'internal_run_id, a number';
    is found("model=odd&status=approved&project_id=$project&tag=$tags[0]"), '', 'all must hold';
    is found("model=even&status=rejected&project_id=$project&tag=$tags[1]&internal_run_id=2&prompt_version_id=p2"), '2', 'and here do';
    is found('model=ODD'), '', 'exactly';
    my $foreign = create_project(key => other_org_key())->{id};
    for ("project_id=$foreign", 'project_id=proj_0000000000000000000000', 'project_id=', "project_id='", 'tag=tag_0000000000000000000000', 'tag=x', 'model=', 'internal_run_id=%25') {
        my $reply = list($_);
        is $reply->status . ' ' . $reply->body, "200 []\n", "$_ matches nothing";
    }
    # The three members, as texts: what is neither a string nor a number is none.
    my $odd = new_org("List odd $$")->{key};
    my $own = create_project(key => $odd)->{id};
    for my $config ('{"model":"caf\u00e9 \"x\""}', '{"model":1.0}', '{"model":null}', '{"model":["a"]}', '{"model":"\u0000"}', '{"model":"\ud800"}', '{"model":"' . 'y' x 999 . '"}', '{"model":"a","model":"b"}') {
        api(POST => '/v1/traces/', qq({"project_id":"$own","model_input":{},"model_output":{},"trace_config":$config}), key => $odd)->status == 201 or die $config;
    }
    is scalar(() = ids(list("project_id=$own", key => $odd))), 8, 'odd ones are stored';
    is scalar(() = ids(list("project_id=$own&model=$_", key => $odd))), 1, 'found: ' . substr $_, 0, 20 for 'caf%C3%A9%20%22x%22', '1.0', 'b';
    is scalar(() = ids(list("project_id=$own&model=$_", key => $odd))), 0, "not found: $_" for '1', 'null', 'a', 'y';
};

subtest 'dates' => sub {
    my @at = map { $_->{created_at} } @created;
    is found("from_date=$at[2]"), '7 6 5 4 3', 'from_date includes its moment';
    is found("to_date=$at[2]"), '2 1', 'to_date does not';
    is found("from_date=$at[1]&to_date=$at[4]"), '4 3 2', 'both';
    is found("from_date=$at[2]&to_date=$at[2]"), '', 'an empty span';
    is found("from_date=$at[4]&to_date=$at[1]"), '', 'one that ends before it begins';
    my ($day) = $at[0] =~ /^(\d{4}-\d\d-\d\d)/;
    is found("from_date=$day"), '7 6 5 4 3 2 1', 'a day begins with its first moment' if $at[6] =~ /^$day/;
    is found("from_date=0001-01-01&to_date=9999-12-31"), '7 6 5 4 3 2 1', 'all times';
    is found("to_date=$_"), '', "before $_ there was nothing" for '1970-01-01', '1970-01-01T00:00:00Z', '1969-12-31T23:59:59Z', '0001-01-01', '1970-01-01T00:00:00.000001Z';
    is found("from_date=$_"), '', "since $_ there is nothing" for '9999-12-31T23:59:59Z', '2500-01-01';
    my $local = $at[2] =~ s/Z$/%2B00:00/r;
    is found("from_date=$local"), '7 6 5 4 3', 'an offset';
};

subtest 'skip and limit' => sub {
    is found('limit=3'), '7 6 5', 'limit';
    is found('skip=2'), '5 4 3 2 1', 'skip';
    is found('skip=2&limit=2'), '5 4', 'both';
    is found('skip=7'), '', 'behind the last';
    is found('skip=2147483647&limit=500'), '', 'far behind it';
    is found("skip=1&limit=2&project_id=$project"), '5 4', 'with a filter';
    is next_of(list('limit=7')), undef, 'a page that holds the last row has no next';
    ok next_of(list('limit=6')), 'one that does not has one';
    ok !next_of(list('skip=1&limit=6')), 'skip is part of that';
    my $many = create_project(key => $key)->{id};
    create_trace(key => $key, project_id => $many) for 1 .. 51;
    is scalar(() = ids("project_id=$many")), 50, '50 rows without a limit';
};

subtest 'cursor' => sub {
    my $own = create_project(key => $key)->{id};
    my @own = map { create_trace(key => $key, project_id => $own, trace_config => { model => 'a b&c' })->{id} } 1 .. 8;
    my @seen;
    my ($page, $pages) = ("/v1/traces/?project_id=$own&limit=3&model=a%20b%26c&exclude_fields=model_input&skip=1", 0);
    while (defined $page && $pages++ < 9) {
        my $reply = api(GET => $page, key => $key);
        is $reply->status, 200, "page $pages";
        push @seen, ids($reply);
        ok !grep({ exists $_->{model_input} } @{ $reply->json }), '  with all its parameters';
        $page = next_of($reply);
        unlike $page, qr/skip/, '  but skip' if $page;
        # New ones come to the front and disturb nobody; old ones may go.
        create_trace(key => $key, project_id => $own, trace_config => { model => 'a b&c' });
        api(DELETE => "/v1/traces/$own[0]?expected_version=1", key => $key);
    }
    is numbers(\@own, @seen), '7 6 5 4 3 2', 'each row once, though rows came and went';
    my $reply = list("project_id=$own&limit=2");
    my ($cursor) = next_of($reply) =~ /cursor=([^&]+)/;
    ok $cursor, 'a cursor';
    is list("cursor=$cursor&limit=500")->status, 200, 'may be used with other parameters';
    is list('cursor=' . substr($cursor, 0, -1))->status, 422, 'but not without its last character';
    is list("cursor=" . ($cursor =~ s/^(.)(.)/$2$1/r))->status, 422, 'nor with two swapped';
    is list("cursor=$cursor&cursor=$cursor")->status, 422, 'nor twice';
    my $foreign = api(GET => "/v1/traces/?cursor=$cursor", key => other_org_key());
    is $foreign->status, 200, 'in another organization it is only a place in time';
    ok !grep({ $_->{org_id} ne other_org_id() } @{ $foreign->json }), '  and shows nothing of ours';
};

subtest 'exclude_fields' => sub {
    my $one = sub { return list("limit=1&internal_run_id=3&exclude_fields=$_[0]")->json->[0] };
    my $full = list('limit=1&internal_run_id=3')->json->[0];
    is_deeply $full, api(GET => "/v1/traces/$traces[2]", key => $key)->json, 'a row is the trace';
    is_deeply $one->(''), $full, 'nothing excluded';
    for my $field (qw(model_input model_output trace_config corrected_output final_output)) {
        my %less = %$full;
        delete $less{$field};
        is_deeply $one->($field), \%less, "$field";
    }
    is_deeply $one->('model_input.n')->{model_input}, { pad => 'x' }, 'a member';
    is_deeply $one->('model_input.n,model_input.pad,trace_config.model')->{model_input}, {}, 'all members';
    is_deeply $one->('model_input.nothing')->{model_input}, $full->{model_input}, 'one that is not there';
    is_deeply $one->('final_output.a')->{corrected_output}, { a => 1 }, 'final_output is not corrected_output';
    is_deeply $one->('final_output.a')->{final_output}, {}, '  it has lost its member';
};

# A page is looked at without what is long, and looked at again where there was some.
subtest 'one long field among short ones' => sub {
    my $mixed = new_org("List mixed $$");
    my @k = (key => $mixed->{key});
    my $its = create_project(@k)->{id};
    my $long = { a => 'x' x 30_000 };
    my @ids = map { create_trace(@k, project_id => $its, %$_)->{id} } {}, { model_input => $long }, { model_output => $long }, { trace_config => $long }, {}, {};
    api(POST => "/v1/traces/$ids[4]/review", { action => 'correct', expected_version => 1, corrected_output => $long }, @k);
    my @each = map { api(GET => "/v1/traces/$_", @k)->json } reverse @ids;
    is_deeply api(GET => '/v1/traces/', @k)->json, \@each, 'all of them';
    for my $i (0 .. $#each) {
        is_deeply api(GET => "/v1/traces/?limit=1&skip=$i", @k)->json, [$each[$i]], 'number ' . ($i + 1);
        is_deeply api(GET => '/v1/traces/?limit=50&from_date=' . $each[$i]{created_at}, @k)->json, [@each[0 .. $i]], '  and what is newer';
    }
    is_deeply api(GET => '/v1/traces/?limit=6&exclude_fields=trace_config', @k)->json,
        [map { my %less = %$_; delete $less{trace_config}; \%less } @each], 'without a long one';
};

subtest 'streaming' => sub {
    my $big = new_org("List big $$");
    my $its = create_project(key => $big->{key})->{id};
    create_trace(key => $big->{key}, project_id => $its, model_input => { a => 'first' });
    psql(<<"END");
        INSERT INTO tuor.traces (org_id, id, project_id, created_at, updated_at, model_input, model_output)
            SELECT '$big->{id}', 'trace_0' || lpad(n::text, 21, '0'), '$its', now(), now(), '{"n":' || n || ',"a":"' || repeat(chr(97 + n % 26), 5242860) || '"}', '{}'
            FROM generate_series(1, 30) n
END
    my $server = Tuor::Server->start;
    my $peak = sub { my $max = 0; for ($server->children) { my ($kb) = read_file("/proc/$_/status") =~ /^VmHWM:\s+(\d+)/m; $max = $kb if $kb && $kb > $max } return $max / 1024 };
    api(GET => '/v1/traces/?limit=1', key => $big->{key}, server => $server) for 1 .. 4;
    my $before = $peak->();
    for my $query ('', '&exclude_fields=model_input.b', '&exclude_fields=model_input.a') {
        my ($size, $last) = (0, '');
        my $http = HTTP::Tiny->new(timeout => 60);
        my $reply = $http->get($server->url . "/v1/traces/?limit=500$query", { headers => { 'X-API-Key' => $big->{key} }, data_callback => sub {
            $size += length $_[0];
            $last = substr $_[0], -1;
        } });
        is $reply->{status}, 200, "30 rows of 5 MB$query";
        is $last, "\n", '  to the end';
        $query =~ /input\.a/ ? cmp_ok($size, '<', 100_000, "  $size bytes") : cmp_ok($size, '>', 30 * 5_242_860, "  $size bytes");
        SKIP: {
            skip 'a sanitizer keeps freed memory', 1 if build_config()->{preload};
            my $grown = $peak->() - $before;
            cmp_ok $grown, '<', 80, sprintf '  the child grew by %.0f MB', $grown;
        }
    }
    my $reply = api(GET => '/v1/traces/?limit=4', key => $big->{key}, server => $server);
    my ($cursor) = $reply->header('link') =~ /cursor=([^&>]+)/;
    ok $cursor, 'a page of four big ones has its next';
    my @rows = map { scalar(() = $_ =~ /"id":"trace_/g) } $reply->body, api(GET => "/v1/traces/?limit=28&cursor=$cursor", key => $big->{key}, server => $server)->body;
    is "@rows", '4 27', 'and the rest is the rest';
    my $zipped = api(GET => '/v1/traces/?limit=500', key => $big->{key}, server => $server, headers => { 'Accept-Encoding' => 'gzip' });
    is $zipped->header('content-encoding'), 'gzip', 'compressed';
    require IO::Uncompress::Gunzip;
    IO::Uncompress::Gunzip::gunzip(\$zipped->body, \my $plain) or die;
    is length $plain, length api(GET => '/v1/traces/?limit=500', key => $big->{key}, server => $server)->body, '  all of it';
    psql("DELETE FROM tuor.traces WHERE org_id = '$big->{id}' AND id < 'trace_1'");
};

done_testing;
