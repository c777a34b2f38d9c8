# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# mod_tuor_console: what browsers get, what they are told, and the sign-in of conf/extra/console-form.conf.
use strict;
use warnings;
use File::Path qw(make_path remove_tree);
use IO::Compress::Gzip qw(gzip);
use Tuor::Test;
use Tuor::Run qw(source run_dir run_info write_file);
use Tuor::Server;

my $dir = run_dir() . "/console-$$";
my $bundle = "$dir/dist";
make_path("$bundle/assets/cmaps", "$bundle/.well-known");
my %file = (
    'index.html' => "<!doctype html><title>Tuor</title>\n" . 'x' x 3000,
    'pdf.html' => "<!doctype html><title>PDF</title>\n",
    'assets/main-1A2B.js' => "export {};\n" . '//' x 2000,
    'assets/main-1A2B.css' => "body {}\n",
    'assets/pdf.worker-3C4D.mjs' => "postMessage(1);\n",
    'assets/openjpeg-5E.wasm' => "\0asm\1\0\0\0",
    'assets/cmaps/Adobe-Japan1.bcmap' => "\0\1\2",
    'icon.svg' => "<svg xmlns='http://www.w3.org/2000/svg'/>\n",
);
write_file("$bundle/$_", $file{$_}) for keys %file;
my %packed;
for my $name ('index.html', 'assets/main-1A2B.js') {
    gzip(\$file{$name} => \$packed{$name}) or die;
    write_file("$bundle/$name.gz", $packed{$name});
}
# What is there, and must not come out.
write_file("$dir/secret.txt", "secret\n");
write_file("$bundle/.hidden", "secret\n");
write_file("$bundle/.well-known/x.txt", "secret\n");
symlink "$dir/secret.txt", "$bundle/link.txt" or die;

my $info = run_info();
write_file("$dir/session.key", "0123456789abcdef0123456789abcdef\n");
my $server = Tuor::Server->start(conf => <<~"END");
    TuorRateLimit all off
    Define TUOR_USERS_FILE "$info->{users_file}"
    Define TUOR_SESSION_KEY_FILE "$dir/session.key"
    Include "@{[source()]}/conf/extra/console-form.conf"
    <Location "/console">
        TuorConsoleRoot "$bundle"
    </Location>
    END

# A request without credentials, or with what the options say.
sub ask { my ($method, $path, @rest) = @_; return api($method, $path, @rest, server => $server, key => undef) }
sub get { my ($path, %headers) = @_; return ask(GET => $path, headers => \%headers) }

my $report = 'report-uri /console/csp-report';
my $types = "require-trusted-types-for 'script'; trusted-types tuor-worker";
my $page = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
    . "worker-src 'self'; font-src 'self'; frame-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; $types; $report";

subtest 'pages' => sub {
    for my $path ('/console/', '/console/index.html', '/console/projects/proj_1/traces/trace_2', '/console/sign-in', '/console/a/?b=c.d') {
        my $reply = get($path);
        is $reply->status, 200, $path;
        is $reply->body, $file{'index.html'}, '  is index.html';
        is $reply->header('content-type'), 'text/html; charset=utf-8', '  as HTML';
        is $reply->header('cache-control'), 'no-cache', '  asked for each time';
        is get($path, 'X-Request-Id' => 'page-1')->header('x-request-id'), 'page-1', '  with the id of the request';
    }
    my $reply = get('/console?x=1');
    is $reply->status, 301, 'without the slash';
    is $reply->header('location'), '/console/?x=1', '  comes the slash';
    my $head = ask(HEAD => '/console/projects');
    is $head->status, 200, 'HEAD';
    is $head->header('content-length'), length $file{'index.html'}, '  has the length';
    is $head->body // '', '', '  and no body';
};

