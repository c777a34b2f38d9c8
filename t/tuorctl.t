# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# tuorctl: what it prints, what it refuses, with which status.
use strict;
use warnings;
use utf8;
use Tuor::Test;
use Tuor::Run qw(run_dir read_file source);

my $n = 0;
sub fresh_name { return "Ctl $$ " . ++$n }

sub fails {
    my ($status, $pattern, @args) = @_;
    my ($got, $out, $err) = ctl(@args);
    is $got, $status, "tuorctl @args";
    is $out, '', '  says nothing on standard output';
    like $err, $pattern, '  and why on standard error';
}

sub prints {
    my @args = @_;
    my ($status, $out, $err) = ctl(@args);
    is "$status$err", 0, "tuorctl @args";
    return $out =~ s/\n\z//r;
}

sub objects { return map { JSON::PP::decode_json($_) } split /\n/, prints(@_, '--json') }

# Runs several at once: the statuses, sorted.
sub at_once {
    my @pids;
    for my $args (@_) {
        my $pid = fork // die "fork: $!\n";
        if (!$pid) {
            $ENV{TUOR_DATABASE_URL} = database->url;
            open STDOUT, '>', '/dev/null';
            open STDERR, '>', '/dev/null';
            exec source() . '/build/tuorctl', @$args;
        }
        push @pids, $pid;
    }
    return join ' ', sort map { waitpid $_, 0; $? >> 8 } @pids;
}

subtest 'calling it wrongly' => sub {
    fails(2, qr/^usage: tuorctl /m);
    fails(2, qr/no command "nonsense"/, 'nonsense');
    fails(2, qr/org wants a verb/, 'org');
    fails(2, qr/no command "org eat"/, 'org', 'eat', 'x');
    fails(2, qr/NAME is missing\nusage: tuorctl org create NAME/, 'org', 'create');
    fails(2, qr/one argument too many/, 'org', 'create', 'a', 'b');
    fails(2, qr/no option --colour/, 'org', 'list', '--colour');
    fails(2, qr/--org is missing/, 'key', 'list');
    fails(2, qr/--org wants a value/, 'key', 'list', '--org');
    fails(2, qr/--org does not belong here/, 'org', 'list', '--org', 'x');
    fails(2, qr/--name is missing/, 'key', 'create', '--org', 'x');
    fails(2, qr/--role is missing/, 'user', 'add', 'x', '--org', 'x');
    fails(2, qr/"boss" is no role: viewer, reviewer or admin/, 'user', 'add', 'x', '--org', 'x', '--role', 'boss');
    like prints('--help'), qr/^usage: .*key create --org ORG --name NAME/s, 'the help lists the commands';
    like prints('--version'), qr/^tuorctl \d+\.\d+\.\d+$/, 'and there is a version';
};

subtest 'organizations' => sub {
    my $name = fresh_name();
    my $id = prints('org', 'create', $name);
    like $id, qr/^org_[0-9A-Za-z]{22}$/, 'create prints the id alone';
    like prints('org', 'list'), qr/^$id  active +\Q$name\E$/m, 'list shows it';
    my ($object) = grep { $_->{id} eq $id } objects('org', 'list');
    is_deeply [sort keys %$object], [qw(created_at id name suspended trace_limit)], 'as an object too';
    like $object->{created_at}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/, 'with a time as the API writes it';

    my $key = prints('key', 'create', '--org', $name, '--name', 'k');
    is api(GET => '/v1/tags/', key => $key)->status, 200, 'its key works';
    is prints('org', 'suspend', $name), '', 'suspend';
    is api(GET => '/v1/tags/', key => $key)->status, 403, 'keeps its key out';
    like prints('org', 'list'), qr/^$id  suspended +\Q$name\E$/m, 'and list says so';
    is prints('org', 'resume', $id), '', 'resume, by the id';
    is api(GET => '/v1/tags/', key => $key)->status, 200, 'lets it in again';

    my $twin = prints('org', 'create', $name);
    isnt $twin, $id, 'a second one of that name is another one';
    fails(1, qr/several organizations are called "\Q$name\E"/, 'org', 'suspend', $name);
    fails(1, qr/no organization "nowhere"/, 'org', 'suspend', 'nowhere');
    fails(1, qr/no organization "org_0000000000000000000000"/, 'key', 'list', '--org', 'org_0000000000000000000000');
};

