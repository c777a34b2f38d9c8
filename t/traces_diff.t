# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# correction_diff: the leaves in which the correction differs from the model's output.
use strict;
use warnings;
use Tuor::Test;

my $org = new_org("Diff $$");
my $key = $org->{key};
my $project = create_project(key => $key)->{id};

# The characters of the correction_diff of two texts.
sub diff {
    my ($from, $to) = @_;
    my $created = api(POST => '/v1/traces/', qq({"project_id":"$project","model_input":{},"model_output":$from}), key => $key);
    my ($id) = $created->body =~ /"id":"(\w+)"/;
    my $reply = api(POST => "/v1/traces/$id/review", qq({"action":"correct","expected_version":1,"corrected_output":$to}), key => $key);
    return $reply->raw('correction_diff') // $reply->body;
}

# path from to, ...
sub entries { my @e = @_; my @out; while (my ($path, $from, $to) = splice @e, 0, 3) { push @out, qq({"path":"$path","from":$from,"to":$to}) } return '[' . join(',', @out) . ']' }

my @cases = (
    ['nothing', '{"a":1}', '{"a":1}'],
    ['white space alone', '{"a": [1, 2]}', '{"a":[1,2]}'],
    ['the order of keys alone', '{"a":1,"b":2}', '{"b":2,"a":1}'],
    ['a changed string', '{"a":"x"}', '{"a":"y"}', 'a', '"x"', '"y"'],
    ['the order is that of the output', '{"b":1,"a":1}', '{"a":2,"b":2}', 'b', 1, 2, 'a', 1, 2],
    ['what only the correction has comes last', '{"b":1}', '{"z":0,"b":2,"y":0}', 'b', 1, 2, 'z', 'null', 0, 'y', 'null', 0],
    ['object by object', '{"o":{"a":1},"p":1}', '{"o":{"a":1,"b":2},"p":2,"q":3}', 'o.b', 'null', 2, 'p', 1, 2, 'q', 'null', 3],
    ['a removed one', '{"a":1,"b":2}', '{"a":1}', 'b', 2, 'null'],
    ['absent against null', '{"a":null}', '{}', 'a', 'null', 'null'],
    ['null against absent', '{}', '{"a":null}', 'a', 'null', 'null'],
    ['null and null', '{"a":null}', '{"a":null}'],
    ['nested', '{"address":{"city":"A","zip":"1"}}', '{"address":{"city":"B","zip":"1"}}', 'address.city', '"A"', '"B"'],
    ['arrays by index', '{"items":[{"price":1},{"price":2},{"price":3}]}', '{"items":[{"price":1},{"price":2},{"price":4}]}', 'items[2].price', 3, 4],
    ['a longer array', '{"a":[1]}', '{"a":[1,2,3]}', 'a[1]', 'null', 2, 'a[2]', 'null', 3],
    ['a shorter array', '{"a":[1,2]}', '{"a":[1]}', 'a[1]', 2, 'null'],
    ['arrays in arrays', '{"a":[[1,2],[3]]}', '{"a":[[1,2],[4]]}', 'a[1][0]', 3, 4],
    ['numbers by their characters', '{"a":1.0,"b":1,"c":1e2,"d":0.1}', '{"a":1,"b":1,"c":100,"d":0.10}', 'a', '1.0', 1, 'c', '1e2', 100, 'd', '0.1', '0.10'],
    ['huge numbers', '{"a":12345678901234567890}', '{"a":12345678901234567891}', 'a', '12345678901234567890', '12345678901234567891'],
    ['strings by their text', '{"a":"\\u0041\\/","b":"\\ud83d\\ude00","c":"\\u00E4"}', "{\"a\":\"A/\",\"b\":\"\xf0\x9f\x98\x80\",\"c\":\"\xc3\xa4\"}"],
    ['keys by their text', '{"\\u0061":1}', '{"a":1}'],
    ['values stay as sent', '{"a":"\\u0041"}', '{"a":"\\u0042"}', 'a', '"\\u0041"', '"\\u0042"'],
    ['a half surrogate', '{"a":"\\ud800"}', '{"a":"\\ud801"}', 'a', '"\\ud800"', '"\\ud801"'],
    ['the same half surrogate', '{"a":"\\ud800"}', '{"a":"\\uD800"}'],
    ['U+0000', '{"a":"\\u0000"}', '{"a":"\\u0000x"}', 'a', '"\\u0000"', '"\\u0000x"'],
    ['a scalar against an object', '{"a":1}', '{"a":{"b": {"c":[1, 2]}}}', 'a', 1, '{"b":{"c":[1,2]}}'],
    ['an object against a scalar', '{"a":{"b":1}}', '{"a":"x"}', 'a', '{"b":1}', '"x"'],
    ['an array against an object', '{"a":[1]}', '{"a":{"b":1}}', 'a', '[1]', '{"b":1}'],
    ['null against an object', '{"a":null}', '{"a":{"b":1}}', 'a', 'null', '{"b":1}'],
    ['true against "true"', '{"a":true}', '{"a":"true"}', 'a', 'true', '"true"'],
    ['1 against "1"', '{"a":1}', '{"a":"1"}', 'a', 1, '"1"'],
    ['{} is a leaf', '{"a":{}}', '{"a":[]}', 'a', '{}', '[]'],
    ['{} against {}', '{"a":{},"b":[]}', '{"a":{},"b":[]}'],
    ['of duplicates the last counts', '{"a":1,"a":2}', '{"a":3,"a":2}'],
    ['of duplicates the last counts, here different', '{"a":2,"a":1}', '{"a":1,"a":2}', 'a', 1, 2],
    ['an empty key', '{"":1}', '{"":2}', '[\\"\\"]', 1, 2],
    ['a key with a dot', '{"a.b":1}', '{"a.b":2}', '[\\"a.b\\"]', 1, 2],
    ['brackets', '{"x":{"[0]":1,"a]":1}}', '{"x":{"[0]":2,"a]":2}}', 'x[\\"[0]\\"]', 1, 2, 'x[\\"a]\\"]', 1, 2],
    ['a quote', '{"a\\"b":1}', '{"a\\"b":2}', '[\\"a\\\\\\"b\\"]', 1, 2],
    ['an odd key inside', '{"a":{"":{"b":[1]}}}', '{"a":{"":{"b":[2]}}}', 'a[\\"\\"].b[0]', 1, 2],
    ['a key in another script', "{\"\xc3\xa4 b\":1}", "{\"\xc3\xa4 b\":2}", "\xc3\xa4 b", 1, 2],
);

