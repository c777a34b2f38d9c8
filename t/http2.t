# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# HTTP/2: the same answers, whatever the framing.
use strict;
use warnings;
use Tuor::Test;
use Tuor::Run qw(run_dir write_file read_file);
use Tuor::Server;

my ($version) = (`curl --version` // '') =~ /\bHTTP2\b/ ? 1 : 0;
plan skip_all => 'this curl cannot speak HTTP/2' if !$version;
my $nghttp = `nghttp --version 2>/dev/null`;

my $org = new_org("HTTP2 $$");
my $key = $org->{key};
my $project = create_project(key => $key)->{id};
my $server = Tuor::Server->start(conf => join '', map { "TuorRateLimit $_ off\n" } qw(ingest read write export));
my $body_file = run_dir() . "/h2-$$";

# curl(PATH, OPTION...): (status, HTTP version, exit status of curl, body)
sub curl {
    my ($path, @options) = @_;
    my $pid = open(my $out, '-|', 'curl', '-s', '--max-time', 60, '--http2-prior-knowledge', '-H', "X-API-Key: $key", '-w', "\n%{http_code} %{http_version}", @options, $server->url . $path) // die "curl: $!\n";
    local $/;
    my $text = <$out>;
    close $out;
    my $exit = $? >> 8;
    $text =~ s/\n(\d+) (\S+)\z//;
    return ($1, $2, $exit, $text);
}

my @json = ('-H', 'Content-Type: application/json');

# As curl sends a file: with its length, or without.
sub post {
    my ($path, $body, @options) = @_;
    write_file($body_file, $body);
    return curl($path, @json, '--data-binary', "\@$body_file", @options);
}

sub without_length {
    my ($path, $body) = @_;
    write_file($body_file, $body);
    my $command = "curl -s --max-time 60 --http2-prior-knowledge -H 'X-API-Key: $key' -H 'Content-Type: application/json' -X POST -T - -w '\\n%{http_code}' " . $server->url . "$path < $body_file";
    my $text = `$command`;
    $text =~ s/\n(\d+)\z//;
    return ($1, $text);
}

my $good = qq({"project_id":"$project","model_input":{"a":1.0,"b":"\\ud800"},"model_output":{}});

subtest 'requests' => sub {
    my ($status, $version, $exit, $text) = post('/v1/traces/', $good);
    is "$status $version", '201 2', 'a create';
    is Tuor::Reply::raw_member($text, 'model_input'), '{"a":1.0,"b":"\\ud800"}', '  with the same characters';
    ($status, $text) = without_length('/v1/traces', $good);
    is $status, 201, 'a body without a length' or diag $text;
    my ($id) = $text =~ /"id":"(\w+)"/;
    my ($got, undef, undef, $body) = curl("/v1/traces/$id");
    is $got, 200, 'read again';
    is $body, api(GET => "/v1/traces/$id", key => $key)->body, '  as over HTTP/1.1';
    is +(post('/v1/traces/', '{'))[0], 400, 'no JSON';
    is +(post('/v1/traces/', '{}'))[0], 422, 'faulty';
    is +(curl('/v1/traces/', '-X', 'PUT'))[0], 405, 'a wrong method';
    is +(curl('/v1/traces/', '-H', 'X-API-Key: tuor_x'))[0], 401, 'a wrong key';
    is +(post("/v1/traces/$id/review", '{"action":"approve","expected_version":1}'))[0], 200, 'a review';
    is +(curl("/v1/traces/$id?expected_version=1", '-X', 'DELETE'))[0], 409, 'a conflict';
    is +(curl('/v1/traces/', '-I'))[0], 200, 'HEAD';
};

subtest 'large bodies' => sub {
    my $value = '{"a":"' . 'x' x (5_242_880 - 8) . '"}';
    for (\&post, \&without_length) {
        my ($status, @rest) = $_->('/v1/traces/', qq({"project_id":"$project","model_input":$value,"model_output":$value}));
        is $status, 201, 'ten megabytes' . ($_ == \&post ? '' : ' without a length');
        ok Tuor::Reply::raw_member($rest[-1], 'model_output') eq $value, '  come back as sent';
    }
    my $start = time;
    SKIP: {
        # curl does not show the answer to what it has not sent to the end.
        skip 'nghttp is not here (nghttp2-client)', 2 unless $nghttp;
        write_file($body_file, $good . ' ' x (18 << 20));
        for my $option ('', '--no-content-length') {
            my $out = `nghttp -v -t 60 $option -d $body_file -H ':method: POST' -H 'x-api-key: $key' -H 'content-type: application/json' @{[$server->url]}/v1/traces/ 2>&1`;
            is +($out =~ /:status: (\d+)/)[0], 413, "eighteen are too many $option" or diag substr $out, -2000;
        }
    }
    cmp_ok time - $start, '<', 20, 'without a hang';
};

subtest 'large answers' => sub {
    psql(<<"END");
        INSERT INTO tuor.traces (org_id, id, project_id, status, created_at, updated_at, model_input, model_output)
            SELECT '$org->{id}', 'trace_0' || lpad(n::text, 21, '0'), '$project', 'approved', now(), now(), '{"n":' || n || ',"a":"' || repeat(chr(97 + n % 26), 9000 + n * 10) || '"}', '{}'
            FROM generate_series(1, 500) n
END
    for my $path ('/v1/traces/?limit=500', '/v1/traces/export', '/v1/traces/?limit=500&exclude_fields=model_input.n') {
        my $expected = api(GET => $path, key => $key, server => $server)->body;
        # A slow reader: what the server still holds must not have gone meanwhile.
        for my $options ([], ['--limit-rate', '20M'], ['--compressed']) {
            my ($status, undef, undef, $text) = curl($path, @$options);
            is $status, 200, "$path @$options";
            ok $text eq $expected, '  the same bytes as over HTTP/1.1' or diag length($text) . ' for ' . length $expected;
        }
    }
};

subtest 'a backend that dies' => sub {
    # More than the windows of HTTP/2 and the buffers on the way take.
    psql("UPDATE tuor.traces SET model_input = '{\"a\":\"' || repeat('abcdefgh', 20000) || '\"}' WHERE org_id = '$org->{id}'");
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        open STDOUT, '>', '/dev/null';
        exec 'curl', '-s', '--max-time', 30, '--http2-prior-knowledge', '--limit-rate', '2M', '-H', "X-API-Key: $key", $server->url . '/v1/traces/export';
    }
    ok eventually(5, sub { psql("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'COPY (SELECT t.id%' AND state = 'active'") > 0 }), 'an export is under way';
    select undef, undef, undef, 0.5;
    psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'COPY%' AND application_name = 'tuor'");
    waitpid $pid, 0;
    ok $? >> 8, 'curl does not take the part for the whole (' . ($? >> 8) . ')';
    is +(curl('/v1/traces/?limit=1'))[0], 200, 'the next one is served';
};

subtest 'many at once on one connection' => sub {
    plan skip_all => 'nghttp is not here (nghttp2-client)' unless $nghttp;
    my $out = `nghttp -n -s -m 40 -H 'x-api-key: $key' @{[$server->url]}'/v1/traces/?limit=2&exclude_fields=model_input' 2>&1`;
    my @statuses = $out =~ /^\s*\d+\s+\S+\s+\S+\s+\S+\s+(\d{3})\s/mg;
    is join(' ', @statuses), join(' ', (200) x 40), 'forty requests, forty answers' or diag $out;
};

done_testing;