subtest 'limits' => sub {
    my $id = prints('org', 'create', fresh_name());
    fails(2, qr/ORG is missing/, 'org', 'limit');
    fails(2, qr/N\|none is missing/, 'org', 'limit', $id);
    fails(2, qr/one argument too many/, 'org', 'limit', $id, '1', '2');
    fails(1, qr/"\Q$_\E" is no limit/, 'org', 'limit', $id, $_) for '', 'many', '1.5', '+1', '1' x 13;
    fails(1, qr/no organization "nowhere"/, 'org', 'limit', 'nowhere', '1');
    is prints('org', 'limit', $id, '1000'), '', 'org limit';
    like prints('org', 'list'), qr/^$id  active .*  limit 1000$/m, 'list shows it';
    my ($object) = objects('org', 'limit', $id, '0');
    is $object->{trace_limit}, 0, '0 is one, too';
    like JSON::PP::encode_json($object), qr/"trace_limit":0/, 'and a number';
    ($object) = objects('org', 'limit', $id, 'none');
    is $object->{trace_limit}, undef, 'none';
};

subtest 'names' => sub {
    fails(1, qr/name has 0 characters/, 'org', 'create', '');
    fails(1, qr/name has 101 characters; 1 to 100/, 'org', 'create', 'x' x 101);
    fails(1, qr/control character/, 'org', 'create', "a\tb");
    fails(1, qr/control character/, 'org', 'create', "a\xc2\x85b");
    fails(1, qr/not UTF-8/, 'org', 'create', "a\xffb");
    like prints('org', 'create', "\xc3\xa4" x 100), qr/^org_/, 'a hundred characters, not bytes';
    like prints('org', 'create', '--', "--dash $$"), qr/^org_/, '-- ends the options';
    my $odd = "Robert'); DROP TABLE tuor.tags; -- \"\\ $$";
    like prints('org', 'create', $odd), qr/^org_/, 'quotes are only characters';
    is scalar(grep { $_->{name} eq $odd } objects('org', 'list')), 1, 'and come back';
};

subtest 'keys' => sub {
    my $org = prints('org', 'create', fresh_name());
    my $key = prints('key', 'create', '--org', $org, '--name', 'first');
    like $key, qr/^tuor_[0-9A-Za-z]{49}$/, 'create prints the key alone';
    my ($made) = objects('key', 'create', '--org', $org, '--name', 'second');
    is_deeply [sort keys %$made], [qw(created_at id key name)], 'or an object with it';
    my @keys = objects('key', 'list', '--org', $org);
    is_deeply [map { $_->{name} } @keys], [qw(first second)], 'list';
    is $keys[0]{last4}, substr($key, -4), 'shows the last four characters';
    ok !grep({ exists $_->{key} } @keys), 'and never the key';
    is psql("SELECT count(*) FROM tuor.api_keys k WHERE k::text LIKE '%' || '$key' || '%'"), 0, 'which is stored nowhere';

    is api(POST => '/v1/tags/', { name => 'x' }, key => $key)->json->{org_id}, $org, 'it works';
    is prints('key', 'revoke', $keys[0]{id}, '--org', $org), '', 'revoke';
    is api(GET => '/v1/tags/', key => $key)->status, 401, 'takes effect on the next request';
    is api(GET => '/v1/tags/', key => $made->{key})->status, 200, 'on that key alone';
    my ($revoked) = objects('key', 'list', '--org', $org);
    like $revoked->{revoked_at}, qr/Z$/, 'and list shows when';
    my ($again) = objects('key', 'revoke', $keys[0]{id}, '--org', $org);
    is $again->{revoked_at}, $revoked->{revoked_at}, 'a second time changes nothing';
    fails(1, qr/has no key "$keys[1]{id}"/, 'key', 'revoke', $keys[1]{id}, '--org', org_id());
};

subtest 'users' => sub {
    my ($one, $two) = map { prints('org', 'create', fresh_name()) } 1, 2;
    my $login = "ann-$$";
    my $id = prints('user', 'add', $login, '--org', $one, '--role', 'admin', '--name', 'Ann');
    like $id, qr/^user_[0-9A-Za-z]{22}$/, 'add prints the id alone';
    fails(1, qr/"$login" is a member of $one already/, 'user', 'add', $login, '--org', $one, '--role', 'viewer');
    my ($other) = objects('user', 'add', $login, '--org', $two, '--role=viewer');
    is $other->{user_id}, $id, 'in a second organization the login keeps its id';
    is $other->{name}, 'Ann', 'and its name';
    is $other->{role}, 'viewer', 'with a role of its own';
    like prints('user', 'list', '--org', $one), qr/^$id  admin +$login  Ann$/m, 'list';

    fails(1, qr/"$login" is the last admin/, 'user', 'remove', $login, '--org', $one);
    prints('user', 'add', "bob-$$", '--org', $one, '--role', 'admin');
    is at_once(map { ['user', 'remove', $_, '--org', $one] } $login, "bob-$$"), '0 1',
        'of two who remove the last two admins at once one fails';
    is psql("SELECT count(*) FROM tuor.members WHERE org_id = '$one'"), 1, 'and an admin stays';
    is prints('user', 'remove', $login, '--org', $two), '', 'a viewer can always go';
    fails(1, qr/"$login" is no member of $two/, 'user', 'remove', $login, '--org', $two);

    my @orgs = map { prints('org', 'create', fresh_name()) } 1 .. 6;
    is at_once(map { ['user', 'add', "eve-$$", '--org', $_, '--role', 'viewer'] } @orgs), '0 0 0 0 0 0',
        'a new login in six organizations at once';
    is psql("SELECT count(DISTINCT user_id) FROM tuor.members WHERE login = 'eve-$$'"), 1, 'gets one id';
};

