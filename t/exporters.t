# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# GET /v1/traces/export?format=…: openai-sft, openai-dpo, trl-dpo and csv.
use strict;
use warnings;
use utf8;
use Encode qw(decode_utf8 encode_utf8);
use Tuor::Test;

my $org = new_org("Exporters $$");
my $key = $org->{key};
my %project = map { $_ => create_project(key => $key, name => $_, output_type => $_)->{id} } qw(key_value text classification);

# A trace out of raw JSON, reviewed if a verdict is given: 'approve', 'reject', or the raw JSON of a correction.
sub trace {
    my ($type, $input, $output, $verdict, $config) = @_;
    my $reply = api(POST => '/v1/traces/', encode_utf8("{\"project_id\":\"$project{$type}\",\"model_input\":$input,\"model_output\":$output"
        . ($config ? ",\"trace_config\":$config}" : '}')), key => $key);
    is $reply->status, 201, 'a trace' or diag $reply->body;
    my $id = $reply->raw('id') =~ s/"//gr;
    return $id unless $verdict;
    my $body = $verdict =~ /^\{/ ? "\"action\":\"correct\",\"corrected_output\":$verdict" : "\"action\":\"$verdict\"";
    my $review = api(POST => "/v1/traces/$id/review", encode_utf8("{$body,\"expected_version\":1}"), key => $key);
    is $review->status, 200, '  reviewed' or diag $review->body;
    return $id;
}

sub export {
    my ($format, $query) = @_;
    my $reply = api(GET => "/v1/traces/export?format=$format" . ($query // ''), key => $key);
    is $reply->status, 200, "$format" . ($query // '');
    return $reply;
}
sub of { return "&project_id=$project{$_[0]}" }
sub assistant { return [{ role => 'assistant', content => shift }] }

subtest 'training formats: text' => sub {
    trace('text', '{"system_prompt":"Be brief.","content":"Capital of France?"}', '{"content":"Paris"}', 'approve');
    trace('text', '{"content":"Capital of Spain?"}', '{"content":"Lisbon"}', '{"content":"Madrid"}');
    trace('text', '{"content":"Capital of Nowhere?"}', '{"content":"?"}', 'reject');
    trace('text', '{"content":"Not reviewed"}', '{"content":"?"}');
    trace('text', '{"messages":[{"role":"system","content":"S"},{"role":"user","content":"U","x":1.0}],"content":"not this","system_prompt":"nor this"}',
        '{"content":"A"}', '{"content":"B"}');

    my $sft = export('openai-sft', of('text'));
    is $sft->header('content-type'), 'application/x-ndjson', 'NDJSON';
    is_deeply [$sft->lines], [
        { messages => [{ role => 'system', content => 'Be brief.' }, { role => 'user', content => 'Capital of France?' },
            { role => 'assistant', content => 'Paris' }] },
        { messages => [{ role => 'user', content => 'Capital of Spain?' }, { role => 'assistant', content => 'Madrid' }] },
        { messages => [{ role => 'system', content => 'S' }, { role => 'user', content => 'U', x => 1 }, { role => 'assistant', content => 'B' }] },
    ], 'approved and corrected ones, with the final output';
    like $sft->body, qr/"content":"U","x":1\.0\}/, 'messages as they were sent';

    my @pairs = (
        [[{ role => 'user', content => 'Capital of Spain?' }], 'Madrid', 'Lisbon'],
        [[{ role => 'system', content => 'S' }, { role => 'user', content => 'U', x => 1 }], 'B', 'A'],
    );
    is_deeply [export('openai-dpo', of('text'))->lines],
        [map { { input => { messages => $_->[0] }, preferred_output => assistant($_->[1]), non_preferred_output => assistant($_->[2]) } } @pairs],
        'corrections alone';
    is_deeply [export('trl-dpo', of('text'))->lines],
        [map { { prompt => $_->[0], chosen => assistant($_->[1]), rejected => assistant($_->[2]) } } @pairs], 'and the same pairs';

    is export($_, of('text') . '&status=pending,rejected')->body, '', '  what was not approved trains nothing' for qw(openai-sft openai-dpo trl-dpo);
    is scalar(export('openai-sft', of('text') . '&status=approved')->lines), 1, 'status chooses among the others';
    is export('openai-dpo', of('text') . '&status=approved')->body, '', 'an approval has no pair';
};

subtest 'training formats: classification and key/value' => sub {
    trace('classification', '{"content":"I was charged twice"}', '{"label":"technical_support","alternatives":["billing_dispute"]}', '{"label":"billing_dispute"}');
    trace('classification', '{"content":"same label"}', '{"label":"a","score":0.1}', '{"label":"a","score":0.9}');
    trace('classification', '{"content":"number"}', '{"label":5}', 'approve');
    is_deeply [export('trl-dpo', of('classification'))->lines],
        [{ prompt => [{ role => 'user', content => 'I was charged twice' }], chosen => assistant('billing_dispute'), rejected => assistant('technical_support') }],
        'the label; a correction of something else is no preference';
    is_deeply [map { $_->{messages}[-1]{content} } export('openai-sft', of('classification'))->lines], ['billing_dispute', 'a', '5'],
        'a label that is no string becomes its characters';

    my $output = '{"total":1250.450,"big":12345678901234567890,"n":1e400,"s":"\ud83d\ude00 \u0000 \ud800","ü":null,"a":{"b":[1, 2]}}';
    trace('key_value', '{"content":"Extract"}', $output, 'approve');
    my $line = export('openai-sft', of('key_value'))->body;
    my $text = Tuor::Reply->new({ content => $line })->json->{messages}[1]{content};
    is $text, $output =~ s/, 2/,2/r, 'key/values are their compact raw JSON, as a string';
};

subtest 'training formats: inputs of other shapes' => sub {
    my $id = create_project(key => $key, name => 'shapes', output_type => 'text')->{id};
    local $project{text} = $id;
    my @shapes = (
        ['{"system_prompt":"S","question":"Why?","n":1.0}', [{ role => 'system', content => 'S' }, { role => 'user', content => '{"question":"Why?","n":1.0}' }]],
        ['{"content":{"a":1.0}}', [{ role => 'user', content => '{"a":1.0}' }]],
        ['{"content":[{"type":"text","text":"parts"}]}', [{ role => 'user', content => [{ type => 'text', text => 'parts' }] }]],
        ['{"content":null,"x":true}', [{ role => 'user', content => '{"content":null,"x":true}' }]],
        ['{"messages":[],"content":"c"}', [{ role => 'user', content => 'c' }]],
        ['{"messages":"none","content":"c"}', [{ role => 'user', content => 'c' }]],
        ['{"system_prompt":null,"content":"c"}', [{ role => 'user', content => 'c' }]],
        ['{"system_prompt":"","content":"c","content":"d"}', [{ role => 'user', content => 'd' }]],
        ['{"system_prompt":7,"content":"c"}', [{ role => 'system', content => '7' }, { role => 'user', content => 'c' }]],
        ['{"c\u006fntent":"c"}', [{ role => 'user', content => 'c' }]],
        ['{"pdf_base64":"QUJD","filename":"a.pdf"}', [{ role => 'user', content => '{"pdf_base64":"QUJD","filename":"a.pdf"}' }]],
    );
    trace('text', $_->[0], '{"content":"A"}', 'approve') for @shapes;
    trace('text', $_, '{"content":"A"}', 'approve') for '{}', '{"system_prompt":"alone"}';
    trace('text', '{"content":"c"}', '{"answer":1.0}', 'approve');
    my @lines = export('openai-sft', of('text'))->lines;
    for my $i (0 .. $#shapes) {
        is_deeply [@{ $lines[$i]{messages} }[0 .. $#{ $lines[$i]{messages} } - 1]], $shapes[$i][1], $shapes[$i][0];
    }
    is scalar @lines, @shapes + 1, 'an input that asks nothing is no example';
    is $lines[-1]{messages}[-1]{content}, '{"answer":1.0}', 'an output of another shape is its compact raw JSON';
    @lines = export('openai-sft', of('text') . '&exclude_fields=model_input.pdf_base64')->lines;
    is_deeply $lines[10]{messages}[0], { role => 'user', content => '{"filename":"a.pdf"}' }, 'exclude_fields works here, too';
    trace('text', '{"messages":[{"role":"user","content":"u"}],"tools":[{"type":"function"}],"parallel_tool_calls":false}', '{"content":"A"}', '{"content":"B"}');
    like export('openai-sft', of('text'))->body, qr/\],"tools":\[\{"type":"function"\}\],"parallel_tool_calls":false\}\n\z/, 'tools go along';
    trace('text', '{"messages":[{"role":"user","content":"u"}],"system_prompt":"Be \u00e4","tools":[]}', '{"content":"A"}', '{"content":"B"}');
    like export('openai-sft', of('text'))->body, qr/\{"messages":\[\{"role":"system","content":"Be \\u00e4"\},\{"role":"user","content":"u"\},\{"role":"assistant","content":"B"\}\],"tools":\[\]\}\n\z/, 'with tools and a system prompt';
    like export('openai-dpo', of('text'))->body, qr/"input":\{"messages":\[[^]]+\],"tools":\[[^]]+\],"parallel_tool_calls":false\},"pref/, '  within the input of a pair';
};

subtest 'training formats: a system prompt beside messages' => sub {
    local $project{text} = create_project(key => $key, name => 'system', output_type => 'text')->{id};
    my $user = '{"role":"user","content":"U"}';
    my @cases = (       # messages, system_prompt, the roles that come of it
        ["[$user]", '"S"', ['system S', 'user U']], ['["text"]', '"S"', ['system S', 'text']],
        ["[{\"role\":\"assistant\",\"content\":\"A\"},{\"role\":\"system\",\"content\":\"later\"},$user]", '"S"', ['system S', 'assistant A', 'system later', 'user U']],
        ["[{\"role\":\"system\",\"content\":\"own\"},$user]", '"S"', ['system own', 'user U']],
        ["[{\"role\":\"developer\",\"content\":\"own\"},$user]", '"S"', ['developer own', 'user U']],
        ["[{\"content\":\"own\",\"role\":\"\\u0073ystem\"},$user]", '"S"', ['system own', 'user U']],
        ["[$user]", '""', ['user U']], ["[$user]", 'null', ['user U']], ["[$user]", '{"a":1.0}', ['system {"a":1.0}', 'user U']],
        ["[{\"role\":7,\"content\":\"U\"}]", '"S"', ['system S', '7 U']], ["[{\"content\":\"U\"}]", '"S"', ['system S', ' U']],
    );
    trace('text', "{\"messages\":$_->[0],\"system_prompt\":$_->[1]}", '{"content":"no"}', '{"content":"yes"}') for @cases;
    my $words = sub { [map { ref $_ ? ($_->{role} // '') . " $_->{content}" : $_ } @_] };
    my %of = ('openai-sft' => sub { my @m = @{ shift->{messages} }; @m[0 .. $#m - 1] }, 'openai-dpo' => sub { @{ shift->{input}{messages} } }, 'trl-dpo' => sub { @{ shift->{prompt} } });
    for my $format (sort keys %of) {
        my @lines = export($format, of('text'))->lines;
        is_deeply $words->($of{$format}->($lines[$_])), $cases[$_][2], "$format: $cases[$_][1] and $cases[$_][0]" for 0 .. $#cases;
    }
};

# RFC 4180: rows of cells; undef is an empty cell without quotes.
sub parse_csv {
    my $text = decode_utf8(shift);
    my (@rows, @row);
    while ((pos($text) // 0) < length $text) {
        if ($text =~ /\G"((?:[^"]|"")*)"/gc) { push @row, $1 =~ s/""/"/gr }
        elsif ($text =~ /\G([^,"\r\n]+)/gc) { push @row, $1 }
        else { push @row, undef }
        next if $text =~ /\G,/gc;
        $text =~ /\G\r\n/gc or die 'no end of line at ' . (pos($text) // 0) . ": " . substr $text, pos($text) // 0, 40;
        push @rows, [@row];
        @row = ();
        last if pos($text) == length $text;
    }
    return @rows;
}

sub table {
    my ($head, @rows) = parse_csv(shift);
    return ($head, map { my $row = $_; @$row == @$head or die "a row of another length\n"; +{ map { $head->[$_] => $row->[$_] } 0 .. $#$head } } @rows);
}

subtest 'csv' => sub {
    local $project{key_value} = create_project(key => $key, name => 'csv')->{id};
    my $tag = api(POST => '/v1/tags/', { name => '=tag, "q"' }, key => $key)->json;
    my @ids = (
        trace('key_value', '{"content":"1"}', '{"vendor":"Acme, Inc.","total":1250.450,"neg":-5,"big":1e400,"ok":true,"none":null,"empty":""}', 'approve',
            '{"model":"gpt-4o","internal_run_id":"run_1"}'),
        trace('key_value', '{"content":"2"}', '{"vendor":"say \"hi\"\r\nthere","items":[{"a":"x,y"}],"total":-1}', '{"vendor":"ok","added":{"k":"=1"}}'),
        trace('key_value', '{"content":"3"}', '{"vendor":"=cmd|\' /C calc\'!A0","a":"+1","b":"-1","c":"@SUM(A1)","d":"\tx","e":"\rx","f":" =1","total":"=1,\"2\""}', 'reject'),
        trace('key_value', '{"content":"4"}', '{"vendor":"\ud83d\ude00ü","=k,\"q\"":"v","s":"\ud800","z":"a\u0000b","dup":1,"dup":2}', 'approve'),
    );
    trace('key_value', '{"content":"5"}', '{"pending":1}');
    api(POST => "/v1/traces/$ids[0]/tags", { tag_ids => [$tag->{id}] }, key => $key);
    my $reply = export('csv', of('key_value'));
    is $reply->header('content-type'), 'text/csv; charset=utf-8', 'its type';
    my ($head, @rows) = table($reply->body);
    is_deeply $head, [
        qw(trace_id project_id status version created_at last_reviewed_at last_reviewed_by tags),
        (map {; "model_output.$_" } qw(vendor total neg big ok none empty items a b c d e f), '=k,"q"', qw(s z dup)),
        (map {; "final_output.$_" } qw(vendor total neg big ok none empty added), '=k,"q"', qw(s z dup)),
        'trace_config.model', 'trace_config.internal_run_id',
    ], 'columns in the order of their first appearance';
    is_deeply [map { $_->{trace_id} } @rows], \@ids, 'every reviewed trace, oldest first';
    is_deeply [map { $_->{status} } @rows], [qw(approved corrected rejected approved)], 'their status';
    like $rows[0]{$_}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/, $_ for qw(created_at last_reviewed_at);
    like $rows[0]{last_reviewed_by}, qr/^key_/, 'who';
    is $rows[0]{version}, 2, 'version';
    is $rows[0]{tags}, '["=tag, \"q\""]', 'tags are a JSON array';
    my %first = (vendor => 'Acme, Inc.', total => '1250.450', neg => '-5', big => '1e400', ok => 'true', none => undef, empty => '', items => undef);
    is $rows[0]{"model_output.$_"}, $first{$_}, "$_" for sort keys %first;
    is $rows[0]{'final_output.total'}, '1250.450', 'the final output of an approval';
    is $rows[0]{'trace_config.internal_run_id'}, 'run_1', 'and its configuration';
    is $rows[1]{'model_output.vendor'}, "say \"hi\"\r\nthere", 'quotes and line ends';
    is $rows[1]{'model_output.items'}, '[{"a":"x,y"}]', 'nested values are compact JSON';
    is $rows[1]{'model_output.total'}, '-1', 'a negative number has no apostrophe';
    is $rows[1]{'final_output.added'}, '{"k":"=1"}', 'a nested one of a correction';
    is $rows[1]{'final_output.total'}, undef, 'what it left out is empty';
    my %hostile = (vendor => "'=cmd|' /C calc'!A0", a => "'+1", b => "'-1", c => "'\@SUM(A1)", d => "'\tx", e => "'\rx", f => ' =1', total => "'=1,\"2\"");
    is $rows[2]{"model_output.$_"}, $hostile{$_}, "a hostile $_" for sort keys %hostile;
    is $rows[2]{'final_output.vendor'}, undef, 'a rejected trace has no final output';
    is_deeply [map { $rows[3]{"model_output.$_"} } "vendor", "=k,\"q\"", "s", "z", "dup"], ["\x{1F600}ü", "v", "\\ud800", "a\\u0000b", 2],
        'other characters; what text cannot hold stays escaped; the last duplicate';
    is [table(export('csv', of('key_value') . '&exclude_fields=model_output.vendor')->body)]->[0][8], 'model_output.total', 'excluded members have no column';
    is_deeply [map { $_->{'model_output.pending'} } grep { ref eq 'HASH' } table(export('csv', of('key_value') . '&status=pending')->body)], [1], 'pending ones when asked for';
    is scalar(parse_csv(export('csv', '&project_id=proj_none')->body)), 1, 'no rows: the header alone';
};

subtest 'csv: more columns than anybody can read' => sub {
    local $project{key_value} = create_project(key => $key, name => 'wide')->{id};
    trace('key_value', '{}', '{' . join(',', map { "\"k$_\":$_" } 1 .. 1500) . '}', 'reject');
    my $long = 'x' x 300;
    trace('key_value', '{}', "{\"k1\":\"one\",\"$long\":[\"=1\"]}", 'reject');
    my ($head, @rows) = table(export('csv', of('key_value'))->body);
    is scalar @$head, 8 + 1000 + 1, 'a thousand of them, and one for the rest';
    is $head->[-1], 'other', '  of that name';
    is_deeply [$rows[0]{'model_output.k1000'}, scalar keys %{ JSON::PP::decode_json($rows[0]{other}) }], [1000, 500], 'nothing is lost';
    is $rows[1]{other}, "{\"model_output.$long\":[\"=1\"]}", 'nor a long name';
};

subtest 'formats' => sub {
    my $reply = api(GET => '/v1/traces/export?format=xml', key => $key);
    is $reply->status, 422, 'an unknown one';
    like $reply->json->{detail}, qr/\b$_\b/, "names $_" for qw(jsonl openai-sft openai-dpo trl-dpo csv);
    is scalar(grep { $_->{metadata}{trace_id} } export('jsonl', of('text'))->lines), 4, 'the documented row is as it was';
};

done_testing;
