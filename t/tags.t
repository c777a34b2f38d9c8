# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# /v1/tags: create, read, list, update, delete.
use strict;
use warnings;
use POSIX ();
use Tuor::Test;

my $org = new_org("Tags $$");
my $key = $org->{key};

sub create {
    my %member = @_;
    my $reply = api(POST => '/v1/tags/', \%member, key => $key);
    is $reply->status, 201, 'created ' . encode($member{name}) or diag $reply->body;
    return $reply->json;
}

sub names { return join ' ', map { $_->{name} } @{ api(GET => '/v1/tags/' . ($_[0] // ''), key => $key)->json } }

# The fields that a 422 names, sorted.
sub faulty { my $reply = shift; return $reply->status . ' ' . join ' ', sort map { $_->{field} } @{ $reply->json->{errors} // [] } }

subtest 'create and read' => sub {
    my $reply = api(POST => '/v1/tags/', { name => 'Urgent', color => '#FF0000', description => 'at once' }, key => $key);
    is $reply->status, 201, 'created';
    my $tag = $reply->json;
    is_deeply [sort keys %$tag], [qw(color created_at description id name org_id updated_at)], 'its members';
    like $tag->{id}, qr/^tag_[0-9A-Za-z]{22}$/, 'an id';
    is $tag->{org_id}, $org->{id}, 'the organization';
    is $tag->{name}, 'Urgent', 'the name as sent';
    is $tag->{color}, '#FF0000', 'the color as sent';
    is $tag->{description}, 'at once', 'the description';
    like $tag->{$_}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/, $_ for qw(created_at updated_at);
    is $reply->header('location'), "/v1/tags/$tag->{id}", 'Location';
    for my $slash ('', '/') {
        my $got = api(GET => "/v1/tags/$tag->{id}$slash", key => $key);
        is $got->status, 200, "GET with \"$slash\" at the end";
        is_deeply $got->json, $tag, '  answers the tag';
    }
    is api(HEAD => "/v1/tags/$tag->{id}", key => $key)->status, 200, 'HEAD';

    my $plain = create(name => 'plain');
    is $plain->{color}, '#6b7280', 'grey without a color';
    is $plain->{description}, undef, 'no description';
    is create(name => 'null', color => undef, description => undef)->{color}, '#6b7280', 'null is as if absent';
};

subtest 'names' => sub {
    is api(POST => '/v1/tags/', { name => $_ }, key => $key)->status, 409, "$_ is taken" for 'Urgent', 'uRGENT', 'PLAIN';
    is api(POST => '/v1/tags', { name => 'Urgent' }, key => other_org_key())->status, 201, 'but not in another organization';
    like api(POST => '/v1/tags/', { name => 'URGENT' }, key => $key)->json->{detail}, qr/"URGENT"/, 'the 409 names it';
    create(name => "\x{c4}pfel");
    is api(POST => '/v1/tags/', { name => "\x{e4}PFEL" }, key => $key)->status, 409, 'case is more than ASCII';
    is create(name => "\x{1F600}" x 50)->{name}, "\x{1F600}" x 50, 'fifty characters, whatever their bytes';
    is create(name => ' spaces ')->{name}, ' spaces ', 'white space stays';
    is create(name => "'; DROP TABLE tuor.tags; --")->{name}, "'; DROP TABLE tuor.tags; --", 'quotes are only characters';
    is create(name => "<b>\"\\\n")->{name}, "<b>\"\\\n", 'and so is what JSON escapes';

    my $pid;
    my @pids = map {
        $pid = fork // die "fork: $!\n";
        POSIX::_exit(api(POST => '/v1/tags/', { name => 'Race' }, key => $key)->status - 200) if !$pid;
        $pid
    } 1 .. 8;
    is join(' ', sort { $a <=> $b } map { waitpid $_, 0; 200 + ($? >> 8) } @pids), '201' . ' 409' x 7, 'of eight at once one gets it';
};

subtest 'what is refused' => sub {
    my @faults = (
        ['no name', {}, 'name'],
        ['null', { name => undef }, 'name'],
        ['empty', { name => '' }, 'name'],
        ['too long', { name => 'x' x 51 }, 'name'],
        ['a number', { name => 5 }, 'name'],
        ['U+0000', { name => "a\0b" }, 'name'],
        ['red', { name => 'c', color => 'red' }, 'color'],
        ['no hash', { name => 'c', color => 'ff0000' }, 'color'],
        ['five digits', { name => 'c', color => '#ff000' }, 'color'],
        ['seven digits', { name => 'c', color => '#ff00000' }, 'color'],
        ['no digits', { name => 'c', color => '#gggggg' }, 'color'],
        ['no text', { name => 'c', color => 7 }, 'color'],
        ['a long description', { name => 'c', description => 'x' x 501 }, 'description'],
        ['all at once', { color => '', description => [] }, 'color description name'],
    );
    is faulty(api(POST => '/v1/tags/', $_->[1], key => $key)), "422 $_->[2]", $_->[0] for @faults;
    is api(POST => '/v1/tags/', '{"name":"a"', key => $key)->status, 400, 'no JSON';
    is api(POST => '/v1/tags/', '{"name":"a","name":"b"}', key => $key)->status, 400, 'a member twice';
    is api(POST => '/v1/tags/', '["a"]', key => $key)->status, 422, 'no object';
    is api(POST => '/v1/tags/', '{"name":"a"}', key => $key, type => 'text/plain')->status, 415, 'no application/json';
    is faulty(api(POST => '/v1/tags/?dry_run=1', { name => '' }, key => $key)), '422 dry_run name', 'an unknown parameter';
    is create(name => 'extra', nonsense => { a => 1 })->{name}, 'extra', 'unknown members are ignored';
    is create(name => 'long', description => 'x' x 500)->{description}, 'x' x 500, '500 characters of description';
    my $patch = api(PATCH => '/v1/tags/', {}, key => $key);
    is $patch->status, 405, 'PATCH';
    is join(' ', sort split /, */, $patch->header('allow')), 'GET HEAD POST', 'Allow';
};

subtest 'list' => sub {
    $key = new_org("Tags list $$")->{key};
    is api(GET => '/v1/tags/', key => $key)->body, '[]', 'an empty one';
    create(name => $_) for qw(delta Alpha charlie Bravo);
    is names(), 'Alpha Bravo charlie delta', 'by name, whatever the case';
    is names('?limit=2'), 'Alpha Bravo', 'limit';
    is names('?skip=1&limit=2'), 'Bravo charlie', 'skip';
    is names('?skip=9'), '', 'beyond the end';
    is faulty(api(GET => '/v1/tags/?limit=0&skip=-1', key => $key)), '422 limit skip', 'out of bounds';
    is faulty(api(GET => '/v1/tags/?q=x', key => $key)), '422 q', 'an unknown parameter';
    create(name => sprintf 'n%03d', $_) for 1 .. 120;
    is scalar(@{ api(GET => '/v1/tags/', key => $key)->json }), 124, 'all of them';
};

subtest 'update' => sub {
    my $tag = create(name => 'before', color => '#111111', description => 'one');
    my $put = sub { api(PUT => "/v1/tags/$tag->{id}", shift, key => $key) };
    is_deeply { %{ $put->({})->json }, updated_at => 0 }, { %$tag, updated_at => 0 }, 'nothing sent, nothing changed';
    is_deeply { %{ $put->({ color => '#222222' })->json }, updated_at => 0 }, { %$tag, color => '#222222', updated_at => 0 }, 'the color alone';
    is $put->({ description => undef })->json->{description}, undef, 'null takes the description away';
    is $put->({ description => 'two' })->json->{description}, 'two', 'another one';
    is $put->({ name => 'AFTER' })->json->{name}, 'AFTER', 'the name';
    is $put->({ name => 'after' })->json->{name}, 'after', 'its case';
    cmp_ok $put->({})->json->{updated_at}, 'gt', $tag->{updated_at}, 'updated_at goes on';
    is $put->({ name => 'ALPHA' })->status, 409, 'a name that is taken';
    is faulty($put->({ name => undef })), '422 name', 'a name cannot be taken away';
    is faulty($put->({ name => '', color => 'x' })), '422 color name', 'faults';
    is api(GET => "/v1/tags/$tag->{id}", key => $key)->json->{name}, 'after', 'which change nothing';
};

subtest 'delete' => sub {
    my $tag = create(name => 'gone');
    my $reply = api(DELETE => "/v1/tags/$tag->{id}", key => $key);
    is $reply->status, 204, 'deleted';
    is $reply->body // '', '', 'without a body';
    is $reply->header('content-type'), undef, 'or its type';
    is api($_ => "/v1/tags/$tag->{id}", ($_ eq 'PUT' ? {} : ()), key => $key)->status, 404, "$_ afterwards" for qw(GET PUT DELETE);
    create(name => 'gone');
};

subtest 'other organizations' => sub {
    my $foreign = api(POST => '/v1/tags/', { name => "foreign $$" }, key => other_org_key())->json;
    my $absent = 'tag_0000000000000000000000';
    for my $method (qw(GET PUT DELETE)) {
        my @body = $method eq 'PUT' ? ({ name => 'Alpha' }) : ();
        my ($one, $two, $three) = map { api($method => "/v1/tags/$_", @body, key => $key) } $foreign->{id}, $absent, 'nonsense';
        is $one->status, 404, "$method of a foreign tag";
        is $one->body, $two->body, '  answers like an absent one';
        is $one->body, $three->body, '  and like what is no id';
    }
    is_deeply api(GET => "/v1/tags/$foreign->{id}", key => other_org_key())->json, $foreign, 'and nothing happened to it';
    unlike names(), qr/foreign/, 'lists hold our own';
};

subtest 'roles' => sub {
    my $tag = api(POST => '/v1/tags/', { name => "roles $$" })->json;
    for my $role (qw(viewer reviewer)) {
        is api(GET => $_, login => $role)->status, 200, "$role GET $_" for '/v1/tags/', "/v1/tags/$tag->{id}";
        is api(POST => '/v1/tags/', { name => "by $role" }, login => $role)->status, 403, "$role POST";
        is api(PUT => "/v1/tags/$tag->{id}", {}, login => $role)->status, 403, "$role PUT";
        is api(DELETE => "/v1/tags/$tag->{id}", login => $role)->status, 403, "$role DELETE";
    }
    is api(PUT => "/v1/tags/$tag->{id}", { name => "roled $$" }, login => 'admin')->status, 200, 'admin PUT';
    is api(DELETE => "/v1/tags/$tag->{id}", login => 'admin')->status, 204, 'admin DELETE';
    is api(GET => '/v1/tags/', key => undef)->status, 401, 'nobody';
    is api(GET => '/v1/tags/', key => "tuor_" . 'x' x 49)->status, 401, 'a malformed key';
};

subtest 'on traces' => sub {
    my $routed = api(GET => '/v1/traces/')->status == 200 && api(GET => '/v1/projects/')->status == 200;
    plan skip_all => 'the traces and projects plugins are not loaded' unless $routed;
    my @tags = map { api(POST => '/v1/tags/', { name => "$_ $$" })->json } qw(one two);
    my $trace = create_trace();
    my $tagged = api(POST => "/v1/traces/$trace->{id}/tags", { tag_ids => [map { $_->{id} } @tags] });
    is $tagged->status, 200, 'tagged' or diag $tagged->body;
    my $etag = api(GET => "/v1/traces/$trace->{id}")->header('etag');
    is api(DELETE => "/v1/tags/$tags[0]{id}")->status, 204, 'a tag in use can go';
    my $now = api(GET => "/v1/traces/$trace->{id}");
    is_deeply [map { $_->{id} } @{ $now->json->{tags} }], [$tags[1]{id}], 'and is off its traces';
    is $now->json->{version}, $trace->{version}, 'whose version stays';
    isnt $now->header('etag'), $etag, 'while their ETag changes';
    is scalar(@{ api(GET => "/v1/traces/?tag=$tags[0]{id}")->json }), 0, 'a filter by it matches nothing';
    api(DELETE => "/v1/tags/$tags[1]{id}");
    is_deeply api(GET => "/v1/traces/$trace->{id}")->json->{tags}, [], 'none is left';
};

done_testing;
