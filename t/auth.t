# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# Who may come in, as whom, and what they may do.
use strict;
use warnings;
use Digest::SHA qw(sha1_base64);
use File::Path qw(make_path);
use MIME::Base64 qw(encode_base64);
use Tuor::Test;
use Tuor::Run qw(run_dir write_file);
use Tuor::Server;

# A server of our own, so that our users are nobody else's.
my $org = new_org("Auth $$");
my $second = new_org("Auth second $$");
my @logins = map { "$_-$$" } qw(viewer reviewer admin both nobody loner);
my $users_file = run_dir() . "/users-$$";
write_file($users_file, join '', map { "$_:{SHA}" . sha1_base64($_) . "=\n" } @logins, "caf\xe9");
database->ctl('user', 'add', "$_-$$", '--org', $org->{id}, '--role', $_) for qw(viewer reviewer admin);
database->ctl('user', 'add', "both-$$", '--org', $org->{id}, '--role', 'viewer');
database->ctl('user', 'add', "both-$$", '--org', $second->{id}, '--role', 'admin');

my $server = Tuor::Server->start(conf => join('', map { "TuorRateLimit $_ off\n" } qw(ingest read write export console)) . <<"END");
<LocationMatch "^/(v1|reports|both)(/|\$)">
    AuthType Basic
    AuthName "Tuor"
    AuthBasicProvider file
    AuthUserFile "$users_file"
</LocationMatch>
<Location "/reports">
    AuthzSendForbiddenOnFailure On
    Require tuor-role reviewer
</Location>
<Location "/keys">
    Require tuor-role admin
</Location>
END
my $key = $org->{key};
my $project = create_project(key => $key, server => $server)->{id};
my $trace = create_trace(key => $key, project_id => $project, server => $server)->{id};

sub get { my ($path, %opt) = @_; return api(GET => $path, server => $server, %opt) }
sub as  { my ($login, $method, $path, @rest) = @_; return api($method => $path, @rest, login => "$login-$$", server => $server) }

