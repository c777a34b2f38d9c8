# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# The ground rules, on every route that is promised: who may, with and without a final slash, HEAD, methods, the order
# and the form of refusals. The table is written by hand: it says what there has to be, whatever the server thinks.
use strict;
use warnings;
use Tuor::Server;
use Tuor::Test;

my @classes = qw(ingest read write export refine console);
my $server = Tuor::Server->start(conf => join '', map { "TuorRateLimit $classes[$_] " . (90_001 + $_) . "/min\n" } 0 .. $#classes);
my %quota = map { $classes[$_] => 90_001 + $_ } 0 .. $#classes;

my $project = create_project(server => $server)->{id};
my $trace = create_trace(server => $server, project_id => $project)->{id};
my $tag = must(201, POST => '/v1/tags/', { name => "spec $$" })->json->{id};
my $prompt = must(201, POST => "/v1/projects/$project/prompts", { content => 'P' })->json->{id};
my $delivery = delivery($project, org_id());

sub ask { my ($method, $path, @rest) = @_; return api($method, $path, @rest, server => $server) }
sub must { my ($status, @call) = @_; my $reply = ask(@call); die "@call[0, 1]: " . $reply->status . $reply->body if $reply->status != $status; return $reply }

# One that needs no receiver.
sub delivery {
    my ($of, $org) = @_;
    my $id = 'whd_' . substr("$of$of", 5, 22);
    psql("INSERT INTO tuor.webhook_deliveries (org_id, id, project_id, event_id, event_type, status, created_at, updated_at, body_size, body)"
       . " VALUES ('$org', '$id', '$of', 'evt_0000000000000000000000', 'webhook.test', 'failed', now(), now(), 2, '{}')");
    return $id;
}

# path, methods: least role (key: no API key may) and rate class; then a body that has no fault, where there is one.
my %body = (
    'POST /v1/traces' => { project_id => $project, model_input => {}, model_output => {} },
    'POST /v1/traces/{trace}/review' => { action => 'approve', expected_version => 9 },
    map({ ("POST /v1/traces/{trace}/$_" => { expected_version => 9 }) } qw(reset restore)),
    'POST /v1/traces/{trace}/tags' => { tag_ids => ['{tag}'] },
    'POST /v1/projects' => { name => 'P' }, 'PUT /v1/projects/{project}' => { name => 'P' },
    'POST /v1/tags' => { name => 'T' }, 'PUT /v1/tags/{tag}' => { description => 'T' },
    'POST /v1/projects/{project}/prompts' => { content => 'P' },
    'POST /v1/projects/{project}/prompts/accept-refinement' => { suggestion_id => 'sug_0000000000000000000000' },
    'POST /v1/projects/{project}/webhook-deliveries/retry' => { from => '2026-01-01', to => '2026-01-02' },
    'POST /v1/api-keys' => { name => 'K' }, 'POST /v1/members' => { login => "spec-$$", role => 'viewer' },
    'PUT /v1/members/{user}' => { role => 'viewer' },
    'POST /otlp/v1/traces' => { resourceSpans => [] },
);
# No body is fine there, too.
my %optional = map { $_ => 1 } 'POST /v1/projects/{project}/prompts/refine', 'POST /v1/projects/{project}/test-webhook',
    'POST /v1/webhook-deliveries/{delivery}/retry', 'POST /v1/queue/next', 'PUT /v1/queue/leases/{trace}', 'DELETE /v1/traces/{trace}';
my @routes = map { my ($path, @methods) = @$_; map { my ($method, $role, $class) = split / /; {
        method => $method, path => $path, name => "$method $path", users_only => $role =~ s/^user-//, role => $role, class => $class,
        body => $body{"$method $path"} // ($optional{"$method $path"} ? {} : undef), optional => $optional{"$method $path"},
    } } @methods }
    ['/v1/traces', 'GET viewer read', 'POST admin ingest'],
    ['/v1/traces/batch', 'POST admin ingest'],
    ['/v1/traces/export', 'GET viewer export'],
    ['/v1/traces/{trace}', 'GET viewer read', 'DELETE admin write'],
    ['/v1/traces/{trace}/events', 'GET viewer read'],
    ['/v1/traces/{trace}/review', 'POST reviewer write'],
    ['/v1/traces/{trace}/reset', 'POST reviewer write'],
    ['/v1/traces/{trace}/restore', 'POST admin write'],
    ['/v1/traces/{trace}/tags', 'POST reviewer write'],
    ['/v1/traces/{trace}/tags/{tag}', 'DELETE reviewer write'],
    ['/v1/projects', 'GET viewer read', 'POST admin write'],
    ['/v1/projects/{project}', 'GET viewer read', 'PUT admin write', 'DELETE admin write'],
    ['/v1/projects/{project}/analytics', 'GET viewer read'],
    ['/v1/projects/{project}/prompts', 'GET viewer read', 'POST admin write'],
    ['/v1/projects/{project}/prompts/{prompt}', 'GET viewer read'],
    ['/v1/projects/{project}/prompts/{prompt}/stats', 'GET viewer read'],
    ['/v1/projects/{project}/prompts/refine', 'POST admin refine'],
    ['/v1/projects/{project}/prompts/accept-refinement', 'POST admin write'],
    ['/v1/projects/{project}/webhook-deliveries', 'GET viewer read'],
    ['/v1/projects/{project}/webhook-deliveries/retry', 'POST admin write'],
    ['/v1/projects/{project}/test-webhook', 'POST admin write'],
    ['/v1/webhook-deliveries/{delivery}', 'GET viewer read'],
    ['/v1/webhook-deliveries/{delivery}/retry', 'POST admin write'],
    ['/v1/tags', 'GET viewer read', 'POST admin write'],
    ['/v1/tags/{tag}', 'GET viewer read', 'PUT admin write', 'DELETE admin write'],
    ['/v1/me', 'GET viewer read'],
    ['/v1/api-keys', 'GET user-admin read', 'POST user-admin write'],
    ['/v1/api-keys/{key}', 'DELETE user-admin write'],
    ['/v1/members', 'GET user-admin read', 'POST user-admin write'],
    ['/v1/members/{user}', 'PUT user-admin write', 'DELETE user-admin write'],
    ['/v1/queue', 'GET viewer read'],
    ['/v1/queue/next', 'POST reviewer write'],
    ['/v1/queue/leases/{trace}', 'PUT reviewer write', 'DELETE reviewer write'],
    ['/v1/events', 'GET viewer read'],
    ['/otlp/v1/traces', 'POST admin ingest'];

my %ours = (project => $project, trace => $trace, tag => $tag, prompt => $prompt, delivery => $delivery, map { ($_ => "${_}_0000000000000000000000") } qw(key user));
sub fill { my ($text, %id) = @_; return $text =~ s/\{(\w+)\}/($id{$1} \/\/ $ours{$1})/ger }
sub at { my ($route, %id) = @_; return fill($route->{path}, %id) }

# What there is to send: NDJSON in one place, JSON otherwise.
sub type_of { return $_[0]{path} =~ /batch/ ? 'application/x-ndjson' : 'application/json' }
sub takes_body { return $_[0]{body} || $_[0]{path} =~ /batch/ }
sub content { my ($route, %id) = @_; return !takes_body($route) ? () : $route->{body} ? fill(encode($route->{body}), %id) : '' }
sub by { my $route = shift; return $route->{users_only} ? (login => 'admin') : () }
sub fields { my $reply = shift; return sort map { $_->{field} } @{ $reply->json->{errors} // [] } }
sub send_to { my ($route, $query, @rest) = @_; return ask($route->{method}, at($route) . $query, content($route), type => type_of($route), by($route), @rest) }

# A request by hand: (status, headers).
sub raw {
    my ($method, $target, @headers) = @_;
    my $answer = raw_request(join("\r\n", "$method $target HTTP/1.1", 'Host: t', 'Connection: close', 'X-API-Key: ' . api_key(), @headers, '', ''), $server);
    my ($head) = split /\r\n\r\n/, $answer, 2;
    return ($head =~ m{^HTTP/1\.1 (\d+)} ? $1 : 0, $head);
}

subtest 'the table is whole' => sub {
    my $paths = ask(GET => '/v1/openapi.json')->json->{paths};
    my $shape = sub { shift() =~ s/\{\w+\}/{}/gr =~ s{/$}{}r };
    my %mine = map { $shape->($_->{name}) => 1 } @routes;
    my @missing = grep { !$mine{$_} } map { my $path = $_; map { $shape->(uc($_) . " $path") } grep { /^(get|put|post|delete|patch)$/ } keys %{ $paths->{$path} } } sort keys %$paths;
    is join(' ', sort @missing), 'GET /healthz GET /readyz GET /v1/openapi.json', 'but for what is public, it has every route';
};

subtest 'who may; unknown parameters; the class; the id of the request' => sub {
    my %rank = (viewer => 1, reviewer => 2, admin => 3);
    for my $route (@routes) {
        my $nobody = send_to($route, '?no_such=1', login => undef, key => undef);
        is $nobody->status, 401, "$route->{name}: nobody";
        ok $nobody->header('www-authenticate'), '  is asked who it is';
        for my $role (qw(viewer reviewer admin)) {
            my $reply = send_to($route, '?no_such=1', login => $role, headers => { 'X-Request-Id' => "spec-$role" });
            # A fault of the request shows that its sender was let in, and changes nothing.
            is $reply->status, $rank{$role} >= $rank{ $route->{role} } ? 422 : 403, "  $role";
            ok scalar(grep { $_ eq 'no_such' } fields($reply)), '  is told of the parameter' if $reply->status == 422;
            is $reply->header('x-request-id'), "spec-$role", '  X-Request-Id';
            is $reply->header('ratelimit-policy'), $reply->status == 403 ? undef : "\"console\";q=$quota{console};w=60", '  RateLimit-Policy';
        }
        my $key = send_to($route, '?no_such=1', login => undef);
        is $key->status, $route->{users_only} ? 403 : 422, '  an API key';
        is $key->header('ratelimit-policy'), "\"$route->{class}\";q=$quota{ $route->{class} };w=60", "  counts as $route->{class}" if !$route->{users_only};
    }
};

subtest 'methods' => sub {
    my %of;
    push @{ $of{ $_->{path} } }, $_->{method}, $_->{method} eq 'GET' ? 'HEAD' : () for @routes;
    push @{ $of{$_} }, 'GET', 'HEAD' for '/v1/openapi.json', '/healthz', '/readyz';
    for my $path (sort keys %of) {
        my $target = fill($path);
        # A version of a prompt and the two verbs lie at the same place.
        my %may = map { $_ => 1 } @{ $of{$path} };
        for my $method (grep { !$may{$_} } qw(GET POST PUT PATCH DELETE OPTIONS TRACE)) {
            for my $slash ('', '/') {
                my ($status, $head) = raw($method, "$target$slash", 'Content-Length: 0');
                is $status, 405, "$method $path$slash";
                like $head, qr{^Content-Type: application/json\r?$}m, '  as JSON';
                like $head, qr/^X-Request-Id: \S/m, '  X-Request-Id';
                my ($allow) = $head =~ /^Allow: (.*?)\r?$/m;
                is join(' ', sort split /, */, $allow // 'none'), join(' ', sort keys %may), '  Allow';
            }
        }
    }
};

subtest 'GET and HEAD, with and without a final slash' => sub {
    for my $route ((grep { $_->{method} eq 'GET' } @routes), map { { method => 'GET', path => $_ } } '/v1/openapi.json', '/healthz', '/readyz') {
        my $path = at($route);
        my $reply = ask(GET => $path, by($route));
        is $reply->status, 200, "GET $route->{path}" or diag $reply->body;
        my $slash = ask(GET => "$path/", by($route));
        is $slash->status, 200, '  with a slash';
        is $slash->header('location'), undef, '  and no redirect';
        for my $end ('', '/') {
            my $head = ask(HEAD => "$path$end", by($route));
            is $head->status, 200, "  HEAD$end";
            ok !length($head->body // ''), '    has no body';
            for my $name (qw(content-type cache-control etag)) {
                is $head->header($name), $reply->header($name), "    $name";
            }
            like $head->header('content-length') // '', qr/^(\d*)$/, '    Content-Length, where there is one';
            is $head->header('content-length'), length $reply->body, '    is that of the answer'
                if defined $head->header('content-length') && $path !~ m{/(me|queue|events)$};
        }
    }
};

subtest 'bodies' => sub {
    for my $route (grep { takes_body($_) } @routes) {
        my ($method, $path, @by) = ($route->{method}, at($route), by($route));
        my $type = type_of($route);
        my $post = sub { my ($query, $body, %opt) = @_; return ask($method, "$path$query", $body, type => $type, @by, %opt) };
        my $wrong = $post->('?%zz', '{', type => 'text/plain');
        is $wrong->status, 415, "$route->{name}: another type comes before broken JSON and a broken query";
        like $wrong->json->{detail}, qr/Content-Type|application/, '  and says what would be right';
        is $post->('/', '{}', type => 'text/plain')->status, 415, '  with a slash, too';
        is $post->('', content($route), type => '')->status, 415, '  none' if $type ne 'application/x-ndjson';
        my ($status) = raw($method, "$path?%zz", "Content-Type: $type", 'Content-Length: 99999999999', 'Expect: 100-continue');
        is $status, 413, '  too large, before a broken query' if !@by;
        next if $path =~ /batch/;
        is $post->('?no_such=1', $_->[1])->status, 400, "  $_->[0]" for ['broken', '{'], ['a comma', '{"a":1,}'], ['a byte-order mark', "\xef\xbb\xbf{}"],
            ['no UTF-8', "{\"a\":\"\xff\"}"], ['a raw surrogate', "{\"a\":\"\xed\xa0\x80\"}"], ['NaN', '{"a":NaN}'], ['two texts', '{}{}'], ['NUL', "{}\0"];
        is $post->('?%zz', content($route))->status, 400, '  a broken query';
        next if $path =~ /otlp/;
        is $post->('?no_such=1', '{"a":1,"a":1}')->status, 400, '  a member twice, even one that nobody knows';
        my ($name) = sort keys %{ $route->{body} };
        is $post->('?no_such=1', encode($route->{body}) =~ s/\}$/,"$name":null}/r)->status, 400, "  $name twice" if $name;
        for my $text ('[]', '"x"', '1', 'null', 'true') {
            my $reply = $post->('', $text);
            is $reply->status, 422, "  $text is no object";
            is join(' ', fields($reply)), 'body', '    and errors says what is faulty';
        }
        ($status) = raw($method, "$path?no_such=1", "Content-Type: $type", 'Content-Length: 0');
        is $status, $route->{optional} ? 422 : 400, '  an empty body' if !@by;
    }
    is ask($_->{method}, at($_) . '?%zz', by($_))->status, 400, "$_->{name}: a broken query" for grep { !takes_body($_) } @routes;
};

subtest 'foreign and absent' => sub {
    my $key = other_org_key();
    my $by = sub { my ($status, @call) = @_; my $reply = api(@call, key => $key, server => $server); die $reply->body if $reply->status != $status; return $reply->json };
    my %foreign = (project => $by->(201, POST => '/v1/projects/', { name => 'F' })->{id}, tag => $by->(201, POST => '/v1/tags/', { name => "F $$" })->{id});
    $foreign{trace} = $by->(201, POST => '/v1/traces/', { project_id => $foreign{project}, model_input => {}, model_output => {} })->{id};
    $foreign{prompt} = $by->(201, POST => "/v1/projects/$foreign{project}/prompts", { content => 'F' })->{id};
    $foreign{delivery} = delivery($foreign{project}, other_org_id());
    $foreign{key} = api(GET => '/v1/me', key => $key)->json->{id};
    $foreign{user} = psql("SELECT user_id FROM tuor.members WHERE org_id = '" . other_org_id() . "' LIMIT 1");
    my %prefix = (project => 'proj', prompt => 'prm', delivery => 'whd');
    my %absent = map { $_ => ($prefix{$_} // $_) . '_0000000000000000000000' } keys %foreign;
    my $same = sub { my $reply = shift; return join "\n", $reply->status, $reply->body, sort grep { !/^(date|x-request-id|ratelimit|connection|upgrade|keep-alive)$/ } keys %{ $reply->headers } };
    for my $route (grep { $_->{path} =~ /\{/ } @routes) {
        for my $name ($route->{path} =~ /\{(\w+)\}/g) {
            my @replies = map { ask($route->{method}, at($route, $name => $_) . ($route->{name} eq 'DELETE /v1/traces/{trace}' ? '?expected_version=1' : ''),
                content($route), by($route)) } $absent{$name}, $foreign{$name}, 'nonsense', '%00', 'a%2Eb';
            # Taking off a tag that is not there is no error.
            is $replies[0]->status, $route->{name} =~ m{^DELETE .*/tags/} && $name eq 'tag' && $route->{path} =~ /trace/ ? 200 : 404, "$route->{name}: an absent $name" or diag $replies[0]->body;
            my @others = map { $same->($_) } @replies[0 .. 2];
            # A new time is all that an answer of a trace may differ in.
            is $others[$_], $others[0], '  ' . ('', 'a foreign one', 'and what is no id at all')[$_] . ' get the same answer' for 1, 2;
            ok $_->status == $replies[0]->status || $_->status =~ /^40[04]$/, '  as is an odd one: ' . $_->status for @replies[3, 4];
        }
    }
    # An object of ours asked for below another project is not there either.
    my $second = create_project(server => $server)->{id};
    is ask(GET => "/v1/projects/$second/prompts/$prompt$_")->status, 404, "another project's prompt$_" for '', '/stats';
};

subtest 'credentials that are no good any more' => sub {
    my $gone = new_org("Spec gone $$");
    my $old = database->ctl('key', 'create', '--org', $gone->{id}, '--name', 'old');
    database->ctl('key', 'revoke', ask(GET => '/v1/me', key => $old)->json->{id}, '--org', $gone->{id});
    my $admin = new_user('spec-gone');
    database->ctl('user', 'add', $admin, '--org', $gone->{id}, '--role', 'admin');
    database->ctl('org', 'suspend', $gone->{id});
    my $n = psql("SELECT count(*) FROM tuor.projects WHERE org_id = '$gone->{id}'");
    for my $route (@routes) {
        # A good request: nothing but the credential is wrong with it.
        my @call = ($route->{method}, at($route), content($route), type => type_of($route));
        my ($revoked, $suspended) = map { ask(@call, key => $_) } $old, $gone->{key};
        is $revoked->status, 401, "$route->{name}: a revoked key";
        is $suspended->status, 403, '  a key of a suspended organization';
        is ask(@call, login => $admin)->status, 403, '  its admin';
        is ask(@call, key => 'tuor_' . 'x' x 49)->status, 401, '  a malformed key';
    }
    is psql("SELECT count(*) FROM tuor.projects WHERE org_id = '$gone->{id}'"), $n, 'nothing came of it';
};

subtest 'other sites' => sub {
    for my $route (@routes) {
        for my $header (['Sec-Fetch-Site' => 'cross-site'], ['Sec-Fetch-Site' => 'same-site'], ['Origin' => 'https://evil.example'], ['Origin' => 'null']) {
            my $reply = ask($route->{method}, at($route) . '?no_such=1', content($route), type => type_of($route), login => 'admin', headers => {@$header});
            is $reply->status, $route->{method} eq 'GET' ? 422 : 403, "$route->{name} with @$header";
        }
        is ask($route->{method}, at($route) . '?no_such=1', content($route), type => type_of($route), login => 'admin', headers => { Origin => $server->url })->status, 422, '  and our own Origin';
    }
};

subtest 'without a database' => sub {
    my $away = Tuor::Server->start(conf => "TuorRateLimit all off\nDBDParams \"host=/nonexistent dbname=x connect_timeout=1\"\n");
    for my $route (@routes) {
        my $reply = api($route->{method}, at($route) . ($route->{name} eq 'DELETE /v1/traces/{trace}' ? '?expected_version=1' : ''), $route->{path} =~ /batch/
            ? encode($body{'POST /v1/traces'}) : content($route), type => type_of($route), by($route), server => $away);
        is $reply->status, 503, "$route->{name}" or diag $reply->body;
        like $reply->header('retry-after'), qr/^[1-9]\d*$/, '  Retry-After';
        unlike $reply->body, qr{/nonexistent|SELECT|dbname}, '  nothing of the inside';
    }
};

done_testing;
