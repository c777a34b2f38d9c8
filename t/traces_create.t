# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# POST /v1/traces/ and GET /v1/traces/{id}: what a trace is, and which are refused.
use strict;
use warnings;
use Tuor::Test;

my $org = new_org("Create $$");
my $key = $org->{key};
my $project = create_project(key => $key)->{id};

sub post { return api(POST => '/v1/traces/', $_[0], key => $key, @_[1 .. $#_]) }

# "422 field field", sorted.
sub verdict { my $reply = shift; return join ' ', $reply->status, sort map { $_->{field} } @{ $reply->json->{errors} // [] } }

my @members = sort qw(id org_id project_id status model_input model_output trace_config corrected_output final_output
    correction_diff tags version created_at created_by updated_at updated_by last_reviewed_at last_reviewed_by
    deleted_at deleted_by restored_at restored_by);

subtest 'the trace object' => sub {
    my $reply = post({ project_id => $project, model_input => { content => 'a' }, model_output => { b => 1 },
                       trace_config => { model => 'm' } });
    is $reply->status, 201, 'created' or diag $reply->body;
    like $reply->header('content-type'), qr{^application/json\b}, 'as JSON';
    my $trace = $reply->json;
    is_deeply [sort keys %$trace], \@members, 'has its members and no others';
    like $trace->{id}, qr/^trace_[0-9A-Za-z]{22,}$/, 'an id';
    is $reply->header('location'), "/v1/traces/$trace->{id}", 'Location';
    is $trace->{org_id}, $org->{id}, 'the organization';
    is $trace->{project_id}, $project, 'the project';
    is $trace->{status}, 'pending', 'pending';
    is $reply->raw('version'), '1', 'version 1';
    is $reply->raw('model_input'), '{"content":"a"}', 'the input';
    is $reply->raw('model_output'), '{"b":1}', 'the output';
    is $reply->raw('trace_config'), '{"model":"m"}', 'the config';
    is $reply->raw($_), 'null', "$_ is null" for qw(corrected_output final_output correction_diff last_reviewed_at
        last_reviewed_by deleted_at deleted_by restored_at restored_by);
    is $reply->raw('tags'), '[]', 'no tags';
    like $trace->{$_}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/, "$_ is UTC, to the microsecond" for qw(created_at updated_at);
    like $trace->{$_}, qr/^key_/, "$_ is the key" for qw(created_by updated_by);
    my $got = api(GET => "/v1/traces/$trace->{id}", key => $key);
    is $got->status, 200, 'GET finds it';
    is $got->body, $reply->body, 'and answers the same bytes';
    is api(GET => "/v1/traces/$trace->{id}/", key => $key)->body, $reply->body, 'with a final slash, too';
    my $head = api(HEAD => "/v1/traces/$trace->{id}", key => $key);
    is $head->status, 200, 'HEAD';
    ok !length($head->body // ''), 'has no body';
    is $head->header('content-length'), length $got->body, 'but its length';
};

subtest 'what may be left out or added' => sub {
    my $reply = post({ project_id => $project, model_input => {}, model_output => {} });
    is $reply->status, 201, 'empty objects are objects';
    is $reply->raw('trace_config'), 'null', 'trace_config is null when not sent';
    is post({ project_id => $project, model_input => {}, model_output => {}, trace_config => undef })->raw('trace_config'), 'null',
        'and when sent as null';
    is post({ project_id => $project, model_input => {}, model_output => {}, surprise => [1], status => 'approved', id => 'x' })
        ->raw('status'), '"pending"', 'unknown members are ignored';
    is post(qq({"project\\u005fid":"$project","model_input":{},"model_output":{}}))->status, 201, 'a key may be written with escapes';
    is api(POST => '/v1/traces', { project_id => $project, model_input => {}, model_output => {} }, key => $key)->status, 201,
        'without a final slash there is no redirect';
};

subtest 'faulty members' => sub {
    my %good = (project_id => $project, model_input => {}, model_output => {});
    my $without = sub { my %body = %good; delete @body{@_}; return \%body };
    is verdict(post({})), '422 model_input model_output project_id', 'an empty object: all three are named';
    is verdict(post($without->('project_id'))), '422 project_id', 'no project_id';
    is verdict(post($without->('model_input'))), '422 model_input', 'no model_input';
    is verdict(post($without->('model_output'))), '422 model_output', 'no model_output';
    for my $wrong ('[]', '"{}"', '1', 'true', 'null') {
        for my $field (qw(model_input model_output)) {
            my %body = (model_input => '{}', model_output => '{}', $field => $wrong);
            is verdict(post(qq({"project_id":"$project","model_input":$body{model_input},"model_output":$body{model_output}}))),
                "422 $field", "$wrong is no $field";
        }
    }
    is verdict(post(qq({"project_id":"$project","model_input":{},"model_output":{},"trace_config":$_}))), '422 trace_config',
        "$_ is no trace_config" for '[]', '"x"', '0', 'false';
    is verdict(post(qq({"project_id":$_,"model_input":{},"model_output":{}}))), '422 project_id', "$_ is no project_id"
        for '1', 'null', '{}', '""', '["a"]', '"a\\u0000b"', '"\\ud800"';
    is verdict(post('{"project_id":5,"model_input":[],"model_output":"x","trace_config":7}')),
        '422 model_input model_output project_id trace_config', 'four faults, four names';
    my $reply = post('{"project_id":5}');
    is ref \$reply->json->{detail}, 'SCALAR', 'detail is a string';
    ok !grep({ !length $_->{message} } @{ $reply->json->{errors} }), 'every fault has a message';
    for my $text ('[]', '[{}]', '"x"', '1', 'null', 'true') {
        is verdict(post($text)), '422 body', "a body that is $text";
    }
};

subtest 'projects' => sub {
    my %body = (model_input => {}, model_output => {});
    my $foreign = create_project(key => other_org_key())->{id};
    my $archived = create_project(key => $key)->{id};
    is api(DELETE => "/v1/projects/$archived", key => $key)->status, 200, 'a project is archived';
    my $absent = post({ %body, project_id => 'proj_0000000000000000000000' });
    is $absent->status, 404, 'an unknown project';
    for (['a foreign one', $foreign], ['an archived one', $archived], ['no id at all', "x'); --"], ['emoji', "\x{1F600}"]) {
        my $reply = post({ %body, project_id => $_->[1] });
        is $reply->status, 404, $_->[0];
        is $reply->body, $absent->body, '  in the same words';
    }
    is psql("SELECT count(*) FROM tuor.traces WHERE project_id IN ('$foreign', '$archived')"), 0, 'nothing was stored';
    is api(PUT => "/v1/projects/$archived", { archived => JSON::PP::false }, key => $key)->status, 200, 'brought back';
    is post({ %body, project_id => $archived })->status, 201, 'it takes traces again';
};

subtest 'unknown query parameters' => sub {
    my %body = (project_id => $project, model_input => {}, model_output => {});
    my $reply = api(POST => '/v1/traces/?x=1', \%body, key => $key);
    is verdict($reply), '422 x', 'are 422 here, too';
    is api(POST => '/v1/traces/?x=%zz', \%body, key => $key)->status, 400, 'a bad percent-encoding is 400';
    my $trace = create_trace(key => $key, project_id => $project);
    is verdict(api(GET => "/v1/traces/$trace->{id}?a=1&b=2", key => $key)), '422 a b', 'a GET names them all';
};

subtest 'ETag' => sub {
    my $trace = create_trace(key => $key, project_id => $project);
    my $path = "/v1/traces/$trace->{id}";
    my $get = sub { my %headers = @_; return api(GET => $path, key => $key, headers => \%headers) };
    my $first = $get->();
    my $etag = $first->header('etag');
    like $etag, qr/^"[^"]+"$/, 'is a strong one';
    my $same = $get->('If-None-Match' => $etag);
    is $same->status, 304, 'If-None-Match: 304';
    ok !length($same->body // ''), '  without a body';
    is $same->header('etag'), $etag, '  with the ETag';
    is $get->('If-None-Match' => $_)->status, 304, "If-None-Match: $_" for "W/$etag", "\"x\", $etag", '*';
    is $get->('If-None-Match' => $_)->status, 200, "If-None-Match: $_" for '"x"', $etag =~ s/"$/0"/r, $etag =~ tr/"//dr;
    is api(HEAD => $path, key => $key, headers => { 'If-None-Match' => $etag })->status, 304, 'HEAD, too';

    my $zipped = $get->('Accept-Encoding' => 'gzip');
    is $zipped->header('content-encoding'), 'gzip', 'compressed when asked for';
    my $zipped_etag = $zipped->header('etag');
    is $get->('Accept-Encoding' => 'gzip', 'If-None-Match' => $zipped_etag)->status, 304, 'the tag of a compressed answer serves';
    is $get->('If-None-Match' => $zipped_etag)->status, 304, 'without compression, too';

    my %seen = ($etag => 'the first');
    my $changed = sub {
        my $what = shift;
        my $now = $get->('If-None-Match' => join ', ', keys %seen);
        is $now->status, 200, "$what changes it";
        ok !$seen{ $now->header('etag') }, '  to one never seen before';
        $seen{ $now->header('etag') } = $what;
    };
    my $tag = api(POST => '/v1/tags/', { name => 'etag' }, key => $key)->json->{id};
    api(POST => "$path/tags", { tag_ids => [$tag] }, key => $key);
    $changed->('a tag');
    api(PUT => "/v1/tags/$tag", { name => 'renamed' }, key => $key);
    $changed->('its name');
    api(PUT => "/v1/tags/$tag", { color => '#010203' }, key => $key);
    $changed->('its color');
    api(PUT => "/v1/tags/$tag", { description => 'new' }, key => $key);
    $changed->('its description');
    api(POST => "$path/review", { action => 'approve', expected_version => 1 }, key => $key);
    $changed->('a review');
};

done_testing;