subtest 'headers' => sub {
    my %always = (
        'content-security-policy' => $page, 'x-content-type-options' => 'nosniff', 'x-frame-options' => 'DENY',
        'referrer-policy' => 'no-referrer', 'cross-origin-opener-policy' => 'same-origin',
        'cross-origin-resource-policy' => 'same-origin',
    );
    for my $path ('/console/', '/console/traces', '/console/none.js', '/console?') {
        my $reply = get($path);
        is $reply->header($_), $always{$_}, "$path: $_" for sort keys %always;
        like $reply->header('permissions-policy'), qr/\bcamera=\(\), .*\bmicrophone=\(\)/, "$path: permissions-policy";
        is $reply->header('strict-transport-security'), undef, "$path: no HSTS without TLS";
    }
    my $worker = get('/console/assets/pdf.worker-3C4D.mjs');
    is $worker->header('content-security-policy'), "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; $report",
        'the worker of PDFs may compile WebAssembly';
    unlike get($_)->header('content-security-policy'), qr/wasm/, "$_ may not" for '/console/', '/console/assets/main-1A2B.js';
    my $frame = get('/console/pdf.html');
    is $frame->header('content-security-policy'),
        "sandbox allow-scripts; default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' blob:; "
        . "connect-src 'self'; worker-src 'self' blob:; font-src 'self'; frame-ancestors 'self'; base-uri 'none'; form-action 'none'; $types; $report",
        'the frame of PDFs has a policy of its own';
    is $frame->header('x-frame-options'), 'SAMEORIGIN', '  and may be framed, here';
    for my $path (grep { m{^assets/} } sort keys %file) {
        my $reply = get("/console/$path");
        is $reply->header('access-control-allow-origin'), '*', "$path can be fetched by a frame without an origin";
        is $reply->header('cross-origin-resource-policy'), 'cross-origin', '  in either way';
    }
    is get('/console/')->header('access-control-allow-origin'), undef, 'pages cannot';
};

subtest 'assets' => sub {
    my %type = ('assets/main-1A2B.js' => 'text/javascript; charset=utf-8', 'assets/main-1A2B.css' => 'text/css; charset=utf-8',
        'assets/pdf.worker-3C4D.mjs' => 'text/javascript; charset=utf-8', 'assets/openjpeg-5E.wasm' => 'application/wasm',
        'assets/cmaps/Adobe-Japan1.bcmap' => 'application/octet-stream');
    for my $path (sort keys %type) {
        my $reply = get("/console/$path");
        is $reply->status, 200, $path;
        is $reply->body, $file{$path}, '  as it is';
        is $reply->header('content-type'), $type{$path}, "  is $type{$path}";
        is $reply->header('cache-control'), 'public, max-age=31536000, immutable', '  for a year';
        my $etag = $reply->header('etag');
        like $etag, qr/^"[^"]+"$/, '  with a strong ETag';
        is get("/console/$path", 'If-None-Match' => $etag)->status, 304, '  by which it need not come again';
    }
    is get('/console/icon.svg')->header('cache-control'), 'no-cache', 'what has no hash in its name is asked for again';
    is get('/console/icon.svg')->header('content-type'), 'image/svg+xml', '  and has its type';
    my $part = get('/console/assets/main-1A2B.js', Range => 'bytes=0-5');
    is $part->status, 206, 'a range';
    is $part->body, substr($file{'assets/main-1A2B.js'}, 0, 6), '  of it';
};

subtest 'compressed' => sub {
    for my $path ('index.html', 'assets/main-1A2B.js') {
        my $plain = get("/console/$path");
        is $plain->header('vary'), 'Accept-Encoding', "$path varies";
        is $plain->header('content-encoding'), undef, '  is plain for who does not ask';
        for my $accept ('gzip', 'br, gzip;q=0.5', '*', 'GZIP') {
            my $reply = get("/console/$path", 'Accept-Encoding' => $accept);
            is $reply->header('content-encoding'), 'gzip', "  compressed for $accept";
            is $reply->body, $packed{$path}, '    as it was built';
            is $reply->header('content-type'), $plain->header('content-type'), '    of the same type';
            isnt $reply->header('etag'), $plain->header('etag'), '    with another ETag';
            is get("/console/$path", 'Accept-Encoding' => $accept, 'If-None-Match' => $reply->header('etag'))->status, 304, '    that serves';
        }
        is get("/console/$path", 'Accept-Encoding' => $_)->header('content-encoding'), undef, "  plain for $_" for 'br', 'gzip;q=0', 'gzip; q=0.0, *';
    }
    is get('/console/assets/main-1A2B.css', 'Accept-Encoding' => 'gzip')->header('content-encoding'), undef, 'where there is no copy it is plain';
};

