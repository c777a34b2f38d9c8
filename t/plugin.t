# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# A plugin by somebody else: built with plain apxs against what make install installs, loaded behind the
# installed modules, and at work at each of its seams.
use strict;
use warnings;
use File::Copy qw(copy);
use Tuor::Test;
use Tuor::Run qw(source run_dir read_file write_file);
use Tuor::Server;

my $dir = run_dir() . "/plugin-$$";
my $root = "$dir/root";
mkdir $dir;
# What make check told its make is not for this one.
delete local @ENV{qw(MAKEFLAGS MAKELEVEL MFLAGS)};

is system("make -s -C '" . source() . "' install DESTDIR='$root' >$dir/install.log 2>&1"), 0, 'make install'
    or BAIL_OUT(read_file("$dir/install.log"));
my ($header) = split /\n/, `find $root -name mod_tuor.h`;
my ($load) = split /\n/, `find $root -name tuor.load`;
ok $header && $load, 'installs the header and tuor.load' or BAIL_OUT('not installed');
my $include = $header =~ s{/[^/]+$}{}r;

copy(source() . '/t/plugin/mod_tuor_hello.c', $dir);
my $said = `cd '$dir' && apxs -c -I'$include' -Wc,-Wall -Wc,-Wextra -Wc,-Werror mod_tuor_hello.c 2>&1`;
is $?, 0, 'apxs -c' or diag($said), BAIL_OUT('no plugin');
# Only what is installed: nothing of the source tree's headers may have been needed.
unlike $said, qr{-I\S*\Q${\ source()}\E/mod_tuor}, '  against the installed header alone';
my ($dso) = split /\n/, `find $dir -name mod_tuor_hello.so`;

my $lines = read_file($load) =~ s{^(LoadModule \S+ )/}{$1$root/}gmr . "LoadModule tuor_hello_module $dso\n";
my $server = Tuor::Server->start(load => $lines, conf => "TuorHelloGreeting \"Good morning\"\n");
my $org = new_org("Plugin $$");
my @with = (key => $org->{key}, server => $server);

subtest 'a route' => sub {
    my $reply = api(GET => '/v1/hello', @with);
    is $reply->status, 200, 'is served';
    is $reply->json->{greeting}, 'Good morning', 'with its own directive';
    like $reply->json->{to}, qr/^key_/, 'knows who asks';
    is $reply->json->{traces}, 0, 'and what the organization has';
    like $reply->header('ratelimit'), qr/^"read";r=\d+/, 'counted in its class';
    ok $reply->header('x-request-id'), 'with an X-Request-Id';
    is api(GET => '/v1/hello/', @with)->status, 200, 'with a final slash';
    is api(GET => '/v1/hello', @with, key => undef)->status, 401, '401 without a credential';
    is api(POST => '/v1/hello', {}, @with)->status, 405, '405 for another method';
    is api(GET => '/v1/hello?x=1', @with)->status, 422, '422 for an unknown parameter';
    create_trace(@with);
    is api(GET => '/v1/hello?status=pending', @with)->json->{traces}, 1, 'its statement sees this organization';
    is api(GET => '/v1/hello?status=approved', @with)->json->{traces}, 0, '  and its parameter';
    is api(GET => '/v1/hello', @with, key => other_org_key())->json->{traces} >= 0, 1, 'and another one another';
};

subtest 'an exporter' => sub {
    my $mine = new_org("Plugin export $$");
    my @mine = (key => $mine->{key}, server => $server);
    my $project = create_project(@mine)->{id};
    my @ids = map { create_trace(@mine, project_id => $project)->{id} } 1 .. 3;
    my $reply = api(GET => '/v1/traces/export?format=ids&status=pending', @mine);
    is $reply->status, 200, 'is found by its name';
    like $reply->header('content-type'), qr{^text/plain}, 'has its type';
    is $reply->body, join('', map { $_ + 1 . " $ids[$_] pending\n" } 0 .. 2), 'writes its rows, and counts in its state';
    is api(GET => '/v1/traces/export?format=ids', @mine)->body, '', 'of reviewed traces unless asked for others';
    like api(GET => '/v1/traces/export?format=none', @mine)->json->{errors}[0]{message}, qr/\bids\b.*\bjsonl\b|\bjsonl\b.*\bids\b/, 'and is listed beside ours';
};

subtest 'a sink for events' => sub {
    my $trace = create_trace(@with)->{id};
    my %verdict = (action => 'approve', expected_version => 1);
    my $vetoed = api(POST => "/v1/traces/$trace/review", { %verdict, comment => 'veto' }, @with);
    is $vetoed->status, 409, 'may say no';
    is $vetoed->json->{detail}, 'mod_tuor_hello vetoes this verdict', '  in its own words';
    my $after = api(GET => "/v1/traces/$trace", @with)->json;
    is "$after->{status} $after->{version}", 'pending 1', '  and nothing has changed';
    is_deeply [map { $_->{event_type} } @{ api(GET => "/v1/traces/$trace/events", @with)->json }], ['trace.created'], '  nor been recorded';
    is api(POST => "/v1/traces/$trace/review", \%verdict, @with, headers => { 'X-Request-Id' => 'hello-1' })->status, 200, 'else the verdict stands';
    ok eventually(5, sub { $server->error_log =~ /HELLO0001: \[hello-1\] review\.approved of $trace/ }), 'and it hears of it once it has committed';
    is scalar(() = $server->error_log =~ /HELLO0001: .* of $trace/g), 1, '  once';
    api(POST => "/v1/traces/$trace/reset", { expected_version => 2 }, @with);
    is scalar(() = $server->error_log =~ /HELLO0001: .* of $trace/g), 1, '  and of verdicts only';
};

subtest 'a description' => sub {
    my $reply = api(GET => '/v1/openapi.json', @with, key => undef);
    my $op = $reply->json->{paths}{'/v1/hello'}{get};
    is $op->{summary}, 'Be greeted', 'stands in the OpenAPI document';
    is $op->{'x-tuor-role'}, 'viewer', '  with the role of the route';
    is join(' ', sort keys %{ $op->{responses} }), '200 400 401 403 422 429 503', '  and the refusals that follow from it';
    write_file("$dir/openapi.json", $reply->body);
    my ($python) = grep { system("$_ -c 'import jsonschema' 2>/dev/null") == 0 } 'python3', '/usr/bin/python3';
    is scalar(`$python ${\ source()}/t/lib/openapi.py lint $dir/openapi.json`), '', 'the document is sound with it';
};

subtest 'a graceful restart' => sub {
    my $etag = api(GET => '/v1/openapi.json', @with)->header('etag');
    my @before = $server->children;
    $server->graceful;
    ok eventually(20, sub { my %now = map { $_ => 1 } $server->children; %now && !grep { $now{$_} } @before }), 'other children serve';
    is api(GET => '/v1/hello', @with)->json->{greeting}, 'Good morning', 'the route is there';
    is api(GET => '/v1/openapi.json', @with)->header('etag'), $etag, 'and described as before';
    like api(GET => '/v1/traces/export?format=none', @with)->json->{errors}[0]{message}, qr/\bids\b/, 'the exporter, too';
};

$server->stop;
unlike $server->error_log, qr/segfault|exit signal|TUOR1001/i, 'no child died';

done_testing;
