# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# /healthz and /readyz, what load balancers and supervisors ask; and whom a server without its database still refuses.
use strict;
use warnings;
use File::Copy qw(copy);
use File::Path qw(make_path);
use Tuor::Postgres;
use Tuor::Run qw(run_dir source);
use Tuor::Server;
use Tuor::Test;

my $db = Tuor::Postgres->new(dir => run_dir() . "/h$$");
my $server = Tuor::Server->start(db => $db);
my $key = $db->ctl('key', 'create', '--org', $db->ctl('org', 'create', 'Health'), '--name', 'health');

sub ask { my ($method, $path, %opt) = @_; return api($method => $path, key => undef, server => $server, %opt) }

# Well, that is: 200 with a status, whoever asks.
sub is_well {
    my ($path, $when, @rest) = @_;
    my $reply = ask(GET => $path, @rest);
    is $reply->status, 200, "$path $when" or diag $reply->body;
    is_deeply $reply->json, { status => 'ok' }, '  says so';
}

# 503 with a reason, when to ask again, and nothing of the inside.
sub is_not_ready {
    my ($when, $reason, @rest) = @_;
    my $reply = ask(GET => '/readyz', @rest);
    is $reply->status, 503, "/readyz $when";
    like $reply->header('retry-after'), qr/^[1-9]\d*$/, '  says when to ask again';
    like $reply->json->{detail}, $reason, '  and why';
    unlike $reply->body, qr/socket|\.s\.PGSQL|SELECT|tuor_app|\Q$db->{dir}\E/, '  and nothing of the inside';
    my $head = ask(HEAD => '/readyz', @rest);
    is $head->status . ($head->body // ''), 503, '  HEAD says the same';
}

subtest 'ready' => sub {
    for my $path ('/healthz', '/readyz') {
        is_well($path, 'asked by anybody');
        is_well("$path/", 'with a slash');
        is_well($path, 'with a key that is none', key => 'tuor_x');
        my $head = ask(HEAD => $path);
        is $head->status . ($head->body // ''), 200, "HEAD $path has no body";
        for my $method (qw(POST PUT DELETE PATCH)) {
            my $reply = api($method => $path, '{}', key => undef, server => $server);
            is $reply->status, 405, "$method $path";
            is join(' ', sort split /,\s*/, $reply->header('allow')), 'GET HEAD', '  with Allow';
        }
        is ask(GET => "$path/x")->status, 404, "$path/x";
        like ask(GET => $path)->header('content-type'), qr{^application/json\b}, 'in JSON';
        like ask(GET => $path)->header('cache-control'), qr/\bno-(store|cache)\b/, '  that no cache keeps';
    }
};

subtest 'the database stopped' => sub {
    $db->stop('fast');
    is_well('/healthz', 'needs no database') for 1 .. 3;
    is_not_ready('knows', qr/database/) for 1 .. 3;

    my ($checksum) = map { my $bad = $key; substr($bad, -1) = substr($bad, -1) eq 'a' ? 'b' : 'a'; $bad } 1;
    my $swapped = $key =~ s/^(tuor_.{20})(.)(.)/$1$3$2/r;
    for (['a wrong checksum', $checksum], ['two characters swapped', $swapped eq $key ? $checksum : $swapped], ['cut short', substr $key, 0, -1],
         ['one more', "${key}0"], ['another prefix', $key =~ s/^tuor_/ruot_/r], ['no base 62', $key =~ s/.\z/-/r], ['empty', '']) {
        for my $call (['GET', '/v1/traces/'], ['POST', '/v1/traces/', '{}'], ['POST', '/otlp/v1/traces', '{}']) {
            my $reply = api(@$call, key => $_->[1], server => $server);
            is $reply->status, 401, "a key with $_->[0], at $call->[0] $call->[1], is refused without the database";
            ok $reply->header('www-authenticate'), '  with WWW-Authenticate';
        }
    }
    for (['known', $key], ['of another server', api_key()]) {
        my $reply = api(GET => '/v1/traces/', key => $_->[1], server => $server);
        is $reply->status, 503, "one that may be right ($_->[0]) cannot be judged";
        ok $reply->header('retry-after'), '  yet: Retry-After';
    }

    $db->start;
    ok eventually(5, sub { ask(GET => '/readyz')->status == 200 }), '/readyz is back without a restart';
    is_well('/readyz', 'stays so') for 1 .. 3;
    is api(GET => '/v1/traces/', key => $key, server => $server)->status, 200, 'the known key is good again';
    is api(GET => '/v1/traces/', key => api_key(), server => $server)->status, 401, 'the other one is not';
};

# A server on a further database of that cluster.
my @migrations = sort glob source() . '/sql/*.sql';
sub on_database {
    my ($name) = @_;
    $db->superuser("CREATE DATABASE $name OWNER tuor");
    my $of = Tuor::Postgres->attach($db->info);
    my ($url, $params) = ($db->url =~ s{/tuor\?}{/$name?}r, $db->dbd_params =~ s/dbname=tuor/dbname=$name/r);
    my $migrate = sub {
        my $dir = run_dir() . "/sql-$name-" . scalar @_;
        make_path($dir);
        copy($_, $dir) || die "$_: $!\n" for @_;
        local @ENV{qw(TUOR_DATABASE_URL TUOR_SQL_DIR)} = ($url, $dir);
        my $said = `'@{[source()]}/build/tuorctl' migrate 2>&1`;
        $? and die "tuorctl migrate: $said";
    };
    return ($migrate, bless({ dbd_params => $params }, 'Database'), sub { $db->run_sql($url, $_[0]) });
}
sub Database::dbd_params { return $_[0]{dbd_params} }

subtest 'the schema' => sub {
    my ($migrate, $database, $sql) = on_database('health');
    my $private = Tuor::Server->start(db => $database);
    my @there = (server => $private);
    is_not_ready('of a database without a schema', qr/tuorctl migrate/, @there);
    $migrate->(@migrations[0 .. $#migrations - 1]);
    is_not_ready('with a schema that is one version too old', qr/tuorctl migrate/, @there);
    is_well('/healthz', 'needs no schema', @there);
    like $private->error_log, qr/TUOR0003.*version $#migrations and this module needs @{[scalar @migrations]}: run tuorctl migrate/, 'the log knows both versions';
    $migrate->(@migrations);
    is_well('/readyz', 'after tuorctl migrate, without a restart', @there) for 1 .. 3;
    # An upgrade migrates first and changes the machines one after another: the old ones go on meanwhile.
    $sql->(sprintf "INSERT INTO tuor.schema_migrations (version, name) VALUES (%d, '%04d_future')", (1 + @migrations) x 2);
    $db->superuser("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'health' AND usename = 'tuor_app'");
    ok eventually(5, sub { ask(GET => '/readyz', @there)->status == 200 }), 'a schema that is newer than the module serves it';
    is_well('/readyz', 'with connections that have seen it', @there) for 1 .. 3;
};

undef $server;
$db->remove;
done_testing;
