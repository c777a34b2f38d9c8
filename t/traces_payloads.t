# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# Payloads come back with the same characters, wherever they come back.
use strict;
use warnings;
use Tuor::Run qw(free_port);
use Tuor::Server;
use Tuor::Test;

my $org = new_org("Payloads $$");
my $key = $org->{key};
my $project = create_project(key => $key)->{id};

sub post { return api(POST => '/v1/traces/', $_[0], key => $key) }
sub body { my %p = @_; return qq({"project_id":"$project") . join('', map { qq(,"$_":$p{$_}) } sort keys %p) . '}' }
sub raw  { return Tuor::Reply::raw_member(@_) }
# Not every decoder takes what RFC 8259 allows: read the id without one.
sub id   { return $_[0]->raw('id') =~ tr/"//dr }

# What RFC 8259 allows, as members of an object. What stands between tokens may
# go, so there is none.
my @values = (
    '0', '-0', '0.0', '-0.0', '0.1', '1.0', '1', '1.10', '1250.45', '1e400', '-1E-400', '1e2', '1E+2', '0e0', '-0e-0',
    '12345678901234567890', '-98765432109876543210987654321', '0.1000000000000000055511151231257827021181583404541015625',
    '1.7976931348623157e308', '123456789.123456789e-5', 'true', 'false', 'null',
    '""', '"a"', '"\\u0000"', '"a\\u0000b"', '"\\ud83d\\ude00"', '"\\uD83D\\uDE00"', '"\\ud800"', '"\\udc00\\ud800"', '"\\uD800x"',
    '"\\ud83d\\ude00\\ud83d"', '"\\"\\\\\\/\\b\\f\\n\\r\\t"', '"/"', '"\\u002f"', '"\\u00e4"', "\"\xc3\xa4\"", "\"\xf0\x9f\x98\x80\"",
    "\"\xef\xbf\xbf\"", "\"\xf4\x8f\xbf\xbf\"", "\"\x7f\"", "\"\xe2\x80\xa8\xe2\x80\xa9\"", "\"\xef\xbb\xbf\"", '"\\uffff\\ufffe"',
    '" a  b "', '" \\u0020 "', '"{\\"a\\": 1}"', '"[ 1, 2 ]"', '"</script><!--"', "\"'; DROP TABLE x; --\"", '"%00%s%n$1"',
    '"\\\\u0000"', '"\\\\\\u0000"', '"\\\\\\\\"', '"\\N"' =~ s/N/\\N/r, '[]', '{}', '[[],{}]', '[1,2.0,"3",null,true,{"a":[]}]',
    '{"b":1,"a":2,"B":3}', '{"a":1,"a":2,"a":1}', '{"":0}', '{"\\u0061":1,"a":2}', "{\"\xc3\xa4\":1,\"\\u00e4\":2}", '{"a.b":{"[0]":1}}',
    '{"__proto__":1,"constructor":{}}', '[' . join(',', (0) x 1000) . ']', '"' . 'x' x 100_000 . '"',
);

# One payload with all of them, in odd order.
my $all = '{' . join(',', map { "\"k$_\":$values[$_]" } reverse 0 .. $#values) . '}';

subtest 'every value, in every field, everywhere' => sub {
    cmp_ok scalar(@values), '>=', 60, scalar(@values) . ' values';
    my $reply = post(body(model_input => $all, model_output => $all, trace_config => $all));
    is $reply->status, 201, 'created' or return diag substr $reply->body, 0, 500;
    my $id = id($reply);
    my $same = sub {
        my ($where, $text, @fields) = @_;
        for my $field (@fields) {
            my $got = raw($text, $field);
            ok defined $got && $got eq $all, "$where: $field has the same characters" or diag first_difference($got, $all);
        }
    };
    my @three = qw(model_input model_output trace_config);
    $same->('the answer', $reply->body, @three);
    $same->('GET', api(GET => "/v1/traces/$id", key => $key)->body, @three);
    my $list = api(GET => "/v1/traces/?project_id=$project&limit=1", key => $key)->body;
    $list =~ s/^\[(.*)\]\n$/$1/s;
    $same->('the list', $list, @three);
    $same->('the export', api(GET => "/v1/traces/export?project_id=$project&status=pending", key => $key)->body, @three);

    my $review = api(POST => "/v1/traces/$id/review", qq({"action":"correct","expected_version":1,"corrected_output":$all}), key => $key);
    is $review->status, 200, 'corrected by the same';
    $same->('the review', $review->body, @three, 'corrected_output', 'final_output');
    is $review->raw('correction_diff'), '[]', 'there is no difference';
    $same->('GET', api(GET => "/v1/traces/$id", key => $key)->body, @three, 'corrected_output', 'final_output');
    $same->('the export', api(GET => "/v1/traces/export?project_id=$project", key => $key)->body, @three, 'corrected_output', 'final_output');
    # What was left out goes, what stays is as it was.
    my $less = $all =~ s/"k5":\Q$values[5]\E,//r;
    my $got = raw(api(GET => "/v1/traces/export?project_id=$project&exclude_fields=model_input.k5", key => $key)->body, 'model_input');
    ok $got eq $less, 'the export without a member: the rest has the same characters' or diag first_difference($got, $less);
};

subtest 'in a correction_diff' => sub {
    my $from = '{' . join(',', map { "\"k$_\":\"\\u0001 from\"" } 0 .. $#values) . '}';
    my $id = id(post(body(model_input => '{}', model_output => $from)));
    my $reply = api(POST => "/v1/traces/$id/review", qq({"action":"correct","expected_version":1,"corrected_output":$all}), key => $key);
    my $diff = $reply->raw('correction_diff');
    my @lost = grep { my ($i, $v) = ($_, $values[$_]); $v !~ /^[\[{]./ && index($diff, "{\"path\":\"k$i\",\"from\":\"\\u0001 from\",\"to\":$v}") < 0 } 0 .. $#values;
    is "@lost", '', 'every scalar stands there as it was sent' or diag map { "$values[$_]\n" } @lost;
    my $event = api(GET => "/v1/traces/$id/events", key => $key)->body;
    ok index($event, "\"correction_diff\":$diff") > 0, 'and in the event, too';
    my $export = api(GET => "/v1/traces/export?project_id=$project", key => $key)->body;
    ok index($export, "\"correction_diff\":$diff") > 0, 'and in the export';
};

subtest 'white space' => sub {
    my $id = post(qq(\t{ "project_id" : "$project" ,\r\n "model_input" : { "a b" : [ 1 , " x  y " , { } , [ ] ] , "c\\" : " : 2.0 } ,"model_output":{ }\n}\n))->json->{id};
    my $got = api(GET => "/v1/traces/$id", key => $key);
    is $got->raw('model_input'), '{"a b":[1," x  y ",{},[]],"c\\" : ":2.0}', 'between tokens it may go, in strings it stays';
    is $got->raw('model_output'), '{}', 'an empty object';
};

subtest 'duplicate keys' => sub {
    my $reply = post(body(model_input => '{"a":1,"a":{"b":1,"b":1}}', model_output => '{}'));
    is $reply->raw('model_input'), '{"a":1,"a":{"b":1,"b":1}}', 'stay in a payload';
    for ('"model_input":{}', '"project_id":"x"', '"other":1,"other":2', '"model\\u005finput":{}') {
        is post(body(model_input => '{}', model_output => '{}') =~ s/\}$/,$_}/r)->status, 400, "but not around it: $_";
    }
};

subtest 'depth' => sub {
    my $objects = sub { my $n = shift; return '{"a":' x ($n - 1) . '{}' . '}' x ($n - 1) };
    my $arrays = sub { my $n = shift; return '{"a":' . '[' x ($n - 1) . ']' x ($n - 1) . '}' };
    my $mixed = sub { my $n = shift; return '{"a":[' x ($n / 2 - 1) . ($n % 2 ? '{"a":[{}]}' : '{"a":[]}') . ']}' x ($n / 2 - 1) };
    my %good = (model_input => '{}', model_output => '{}', trace_config => '{}');
    for my $field (sort keys %good) {
        my $reply = post(body(%good, $field => $objects->(10)));
        is $reply->status, 201, "$field: 10 levels";
        is $reply->raw($field), $objects->(10), '  as sent';
        is post(body(%good, $field => $arrays->(10)))->status, 201, '  of arrays, too';
        is post(body(%good, $field => $mixed->(10)))->status, 201, '  and mixed';
        is post(body(%good, $field => '{"a":' . '[' x 9 . '1,"x",null' . ']' x 9 . '}'))->status, 201, '  a scalar is no level';
        for ($objects->(11), $arrays->(11), $mixed->(11), $objects->(100_000), $arrays->(100_000)) {
            my $refused = post(body(%good, $field => $_));
            is join(' ', $refused->status, map { $_->{field} } @{ $refused->json->{errors} // [] }), "422 $field", length($_) < 1000 ? "$field: 11 levels" : "$field: 100 000 levels";
            like $refused->json->{errors}[0]{message}, qr/\b10\b/, '  the limit is told';
        }
    }
    my $id = create_trace(key => $key, project_id => $project)->{id};
    my $correct = sub { return api(POST => "/v1/traces/$id/review", qq({"action":"correct","expected_version":1,"corrected_output":$_[0]}), key => $key) };
    my $refused = $correct->($objects->(11));
    is join(' ', $refused->status, map { $_->{field} } @{ $refused->json->{errors} }), '422 corrected_output', 'corrected_output: 11 levels';
    is $correct->($objects->(10))->status, 200, 'corrected_output: 10 levels';
    is post('[' x 100_000)->status, 400, '100 000 open brackets';
    is post(body(%good, other => $objects->(100_000)))->status, 201, 'a member that nobody asks for may be deep';
};

subtest 'size' => sub {
    my $max = 5_242_880;
    my $of = sub { my $n = shift; return '{"a":"' . 'x' x ($n - 8) . '"}' };
    my %good = (model_input => '{}', model_output => '{}', trace_config => '{}');
    for my $field (sort keys %good) {
        my $value = $of->($max);
        my $reply = post(body(%good, $field => $value));
        is $reply->status, 201, "$field: 5 242 880 bytes";
        ok $reply->raw($field) eq $value, '  as sent';
        ok api(GET => "/v1/traces/" . id($reply), key => $key)->raw($field) eq $value, '  and read again';
        my $refused = post(body(%good, $field => $of->($max + 1)));
        is join(' ', $refused->status, map { $_->{field} } @{ $refused->json->{errors} // [] }), "422 $field", "$field: a byte more";
        like $refused->json->{errors}[0]{message}, qr/5242880/, '  the limit is told';
    }
    # The value as sent counts: white space, too, and bytes, not characters.
    is post(body(%good, model_input => '{"a":"x"' . ' ' x ($max - 9) . '}'))->status, 201, 'white space up to the limit';
    is post(body(%good, model_input => '{"a":"x"' . ' ' x ($max - 8) . '}'))->status, 422, 'white space beyond it';
    is post(body(%good, model_input => '{"a":"' . "\xc3\xa4" x ($max / 2 - 4) . '"}'))->status, 201, 'two bytes a character: to the limit';
    is post(body(%good, model_input => '{"a":"' . "\xc3\xa4" x ($max / 2 - 3) . '"}'))->status, 422, 'two bytes a character: beyond it';
    my $three = post(body(map { $_ => $of->($max) } keys %good));
    is $three->status, 201, 'three full ones in one request';
    is post(body(map { $_ => $of->($max + 1) } keys %good))->status, 422, 'three that are too big';

    my $id = create_trace(key => $key, project_id => $project)->{id};
    my $correct = sub { return api(POST => "/v1/traces/$id/review", qq({"action":"correct","expected_version":1,"corrected_output":$_[0]}), key => $key) };
    is $correct->($of->($max + 1))->status, 422, 'corrected_output: a byte more';
    my $reply = $correct->($of->($max));
    is $reply->status, 200, 'corrected_output: 5 242 880 bytes';
    ok $reply->raw($_) eq $of->($max), "  $_ as sent" for qw(corrected_output final_output);
    is post(body(%good, model_input => '{' . join(',', map { "\"key $_\":$_" } 1 .. 100_000) . '}'))->status, 201, '100 000 keys';
};

subtest 'other limits: TuorMaxPayload, TuorMaxDepth' => sub {
    my $port = free_port();
    my $server = Tuor::Server->start(conf => "TuorMaxPayload 1024\nTuorMaxDepth 3\nListen 127.0.0.1:$port\n<VirtualHost 127.0.0.1:$port>\nTuorMaxDepth 2\n</VirtualHost>\n");
    my $vhost = bless { %$server, port => $port, owner => 0 }, 'Tuor::Server';
    my $try = sub { my ($at, $input) = @_; return api(POST => '/v1/traces/', body(model_input => $input, model_output => '{}'), key => $key, server => $at) };
    my $of = sub { '{"a":"' . 'x' x ($_[0] - 8) . '"}' };
    is $try->($server, $of->(1024))->status, 201, '1024 bytes';
    my $reply = $try->($server, $of->(1025));
    is $reply->status, 422, 'a byte more';
    is $reply->json->{errors}[0]{field}, 'model_input', '  the field';
    like $reply->json->{errors}[0]{message}, qr/1024/, '  and the limit';
    is $try->($server, '{"a":{"b":[]}}')->status, 201, 'three levels';
    $reply = $try->($server, '{"a":{"b":[[]]}}');
    is $reply->status, 422, 'four';
    like $reply->json->{errors}[0]{message}, qr/\b3\b/, '  the limit';
    is $try->($vhost, '{"a":{"b":[]}}')->status, 422, 'a virtual host with a limit of its own';
    is $try->($vhost, $of->(1025))->status, 422, '  inherits the other';
    for my $wrong ('TuorMaxPayload 0', 'TuorMaxPayload x', 'TuorMaxPayload -1', 'TuorMaxDepth 0', 'TuorMaxDepth ten', 'TuorMaxDepth 1000000') {
        my ($status, $said) = Tuor::Server->configtest("$wrong\n");
        ok $status != 0, "configtest refuses $wrong";
        like $said, qr/${\($wrong =~ s{ .*}{}r)}/, '  and names the directive';
    }
};

# Where two texts part.
sub first_difference {
    my ($got, $expected) = @_;
    return 'nothing there' unless defined $got;
    my $i = 0;
    $i++ while $i < length $got && substr($got, $i, 1) eq substr($expected, $i, 1);
    my $from = $i > 20 ? $i - 20 : 0;
    return 'at ' . $i . ': ' . substr($got, $from, 60) . "\ninstead of: " . substr($expected, $from, 60);
}

done_testing;
