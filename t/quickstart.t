# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# quickstart: from nothing to a server that works, again and after a crash, with everything that DIR/env promises.
# The tree is a copy in a directory with spaces; what was built comes with it.
use strict;
use warnings;
use File::Path qw(make_path);
use HTTP::Tiny;
use MIME::Base64 qw(encode_base64);
use Tuor::Postgres;
use Tuor::Run qw(run_dir read_file write_file source free_port is_zombie stop_process);
use Tuor::Test;

plan skip_all => 'quickstart installs what Debian packages are missing, and only root can'
    if system("dpkg-query -W gcc make pkg-config apache2-dev apache2-bin apache2-utils libaprutil1-dbd-pgsql postgresql curl >/dev/null 2>&1");

my $top = run_dir() . "/quick start $$";
make_path("$top/a copy", "$top/elsewhere");
my $source = source();
system("tar -C '$source' -c --exclude=node_modules --exclude=./.git --exclude=./var --exclude=./build/obj --exclude=./build/t . | tar -C '$top/a copy' -xp") == 0
    or die "tar: $?\n";
my $program = "$top/a copy/quickstart";
my ($dir, $second) = ("$top/the servers", "$top/others");
my ($port, $second_port) = (free_port(), free_port());
END { system($program, 'stop', '--dir', $_) for $program ? grep { -d "$_/pg" } $dir, $second : () }

# quick(ARGUMENT...): (exit status, all that it said)
sub quick {
    my $command = join ' ', map { Tuor::Postgres::quote($_) } $program, @_;
    my $said = `cd / && $command 2>&1 </dev/null`;
    return ($? >> 8, $said);
}
sub succeeds {
    my ($what, @args) = @_;
    my ($status, $said) = quick(@args);
    is $status, 0, $what or diag $said, map { "--- $_\n" . read_file($_) } glob("\Q$dir\E/logs/error.log \Q$dir\E/pg/server.log");
    return $said;
}

# DIR/env as a shell sees it.
sub env_of {
    my $env = Tuor::Postgres::quote("$_[0]/env");
    return map { /^(TUOR_\w+)=(.*)$/ } grep { /^TUOR_/ } split /\n/, `env -i sh -c 'set -a; . "\$1"; env' sh $env`;
}

