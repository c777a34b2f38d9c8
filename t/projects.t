# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# /v1/projects: create, read, list, update, archive.
use strict;
use warnings;
use utf8;
use JSON::PP;
use Tuor::Test;

binmode Test::More->builder->$_, ':utf8' for qw(output failure_output todo_output);

my ($true, $false) = (JSON::PP::true, JSON::PP::false);
my $org = new_org("Projects $$");
my $key = $org->{key};
my $none = 'proj_0000000000000000000000';
my @members = sort qw(id org_id name input_type output_type guidelines webhook_url webhook_active webhook_secret_set
    webhook_secret_next_set webhook_standard archived managed created_at updated_at);

sub call { my ($method, $path, @body) = @_; return api($method, "/v1/projects$path", @body, key => $key) }
sub create { my $reply = call(POST => '/', { name => 'P', @_ }); is $reply->status, 201, 'created' or diag $reply->body; return $reply->json }
sub update { my $id = shift; return call(PUT => "/$id", {@_}) }
sub names { return [map { $_->{name} } @{ call(GET => '/' . ($_[0] // ''))->json }] }

# The fields that a 422 names, sorted.
sub faulty { my $reply = shift; return $reply->status . ' ' . join ' ', sort map { $_->{field} } @{ $reply->json->{errors} // [] } }

subtest 'create and read' => sub {
    my $reply = call(POST => '/', { name => 'Rechnungen ✓', input_type => 'pdf', output_type => 'classification', guidelines => "Zeile 1\nü",
        webhook_url => 'https://hooks.example.com/tuor', webhook_secret => 'whsec_1', webhook_active => $true });
    is $reply->status, 201, 'created' or diag $reply->body;
    my $project = $reply->json;
    is_deeply [sort keys %$project], \@members, 'its members';
    like $project->{id}, qr/^proj_[0-9A-Za-z]{22}$/, 'an id';
    is_deeply [@$project{qw(org_id name input_type output_type guidelines webhook_url webhook_active webhook_secret_set archived managed)}],
        [$org->{id}, 'Rechnungen ✓', 'pdf', 'classification', "Zeile 1\nü", 'https://hooks.example.com/tuor', $true, $true, $false, $false],
        'and what they say';
    unlike $reply->body, qr/whsec_1/, 'the secret is not among them';
    like $project->{$_}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/, $_ for qw(created_at updated_at);
    is $reply->header('location'), "/v1/projects/$project->{id}", 'Location';
    for my $slash ('', '/') {
        my $got = call(GET => "/$project->{id}$slash");
        is $got->status, 200, "GET with \"$slash\" at the end";
        is_deeply $got->json, $project, '  answers the project';
        unlike $got->body, qr/whsec_1/, '  without the secret';
    }
    my $plain = create(name => 'plain');
    is_deeply [@$plain{qw(input_type output_type guidelines webhook_url webhook_active webhook_secret_set)}],
        ['text', 'key_value', undef, undef, $false, $false], 'defaults';
    is create(name => '😀' x 100)->{name}, '😀' x 100, 'a name of a hundred characters';
    is length create(guidelines => 'é' x 8192)->{guidelines}, 8192, 'guidelines of 16 384 bytes';
    is create(webhook_url => 'https://hooks.example.com/' . 'a' x (2048 - 26))->{webhook_active}, $false, 'a URL of 2048 characters';
    ok create(webhook_secret => '✓' x 512)->{webhook_secret_set}, 'a secret of 512 characters';
    is create(name => 'unknown members', archived => $true, nonsense => [1])->{archived}, $false, 'unknown members are ignored';
};

subtest 'what is refused' => sub {
    my @faults = (
        ['no name', {}, 'name'], ['null', { name => undef }, 'name'], ['empty', { name => '' }, 'name'],
        ['blank', { name => ' ' }, 'name'], ['too long', { name => 'x' x 101 }, 'name'], ['a number', { name => 5 }, 'name'],
        ['U+0000', { name => "a\0b" }, 'name'],
        ['an input type', { name => 'P', input_type => 'audio' }, 'input_type'], ['null for one', { name => 'P', input_type => undef }, 'input_type'],
        ['an output type', { name => 'P', output_type => 'pdf' }, 'output_type'],
        ['long guidelines', { name => 'P', guidelines => 'é' x 8192 . 'x' }, 'guidelines'],
        ['guidelines that are none', { name => 'P', guidelines => {} }, 'guidelines'],
        ['an empty URL', { name => 'P', webhook_url => '' }, 'webhook_url'],
        ['a long URL', { name => 'P', webhook_url => 'https://hooks.example.com/' . 'a' x (2049 - 26) }, 'webhook_url'],
        ['plain http', { name => 'P', webhook_url => 'http://hooks.example.com/' }, 'webhook_url'],
        ['an empty secret', { name => 'P', webhook_secret => '' }, 'webhook_secret'],
        ['a long secret', { name => 'P', webhook_secret => 'x' x 513 }, 'webhook_secret'],
        ['active of another type', { name => 'P', webhook_active => 'true' }, 'webhook_active'],
        ['active without URL and secret', { name => 'P', webhook_active => $true }, 'webhook_active'],
        ['active without a secret', { name => 'P', webhook_active => $true, webhook_url => 'https://hooks.example.com/' }, 'webhook_active'],
        ['everything at once', { input_type => 1, output_type => 'x', guidelines => 1, webhook_url => 'x', webhook_secret => 1, webhook_active => 1 },
            'guidelines input_type name output_type webhook_active webhook_secret webhook_url'],
    );
    for my $case (@faults) {
        my ($what, $body, $fields) = @$case;
        is faulty(call(POST => '/', $body)), "422 $fields", $what;
    }
    like call(POST => '/', { name => 'P', webhook_url => 'https://127.1/' })->json->{errors}[0]{message}, qr/four decimal numbers/,
        'a message says what would be right';
    is call(POST => '/', '{"name":"a","name":"b"}')->status, 400, 'a member twice';
    is call(POST => '/', '[]')->status, 422, 'no object';
    is call(POST => '/', '{')->status, 400, 'no JSON';
    is api(POST => '/v1/projects/', 'name=P', key => $key, type => 'application/x-www-form-urlencoded')->status, 415, 'a form';
    is faulty(call(POST => '/?x=1', { name => 'P' })), '422 x', 'an unknown parameter';
};

subtest 'update' => sub {
    my $project = create(name => 'before', guidelines => 'g', webhook_url => 'https://hooks.example.com/', webhook_secret => 's');
    my $reply = update($project->{id}, name => 'after');
    is $reply->status, 200, 'updated';
    my $after = $reply->json;
    is $after->{name}, 'after', 'what was sent';
    is_deeply [@$after{qw(guidelines webhook_url webhook_secret_set created_at)}], ['g', 'https://hooks.example.com/', $true, $project->{created_at}],
        'and nothing else';
    cmp_ok $after->{updated_at}, 'gt', $project->{updated_at}, 'at a later time';
    is update($project->{id})->status, 200, 'nothing to change is no error';
    is update($project->{id}, guidelines => undef)->json->{guidelines}, undef, 'null clears guidelines';
    is update($project->{id}, webhook_active => $true)->json->{webhook_active}, $true, 'switched on';
    is faulty(update($project->{id}, webhook_url => undef)), '422 webhook_url', 'an active webhook keeps its URL';
    is faulty(update($project->{id}, webhook_secret => undef)), '422 webhook_secret', 'and its secret';
    is faulty(update($project->{id}, webhook_secret => undef, webhook_active => $true)), '422 webhook_active', 'whichever way it is asked';
    is update($project->{id}, webhook_active => $false)->json->{webhook_url}, 'https://hooks.example.com/', 'switched off it stays';
    is update($project->{id}, webhook_active => $true)->json->{webhook_active}, $true, 'and can be switched on again';
    my $cleared = update($project->{id}, webhook_active => $false, webhook_url => undef, webhook_secret => undef)->json;
    is_deeply [@$cleared{qw(webhook_url webhook_secret_set webhook_active)}], [undef, $false, $false], 'null clears URL and secret';
    is faulty(update($project->{id}, webhook_active => $true)), '422 webhook_active', 'without them it cannot be switched on';
    is update($project->{id}, webhook_active => $true, webhook_url => 'https://hooks.example.com/2', webhook_secret => 't')->json->{webhook_url},
        'https://hooks.example.com/2', 'all three together';
    is faulty(update($project->{id}, name => undef)), '422 name', 'a name cannot be taken away';
    is faulty(update($project->{id}, webhook_active => undef)), '422 webhook_active', 'null is no boolean';
    is faulty(update($project->{id}, archived => 1)), '422 archived', 'nor is 1';
    is faulty(update($project->{id}, name => '', webhook_url => 'https://localhost/')), '422 name webhook_url', 'every faulty member is named';
    is update($project->{id}, input_type => 'image', output_type => 'text')->json->{output_type}, 'text', 'types';
    is update($none, name => 'x')->status, 404, 'an unknown project';
    is faulty(update($none, name => '')), '422 name', 'its faults come first';
};

subtest 'archive and restore' => sub {
    my $project = create(name => 'to archive');
    my $trace = api(POST => '/v1/traces/', { project_id => $project->{id}, model_input => {}, model_output => {} }, key => $key)->json;
    my $reply = call(DELETE => "/$project->{id}");
    is $reply->status, 200, 'archived';
    is $reply->json->{archived}, $true, 'and says so';
    is_deeply call(DELETE => "/$project->{id}")->json, $reply->json, 'again is no error';
    is call(GET => "/$project->{id}")->json->{archived}, $true, 'it can still be read';
    is api(GET => "/v1/traces/$trace->{id}", key => $key)->status, 200, 'its traces too';
    is api(POST => '/v1/traces/', { project_id => $project->{id}, model_input => {}, model_output => {} }, key => $key)->status, 404,
        'but it takes no new ones';
    ok !(grep { $_ eq 'to archive' } @{ names() }), 'it is not in the list';
    ok +(grep { $_ eq 'to archive' } @{ names('?archived=true') }), 'but in that of archived ones';
    is update($project->{id}, archived => $false)->json->{archived}, $false, 'restored';
    is api(POST => '/v1/traces/', { project_id => $project->{id}, model_input => {}, model_output => {} }, key => $key)->status, 201, 'it takes traces again';
    is update($project->{id}, archived => $true)->json->{archived}, $true, 'PUT archives as well';
    is call(DELETE => "/$none")->status, 404, 'an unknown project';
};

subtest 'list' => sub {
    my $other = new_org("List $$");
    my $list = sub { my $reply = api(GET => "/v1/projects/$_[0]", key => $other->{key}); return join ' ', map { $_->{name} } @{ $reply->json } };
    is $list->(''), '', 'none at first';
    api(POST => '/v1/projects/', { name => $_ }, key => $other->{key}) for qw(beta Alpha gamma alpha);
    is $list->(''), 'Alpha alpha beta gamma', 'by name';
    is $list->('?skip=1&limit=2'), 'alpha beta', 'skip and limit';
    is $list->('?archived=false'), 'Alpha alpha beta gamma', 'archived=false';
    is $list->('?archived=true'), '', 'archived=true';
    is faulty(call(GET => "?$_")), '422 ' . s/=.*//r, $_ for qw(archived=yes limit=0 limit=501 skip=-1 x=1);
    is_deeply [sort keys %{ api(GET => '/v1/projects', key => $other->{key})->json->[0] }], \@members, 'whole projects';
};

subtest 'who may' => sub {
    my $project = create_project(name => 'roles');
    for my $role (qw(viewer reviewer admin)) {
        my $admin = $role eq 'admin';
        my $status = sub { my ($method, $path, @body) = @_; return api($method, "/v1/projects$path", @body, login => $role)->status };
        is $status->(GET => ''), 200, "$role lists";
        is $status->(GET => "/$project->{id}"), 200, '  and reads';
        is $status->(POST => '/', { name => $role }), $admin ? 201 : 403, '  create';
        is $status->(PUT => "/$project->{id}", { name => $role }), $admin ? 200 : 403, '  update';
        is $status->(DELETE => "/$project->{id}"), $admin ? 200 : 403, '  archive';
    }
    my $foreign = create(name => 'foreign');
    for my $call ([GET => undef], [PUT => { name => 'x' }], [DELETE => undef]) {
        my ($method, $body) = @$call;
        is api($method, "/v1/projects/$foreign->{id}", $body ? $body : ())->body, api($method, "/v1/projects/$none", $body ? $body : ())->body,
            "$method of another organization's project is as of none";
    }
    is call(GET => "/$foreign->{id}")->json->{name}, 'foreign', 'and changes nothing';
    is api(GET => '/v1/projects/', key => undef)->status, 401, '401 without a credential';
    is call(PATCH => "/$foreign->{id}")->status, 405, '405 for another method';
    is call(HEAD => "/$foreign->{id}")->status, 200, 'HEAD';
};

subtest 'declared in httpd.conf' => sub {
    my $project = create(name => 'declared');
    psql("UPDATE tuor.projects SET managed = '{name,webhook_url}' WHERE id = '$project->{id}'");
    is call(GET => "/$project->{id}")->json->{managed}, $true, 'managed';
    my $reply = update($project->{id}, name => 'x', guidelines => 'y', webhook_url => undef);
    is $reply->status, 409, 'a declared member is 409';
    like $reply->json->{detail}, qr/name, webhook_url/, 'naming what is declared';
    is call(GET => "/$project->{id}")->json->{guidelines}, undef, 'and nothing is changed';
    is update($project->{id}, guidelines => 'y')->status, 200, 'others may be changed';
    is call(DELETE => "/$project->{id}")->status, 409, 'nor can it be archived';
};

subtest 'a row that traces need' => sub {
    my ($used, $empty) = map { create(name => $_)->{id} } qw(used empty);
    my $trace = create_trace(key => $key, project_id => $used)->{id};
    for my $sql ("DELETE FROM tuor.projects WHERE id = '$used'", "UPDATE tuor.projects SET id = '$none' WHERE id = '$used'") {
        ok !eval { psql($sql); 1 }, $sql;
        like $@, qr/project $used has traces/, '  is refused';
    }
    psql("UPDATE tuor.traces SET deleted_at = now() WHERE id = '$trace'");
    ok !eval { psql("DELETE FROM tuor.projects WHERE id = '$used'"); 1 }, 'for one in the trash, too';
    psql("DELETE FROM tuor.projects WHERE id = '$empty'");
    is call(GET => "/$empty")->status, 404, 'without traces it can be removed by hand';
};

done_testing;