subtest 'keys' => sub {
    is get('/v1/traces/', key => $key)->status, 200, 'a good one';
    my $other = new_org("Auth keys $$");
    my $gone = database->ctl('key', 'create', '--org', $other->{id}, '--name', 'gone');
    my ($gone_id) = database->ctl('key', 'list', '--org', $other->{id}, '--json') =~ /"(key_\w+)"[^{}]*"gone"/;
    is get('/v1/traces/', key => $gone)->status, 200, 'another';
    database->ctl('key', 'revoke', $gone_id, '--org', $other->{id});
    my $unknown = forged_key();
    like $unknown, qr/^tuor_[0-9A-Za-z]{49}$/, 'one that has the form of a key and was never given out';

    my $missing = get('/v1/traces/', key => undef);
    is $missing->status, 401, 'none';
    is $missing->json->{detail}, 'Invalid or revoked API key', '  says the documented words';
    my @bad = (['empty', ''], ['malformed', 'tuor_x'], ['without its prefix', $key =~ s/^tuor_//r], ['one character off', $key =~ s/(.)$/$1 eq 'a' ? 'b' : 'a'/er],
               ['two characters swapped', $key =~ s/(\w)(\w)$/$2$1/r], ['one too long', $key . 'a'], ['in capitals', uc $key], ['with a space', "$key x"], ['very long', 'tuor_' . 'x' x 5000],
               ['SQL', "' OR 1=1 --"], ['unknown', $unknown], ['revoked', $gone]);
    for (@bad) {
        my ($what, $bad) = @$_;
        for my $call ([GET => '/v1/traces/'], [POST => '/v1/traces/', { project_id => $project, model_input => {}, model_output => {} }], [GET => '/v1/nothing'],
                      [GET => "/v1/traces/$trace"], [GET => '/v1/traces/export'], [POST => "/v1/traces/$trace/review", { action => 'approve', expected_version => 1 }]) {
            my $reply = api(@$call, key => $bad, server => $server);
            is $reply->status, 401, "$what: $call->[0] $call->[1]";
            is $reply->body, $missing->body, '  in the same words';
            ok $reply->header('www-authenticate'), '  with WWW-Authenticate';
        }
    }
    my ($head, $body) = split /\r\n\r\n/, raw_request("GET /v1/traces/ HTTP/1.1\r\nHost: t\r\nConnection: close\r\nX-API-Key: tuor_\xff\xfe\r\n\r\n", $server), 2;
    like $head, qr{^HTTP/1\.1 401 }, 'bytes';
    is $body, $missing->body, '  in the same words';
    is get("/v1/traces/$trace", key => $key)->json->{version}, 1, 'nothing was changed';
    is get('/v1/traces/', key => undef, headers => { Authorization => "Bearer $key" })->status, 401, 'a key elsewhere is none';
    is get('/v1/traces/?x_api_key=' . other_org_key(), key => undef)->status, 401, 'nor is one in the query';
    is get('/v1/traces/', key => 'tuor_bad', login => undef, headers => { Authorization => 'Basic ' . encode_base64("admin-$$:admin-$$", '') })->status, 401,
        'a bad key is not mended by a good password';
};

subtest 'a revoked key on a connection that stays open' => sub {
    my $name = "kept $$";
    my $kept = database->ctl('key', 'create', '--org', $org->{id}, '--name', $name);
    my ($id) = database->ctl('key', 'list', '--org', $org->{id}, '--json') =~ /"(key_\w+)"[^{}]*"\Q$name\E"/;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $server->port) or die "connect: $!\n";
    my $ask = sub {
        print {$socket} "GET /v1/traces/$trace HTTP/1.1\r\nHost: t\r\nX-API-Key: $kept\r\n\r\n";
        my ($head, $length) = ('', 0);
        while (my $line = <$socket>) { $head .= $line; $length = $1 if $line =~ /^Content-Length: (\d+)/i; last if $line eq "\r\n" }
        read $socket, my ($body), $length;
        return $head =~ m{^HTTP/1\.1 (\d+)} ? $1 : 'closed';
    };
    is $ask->(), 200, 'the first request' for 1 .. 3;
    database->ctl('key', 'revoke', $id, '--org', $org->{id});
    is join(' ', map { $ask->() } 1 .. 20), join(' ', (401) x 20), 'the next after the revocation is refused, and all others';
};

subtest 'a suspended organization' => sub {
    my $gone = new_org("Auth suspended $$");
    my $its = create_trace(key => $gone->{key}, server => $server)->{id};
    database->ctl('user', 'add', "loner-$$", '--org', $gone->{id}, '--role', 'admin');
    database->ctl('org', 'suspend', $gone->{id});
    my $n = psql("SELECT count(*) FROM tuor.trace_events WHERE org_id = '$gone->{id}'");
    for ([GET => '/v1/traces/'], [GET => "/v1/traces/$its"], [GET => '/v1/traces/export'], [GET => '/v1/nothing'], [POST => '/v1/traces/', { model_input => {} }],
         [POST => '/v1/traces/', { project_id => $project, model_input => {}, model_output => {} }], [POST => "/v1/traces/$its/review", { action => 'approve', expected_version => 1 }],
         [DELETE => "/v1/traces/$its?expected_version=1"], [POST => '/v1/tags/', { name => 'x' }]) {
        is api(@$_, key => $gone->{key}, server => $server)->status, 403, "a key: $_->[0] $_->[1]";
        is as(loner => @$_)->status, 403, '  a user';
    }
    is psql("SELECT count(*) FROM tuor.trace_events WHERE org_id = '$gone->{id}'"), $n, 'nothing was done';
    database->ctl('org', 'resume', $gone->{id});
    is get("/v1/traces/$its", key => $gone->{key})->status, 200, 'resumed, it is let in';
};