subtest 'objects of every command' => sub {
    my ($name, $time) = (fresh_name(), qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    my ($org) = objects('org', 'create', $name);
    is_deeply [@$org{qw(name suspended trace_limit)}], [$name, JSON::PP::false, undef], 'org create';
    like $org->{created_at}, $time, '  with its time';
    is ref $_->[0], 'JSON::PP::Boolean', "$_->[2]: suspended is a boolean" and is !!$_->[0], $_->[1], '  and says so' for
        map { my ($verb, $is) = @$_; my ($o) = objects('org', $verb, $org->{id}); [$o->{suspended}, !!$is, "org $verb"] } ['suspend', 1], ['resume', 0];
    my @user = ('jay-' . $$, '--org', $org->{id});
    my ($added) = objects('user', 'add', @user, '--role', 'viewer', '--name', 'Jay');
    is_deeply [@$added{qw(org_id login name role)}], [$org->{id}, $user[0], 'Jay', 'viewer'], 'user add';
    like $added->{created_at}, $time, '  with its time';
    is_deeply [objects('user', 'list', '--org', $org->{id})], [$added], 'user list';
    is_deeply [objects('user', 'remove', @user)], [$added], 'user remove';
    is_deeply [objects('user', 'list', '--org', $org->{id})], [], '  after which nobody is left';
    my ($migrated) = objects('migrate');
    is_deeply [@$migrated{qw(version applied)}], [0 + (map { m{/0*(\d+)_} } (sort glob source() . '/sql/*.sql')[-1])[0], []], 'migrate';
};

subtest 'the database' => sub {
    my $url = database->url;
    fails(1, qr/TUOR_DATABASE_URL/, 'org', 'list', '--database', 'postgresql://tuor@/tuor?host=/nowhere');
    fails(1, qr/cannot be read: /, 'org', 'list', '--database', 'nonsense=1');
    fails(1, qr/tuor_app is not the owner/, 'org', 'list', '--database', $url =~ s{//tuor@}{//tuor_app@}r);
    database->superuser("CREATE DATABASE empty$$ OWNER tuor");
    my $empty = $url =~ s{/tuor\?}{/empty$$?}r;
    fails(1, qr/run tuorctl migrate/, 'org', 'list', '--database', $empty);
    my ($status, $out) = ctl('check', '--database', $empty);
    is $status, 1, 'check finds no schema there';
    like $out, qr/^WRONG +schema +version 0, the software wants \d+; run tuorctl migrate$/m, 'and says what to do';
};

subtest 'check' => sub {
    my $all_well = prints('check');
    unlike $all_well, qr/^(?!ok )/m, 'all is well with the database of the tests';
    like $all_well, qr/^ok +$_ /m, $_ for 'connection', 'encoding', 'compression', 'durability', 'schema', 'row security', 'role';
    ok !grep({ !$_->{ok} } objects('check')), 'as objects too';

    my @harm = (
        ['role', 'ALTER ROLE tuor_app BYPASSRLS', 'ALTER ROLE tuor_app NOBYPASSRLS', qr/exempt from row-level security/],
        ['role', 'ALTER ROLE tuor_app CREATEROLE', 'ALTER ROLE tuor_app NOCREATEROLE', qr/may create roles/],
        ['role', 'GRANT tuor TO tuor_app', 'REVOKE tuor FROM tuor_app', qr/a member of its owner/],
        ['durability', 'ALTER ROLE tuor_app SET synchronous_commit = off', 'ALTER ROLE tuor_app RESET synchronous_commit',
            qr/synchronous_commit=off for tuor_app/],
        ['durability', 'ALTER ROLE tuor SET synchronous_commit = off', 'ALTER ROLE tuor RESET synchronous_commit',
            qr/synchronous_commit = off/],
    );
    for (@harm) {
        my ($what, $do, $undo, $pattern) = @$_;
        database->superuser($do);
        my ($status, $out) = ctl('check');
        database->superuser($undo);
        is $status, 1, $do;
        like $out, qr/^WRONG +$what +.*$pattern/m, '  is found';
    }
    psql("ALTER TABLE tuor.tags DISABLE ROW LEVEL SECURITY");
    my ($status, $out) = ctl('check');
    psql("ALTER TABLE tuor.tags ENABLE ROW LEVEL SECURITY");
    is $status, 1, 'a table without row-level security';
    like $out, qr/^WRONG +row security +.*\btags\b/m, '  is found';
    prints('check');
};

done_testing;