subtest 'nothing else' => sub {
    for my $path ('assets/none.js', 'assets/none', 'assets/', 'assets/cmaps', 'assets/cmaps/', 'none.txt', '.hidden', '.well-known/x.txt', 'link.txt',
                  'index.html.gz', 'assets/main-1A2B.js.gz', 'assets/..%2fsecret.txt', '..%2fsecret.txt', '%2e%2e%2fsecret.txt', 'x%00.js',
                  'assets//main-1A2B.js.', 'assets/' . 'a' x 300 . '.js') {
        my $reply = get("/console/$path");
        is $reply->status, 404, substr($path, 0, 40);
        unlike $reply->body, qr/secret|Index of/, '  shows nothing';
    }
    for my $path ('/console/../secret.txt', '/console/assets/../../secret.txt', '/console/%2e%2e/secret.txt', '/console/assets/%2e%2e/%2e%2e/secret.txt') {
        like raw_request("GET $path HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", $server), qr{^HTTP/1\.1 4\d\d }, "$path is refused";
    }
    is ask(GET => '/consolex')->status, 404, '/consolex is another path';
    for my $method (qw(POST PUT DELETE PATCH OPTIONS)) {
        my $reply = ask($method => '/console/');
        is $reply->status, 405, "$method is not allowed";
        is join(',', sort split /,\s*/, $reply->header('allow')), 'GET,HEAD', '  but GET and HEAD are';
    }
    is ask(GET => '/console/csp-report')->header('allow'), 'POST', 'reports are posted';
};

sub reports {
    my ($n) = api(GET => '/metrics', server => $server)->body =~ /^tuor_console_csp_reports_total (\d+)$/m;
    return $n;
}
sub told { return scalar(() = $server->error_log =~ /TUOR1351/g) }