subtest 'users and their roles' => sub {
    my $tag = api(POST => '/v1/tags/', { name => 'role' }, key => $key, server => $server)->json->{id};
    my %rank = (viewer => 1, reviewer => 2, admin => 3);
    my @calls = (
        # who at least, request, what one who may gets
        ['viewer', 200, GET => '/v1/traces/'], ['viewer', 200, GET => '/v1/traces/export'], ['viewer', 200, GET => '/v1/traces/ID'],
        ['viewer', 200, GET => '/v1/traces/ID/events'], ['viewer', 200, GET => '/v1/tags/'], ['viewer', 200, GET => '/v1/projects/'], ['viewer', 200, HEAD => '/v1/traces/ID'],
        ['reviewer', 200, POST => '/v1/traces/ID/review', { action => 'approve', expected_version => 1 }], ['reviewer', 409, POST => '/v1/traces/ID/reset', { expected_version => 1 }],
        ['reviewer', 200, POST => '/v1/traces/ID/tags', { tag_ids => [$tag] }], ['reviewer', 200, DELETE => "/v1/traces/ID/tags/$tag"],
        ['admin', 201, POST => '/v1/traces/', { project_id => $project, model_input => {}, model_output => {} }],
        ['admin', 200, DELETE => '/v1/traces/ID?expected_version=1'], ['admin', 409, POST => '/v1/traces/ID/restore', { expected_version => 1 }],
        ['admin', 201, POST => '/v1/projects/', { name => 'P' }], ['admin', 422, POST => '/v1/tags/', { name => '' }],
    );
    for my $call (@calls) {
        my ($least, $status, $method, $path, @body) = @$call;
        for my $role (qw(viewer reviewer admin)) {
            my $id = create_trace(key => $key, project_id => $project, server => $server)->{id};
            my $reply = as($role => $method, $path =~ s/ID/$id/r, @body);
            my $may = $rank{$role} >= $rank{$least};
            is $reply->status, $may ? $status : 403, "$role: $method $path" or diag $reply->body;
            like $reply->json->{detail}, qr/\b$least\b/, '  the role that it needs is told' if !$may;
        }
    }
    my $id = create_trace(key => $key, project_id => $project, server => $server)->{id};
    my $reviewed = as(reviewer => POST => "/v1/traces/$id/review", { action => 'approve', expected_version => 1 })->json;
    like $reviewed->{last_reviewed_by}, qr/^user_/, 'a review bears its reviewer';
    is get("/v1/traces/$id/events", key => $key)->json->[-1]{actor_type}, 'user', 'its event, too';
    like as(admin => POST => '/v1/traces/', { project_id => $project, model_input => {}, model_output => {} })->json->{created_by}, qr/^user_/, 'and a trace its author';
    my $foreign = create_trace(key => $second->{key}, server => $server)->{id};
    is as(admin => GET => "/v1/traces/$foreign")->status, 404, 'an admin of one organization is nobody in another';
};

subtest 'passwords' => sub {
    my $wrong = api(GET => '/v1/traces/', login => "admin-$$", password => 'wrong', server => $server);
    is $wrong->status, 401, 'a wrong one';
    like $wrong->header('www-authenticate'), qr/^Basic /, '  is asked for again';
    is $wrong->body, get('/v1/traces/', key => undef)->body, '  in the words of a missing key';
    is api(GET => '/v1/traces/', login => "x-$$", server => $server)->status, 401, 'an unknown login';
    my $nobody = as(nobody => GET => '/v1/traces/');
    is $nobody->status, 403, 'a login that is no member';
    like $nobody->json->{detail}, qr/no organization/, '  hears so';
    my $latin = api(GET => '/v1/traces/', login => "caf\xe9", server => $server);
    is $latin->status, 403, 'a login that is not UTF-8';
    ok eval { $latin->json }, '  gets JSON nonetheless';
};