for my $case (@cases) {
    my ($what, $from, $to, @expected) = @$case;
    is diff($from, $to), entries(@expected), $what;
}

# A leaf that only one side has: an object there is taken apart, or stands as a whole; both sides agree.
subtest 'members of one side' => sub {
    my $whole = diff('{"a":1}', '{"a":1,"b":{"c":1,"d":[2]}}');
    my $back = diff('{"a":1,"b":{"c":1,"d":[2]}}', '{"a":1}');
    is_deeply [map { $_->{path} } @{ JSON::PP::decode_json($whole) }], [map { $_->{path} } @{ JSON::PP::decode_json($back) }], 'have the same paths both ways';
};

subtest 'large ones' => sub {
    my $n = 20_000;
    my $from = '{' . join(',', map { "\"key$_\":$_" } 1 .. $n) . '}';
    my $to = '{' . join(',', map { "\"key$_\":" . ($_ == 7 ? 0 : $_) } reverse 1 .. $n) . '}';
    is diff($from, $to), entries('key7', 7, 0), "$n members in another order: the one that differs";
    my $deep = sub { return '{"a":' x 9 . '{"b":' . $_[0] . '}' . '}' x 9 };
    is diff($deep->(1), $deep->(2)), entries(join('.', ('a') x 9, 'b'), 1, 2), 'ten levels';
    my $words = sub { return '{"a":"' . 'x' x 2_000_000 . $_[0] . '"}' };
    my $diff = diff($words->(1), $words->(2));
    is length $diff, 2 * 2_000_003 + length('[{"path":"a","from":,"to":}]'), 'two megabytes a side';
};

done_testing;
