# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# The OpenAPI document: it names every route and no other, it is sound, and real answers are as it says.
use strict;
use warnings;
use Tuor::Npm;
use Tuor::Test;
use Tuor::Run qw(source run_dir run_info write_file read_file);
use Tuor::Server;

my $org = new_org("OpenAPI $$");
my $key = $org->{key};
my $absent = '0000000000000000000000';


my $reply = api(GET => '/v1/openapi.json', key => undef);
is $reply->status, 200, 'served without a credential' or BAIL_OUT($reply->body);
my $doc = $reply->json;
my $file = run_dir() . "/openapi-$$.json";
write_file($file, $reply->body);
my $script = source() . '/t/lib/openapi.py';
# Debian's own, where another python is found first that lacks Debian's modules.
my ($python) = grep { system("$_ -c 'import jsonschema' 2>/dev/null") == 0 } 'python3', '/usr/bin/python3';
$python or BAIL_OUT('python3-jsonschema is missing');

subtest 'served' => sub {
    my $etag = $reply->header('etag');
    like $etag, qr/^"[0-9a-f]{16}(-gzip)?"$/, 'has an ETag';
    my $again = api(GET => '/v1/openapi.json', key => undef, headers => { 'If-None-Match' => $etag });
    is $again->status, 304, 'which holds';
    is $again->body // '', '', '  without a body';
    is api(GET => '/v1/openapi.json', key => undef, headers => { 'If-None-Match' => $_ })->status, 304, "$_ holds, too"
        for '*', "W/$etag", "\"x\", $etag", $etag =~ s/"$/-gzip"/r;
    is api(GET => '/v1/openapi.json', key => undef, headers => { 'If-None-Match' => '"x"' })->status, 200, 'another does not';
    is api(GET => '/v1/openapi.json/', key => undef)->status, 200, 'with a final slash';
    is api(GET => '/v1/openapi.json', key => 'tuor_nonsense')->status, 200, 'whatever key is sent';
    is api(HEAD => '/v1/openapi.json', key => undef)->status, 200, 'HEAD';
    is api(GET => '/v1/openapi.json?x=1', key => undef)->status, 422, 'no parameters';
    my ($version) = read_file(source() . '/configure.ac') =~ /AC_INIT\(\[tuor\], \[(.*?)\]\)/;
    is $doc->{info}{version}, $version, 'it has the version of the software';
};

my %served;         # "GET /v1/traces/{}": the line that httpd -D DUMP_TUOR_ROUTES says of it

# A path with the names of its parameters, and a final slash, left out.
sub shape { return $_[0] =~ s/\{\w+\}/{}/gr =~ s{/$}{}r }

subtest 'every route, and no other' => sub {
    my ($status, $said) = Tuor::Server->configtest('', '-D', 'DUMP_TUOR_ROUTES');
    is $status, 0, 'httpd lists its routes';
    my %route = %served = map { my ($method, $path) = /^  (\S+) +(\S+)/; $method ? (shape("$method $path") => $_) : () } split /\n/, $said;
    ok keys %route > 20, 'many';
    my %described;
    for my $path (keys %{ $doc->{paths} }) {
        $described{ shape(uc($_) . " $path") } = $doc->{paths}{$path}{$_} for grep { /^(get|put|post|delete|patch)$/ } keys %{ $doc->{paths}{$path} };
    }
    is join("\n", grep { !$described{$_} } sort keys %route), '', 'each is described';
    is join("\n", grep { !$route{$_} } sort keys %described), '', 'each described one is there';
    for (grep { $described{$_} } sort keys %route) {
        my ($role, $class) = $route{$_} =~ /(\S+) +(\S+)(?: users-only)?$/;
        is $described{$_}{'x-tuor-role'}, $role, "$_: $role";
        is $described{$_}{'x-tuor-rate-class'} // 'unlimited', $class, "  $class";
    }
};