subtest 'reports of browsers' => sub {
    my $post = sub { ask(POST => '/console/csp-report', shift, type => 'application/csp-report')->status };
    is reports(), 0, 'none';
    is $post->({ 'csp-report' => { 'effective-directive' => 'img-src', 'document-uri' => 'http://a/PRIVATE',
        'blocked-uri' => "https://evil.test/PRIVATE?PRIVATE\nPRIVATE", 'script-sample' => 'PRIVATE' } }), 204, 'one';
    is reports(), 1, '  is counted';
    my ($line) = $server->error_log =~ /(TUOR1351.*)/;
    like $line, qr{stopped https://evil\.test by img-src$}, '  and logged, by host and directive';
    is $post->({ 'csp-report' => { 'effective-directive' => "x\n" . 'y' x 5000, 'blocked-uri' => 'data:PRIVATE' } }), 204, 'an odd one';
    is $post->({ 'csp-report' => { 'violated-directive' => 7 } }), 204, 'and a hollow one';
    unlike $server->error_log, qr/PRIVATE/, 'show nothing of the page';
    cmp_ok length((sort { length $b <=> length $a } $server->error_log =~ /(TUOR1351.*)/g)[0]), '<', 400, '  in short lines';
    is $post->($_), 400, 'no report: ' . substr($_, 0, 20) for '', '[]', '{"csp-report"', '{"csp-report":1}', "\0\xff";
    is $post->('"' . 'x' x 20_000 . '"'), 413, 'too long a report';
    is reports(), 3, 'are not counted';
    $post->({ 'csp-report' => { 'effective-directive' => 'img-src' } }) for 1 .. 100;
    is reports(), 103, 'a hundred are';
    # At most ten lines a minute in each of up to four children, over the minutes that this may touch.
    cmp_ok told(), '<=', 80, '  but not all logged';
};

# ---------------------------------------------------------------- signing in

my $type = 'application/x-www-form-urlencoded';
my $login = $info->{main}{users}{reviewer};     # the password is the login
sub sign_in { my ($user, $password, %headers) = @_; return ask(POST => '/console/session', "httpd_username=$user&httpd_password=$password", type => $type, headers => \%headers) }
sub cookie { my $reply = shift; my ($value) = ($reply->header('set-cookie') // '') =~ /^(tuor_session=[^;]*)/; return $value }

subtest 'a form signs in' => sub {
    my $stranger = get('/v1/me');
    is $stranger->status, 401, 'a stranger';
    unlike $stranger->header('www-authenticate'), qr/Basic/i, '  gets no dialog from the browser';
    ok $stranger->json->{detail}, '  but an answer in JSON';
    is $stranger->header('location'), undef, '  and is sent nowhere';
    my $wrong = sign_in($login, 'wrong');
    is $wrong->status, 401, 'a wrong password';
    is $wrong->header('www-authenticate'), undef, '  opens no dialog either';
    is cookie($wrong), undef, '  and gives no session';
    is sign_in('nobody', 'wrong')->status, 401, 'an unknown login is told the same';
    my $right = sign_in($login, $login);
    is $right->status, 302, 'the right password';
    is $right->header('location'), '/v1/me', '  leads to who that is';
    my $set = $right->header('set-cookie');
    like $set, qr/^tuor_session=/, '  with a session';
    like $set, qr/;\s*$_(;|$)/i, "  $_" for 'HttpOnly', 'SameSite=Strict', 'Path=/', 'Max-Age=43200';
    unlike $set, qr/Secure/i, '  not Secure, as this is no TLS';
    unlike $set, qr/\Q$login\E/, '  that shows neither login nor password';
    my $session = cookie($right);
    my $me = get('/v1/me', Cookie => $session);
    is $me->status, 200, 'the session is good for /v1';
    is $me->json->{login}, $login, '  as that user';
    is $me->header('set-cookie'), undef, '  and is not written anew each time';
    is $me->header('ratelimit-policy'), undef, '  (limits are off here)';
    is get('/v1/me', Cookie => substr($session, 0, -8))->status, 401, 'a session cut short is none';
    is get('/v1/me', Cookie => 'tuor_session=user=a&pw=b')->status, 401, 'nor is one that was made up';

    my $trace = create_trace(server => $server);
    my $review = sub { ask(POST => "/v1/traces/$trace->{id}/review", { action => 'approve', expected_version => 1 }, headers => { Cookie => $session, @_ })->status };
    is $review->(Origin => 'https://evil.test'), 403, 'another site cannot use it';
    is $review->('Sec-Fetch-Site' => 'same-site'), 403, '  nor a neighbour';
    is $review->('Sec-Fetch-Site' => 'same-origin'), 200, 'the console can';

    my $out = ask(POST => '/console/sign-out', headers => { Cookie => $session });
    is $out->status, 307, 'signing out';
    is $out->header('location'), '/console/signed-out', '  goes on';
    my $done = ask(POST => '/console/signed-out');
    is $done->status, 204, '  to an empty answer';
    my $empty = cookie($out);
    ok $empty, 'the cookie is replaced';
    is get('/v1/me', Cookie => $empty)->status, 401, '  by one that is no session';
};

subtest 'only by the console itself' => sub {
    is sign_in($login, $login, Origin => 'https://evil.test')->status, 403, 'another site cannot sign in';
    is sign_in($login, $login, Origin => 'null')->status, 403, '  nor a page without origin';
    is sign_in($login, $login, 'Sec-Fetch-Site' => 'cross-site')->status, 403, '  as the browser tells';
    is sign_in($login, $login, 'Sec-Fetch-Site' => 'same-origin')->status, 302, 'our own page can';
    is sign_in($login, $login, Origin => $server->url)->status, 302, '  in older browsers, too';
    is ask(POST => '/console/sign-out', headers => { Origin => 'https://evil.test' })->status, 403, 'nor sign out';
    is ask(GET => $_)->status, 405, "$_ takes no GET" for '/console/session', '/console/sign-out';
    my $inline = ask(POST => '/v1/me', "httpd_username=$login&httpd_password=$login", type => $type);
    is $inline->status, 401, 'a form posted to /v1 signs nobody in';
    is cookie($inline), undef, '  and gives no session';
    is cookie(ask(POST => '/v1/me', "none=$login&none=$login", type => $type)), undef, '  by whatever names';
};

subtest 'programs need no session' => sub {
    my $me = api(GET => '/v1/me', server => $server, login => 'reviewer');
    is $me->status, 200, 'Basic authentication';
    is $me->header('set-cookie'), undef, '  sets no cookie';
    my $wrong = api(GET => '/v1/me', server => $server, login => 'reviewer', password => 'wrong');
    is $wrong->status, 401, 'a wrong password';
    like $wrong->header('www-authenticate'), qr/^Basic /, '  is asked for again';
    my $key = api(GET => '/v1/me', server => $server);
    is $key->status, 200, 'an API key';
    is $key->header('set-cookie'), undef, '  sets no cookie';
    is api(GET => '/v1/me', server => $server, key => 'tuor_wrong')->status, 401, 'a wrong key';
    is get('/v1/openapi.json')->status, 200, 'the description is still public';
};

subtest 'who is taken out of the password file is out' => sub {
    my $user = new_user('leaver');
    my $session = cookie(sign_in($user, $user));
    is get('/v1/me', Cookie => $session)->status, 403, 'signed in, though no member';
    my $text = Tuor::Run::read_file($info->{users_file});
    write_file($info->{users_file}, $text =~ s/^\Q$user\E:.*\n//mr);
    is get('/v1/me', Cookie => $session)->status, 401, 'out with the next request';
};

subtest 'without a bundle' => sub {
    rename $bundle, "$bundle.away" or die;
    my $reply = get('/console/');
    is $reply->status, 503, 'the page says so';
    like $reply->header('content-type'), qr{^text/plain}, '  in plain words';
    like $reply->body, qr{--with-console=build}, '  and how to build it';
    like $reply->header('content-security-policy'), qr/^default-src 'none'/, '  under the same policy';
    unlike $reply->body, qr/\Q$dir\E/, '  without a path';
    like $server->error_log, qr/TUOR1350.*\Q$bundle\E/, 'the log names the place';
    is get('/console/assets/main-1A2B.js')->status, 404, 'assets are not found';
    rename "$bundle.away", $bundle or die;
    is get('/console/')->status, 200, 'it is back at once';
};

subtest 'over TLS' => sub {
    my $made = system("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -keyout $dir/key.pem -out $dir/cert.pem >/dev/null 2>&1");
    is $made, 0, 'a certificate' or return;
    my $port = Tuor::Run::free_port();
    my $tls = Tuor::Server->start(conf => <<~"END");
        Define TUOR_USERS_FILE "$info->{users_file}"
        Define TUOR_SESSION_KEY_FILE "$dir/session.key"
        Include "@{[source()]}/conf/extra/console-form.conf"
        <Location "/console">
            TuorConsoleRoot "$bundle"
        </Location>
        Listen 127.0.0.1:$port
        <VirtualHost 127.0.0.1:$port>
            SSLEngine On
            SSLCertificateFile "$dir/cert.pem"
            SSLCertificateKeyFile "$dir/key.pem"
        </VirtualHost>
        END
    my $https = HTTP::Tiny->new(max_redirect => 0, verify_SSL => 0);
    my $reply = $https->get("https://127.0.0.1:$port/console/");
    is $reply->{status}, 200, 'the page' or diag $reply->{content};
    is $reply->{headers}{'strict-transport-security'}, 'max-age=31536000', '  asks for TLS from now on';
    $reply = $https->post_form("https://127.0.0.1:$port/console/session", { httpd_username => $login, httpd_password => $login });
    is $reply->{status}, 302, 'signed in';
    like $reply->{headers}{'set-cookie'}, qr/;\s*Secure/, '  with a Secure cookie';
    my ($session) = $reply->{headers}{'set-cookie'} =~ /^([^;]+)/;
    is $https->get("https://127.0.0.1:$port/v1/me", { headers => { Cookie => $session } })->{status}, 200, '  that is good for /v1';
};

subtest 'directive' => sub {
    my ($status, $said) = Tuor::Server->configtest(qq{TuorConsoleRoot ""\n});
    isnt $status, 0, 'an empty directory is refused';
    like $said, qr/index\.html/, '  with what it should be';
    ($status, $said) = Tuor::Server->configtest("<Location /x>\nRequire tuor-same-origin please\n</Location>\n");
    isnt $status, 0, 'Require tuor-same-origin takes no argument';
};

remove_tree($dir);
done_testing;
