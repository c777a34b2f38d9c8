# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# /v1/me: who asks, as whom, and for which organization.
use strict;
use warnings;
use Tuor::Test;

my $org = new_org("Me $$");
my $login = new_user('me');
my $user_id = database->ctl('user', 'add', $login, '--org', $org->{id}, '--role', 'reviewer', '--name', 'Me Myself');

subtest 'a user' => sub {
    for my $path ('/v1/me', '/v1/me/') {
        my $reply = api(GET => $path, login => $login);
        is $reply->status, 200, "GET $path";
        is_deeply $reply->json, {
            type => 'user', id => $user_id, login => $login, name => 'Me Myself', role => 'reviewer',
            organization => { id => $org->{id}, name => "Me $$" },
            organizations => [{ id => $org->{id}, name => "Me $$", role => 'reviewer' }],
        }, '  tells all';
    }
    is api(GET => '/v1/me', login => $_)->json->{role}, $_, "$_ may ask" for qw(viewer reviewer admin);
    is api(HEAD => '/v1/me', login => $login)->status, 200, 'HEAD';
};

subtest 'a key' => sub {
    my $reply = api(GET => '/v1/me', key => $org->{key});
    is $reply->status, 200, 'may ask';
    my $me = $reply->json;
    like delete $me->{id}, qr/^key_[0-9A-Za-z]{22}$/, 'has an id';
    is_deeply $me, {
        type => 'api_key', login => undef, name => 'test', role => 'admin',
        organization => { id => $org->{id}, name => "Me $$" },
        organizations => [{ id => $org->{id}, name => "Me $$", role => 'admin' }],
    }, 'and acts as admin of one organization';
    unlike $reply->body, qr/\Q$org->{key}\E/, 'which does not show the key';
};

subtest 'several organizations' => sub {
    my $other = new_org("Me too $$");
    database->ctl('user', 'add', $login, '--org', $other->{id}, '--role', 'viewer');
    my $asked = api(GET => '/v1/me', login => $login);
    is $asked->status, 403, 'without a choice';
    like $asked->json->{detail}, qr/X-Tuor-Org/, '  it names the header';
    is_deeply [sort map { $_->{id} } @{ $asked->json->{organizations} }], [sort $org->{id}, $other->{id}], '  and the organizations';
    for (['reviewer', $org], ['viewer', $other]) {
        my ($role, $chosen) = @$_;
        my $me = api(GET => '/v1/me', login => $login, headers => { 'X-Tuor-Org' => $chosen->{id} })->json;
        is "$me->{id} $me->{organization}{id} $me->{role}", "$user_id $chosen->{id} $role", "$role of one";
        is join(' ', sort map { "$_->{id} $_->{role}" } @{ $me->{organizations} }),
            join(' ', sort "$org->{id} reviewer", "$other->{id} viewer"), '  and both are listed';
    }
    database->ctl('org', 'suspend', $other->{id});
    is scalar(@{ api(GET => '/v1/me', login => $login)->json->{organizations} }), 1, 'a suspended one is not';
};

subtest 'nobody' => sub {
    is api(GET => '/v1/me', key => undef)->status, 401, 'no credential';
    database->ctl('key', 'revoke', api(GET => '/v1/me', key => $org->{key})->json->{id}, '--org', $org->{id});
    is api(GET => '/v1/me', key => $org->{key})->status, 401, 'a revoked key';
    is api(GET => '/v1/me', login => new_user('stranger'))->status, 403, 'a stranger';
    is api(GET => '/v1/me?x=1')->status, 422, 'an unknown parameter';
    my $reply = api(POST => '/v1/me', {});
    is $reply->status . ' ' . $reply->header('allow'), '405 GET,HEAD', 'POST';
};

done_testing;