subtest 'each plugin describes its own' => sub {
    chdir source();
    for my $folder (grep { my $dir = $_; grep { read_file($_) =~ /\btuor_routes_add\(/ } glob "$dir/*.c" } glob 'modules/*') {
        my ($name) = $folder =~ m{/(\w+)$};
        ok -e "$folder/openapi.json", "$folder/openapi.json";
        ok((grep { read_file($_) =~ /\bTUOR_OPENAPI\(\w+, $name\);/ } glob "$folder/*.c"), "  and TUOR_OPENAPI(pool, $name); in its register_hooks");
    }
    for my $fragment (glob 'modules/*/openapi.json') {
        ok eval { Tuor::Test::decode(read_file($fragment)) }, "$fragment is JSON" or diag $@;
    }
};

subtest 'the document is sound' => sub {
    is scalar `$python $script lint $file`, '', 'by our own rules';
};

subtest 'the document is sound to others' => sub {
    my ($major, $minor) = (`node --version 2>/dev/null` // '') =~ /^v(\d+)\.(\d+)/;
    plan skip_all => 'Redocly needs node 20.19 or 22.12' unless $major && ($major > 22 || $major == 22 && $minor >= 12 || $major == 20 && $minor >= 19);
    my ($dir, $why) = Tuor::Npm->install('tools');
    plan skip_all => $why unless $dir;
    my $said = `cd '$dir' && REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true node_modules/.bin/redocly lint --config redocly.yaml '$file' 2>&1`;
    is $?, 0, 'redocly lint' or diag $said;
};

# ----------------------------------------------------------- real answers

my @answers;

# A request, and what came of it, kept for the validator.
sub try {
    my ($status, $method, $path, @rest) = @_;
    my $body = @rest % 2 ? shift @rest : undef;
    my %option = (key => $key, @rest);
    delete $option{key} if $option{login};
    my $sent = ref $body ? encode($body) : $body;
    my $answer = api($method, $path, defined $sent ? $sent : (), %option);
    is $answer->status, $status, "$status $method $path" or diag substr $answer->body, 0, 300;
    push @answers, { method => $method, path => $path, status => $answer->status, body => $answer->body, headers =>
        { map { $_ => $answer->header($_) } keys %{ $answer->headers } }, sent => ref $body ? $sent : undef };
    return $answer;
}

my $version = { expected_version => 1 };
my ($project, $trace, $tag, $pending);

subtest 'requests that succeed' => sub {
    $project = try(201, POST => '/v1/projects/', { name => 'A', input_type => 'text', guidelines => 'Be kind.' })->json->{id};
    try(201, POST => '/v1/projects/', { name => 'B' });
    try(200, GET => '/v1/projects/');
    try(200, GET => '/v1/projects/?archived=true&skip=0&limit=5');
    try(200, GET => "/v1/projects/$project");
    try(200, PUT => "/v1/projects/$project", { webhook_url => 'https://hooks.example.com/x', webhook_secret => 's', webhook_active => JSON::PP::true });
    try(202, POST => "/v1/projects/$project/test-webhook");
    my $delivery = try(200, GET => "/v1/projects/$project/webhook-deliveries?status=pending&limit=1")->json->[0]
        // api(GET => "/v1/projects/$project/webhook-deliveries", key => $key)->json->[0];
    ok eventually(20, sub { api(GET => "/v1/webhook-deliveries/$delivery->{id}", key => $key)->json->{status} =~ /failed|success/ }), 'it was tried';
    try(200, GET => "/v1/webhook-deliveries/$delivery->{id}");
    try(202, POST => "/v1/webhook-deliveries/$delivery->{id}/retry");
    try(202, POST => "/v1/projects/$project/webhook-deliveries/retry", { from => '2026-01-01', to => '2026-01-02T00:00:00Z', limit => 5 });
    try(200, PUT => "/v1/projects/$project", { webhook_active => JSON::PP::false });

    $tag = try(201, POST => '/v1/tags/', { name => 'critical', color => '#ef4444' })->json->{id};
    try(200, GET => '/v1/tags/');
    try(200, GET => "/v1/tags/$tag");
    try(200, PUT => "/v1/tags/$tag", { description => 'x', color => undef });

    my %call = (project_id => $project, model_input => { content => 'in' }, model_output => { a => 1, b => [{}] });
    $trace = try(201, POST => '/v1/traces/', { %call, trace_config => { model => 'm', internal_run_id => 'r' } })->json->{id};
    $pending = try(201, POST => '/v1/traces/', \%call)->json->{id};
    my $got = try(200, GET => "/v1/traces/$trace");
    try(304, GET => "/v1/traces/$trace", headers => { 'If-None-Match' => $got->header('etag') });
    try(200, HEAD => "/v1/traces/$trace");
    try(200, POST => "/v1/traces/$trace/tags", { tag_ids => [$tag] });
    try(200, POST => "/v1/traces/$trace/review", { action => 'correct', corrected_output => { a => 2 }, comment => 'c', %$version });
    try(200, GET => '/v1/traces/');
    try(200, GET => '/v1/traces/?limit=1&exclude_fields=model_input,trace_config.model');
    try(200, GET => "/v1/traces/$trace/events");
    try(200, GET => '/v1/traces/export');
    try(200, GET => '/v1/traces/export?status=pending,corrected&exclude_fields=events,model_input.content');
    try(200, DELETE => "/v1/traces/$trace/tags/$tag");
    try(200, POST => "/v1/traces/$trace/reset", { expected_version => 2 });
    try(200, POST => "/v1/traces/$trace/review", { action => 'approve', expected_version => 3 }, login => undef);
    try(200, DELETE => "/v1/traces/$trace", { expected_version => 4 });
    try(200, POST => "/v1/traces/$trace/restore", { expected_version => 5 });
    try(200, GET => "/v1/traces/$trace/events");
    try(200, GET => '/v1/traces/export?format=jsonl');
    my $b = try(201, POST => '/v1/projects/', { name => 'C' })->json->{id};
    try(200, DELETE => "/v1/projects/$b");
    try(200, GET => $_, key => undef) for '/healthz', '/readyz', '/v1/openapi.json';
};

# Plugins that may be left out of a build.
subtest 'the queue' => sub {
    plan skip_all => 'not built' unless $served{'POST /v1/queue/next'};
    my $queued = try(200, POST => '/v1/queue/next', { project_id => $project, client => 'openapi' })->json->{trace}{id};
    try(200, POST => '/v1/queue/next', { tag_id => $tag });
    try(404, POST => '/v1/queue/next', { project_id => "proj_$absent" });
    try(422, POST => '/v1/queue/next', { client => 'x' x 65 });
    try(200, GET => "/v1/queue?project_id=$project&tag_id=$tag&client=openapi&since=2026-01-01");
    try(200, GET => '/v1/queue?client=openapi');
    try(422, GET => '/v1/queue?since=never');
    try(200, PUT => "/v1/queue/leases/$queued", { client => 'openapi' });
    try(409, PUT => "/v1/queue/leases/$queued", { client => 'another' });
    try(409, PUT => "/v1/queue/leases/$trace", {});
    try(404, PUT => "/v1/queue/leases/trace_$absent", {});
    try(204, DELETE => "/v1/queue/leases/$queued?client=openapi");
    try(404, DELETE => "/v1/queue/leases/trace_$absent");
};

subtest 'batches and repeats' => sub {
    plan skip_all => 'not built' unless $served{'POST /v1/traces/batch'};
    my %call = (project_id => $project, model_input => { content => 'in' }, model_output => { a => 1 });
    try(200, POST => '/v1/traces/batch', join('', map { encode($_) . "\n" } \%call, {}, { %call, project_id => "proj_$absent" }) . "x\n", type => 'application/x-ndjson');
    my @named = (headers => { 'Idempotency-Key' => 'once' });
    try(201, POST => '/v1/traces/', \%call, @named);
    try(200, POST => '/v1/traces/', \%call, @named);
    try(422, POST => '/v1/traces/', { %call, model_output => {} }, @named);
    try(415, POST => '/v1/traces/batch', '{}');
};

subtest 'members and keys' => sub {
    plan skip_all => 'not built' unless $served{'GET /v1/me'};
    try(200, GET => '/v1/me');
    try(200, GET => '/v1/me', login => 'viewer');
    try(403, GET => '/v1/api-keys');
    try(403, GET => '/v1/members', login => 'reviewer');
    my @admin = (login => 'admin');
    my $new = try(201, POST => '/v1/api-keys', { name => 'x' }, @admin)->json->{id};
    try(200, GET => '/v1/api-keys', @admin);
    try(204, DELETE => "/v1/api-keys/$new", @admin);
    try(404, DELETE => "/v1/api-keys/key_$absent", @admin);
    try(422, POST => '/v1/api-keys', {}, @admin);
    my $user = try(201, POST => '/v1/members', { login => "openapi-$$", role => 'viewer' }, @admin)->json->{user_id};
    try(409, POST => '/v1/members', { login => "openapi-$$", role => 'viewer' }, @admin);
    try(200, GET => '/v1/members', @admin);
    try(200, PUT => "/v1/members/$user", { name => 'X', role => 'reviewer' }, @admin);
    try(422, PUT => "/v1/members/$user", { role => 'king' }, @admin);
    try(204, DELETE => "/v1/members/$user", @admin);
    try(404, DELETE => "/v1/members/$user", @admin);
};

subtest 'prompts' => sub {
    plan skip_all => 'not built' unless $served{'GET /v1/projects/{}/prompts'};
    my $at = "/v1/projects/$project/prompts";
    try(200, GET => $at);
    my $prompt = try(201, POST => $at, { content => 'Be exact.' })->json->{id};
    try(201, POST => $at, { content => 'Be very exact.' });
    try(200, GET => $at);
    try(200, GET => "$at/$prompt");
    try(200, GET => "$at/$prompt/stats");
    try(404, GET => "$at/prm_$absent");
    try(422, POST => $at, { content => '' });
    try(422, POST => "$at/accept-refinement", {});
    try(404, POST => "$at/accept-refinement", { suggestion_id => "sug_$absent" });
    try(404, GET => "/v1/projects/proj_$absent/prompts");
    # 503 where no refiner is configured, 409 where there is one and too little to learn from.
    my $status = api(POST => "$at/refine", key => $key)->status;
    like $status, qr/^(409|503)$/, 'refine';
    try($status, POST => "$at/refine");
};

subtest 'the event feed' => sub {
    plan skip_all => 'not built' unless $served{'GET /v1/events'};
    my $feed = try(200, GET => '/v1/events?limit=3')->json;
    try(200, GET => "/v1/events?after=$feed->{cursor}&types=review.corrected,tag.added");
    try(200, GET => '/v1/events?after=latest');
    try(422, GET => '/v1/events?after=x&types=y&limit=0');
};

subtest 'OpenTelemetry' => sub {
    plan skip_all => 'not built' unless $served{'POST /otlp/v1/traces'};
    try(200, POST => '/otlp/v1/traces', { resourceSpans => [] });
    try(200, POST => '/otlp/v1/traces', { resourceSpans => [{ scopeSpans => [{ spans => [{}] }] }] });
    try(415, POST => '/otlp/v1/traces', 'x', type => 'text/plain');
    try(400, POST => '/otlp/v1/traces', '{"resourceSpans":1}');
};

subtest 'analytics' => sub {
    plan skip_all => 'not built' unless $served{'GET /v1/projects/{}/analytics'};
    try(200, GET => "/v1/projects/$project/analytics");
    try(200, GET => "/v1/projects/$project/analytics?from_date=2026-01-01&bucket=week");
    try(422, GET => "/v1/projects/$project/analytics?bucket=hour");
    try(404, GET => "/v1/projects/proj_$absent/analytics");
};

subtest 'requests that do not' => sub {
    for my $path (sort keys %{ $doc->{paths} }) {
        my $item = $doc->{paths}{$path};
        for my $method (grep { $item->{$_} } qw(get post put delete)) {
            my $op = $item->{$method};
            next if ($op->{'x-tuor-role'} // 'public') eq 'public';
            my $at = $path =~ s/\{(\w+)_id\}/{ delivery => 'whd', project => 'proj', prompt => 'prm' }->{$1} || $1/ger =~ s/(?<=\/)(whd|proj|trace|tag|prm|user|key)(?=\/|$)/$1_$absent/gr;
            my @body = $op->{requestBody} ? {} : ();
            try(401, uc $method, $at, @body, key => undef);
        }
    }
    my $project_url = "/v1/projects/$project";
    my %call = (project_id => $project, model_input => {}, model_output => {});
    try(@$_) for
        [400, POST => '/v1/traces/', '{'], [400, POST => '/v1/tags/', '{"name":"a","name":"b"}'], [400, GET => '/v1/traces/?x=%zz'], [400, GET => '/v1/tags/?x=%zz'],
        [403, POST => '/v1/traces/', \%call, login => 'viewer'], [403, DELETE => "/v1/tags/$tag", login => 'reviewer'],
        [404, POST => '/v1/traces/', { %call, project_id => 'proj_' . $absent }], [404, GET => "/v1/traces/trace_$absent"], [404, GET => "/v1/traces/trace_$absent/events"],
        [404, POST => "/v1/traces/trace_$absent/review", { action => 'approve', expected_version => 1 }], [404, GET => "/v1/tags/tag_$absent"],
        [404, GET => "/v1/projects/proj_$absent"], [404, PUT => "/v1/projects/proj_$absent", { name => 'x' }], [404, GET => "/v1/projects/proj_$absent/webhook-deliveries"],
        [404, GET => "/v1/webhook-deliveries/whd_$absent"], [404, POST => "/v1/webhook-deliveries/whd_$absent/retry"], [404, POST => "/v1/traces/$trace/tags", { tag_ids => ["tag_$absent"] }],
        [409, POST => "/v1/traces/$trace/review", { action => 'approve', expected_version => 1 }], [409, POST => "/v1/traces/$pending/reset", $version],
        [409, DELETE => "/v1/traces/$pending?expected_version=9"], [409, POST => "/v1/traces/$pending/restore", $version], [409, POST => '/v1/tags/', { name => 'CRITICAL' }],
        [409, POST => '/v1/projects/' . api(POST => '/v1/projects/', { name => 'D' }, key => $key)->json->{id} . '/test-webhook'],
        [415, POST => '/v1/traces/', '{}', type => 'text/plain'], [415, PUT => $project_url, '{}', type => 'text/plain'],
        [422, POST => '/v1/traces/', {}], [422, POST => "/v1/traces/$trace/review", {}], [422, POST => "/v1/traces/$trace/reset", {}], [422, DELETE => "/v1/traces/$trace"],
        [422, POST => '/v1/tags/', { name => '', color => 'red' }], [422, POST => '/v1/projects/', { name => '', input_type => 'x' }], [422, PUT => $project_url, { webhook_url => 'http://x/' }],
        [422, GET => '/v1/traces/?limit=0&x=1'], [422, GET => '/v1/traces/export?format=x&status=y'], [422, POST => "/v1/traces/$trace/tags", { tag_ids => [] }],
        [422, GET => "$project_url/webhook-deliveries?status=x"];
    try(204, DELETE => "/v1/tags/$tag");
};

subtest 'limits' => sub {
    my $server = Tuor::Server->start(conf => "TuorRateLimit read 1/min\n");
    try(200, GET => '/v1/tags/', server => $server);
    my $refused = try(429, GET => '/v1/tags/', server => $server);
    ok $refused->header('retry-after'), 'Retry-After';
};

subtest 'without a database' => sub {
    my $server = Tuor::Server->start(conf => "DBDParams \"host=/nonexistent dbname=x connect_timeout=1\"\n");
    try(503, GET => $_, server => $server) for '/v1/traces/', '/v1/traces/export', '/v1/tags/', '/readyz';
    try(503, POST => '/v1/tags/', { name => 'x' }, server => $server);
    try(200, GET => '/healthz', server => $server);
};

subtest 'a full organization' => sub {
    plan skip_all => 'not built' unless read_file(source() . '/conf/tuor.conf') =~ /TuorTraceLimit/;
    my $server = Tuor::Server->start(conf => "TuorTraceLimit 1\n");
    try(402, POST => '/v1/traces/', { project_id => $project, model_input => {}, model_output => {} }, server => $server);
};

subtest 'every answer is as described' => sub {
    my $list = run_dir() . "/answers-$$";
    write_file($list, join '', map { encode($_) . "\n" } @answers);
    my $said = `$python $script check $file $list`;
    is $said, '', @answers . ' answers';
    my %seen = map { $_->{method} . ' ' . $_->{status} => 1 } @answers;
    ok keys %seen > 20, 'of many kinds';
};

done_testing;