subtest 'several organizations' => sub {
    my $without = as(both => GET => '/v1/traces/');
    is $without->status, 403, 'none chosen';
    like $without->json->{detail}, qr/X-Tuor-Org/, '  names the header';
    my $in = sub { my ($id, $method, @call) = @_; return as(both => $method // 'GET', @call ? @call : '/v1/traces/', headers => { 'X-Tuor-Org' => $id }) };
    is $in->($org->{id})->status, 200, 'the first';
    is $in->($second->{id})->status, 200, 'the second';
    isnt $in->($org->{id})->body, $in->($second->{id})->body, '  show each its own traces';
    my $body = { name => "tag of both $$" };
    is $in->($org->{id}, POST => '/v1/tags/', $body)->status, 403, 'the role is that in the organization: a viewer in the first';
    is $in->($second->{id}, POST => '/v1/tags/', $body)->status, 201, '  an admin in the second';
    for my $other ('org_0000000000000000000000', other_org_id(), '', "'", 'x' x 4000, "Auth $$") {
        my $reply = $in->($other);
        is $reply->status, 403, 'not one of theirs: ' . substr($other, 0, 30) =~ s/[^ -~]/?/gr;
        like eval { $reply->json->{detail} } // 'no JSON', qr/X-Tuor-Org/, '  names the header';
    }
    my $basic = encode_base64("both-$$:both-$$", '');
    my ($head, $text) = split /\r\n\r\n/, raw_request("GET /v1/traces/ HTTP/1.1\r\nHost: t\r\nConnection: close\r\nAuthorization: Basic $basic\r\nX-Tuor-Org: \xff\xfe\r\n\r\n", $server), 2;
    like $head, qr{^HTTP/1\.1 403 }, 'no organization: bytes';
    unlike $text, qr/[^\x00-\x7f]/, '  which do not come back';
    is as(admin => GET => '/v1/traces/')->status, 200, 'who has one needs not choose';
    is as(admin => GET => '/v1/traces/', headers => { 'X-Tuor-Org' => $org->{id} })->status, 200, '  and may';
    is as(admin => GET => '/v1/traces/', headers => { 'X-Tuor-Org' => $second->{id} })->status, 403, '  but no other';
    is get('/v1/traces/', key => $key, headers => { 'X-Tuor-Org' => $second->{id} })->json->[0]{org_id}, $org->{id}, 'a key has its own, whatever the header says';
    database->ctl('org', 'suspend', $second->{id});
    is as(both => GET => '/v1/traces/')->status, 200, 'with one of two suspended there is no choice left';
    is $in->($second->{id})->status, 403, '  and the suspended one cannot be chosen';
    database->ctl('org', 'resume', $second->{id});
    database->ctl('user', 'add', "extra-$$", '--org', $second->{id}, '--role', 'admin');   # the last one has to stay
    database->ctl('user', 'remove', "both-$$", '--org', $second->{id});
    is $in->($second->{id})->status, 403, 'removed from one';
    is as(both => GET => '/v1/traces/')->status, 200, '  the other is the one';

    my $single = Tuor::Server->start(conf => "TuorOrganization \"Auth second $$\"\n<Location \"/v1\">\nAuthUserFile \"$users_file\"\n</Location>\n");
    database->ctl('user', 'add', "both-$$", '--org', $second->{id}, '--role', 'admin');
    is api(GET => '/v1/traces/', login => "both-$$", server => $single)->json->[0]{org_id}, $second->{id}, 'TuorOrganization chooses by name';
    is api(GET => '/v1/traces/', login => "both-$$", server => $single, headers => { 'X-Tuor-Org' => $org->{id} })->json->[0]{org_id}, $org->{id}, '  and the header wins';
    my $by_id = Tuor::Server->start(conf => "TuorOrganization $second->{id}\n<Location \"/v1\">\nAuthUserFile \"$users_file\"\n</Location>\n");
    is api(GET => '/v1/traces/', login => "both-$$", server => $by_id)->json->[0]{org_id}, $second->{id}, '  and by id';
};

subtest 'requests from other sites' => sub {
    my $own = $server->url;
    my $change = sub { return as(admin => POST => '/v1/projects/', { name => 'CSRF' }, headers => { @_ }) };
    is $change->()->status, 201, 'neither header: no browser';
    is $change->('Sec-Fetch-Site' => $_)->status, 201, "Sec-Fetch-Site: $_" for 'same-origin', 'none';
    is $change->('Origin' => $own)->status, 201, 'our own Origin';
    is $change->('Origin' => uc $own)->status, 201, '  whatever its case';
    is $change->('Origin' => $own =~ s/^http/https/r)->status, 201, '  or scheme, which a proxy may have changed';
    my $n = psql("SELECT count(*) FROM tuor.projects WHERE org_id = '$org->{id}'");
    for (['Sec-Fetch-Site' => 'cross-site'], ['Sec-Fetch-Site' => 'same-site'], ['Sec-Fetch-Site' => ''], ['Sec-Fetch-Site' => 'cross-site', 'Origin' => $own],
         ['Origin' => 'null'], ['Origin' => 'https://evil.example'], ['Origin' => $own . '.evil.example'], ['Origin' => 'http://127.0.0.1'], ['Origin' => ''], ['Origin' => '://'],
         ['Origin' => "$own/"], ['Origin' => 'x' . $own =~ s{.*//}{}r]) {
        my $reply = $change->(@$_);
        is $reply->status, 403, "@$_";
    }
    for (['Origin' => 'null'], ['Sec-Fetch-Site' => 'cross-site']) {
        my %headers = @$_;
        is as(admin => PUT => "/v1/projects/$project", { name => 'CSRF' }, headers => { %headers })->status, 403, "PUT with @$_";
        is as(admin => DELETE => "/v1/traces/$trace?expected_version=1", headers => { %headers })->status, 403, "DELETE with @$_";
        is as(admin => GET => '/v1/traces/', headers => { %headers })->status, 200, "GET with @$_ changes nothing and may";
        is api(POST => '/v1/tags/', { name => "key @$_" }, key => $key, server => $server, headers => { %headers })->status, 201, "a key with @$_: no browser sends keys by itself";
    }
    is psql("SELECT count(*) FROM tuor.projects WHERE org_id = '$org->{id}'"), $n, 'nothing came of it';
    is as(admin => POST => '/v1/projects/', 'name=x', type => 'application/x-www-form-urlencoded')->status, 415, 'a form is no body';
};

subtest 'Require tuor-role' => sub {
    for my $name (qw(reports keys)) {
        make_path("$server->{dir}/htdocs/$name");
        write_file("$server->{dir}/htdocs/$name/index.html", "the $name\n");
    }
    my $open = sub { my ($who) = @_; return api(GET => '/reports/index.html', $who ? (login => "$who-$$") : (key => undef), server => $server) };
    is $open->($_)->body, "the reports\n", "$_ may" for qw(reviewer admin);
    is $open->($_)->status, 403, "$_ may not" for qw(viewer nobody);
    is $open->()->status, 401, 'without a credential: 401';
    for my $name (qw(reports keys)) {
        is get("/$name/index.html", key => $key)->body, "the $name\n", "a key may see the $name";
        isnt get("/$name/index.html", key => $_)->status, 200, '  a bad one may not' for 'tuor_x', forged_key(), undef;
    }
    my ($status, $said) = Tuor::Server->configtest("<Location /x>\nRequire tuor-role boss\n</Location>\n");
    isnt $status, 0, 'an unknown role does not start';
    like $said, qr/viewer, reviewer, admin/, '  and is told which there are';
};

subtest 'no secret in the logs' => sub {
    my $logs = $server->error_log . Tuor::Run::read_file("$server->{dir}/logs/access_log") . database->log;
    ok index($logs, $key) < 0, 'not the key';
    ok index($logs, $key =~ s/^tuor_//r) < 0, 'nor a part of it';
    like $logs, qr/key_\w{22}/, 'but its id';
};

# A key that nobody has: another organization's, deleted.
sub forged_key {
    my $made = database->ctl('key', 'create', '--org', $org->{id}, '--name', 'forged');
    my ($id) = database->ctl('key', 'list', '--org', $org->{id}, '--json') =~ /"(key_\w+)"[^{}]*"forged"/;
    psql("DELETE FROM tuor.api_keys WHERE id = '$id'");
    return $made;
}

done_testing;