my %env;
sub ask {
    my ($method, $path, $body, %headers) = @_;
    my $http = HTTP::Tiny->new(max_redirect => 0, timeout => 30);
    my $reply = $http->request($method => "$env{TUOR_URL}$path", { headers => \%headers, defined $body ? (content => $body) : () });
    return Tuor::Reply->new($reply);
}
sub by_key  { my ($method, $path, $body) = @_; return ask($method, $path, $body, 'X-API-Key' => $env{TUOR_API_KEY}, defined $body ? ('Content-Type' => 'application/json') : ()) }
sub by_name { return ask(GET => '/v1/me', undef, Authorization => 'Basic ' . encode_base64("$env{TUOR_CONSOLE_USER}:" . ($_[0] // $env{TUOR_CONSOLE_PASSWORD}), '')) }
sub tuorctl { my $args = shift; my $said = `$env{TUOR_CTL} $args 2>'$top/errors'`; return ($? >> 8, $said, read_file("$top/errors")) }
sub sql     { my $said = `psql -X -q -A -t -d '$env{TUOR_DATABASE_URL}' -c "$_[0]" 2>&1`; chomp $said; return $said }
sub pid     { my ($pid) = read_file($env{TUOR_PIDFILE}) =~ /^(\d+)/; return $pid }
# What there is: a second run adds nothing.
sub all_there_is { return sql("SELECT (SELECT count(*) FROM tuor.organizations), (SELECT count(*) FROM tuor.projects), (SELECT count(*) FROM tuor.members), (SELECT count(*) FROM tuor.api_keys), (SELECT count(*) FROM tuor.traces)") }

subtest 'called wrongly' => sub {
    for (['--colour'], ['down'], ['up', 'stop'], ['--port'], ['up', '--dir']) {
        my ($status, $said) = quick(@$_);
        is $status, 2, "@$_";
        like $said, qr/^usage: /m, '  prints how to';
    }
    for (['--port', 'eighty', qr/not a number/], ['--include', "$top/none", qr/no such file/i], ['--dir', "$top/a\$b", qr/dollar/]) {
        my ($status, $said) = quick('up', @$_[0, 1]);
        is $status, 1, "@$_[0, 1]";
        like $said, $_->[2], '  says why';
    }
    my ($status, $said) = quick('--help');
    is $status, 0, '--help';
    is scalar(grep { $said =~ /^  \Q$_\E /m } qw(up stop status check --dir --port --include)), 7, '  names everything';
    is +(quick('status', '--dir', $dir))[0], 1, 'status where there is nothing';
    is +(quick('stop', '--dir', $dir))[0], 1, 'stop where there is nothing';
    ok !-e $dir, '  leaves nothing';
};

my $include = "$top/elsewhere/mine.conf";
write_file($include, "<Location \"/mine\">\n    Redirect 410 /\n    Header always set X-Mine \"\${QUICK_TEST}\"\n</Location>\n");
$ENV{QUICK_TEST} = "kept, with spaces";

subtest 'up' => sub {
    my $said = succeeds('from nothing', 'up', "--dir=$dir", '--port', $port, '--include', $include) or return;
    %env = env_of($dir);
    is join(' ', sort keys %env), join(' ', sort qw(TUOR_URL TUOR_API_KEY TUOR_ORG_ID TUOR_PROJECT_ID TUOR_CONSOLE_URL
        TUOR_CONSOLE_USER TUOR_CONSOLE_PASSWORD TUOR_CTL TUOR_DATABASE_URL TUOR_PIDFILE)), 'DIR/env has its ten names';
    is scalar(grep { !length } values %env), 0, '  and each a value';
    is sprintf('%o', (stat "$dir/env")[2] & 0777), '600', '  which nobody else may read';
    is $env{TUOR_URL}, "http://127.0.0.1:$port", 'the port is the one asked for';
    like $said, qr/\Q$_\E/, 'it prints the ' . ($_ =~ s{//.*}{}r) for $env{TUOR_CONSOLE_URL}, "$env{TUOR_URL}/v1", "stop --dir '$dir'";
    is ask(GET => '/mine')->header('x-mine'), 'kept, with spaces', 'the included file stands in the server, and sees our environment';
    is ask(GET => $_)->status, 200, $_ for '/healthz', '/readyz', '/metrics', '/v1/openapi.json';
};
$env{TUOR_URL} or BAIL_OUT('quickstart does not start');

subtest 'what env promises' => sub {
    my $me = by_key(GET => '/v1/me')->json;
    is "$me->{type} $me->{organization}{id} $me->{organization}{name}", "api_key $env{TUOR_ORG_ID} Demo", 'the key, of the organization';
    is by_key(GET => "/v1/projects/$env{TUOR_PROJECT_ID}")->json->{org_id}, $env{TUOR_ORG_ID}, 'the project';
    my @traces = @{ by_key(GET => "/v1/traces/?project_id=$env{TUOR_PROJECT_ID}&limit=500")->json };
    cmp_ok scalar @traces, '>=', 1, 'a first trace';
    is by_key(POST => '/v1/traces/', qq({"project_id":"$env{TUOR_PROJECT_ID}","model_input":{},"model_output":{}}))->status, 201, 'another one';

    my $name = by_name();
    is $name->status . ' ' . ($name->json->{role} // ''), '200 admin', 'the console user, by Basic';
    is by_name('wrong')->status, 401, '  but not with another password';
    my $form = "httpd_username=$env{TUOR_CONSOLE_USER}&httpd_password=$env{TUOR_CONSOLE_PASSWORD}";
    my $in = ask(POST => '/console/session', $form, 'Content-Type' => 'application/x-www-form-urlencoded');
    my ($cookie) = ($in->header('set-cookie') // '') =~ /^([^;]+)/;
    is $in->status, 302, 'and by the form';
    is ask(GET => '/v1/me', undef, Cookie => $cookie)->json->{login}, $env{TUOR_CONSOLE_USER}, '  whose session serves /v1';
    $env{TUOR_CONSOLE_URL} =~ m{^\Q$env{TUOR_URL}\E(/.*)} or fail 'the console is on this server';
    is ask(GET => $1)->status, -e "$source/modules/console/dist/index.html" ? 200 : 503, 'the console';

    is sql('SELECT current_user'), 'tuor', 'the database';
    is sql('SHOW listen_addresses'), '', '  which listens on its socket alone';
    my $refine = by_key(POST => "/v1/projects/$env{TUOR_PROJECT_ID}/prompts/refine");
    is $refine->status . ' ' . ($refine->json->{required} // ''), '409 10', 'a refiner is there, and wants reviews first';
    for my $path ('/v1/traces', '/v1/nothing', '/healthz', '/') {
        is ask(TRACE => $path)->status, 405, "TRACE $path";
        is by_key(HEAD => $path)->status, by_key(GET => $path)->status, "HEAD $path is as GET";
    }
    my ($status, $out, $err) = tuorctl('org list --json');
    is_deeply [map { @{ JSON::PP::decode_json($_) }{'id', 'name'} } split /\n/, $out], [$env{TUOR_ORG_ID}, 'Demo'], 'TUOR_CTL, from any directory';
    is +(tuorctl($_))[0], 0, "  $_" for 'migrate', 'check', '--version';
    ($status, $out, $err) = tuorctl('key list --org nowhere');
    is "$status $out", '1 ', '  an error is 1, with nothing on standard output';
    like $err, qr/nowhere/, '  but on standard error';
    is +(tuorctl('key list'))[0], 2, '  wrong usage is 2';
    ($status, $out) = tuorctl("key create --org Demo --name 'of the test'");
    is ask(GET => '/v1/me', undef, 'X-API-Key' => $out =~ s/\n//r)->status, 200, '  and makes keys for this server';
    ok kill(0, pid()), 'the pid file names a process';
    is +(quick('status', '--dir', $dir))[0], 0, 'status: both run';
};

subtest 'again' => sub {
    my ($before, $pid, $text) = (all_there_is(), pid(), read_file("$dir/env"));
    like $before, qr/^1\|1\|1\|2\|\d+$/, 'one of each';
    succeeds('up', '--dir', $dir);
    is all_there_is(), $before, 'creates nothing twice';
    is pid(), $pid, 'and restarts nothing';
    is read_file("$dir/env"), $text, 'env is the same, port and --include are remembered';
};

subtest 'after a crash' => sub {
    my ($before, $pid) = (all_there_is(), pid());
    my ($postmaster) = read_file("$dir/pg/postmaster.pid") =~ /^(\d+)/;
    kill KILL => $pid;
    ok eventually(10, sub { is_zombie($pid) }), "httpd's parent is killed, and its children are left";
    my ($status, $said) = quick('status', '--dir', $dir);
    is $status, 1, 'status knows';
    like $said, qr/^httpd +does not run\nPostgreSQL +runs/m, '  which of both';
    kill KILL => $postmaster;
    ok eventually(10, sub { is_zombie($postmaster) }), 'PostgreSQL is killed, too';
    ($status, $said) = quick('status', '--dir', $dir);
    like $said, qr/^httpd +does not run\nPostgreSQL +does not run/m, '  status knows';
    succeeds('up', 'up', '--dir', $dir);
    isnt pid(), $pid, 'another process';
    is +(quick('status', '--dir', $dir))[0], 0, 'status: both run';
    is by_key(GET => '/v1/me')->status, 200, 'the key is good';
    is all_there_is(), $before, 'and nothing has been lost or doubled';
};

subtest 'stop' => sub {
    my ($before, $pid) = (all_there_is(), pid());
    succeeds('stop', 'stop', '--dir', $dir);
    ok is_zombie($pid), 'httpd is gone';
    is +(quick('status', '--dir', $dir))[0], 1, 'status knows';
    succeeds('stop again', 'stop', '--dir', $dir);
    succeeds('up, on another port', 'up', '--dir', $dir, '--port', $second_port);
    %env = env_of($dir);
    is $env{TUOR_URL}, "http://127.0.0.1:$second_port", 'env knows';
    is all_there_is(), $before, 'the data were kept';
    is ask(GET => '/mine')->header('x-mine'), 'kept, with spaces', 'and so was --include';
    is by_name()->status, 200, 'and the password';
};

subtest 'two side by side' => sub {
    my ($status, $said) = quick('up', '--dir', $second, '--port', $second_port);
    is $status, 1, 'not on one port';
    like $said, qr/port $second_port is taken.*--port/, '  which it says';
    succeeds('on another', 'up', '--dir', $second, '--port', $port);
    my ($mine, %other) = ($env{TUOR_API_KEY}, env_of($second));
    isnt $other{$_}, $env{$_}, "another $_" for qw(TUOR_URL TUOR_API_KEY TUOR_ORG_ID TUOR_CONSOLE_PASSWORD TUOR_DATABASE_URL TUOR_PIDFILE);
    is by_key(GET => '/v1/me')->status, 200, 'the first goes on';
    local @env{keys %other} = values %other;
    is by_key(GET => '/v1/me')->status, 200, 'the second has its own key';
    is ask(GET => '/v1/me', undef, 'X-API-Key' => $mine)->status, 401, '  and knows no other';
    isnt ask(GET => '/mine')->status, 410, '  nor the file that the other includes';
    succeeds('stopping one', 'stop', '--dir', $second);
    is +(quick('status', '--dir', $dir))[0], 0, '  leaves the other';
};

done_testing;
