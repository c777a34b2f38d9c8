# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# /v1/members: who belongs to an organization; it always keeps an admin.
use strict;
use warnings;
use utf8;
use Tuor::Test;

my $org = new_org("Members $$");
my $admin = new_user('boss');
my $admin_id = database->ctl('user', 'add', $admin, '--org', $org->{id}, '--role', 'admin', '--name', 'Boss');

sub call { my ($method, $path, @rest) = @_; return api($method => "/v1/members$path", @rest, login => $admin) }
sub add { my %member = @_; my $reply = call(POST => '', \%member); is $reply->status, 201, "added $member{login}" or diag $reply->body; return $reply->json }
sub faulty { my $reply = shift; return $reply->status . ' ' . join ' ', sort map { $_->{field} } @{ $reply->json->{errors} // [] } }
sub logins { return join ' ', map { $_->{login} } @{ call(GET => '')->json } }

subtest 'add and list' => sub {
    my $reply = call(POST => '/', { login => "ann-$$", role => 'viewer', name => 'Ann Ä' });
    is $reply->status, 201, 'added';
    my $ann = $reply->json;
    is_deeply [sort keys %$ann], [qw(created_at login name role user_id)], 'its members';
    like $ann->{user_id}, qr/^user_[0-9A-Za-z]{22}$/, 'an id';
    is "$ann->{login} $ann->{name} $ann->{role}", "ann-$$ Ann Ä viewer", 'as sent';
    is $reply->header('location'), "/v1/members/$ann->{user_id}", 'Location';
    is add(login => "aaa-$$", role => 'reviewer')->{name}, undef, 'a name is not needed';
    is logins(), "aaa-$$ ann-$$ $admin", 'the list, by login';
    is_deeply +(grep { $_->{login} eq "ann-$$" } @{ call(GET => '/')->json })[0], $ann, 'holds what was answered';
    is join(' ', map { $_->{login} } @{ call(GET => '?skip=1&limit=1')->json }), "ann-$$", 'skip and limit';

    my $twice = call(POST => '', { login => "ann-$$", role => 'admin' });
    is $twice->status, 409, 'a login twice';
    like $twice->json->{detail}, qr/ann-$$/, '  names it';
    is call(GET => '')->json->[1]{role}, 'viewer', '  and changes nothing';
    my $race = "race-$$";
    is join(' ', sort(in_parallel(6, sub { call(POST => '', { login => $race, role => 'viewer' })->status }))), '201' . ' 409' x 5,
        'of six at once one is added';
};

subtest 'a login of another organization' => sub {
    my $login = "everywhere-$$";
    my $elsewhere = database->ctl('user', 'add', $login, '--org', other_org_id(), '--role', 'admin', '--name', 'Private');
    my $here = add(login => $login, role => 'viewer');
    is $here->{user_id}, $elsewhere, 'keeps its id';
    is $here->{name}, undef, 'but not the name that others gave it';
    is call(PUT => "/$elsewhere", { role => 'reviewer' })->status, 200, 'it changes';
    is call(DELETE => "/$elsewhere")->status, 204, 'and goes';
    is psql("SELECT role || name FROM tuor.members WHERE user_id = '$elsewhere'"), 'adminPrivate', 'here alone';

    my @orgs = map { my $o = new_org("Members $$ $_"); my $user = new_user("m$_"); database->ctl('user', 'add', $user, '--org', $o->{id}, '--role', 'admin'); $user } 1 .. 4;
    my $new = "new-$$";
    my @ids = in_parallel(4, sub { api(POST => '/v1/members', { login => $new, role => 'viewer' }, login => $orgs[$_[0] - 1])->json->{user_id} });
    is scalar(grep { defined && $_ eq $ids[0] } @ids), 4, 'a new login in four organizations at once gets one id';
};

subtest 'change' => sub {
    my $bob = add(login => "bob-$$", role => 'viewer', name => 'Bob');
    my $put = sub { call(PUT => "/$bob->{user_id}", shift) };
    is_deeply $put->({})->json, $bob, 'nothing sent, nothing changed';
    is_deeply $put->({ role => 'reviewer' })->json, { %$bob, role => 'reviewer' }, 'the role';
    is_deeply $put->({ name => 'Robert' })->json, { %$bob, role => 'reviewer', name => 'Robert' }, 'the name';
    is $put->({ name => undef })->json->{name}, undef, 'which can be taken away';
    is $put->({ login => 'x', user_id => 'y', role => 'viewer' })->json->{login}, "bob-$$", 'the login stays';
    is faulty($put->({ role => undef })), '422 role', 'the role cannot be taken away';
    is faulty($put->({ role => 'boss', name => '' })), '422 name role', 'faults';
    is $put->('{')->status, 400, 'no JSON';
};

subtest 'the role counts at once' => sub {
    my $carl = new_user('carl');
    my $id = add(login => $carl, role => 'viewer')->{user_id};
    is api(GET => '/v1/members', login => $carl)->status, 403, 'a viewer may not';
    call(PUT => "/$id", { role => 'admin' });
    is api(GET => '/v1/members', login => $carl)->status, 200, 'an admin may';
    is call(DELETE => "/$id")->status, 204, 'removed';
    is api(GET => '/v1/members', login => $carl)->status, 403, 'nobody of ours';
    is call(DELETE => "/$id")->status, 404, 'gone is gone';
    is call(PUT => "/$id", {})->status, 404, 'for changes, too';
};

subtest 'the last admin' => sub {
    for (['demoted', sub { call(PUT => "/$admin_id", { role => 'reviewer' }) }], ['removed', sub { call(DELETE => "/$admin_id") }]) {
        my ($what, $do) = @$_;
        my $reply = $do->();
        is $reply->status, 409, "is not $what";
        like $reply->json->{detail}, qr/last admin/, '  with the reason';
    }
    is call(PUT => "/$admin_id", { role => 'admin', name => 'Big Boss' })->json->{name}, 'Big Boss', 'other changes are fine';

    for my $round (1 .. 5) {
        my $o = new_org("Admins $$ $round");
        my @user = map { new_user("r$round-$_") } 1 .. 4;
        my @id = map { database->ctl('user', 'add', $_, '--org', $o->{id}, '--role', 'admin') } @user;
        my @status = in_parallel(4, sub {
            my $i = $_[0] - 1;
            return ($i % 2 ? api(DELETE => "/v1/members/$id[$i]", login => $user[$i])
                           : api(PUT => "/v1/members/$id[$i]", { role => 'viewer' }, login => $user[$i]))->status;
        });
        is scalar(grep { $_ == 409 } @status), 1, 'of four who all go at once one stays' or diag "@status";
        is psql("SELECT count(*) FROM tuor.members WHERE org_id = '$o->{id}' AND role = 'admin'"), 1, '  as admin';
    }

    my $deputy = add(login => "deputy-$$", role => 'admin');
    is call(PUT => "/$admin_id", { role => 'viewer' })->status, 200, 'with another one there he may step down';
    is call(GET => '')->status, 403, 'and is a viewer now';
    psql("UPDATE tuor.members SET role = 'admin' WHERE user_id = '$admin_id'");
};

subtest 'what is refused' => sub {
    my @faults = (
        ['nothing', {}, 'login role'],
        ['an empty login', { login => '', role => 'viewer' }, 'login'],
        ['a long one', { login => 'x' x 256, role => 'viewer' }, 'login'],
        ['a line end in it', { login => "a\nb", role => 'viewer' }, 'login'],
        ['U+0000', { login => "a\0", role => 'viewer' }, 'login'],
        ['no text', { login => 1, role => 'viewer' }, 'login'],
        ['an unknown role', { login => 'a', role => 'owner' }, 'role'],
        ['a long name', { login => 'a', role => 'viewer', name => 'x' x 101 }, 'name'],
        ['a control character', { login => 'a', role => 'viewer', name => "\x1b[1m" }, 'name'],
        ['all', { login => [], role => 'public', name => '' }, 'login name role'],
    );
    is faulty(call(POST => '', $_->[1])), "422 $_->[2]", $_->[0] for @faults;
    is add(login => 'ü' x 255, role => 'viewer')->{login}, 'ü' x 255, '255 characters';
    my @bodies = map { my $reply = call(DELETE => "/$_"); is $reply->status, 404, "DELETE $_"; $reply->body }
        'user_0000000000000000000000', 'nonsense', api(GET => '/v1/me', login => 'viewer')->json->{id};
    is scalar(grep { $_ eq $bodies[0] } @bodies), 3, 'an absent and a foreign one get the same answer';
    for my $by ([login => 'viewer'], [login => 'reviewer'], [key => $org->{key}]) {
        is api(GET => '/v1/members', @$by)->status, 403, "@$by: GET";
        is api(POST => '/v1/members', { login => 'x', role => 'viewer' }, @$by)->status, 403, '  POST';
        is api(PUT => "/v1/members/$admin_id", { role => 'viewer' }, @$by)->status, 403, '  PUT';
        is api(DELETE => "/v1/members/$admin_id", @$by)->status, 403, '  DELETE';
    }
    is call(POST => '', { login => 'x', role => 'viewer' }, headers => { Origin => 'null' })->status, 403, 'another site';
};

done_testing;
