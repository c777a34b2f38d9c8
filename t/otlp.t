# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# POST /otlp/v1/traces: spans of GenAI applications, in OTLP's JSON and protobuf.
use strict;
use warnings;
use Compress::Zlib ();
use Tuor::Server;
use Tuor::Test;

my $org = new_org("OTLP $$");
my $project = create_project(key => $org->{key})->{id};
my ($JSON, $PROTOBUF) = ('application/json', 'application/x-protobuf');

sub post { my ($body, $type, %option) = @_; return api(POST => '/otlp/v1/traces', $body, key => $org->{key}, type => $type, %option) }
sub stored { return psql("SELECT count(*) FROM tuor.traces WHERE org_id = '$org->{id}'") }
sub newest { return api(GET => '/v1/traces/?limit=1', key => $org->{key})->json->[0] }

# A value is a string, [kind => value], or [list => ...], [map => ...].
sub any_json {
    my $v = shift;
    if (!ref $v) {
        utf8::decode(my $text = "$v");
        return { stringValue => $text };
    }
    my ($kind, @v) = @$v;
    return { arrayValue => { values => [map { any_json($_) } @v] } } if $kind eq 'list';
    return { kvlistValue => { values => pairs_json(@v) } } if $kind eq 'map';
    return { boolValue => $v[0] ? JSON::PP::true : JSON::PP::false } if $kind eq 'bool';
    return { "${kind}Value" => $v[0] };
}
sub pairs_json { my @p; while (my ($k, $v) = splice @_, 0, 2) { push @p, { key => $k, value => any_json($v) } } return \@p }
# A span has an id of its own, unless it says which.
my $trace_id = '0102030405060708090a0b0c0d0e0f10';
my $spans = 0;
sub span_id { return $_[0]{id} // sprintf '%016x', ++$spans }
sub json_body {
    my ($resource, @spans) = @_;
    return encode({ resourceSpans => [{ resource => { attributes => pairs_json(@$resource) }, scopeSpans => [{ scope => { name => 's' }, spans => [map { {
        traceId => $_->{trace} // $trace_id, spanId => span_id($_), name => 'chat m', kind => 3, startTimeUnixNano => '1700000000000000000',
        endTimeUnixNano => '1700000001234567000', attributes => pairs_json(@{ $_->{attributes} // [] }),
        events => [map { { name => $_->[0], attributes => pairs_json(@{ $_->[1] }) } } @{ $_->{events} // [] }],
    } } @spans] }] }] });
}

# The same in protobuf.
sub varint { my $n = shift; my $s = ''; while ($n > 127) { $s .= chr($n & 127 | 128); $n >>= 7 } return $s . chr $n }
sub field { my ($n, $bytes) = @_; return varint($n << 3 | 2) . varint(length $bytes) . $bytes }
sub any_pb {
    my $v = shift;
    return field(1, "$v") unless ref $v;
    my ($kind, @v) = @$v;
    return field(5, join '', map { field(1, any_pb($_)) } @v) if $kind eq 'list';
    return field(6, pairs_pb(1, @v)) if $kind eq 'map';
    return varint(3 << 3) . varint($v[0]) if $kind eq 'int';
    return varint(2 << 3) . varint($v[0] ? 1 : 0) if $kind eq 'bool';
    return varint(4 << 3 | 1) . pack('d<', $v[0]);
}
sub pairs_pb { my $n = shift; my $s = ''; while (my ($k, $v) = splice @_, 0, 2) { $s .= field($n, field(1, $k) . field(2, any_pb($v))) } return $s }
sub pb_body {
    my ($resource, @spans) = @_;
    return field(1, field(1, pairs_pb(1, @$resource)) . field(2, field(1, field(1, 's')) . join '', map {
        field(2, field(1, pack 'H*', $_->{trace} // $trace_id) . field(2, pack 'H*', span_id($_)) . field(5, 'chat m') . varint(6 << 3) . varint(3)
            . varint(7 << 3 | 1) . pack('Q<', 1700000000000000000) . varint(8 << 3 | 1) . pack('Q<', 1700000001234567000)
            . pairs_pb(9, @{ $_->{attributes} // [] }) . join('', map { field(11, field(2, $_->[0]) . pairs_pb(3, @{ $_->[1] })) } @{ $_->{events} // [] })
            . varint(16 << 3 | 5) . pack('L<', 257)) } @spans));
}

# Of an answer: how many spans were rejected, and why.
sub rejected {
    my $reply = shift;
    return "status " . $reply->status . ': ' . $reply->body if $reply->status != 200;
    if ($reply->header('content-type') eq $JSON) {
        my $partial = $reply->json->{partialSuccess} or return 0;
        return "$partial->{rejectedSpans} $partial->{errorMessage}";
    }
    my $body = $reply->body // '';
    return 0 if $body eq '';
    my ($n, $why) = $body =~ /\A\x0a[^\x08]{1,2}\x08([\x00-\x7f])\x12(?:[\x00-\x7f]|[\x80-\xff][\x00-\x7f])(.*)\z/s or return 'no answer';
    return ord($n) . " $why";
}

my @resource = ('tuor.project_id' => $project, 'service.name' => 'shop', 'tuor.internal_run_id' => 'run-1');
my $asked = encode([{ role => 'user', parts => [{ type => 'text', content => 'Hi "you"' }, { type => 'text', content => "\x{e9}" }] }]);
my $said = encode([{ role => 'assistant', parts => [{ type => 'text', content => 'Hello' }], finish_reason => 'stop' }]);
my @content = ('gen_ai.input.messages' => $asked, 'gen_ai.output.messages' => $said);
my $good = { attributes => [@content] };

for my $form ([JSON => $JSON, \&json_body], [protobuf => $PROTOBUF, \&pb_body]) {
    my ($what, $type, $body) = @$form;
    my $send = sub { return post($body->([@resource], @_), $type) };
    subtest "$what: a span becomes a trace" => sub {
        my $reply = $send->({ attributes => [@content, 'gen_ai.request.model' => 'asked', 'gen_ai.response.model' => 'm-1', 'gen_ai.usage.input_tokens' => [int => 12],
            'gen_ai.request.temperature' => [double => 0.1], stream => [bool => 1], 'gen_ai.system_instructions' => encode([{ type => 'text', content => 'Be kind.' }]),
            'gen_ai.response.finish_reasons' => [list => 'stop'], name => 'not this one', 'tuor.prompt_version_id' => 'prm_1', nested => [map => a => [int => 1], b => [list => 'x', [int => 2]]]] });
        is rejected($reply), 0, 'taken';
        is $reply->header('content-type'), $type, '  and answered in kind';
        is $reply->body // '', $type eq $JSON ? '{}' : '', '  with nothing to say';
        my $trace = newest();
        is $trace->{project_id} . ' ' . $trace->{status}, "$project pending", 'it is there';
        is_deeply $trace->{model_input}, { messages => [{ role => 'user', content => "Hi \"you\"\n\x{e9}" }], system_prompt => 'Be kind.', content => "Hi \"you\"\n\x{e9}" }, 'what was asked';
        is_deeply $trace->{model_output}, { content => 'Hello' }, 'what was said';
        my $config = $trace->{trace_config};
        is $config->{model} . " $config->{prompt_version_id} $config->{internal_run_id}", 'm-1 prm_1 run-1', 'well-known members';
        is $config->{trace_id} . " $config->{span_id} $config->{name}", "$trace_id " . sprintf('%016x', $spans) . ' chat m', 'ids and name';
        is $config->{duration_ms}, 1234.567, 'duration';
        is_deeply $config->{nested}, { a => 1, b => ['x', 2] }, 'structure';
        is $config->{'gen_ai.usage.input_tokens'} . ' ' . $config->{'gen_ai.request.temperature'} . ' ' . ref $config->{stream}, '12 0.1 JSON::PP::Boolean', 'numbers and booleans';
        is_deeply $config->{resource}, { 'service.name' => 'shop' }, 'the resource';
        is_deeply [grep { /messages|tuor|instructions/ } keys %$config], [], 'no content in it';
        is api(GET => '/v1/traces/?internal_run_id=run-1&model=m-1&limit=1', key => $org->{key})->json->[0]{id}, $trace->{id}, 'filters find it';
    };
    subtest "$what: other ways to tell it" => sub {
        is rejected($send->({ attributes => ['gen_ai.input.messages' => [list => [map => role => 'user', parts => [list => [map => type => 'text', content => 'structured']]]],
            'gen_ai.output.messages' => [list => [map => role => 'assistant', parts => [list => [map => type => 'tool_call', id => 'c', name => 'f', arguments => [map => x => [int => 1]]]]]]] })), 0, 'structure';
        my $trace = newest();
        is $trace->{model_input}{content}, 'structured', '  is read';
        is $trace->{model_output}{messages}[0]{parts}[0]{arguments}{x}, 1, '  a tool call stays as it is';
        is rejected($send->({ events => [['gen_ai.client.inference.operation.details', [@content]]] })), 0, 'the event of details';
        is newest()->{model_output}{content}, 'Hello', '  is read';
        is rejected($send->({ events => [['gen_ai.system.message', [content => 'S']], ['gen_ai.user.message', [content => 'U']], ['gen_ai.choice', [message => '{"role":"assistant","content":"C"}', finish_reason => 'stop']]] })), 0, 'an event a message';
        $trace = newest();
        is_deeply $trace->{model_input}, { messages => [{ role => 'system', content => 'S' }, { role => 'user', content => 'U' }], content => 'U' }, '  is read';
        is_deeply $trace->{model_output}, { content => 'C' }, '  and the answer';
        is rejected($send->({ events => [['gen_ai.user.message', ['gen_ai.event.content' => '{"content":"U2"}']], ['gen_ai.choice', ['gen_ai.event.content' => '{"index":0,"message":{"role":"assistant","content":"C2"}}']]] })), 0, 'JSON in an event';
        is newest()->{model_input}{content} . newest()->{model_output}{content}, 'U2C2', '  is read';
        is rejected($send->({ events => [['gen_ai.content.prompt', ['gen_ai.prompt' => 'P']], ['gen_ai.content.completion', ['gen_ai.completion' => 'Q']]] })), 0, 'prompt and completion';
        is newest()->{model_input}{content} . newest()->{model_output}{content}, 'PQ', '  are read';
    };
    subtest "$what: spans that are not stored" => sub {
        my $before = stored();
        my $deep = '[' x 12 . ']' x 12;
        my @cases = (['no content', { attributes => ['http.method' => 'GET'] }, qr/^1 1 span: no GenAI content/], ['none at all', {}, qr/^1 .*no GenAI content/],
            ['no output', { attributes => ['gen_ai.input.messages' => $asked] }, qr/no gen_ai.output.messages/], ['no input', { attributes => ['gen_ai.output.messages' => $said] }, qr/no gen_ai.input.messages/],
            ['numbers', { attributes => ['gen_ai.input.messages' => '[1]', 'gen_ai.output.messages' => $said] }, qr/no list of messages/], ['nothing', { attributes => ['gen_ai.input.messages' => '[]', 'gen_ai.output.messages' => $said] }, qr/no list of messages/],
            ['too deep', { attributes => ['gen_ai.input.messages' => "[{\"role\":\"user\",\"x\":$deep}]", 'gen_ai.output.messages' => $said] }, qr/model_input is nested deeper than the limit of 10 levels/],
            ['config too deep', { attributes => [@content, x => (sub { my $v = 'x'; $v = [list => $v] for 1 .. 20; $v })->()] }, qr/trace_config is nested deeper/],
            ['too big', { attributes => ['gen_ai.input.messages' => 'x' x 5_300_000, 'gen_ai.output.messages' => $said] }, qr/model_input is larger than the limit of 5242880/]);
        like rejected($send->($_->[1])), $_->[2], $_->[0] for @cases;
        like rejected(post($body->([], $good), $type)), qr/^1 .*no attribute tuor.project_id/, 'no project';
        like rejected(post($body->(['tuor.project_id' => $_], $good), $type)), qr/^1 .*project/i, "project $_" for 'proj_0000000000000000000000', 'x' x 200, create_project(key => other_org_key())->{id};
        like rejected(post($body->(['tuor.project_id' => [int => 1]], $good), $type)), qr/no id of a project/, 'a number';
        is stored(), $before, 'none is stored';
        is rejected($send->({}, $good, {}, $good)) =~ s/:.*//r, '2 2 spans', 'some are';
        is stored(), $before + 2, '  stored';
    };
    subtest "$what: gzip" => sub {
        my $before = stored();
        my $plain = $body->([@resource], $good);
        is rejected(post(Compress::Zlib::memGzip($plain), $type, headers => { 'Content-Encoding' => 'gzip' })), 0, 'is inflated';
        is stored(), $before + 1, '  and stored';
        is post($plain, $type, headers => { 'Content-Encoding' => $_ })->status, 415, $_ for 'br', 'deflate', 'gzip, gzip';
        is rejected(post($body->([@resource], $good), $type, headers => { 'Content-Encoding' => 'identity' })), 0, 'identity';
        is post($plain, $type, headers => { 'Content-Encoding' => 'gzip' })->status, 400, 'not gzip at all';
        is post(substr(Compress::Zlib::memGzip($plain), 0, 40), $type, headers => { 'Content-Encoding' => 'gzip' })->status, 400, 'cut short';
        like post(Compress::Zlib::memGzip('x' x 300_000_000), $type, headers => { 'Content-Encoding' => 'gzip' })->status, qr/^4(00|13)$/, 'a bomb';
        is stored(), $before + 2, 'nothing else is stored';
    };
}

subtest 'hostile JSON' => sub {
    my $before = stored();
    is post($_, $JSON)->status, 400, 'body ' . substr($_, 0, 40) for '', 'x', '[]', '1', '{"resourceSpans":1}', '{"resourceSpans":[1]}', '{"resourceSpans":[{"resource":[]}]}',
        '{"resourceSpans":[{"scopeSpans":{}}]}', '{"resourceSpans":[{"scopeSpans":[{"spans":[null]}]}]}', json_body([@resource], $good) . '}', "{\"a\":\"\xff\"}";
    my $in = sub { '{"resourceSpans":[{"resource":{"attributes":[{"key":"tuor.project_id","value":{"stringValue":"' . $project . '"}}]},"scopeSpans":[{"spans":[' . $_[0] . ']}]}]}' };
    like rejected(post($in->($_), $JSON)), qr/^1 /, substr $_, 0, 60 for '{}', '{"attributes":1}', '{"attributes":[1]}', '{"attributes":[{"key":1}]}', '{"attributes":[{"key":"a","value":1}]}',
        '{"attributes":[{"key":"a","value":{"intValue":"x"}}]}', '{"attributes":[{"key":"a","value":{"arrayValue":[]}}]}', '{"attributes":[{"key":"gen_ai.input.messages","value":{"stringValue":1}}]}',
        '{"attributes":[{"key":"a","value":' . '{"arrayValue":{"values":[' x 5000 . '{}' . ']}}' x 5000 . '}]}', '{"events":[1]}', '{"events":[{"name":"gen_ai.choice","attributes":[1]}]}';
    is rejected(post('{}', $JSON)), 0, 'no spans';
    is stored(), $before, 'none is stored';
};

subtest 'hostile protobuf' => sub {
    my $before = stored();
    my $body = pb_body([@resource], $good);
    my %status;
    $status{ post(substr($body, 0, $_), $PROTOBUF)->status }++ for grep { $_ % 7 == 1 } 1 .. length($body) - 1;
    is join(' ', sort keys %status), '400', 'cut anywhere';
    is stored(), $before, '  nothing is stored';
    srand 1;
    %status = ();
    for (1 .. 300) {
        my $bad = $body;
        substr($bad, rand length $bad, 1) = chr rand 256 for 0 .. rand 3;
        $status{ post($bad, $PROTOBUF)->status }++;
    }
    is join(' ', grep { !/^(200|400)$/ } keys %status), '', '300 that are damaged';
    my $nested = 'x';
    $nested = field(5, field(1, $nested)) for 1 .. 2000;
    is post($_->[1], $PROTOBUF)->status, 400, $_->[0] for ['nested for ever', pb_body([@resource], {}) . field(1, field(2, field(2, field(9, field(1, 'k') . field(2, $nested)))))],
        ['a length beyond the end', "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"], ['a varint without end', "\x08" . "\xff" x 20], ['a group', "\x0b\x0c"], ['field 0', "\x02\x00"],
        ['no UTF-8', pb_body([@resource], { attributes => [@content, x => "\xff"] })], ['a surrogate', pb_body([@resource], { attributes => [x => "\xed\xa0\x80"] })], ['JSON', '{"resourceSpans":[]}'];
    is rejected(post($_, $PROTOBUF)), 0, 'no spans' for '', "\x0a\x00", field(99, 'unknown');
};

subtest 'as a whole' => sub {
    my $body = json_body([@resource], $good);
    is post($body, $_)->status, 415, $_ for 'text/plain', 'application/x-ndjson', 'application/jsonx';
    is post($body, $JSON, key => undef)->status, 401, 'nobody';
    is api(POST => '/otlp/v1/traces', $body, login => $_)->status, 403, $_ for qw(viewer reviewer);
    is api(POST => '/otlp/v1/traces?x=1', $body, key => $org->{key})->status, 422, 'an unknown parameter';
    is api(GET => '/otlp/v1/traces', key => $org->{key})->status, 405, 'GET';
    is post('x' x (65 * 1024 * 1024), $JSON)->status, 413, 'too large';
    my $before = stored();
    is rejected(post(pb_body([@resource], ({ %$good, trace => 'f' x 32 }) x 600), $PROTOBUF)), 0, 'six hundred';
    is stored(), $before + 600, '  are stored';
    is rejected(post(json_body([@resource], ({}) x 10_005), $JSON)) =~ s/:.*//r, '10005 10000 spans', 'more than are looked at';
};

subtest 'sent again' => sub {
    my @known = map { { %$good, id => "a00000000000000$_" } } 1 .. 3;
    my $count = sub { my ($forms, @spans) = @_; my $n = stored(); is rejected(post($_->[0]([@resource], @spans), $_->[1])), 0, '  taken' for @$forms; return stored() - $n };
    my ($json, $pb) = ([\&json_body, $JSON], [\&pb_body, $PROTOBUF]);
    is $count->([$json], @known[0, 1]), 2, 'two spans';
    my $first = newest();
    is $count->([$json, $pb, $json], @known[0, 1]), 0, 'again, in both forms';
    is newest()->{id}, $first->{id}, '  change nothing';
    is $count->([$pb], @known), 1, 'in other company: only the new one is stored';
    is $count->([$json], map { { %$_, id => uc $_->{id}, trace => uc $trace_id } } @known), 0, 'ids have no case';
    is $count->([$json], { attributes => ['gen_ai.prompt' => 'P', 'gen_ai.completion' => 'other'], id => $known[0]{id} }), 0, 'with other content it is the same span';
    is $count->([$json], { %$good, id => 'b' x 16 }, { %$good, id => 'b' x 16 }), 1, 'twice in a request';
    is $count->([$json], { %$good, id => $known[0]{id}, trace => 'c' x 32 }), 1, 'of another trace it is another';
    for (['0' x 16, $trace_id], ['abc', $trace_id], ['z' x 16, $trace_id], ['d' x 16, '0' x 32], ['', '']) {
        is $count->([$json, $json], { %$good, id => $_->[0], trace => $_->[1] }), 2, "no ids: '$_->[0]' '$_->[1]'";
    }

    my $second = create_project(key => $org->{key})->{id};
    my $before = stored();
    is rejected(post(json_body(['tuor.project_id' => $second], @known), $JSON)), 0, 'to a second project';
    is stored(), $before + 3, '  they are traces there, too';
    my $foreign = create_project(key => other_org_key())->{id};
    is rejected(post(json_body(['tuor.project_id' => $foreign], @known), $JSON, key => other_org_key())), 0, 'to another organization';
    is psql("SELECT count(*) FROM tuor.traces WHERE project_id = '$foreign'"), 3, '  as well';

    api(DELETE => "/v1/traces/$first->{id}?expected_version=1", key => $org->{key});
    is $count->([$json], @known), 0, 'one that was deleted does not come back';
    psql("UPDATE tuor.idempotency_keys SET expires_at = now() - interval '1 minute' WHERE org_id = '$org->{id}' AND key LIKE ' otlp %a000000000000001 $project'");
    is $count->([$json], @known), 1, 'after a day it is forgotten';
    my $key = psql("SELECT key FROM tuor.idempotency_keys WHERE org_id = '$org->{id}' AND key LIKE ' otlp %a000000000000002 $project'");
    is $key, " otlp $trace_id a000000000000002 $project", 'what is kept';
    my $clash = api(POST => '/v1/traces/', { project_id => $project, model_input => {}, model_output => {} }, key => $org->{key}, headers => { 'Idempotency-Key' => $key });
    isnt $clash->status, 200, 'is no key that a client could send';

    my @race = in_parallel(6, sub { rejected(post(json_body([@resource], map { { %$good, id => sprintf 'e%015d', $_ } } $_[0] % 2 ? 1 .. 300 : reverse 1 .. 300), $JSON)) });
    is "@race", '0 0 0 0 0 0', 'six send the same 300 at once';
    is psql("SELECT count(*) FROM tuor.traces WHERE org_id = '$org->{id}' AND trace_config LIKE '%\"span_id\":\"e0%'"), 300, '  and each is stored once';

    psql("INSERT INTO tuor.idempotency_keys SELECT '$org->{id}', 'old-' || i, '\\x00', 't', now(), NULL, now() - interval '2 hours' FROM generate_series(1, 400) i");
    is $count->([$json], ($good) x 250), 250, '250 new ones';
    is psql("SELECT count(*) FROM tuor.idempotency_keys WHERE key LIKE 'old-%'"), 0, '  sweep away what is old';
};

subtest 'rate limit' => sub {
    my $server = Tuor::Server->start(conf => "TuorRateLimit ingest 5/min\n");
    like rejected(post(json_body([@resource], ($good) x 8), $JSON, server => $server)), qr/^3 3 spans: .*5 requests per minute/, 'each span counts';
    is post(json_body([@resource], $good), $JSON, server => $server)->status, 429, 'then the whole request is refused';
};

done_testing;
