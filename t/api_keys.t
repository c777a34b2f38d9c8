# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# /v1/api-keys: made, listed and revoked by admins who signed in.
use strict;
use warnings;
use utf8;
use Tuor::Test;

my $org = new_org("Keys $$");
my $admin = new_user('keys');
my $admin_id = database->ctl('user', 'add', $admin, '--org', $org->{id}, '--role', 'admin');
my $time = qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;

sub keys_api { my ($method, $path, @rest) = @_; return api($method => "/v1/api-keys$path", @rest, login => $admin) }
sub listed { return @{ keys_api(GET => '')->json } }
sub faulty { my $reply = shift; return $reply->status . ' ' . join ' ', sort map { $_->{field} } @{ $reply->json->{errors} // [] } }

subtest 'make, list, use' => sub {
    my $reply = keys_api(POST => '/', { name => 'Ingest ä' });
    is $reply->status, 201, 'made';
    my $made = $reply->json;
    is_deeply [sort keys %$made], [qw(created_at id key name)], 'its members';
    like $made->{id}, qr/^key_[0-9A-Za-z]{22}$/, 'an id';
    like $made->{key}, qr/^tuor_[0-9A-Za-z]{49}$/, 'the key';
    like $made->{created_at}, $time, 'a time';
    is $made->{name}, 'Ingest ä', 'the name';
    is $reply->header('cache-control'), 'no-store', 'nobody keeps it';
    my ($key) = grep { $_->{id} eq $made->{id} } listed();
    is_deeply $key, {
        id => $made->{id}, name => 'Ingest ä', last4 => substr($made->{key}, -4), created_at => $made->{created_at},
        last_used_at => undef, revoked_at => undef, created_by => $admin_id,
    }, 'listed without the key';
    is psql("SELECT count(*) FROM tuor.api_keys k WHERE k::text LIKE '%' || '$made->{key}' || '%'"), 0, 'which is stored nowhere';
    unlike error_log(), qr/\Q$made->{key}\E/, 'nor logged';

    is api(GET => '/v1/me', key => $made->{key})->json->{id}, $made->{id}, 'it works';
    like((grep { $_->{id} eq $made->{id} } listed())[0]{last_used_at}, $time, 'and its use is noted');

    is keys_api(DELETE => "/$made->{id}")->status, 204, 'revoked';
    is api(GET => '/v1/me', key => $made->{key})->status, 401, 'with the next request';
    my $when = (grep { $_->{id} eq $made->{id} } listed())[0]{revoked_at};
    like $when, $time, 'the list shows when';
    is keys_api(DELETE => "/$made->{id}/")->status, 204, 'revoked again';
    is +(grep { $_->{id} eq $made->{id} } listed())[0]{revoked_at}, $when, 'changes nothing';
    is api(GET => '/v1/me', key => $org->{key})->status, 200, 'other keys go on';
};

subtest 'lists' => sub {
    my @names = map { my $name = "key $_"; keys_api(POST => '', { name => $name }); $name } 1 .. 3;
    is_deeply [(map { $_->{name} } listed())[-3 .. -1]], \@names, 'in the order of their making';
    is_deeply [map { $_->{name} } @{ keys_api(GET => '?skip=2&limit=2')->json }], [@names[0, 1]], 'skip and limit';
    is faulty(keys_api(GET => '?skip=-1&limit=0&x=1')), '422 limit skip x', 'faulty ones';
    ok !grep({ $_->{name} eq 'tests' } listed()), 'only our own';
};

subtest 'what is refused' => sub {
    my $n = listed();
    is faulty(keys_api(POST => '', { name => $_->[1] })), '422 name', $_->[0]
        for ['no name', undef], ['empty', ''], ['too long', 'x' x 101], ['a number', 5], ['a control character', "a\tb"],
            ['DEL', "a\x7f"], ['C1', "a\x{85}"], ['U+0000', "a\0"];
    is keys_api(POST => '', { name => '😀' x 100 })->status, 201, 'a hundred characters are fine';
    is keys_api(POST => '', '{"name":"a","name":"b"}')->status, 400, 'a member twice';
    is keys_api(POST => '', 'name=a', type => 'application/x-www-form-urlencoded')->status, 415, 'a form';
    is keys_api(POST => '?x=1', { name => 'a' })->status, 422, 'an unknown parameter';
    is scalar(listed()), $n + 1, 'and makes nothing';
    my @bodies = map { my $reply = keys_api(DELETE => "/$_"); is $reply->status, 404, "DELETE $_"; $reply->body }
        'key_0000000000000000000000', 'nonsense', api(GET => '/v1/me')->json->{id};
    is scalar(grep { $_ eq $bodies[0] } @bodies), 3, 'an absent key and a foreign one get the same answer';
    is api(GET => '/v1/me')->status, 200, 'and the foreign one lives';
};

subtest 'who may' => sub {
    for my $by ([login => 'viewer'], [login => 'reviewer'], [key => $org->{key}], [key => api_key()]) {
        is api(GET => '/v1/api-keys', @$by)->status, 403, "@$by: GET";
        is api(POST => '/v1/api-keys', { name => 'x' }, @$by)->status, 403, '  POST';
        is api(DELETE => '/v1/api-keys/key_0000000000000000000000', @$by)->status, 403, '  DELETE';
    }
    is api(GET => '/v1/api-keys', key => undef)->status, 401, 'nobody';
    is keys_api(POST => '', { name => 'x' }, headers => { Origin => 'https://evil.example' })->status, 403, 'another site';
    is keys_api(POST => '', { name => 'x' }, headers => { 'Sec-Fetch-Site' => 'same-origin' })->status, 201, 'our own';
    is scalar(grep { $_->{name} eq 'tests' } @{ api(GET => '/v1/api-keys', login => 'admin')->json }), 1, 'another admin sees his own';
};

done_testing;
