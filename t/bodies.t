# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# How a body may come, and which bodies are refused.
use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;
use Time::HiRes qw(time);
use Tuor::Test;

my $org = new_org("Bodies $$");
my $key = $org->{key};
my $project = create_project(key => $key)->{id};
my $good = qq({"project_id":"$project","model_input":{"a":1.0},"model_output":{}});

sub post  { return api(POST => '/v1/traces/', $_[0], key => $key, @_[1 .. $#_]) }
sub count { return psql("SELECT count(*) FROM tuor.traces WHERE org_id = '$org->{id}'") }

sub connection {
    my ($port) = url() =~ /:(\d+)$/;
    return IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port, Timeout => 20) // die "connect: $!\n";
}

# A request by hand, and the end of what is sent: status and bytes of the answer.
sub raw {
    my ($headers, @rest) = @_;
    my $socket = connection();
    print $socket "POST /v1/traces/ HTTP/1.1\r\nHost: t\r\nX-API-Key: $key\r\nConnection: close\r\n$headers\r\n", @rest;
    shutdown $socket, 1;
    my $answer = do { local $/; <$socket> } // '';
    my ($status) = $answer =~ m{^HTTP/1\.1 (\d+)};
    return ($status // 'none', $answer);
}
my $type = "Content-Type: application/json\r\n";

subtest 'media types' => sub {
    is post($good, type => $_)->status, 201, $_ for 'application/json', 'application/json; charset=utf-8', 'application/json;charset=UTF-8',
        'Application/JSON', 'application/json ; x=y';
    for ('text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'text/json', 'application/jsonp', 'application/json-seq',
         'application/x-ndjson', 'application', '', 'json') {
        my $reply = post($good, type => $_);
        is $reply->status, 415, "'$_'";
        like $reply->json->{detail}, qr{application/json}, '  says what would be right';
    }
    is +(raw("Content-Length: 2\r\n", '{}'))[0], 415, 'none at all';
};

subtest 'no JSON' => sub {
    my $n = count();
    my @bad = (
        '', ' ', '{', '}', '[', '{"a":1', '{"a"}', '{"a":}', '{:1}', '{,}', '{"a":1,}', '{"a":1 "b":2}', '{"a" 1}', "{'a':1}", '{a:1}', '{"a":1}}',
        '{"a":1}x', '{}{}', '{} []', '{"a":NaN}', '{"a":Infinity}', '{"a":-Infinity}', '{"a":nan}', '{"a":+1}', '{"a":01}', '{"a":-01}', '{"a":.5}',
        '{"a":5.}', '{"a":1e}', '{"a":1e+}', '{"a":0x10}', '{"a":1_000}', '{"a":--1}', '{"a":-}', '{"a":1.2.3}', '{"a":TRUE}', '{"a":True}', '{"a":tru}',
        '{"a":truee}', '{"a":nul}', '{"a":undefined}', '{"a":"x}', '{"a":"\\x41"}', '{"a":"\\u12"}', '{"a":"\\u12g4"}', '{"a":"\\U0041"}', '{"a":"\\a"}',
        '{"a":"\\', "{\"a\":\"\t\"}", "{\"a\":\"\n\"}", "{\"a\":\"\0\"}", "{\"a\":1}\0", "\0", '{"a":[1,]}', '{"a":[,1]}', '{"a":[1 2]}', '{"a":[1}', '{"a":]}',
        '{"a":1}//', '{/**/"a":1}', '{"a":1 # x' . "\n}", '{"a":1}/* x */', "\xef\xbb\xbf{}", "\xff\xfe{\0}\0", "\xfe\xff\0{\0}", "{\0}\0",
        "{\"a\":\"\xff\"}", "{\"a\":\"\xc0\x80\"}", "{\"a\":\"\xc3\"}", "{\"a\":\"\xc3(\"}", "{\"a\":\"\xed\xa0\x80\"}", "{\"a\":\"\xed\xbf\xbf\"}",
        "{\"a\":\"\xf4\x90\x80\x80\"}", "{\"a\":\"\xf8\x88\x80\x80\x80\"}", "{\"a\":\"\xe0\x80\x80\"}", "{\"a\":\"\xf0\x80\x80\x80\"}", "{\"a\":\"\x80\"}",
        "{\"\xe4\":1}", "{\xc2\xa0}", "{\xe2\x80\x83}", "{\x0c}", "{\x0b}", '{"a":"b":"c"}', '{1:2}', '{null:1}', '{[]:1}', '{"a":1;}', '<a/>', 'a=1', '"', '{"a":\'x\'}',
    );
    cmp_ok scalar(@bad), '>=', 60, scalar(@bad) . ' texts';
    for my $text (@bad) {
        my ($status, $answer) = raw($type . 'Content-Length: ' . length($text) . "\r\n", $text);
        my $shown = $text =~ s/([^\x20-\x7e])/sprintf '\\x%02x', ord $1/ger;
        is $status, 400, "$shown alone" or diag $answer;
        # The same inside a payload, where it is a text of its own.
        my $in = qq({"project_id":"$project","model_output":{},"model_input":$text});
        my $reply = post($in);
        is $reply->status, 400, '  and as a payload' or diag $reply->body;
    }
    like post('{"a":NaN}')->json->{detail}, qr/byte 5/, 'the place is told';
    is count(), $n, 'nothing was stored';
};

subtest 'chunked' => sub {
    my $chunks = join '', map { sprintf "%x\r\n%s\r\n", length, $_ } $good =~ /(.{1,7})/gs;
    my ($status, $answer) = raw("${type}Transfer-Encoding: chunked\r\n", $chunks, "0\r\n\r\n");
    is $status, 201, 'small pieces' or diag $answer;
    like $answer, qr/"model_input":\{"a":1\.0\}/, 'are put together';
    is +(raw("${type}Transfer-Encoding: chunked\r\n", $chunks, "0\r\nTrailer: x\r\n\r\n"))[0], 201, 'a trailer does no harm';
    is +(raw("${type}Transfer-Encoding: chunked\r\n", "5;ext=1\r\n{\"a\":\r\n"))[0], 400, 'an end before the end';
    is +(raw("${type}Transfer-Encoding: chunked\r\n", "zz\r\n$good\r\n0\r\n\r\n"))[0], 400, 'a length that is none';
    is +(raw("${type}Transfer-Encoding: chunked\r\n", "0\r\n\r\n"))[0], 400, 'an empty one is no JSON';
    my $sent = 0;
    my $big = '{"a":"' . 'x' x 3_000_000 . '"}';
    my $reply = post(sub { $sent++ ? '' : qq({"project_id":"$project","model_output":{},"model_input":$big}) });
    is $reply->status, 201, 'three megabytes';
    ok $reply->raw('model_input') eq $big, 'as sent';
};

subtest 'Expect: 100-continue' => sub {
    my $start = sub {
        my $socket = connection();
        print $socket "POST /v1/traces/ HTTP/1.1\r\nHost: t\r\n${type}Connection: close\r\nExpect: 100-continue\r\n$_[0]\r\n";
        return $socket;
    };
    my $socket = $start->("X-API-Key: $key\r\nContent-Length: " . length($good) . "\r\n");
    ok(IO::Select->new($socket)->can_read(10), 'there is an answer before the body');
    sysread $socket, my $first, 1000;
    like $first, qr{^HTTP/1\.1 100 }, '100 Continue';
    print $socket $good;
    my $rest = do { local $/; <$socket> };
    like $rest, qr{HTTP/1\.1 201 }, 'then 201';
    for (["X-API-Key: tuor_wrong\r\nContent-Length: 1000000\r\n", 401], ["X-API-Key: $key\r\nContent-Length: 20000000\r\n", 413]) {
        my $socket = $start->($_->[0]);
        my $answer = do { local $/; <$socket> };
        like $answer, qr{^HTTP/1\.1 $_->[1] }, "$_->[1] comes without the body";
    }
};

subtest 'cut short' => sub {
    my $n = count();
    for my $part ('', '{', substr($good, 0, -1)) {
            my $socket = connection();
        print $socket "POST /v1/traces/ HTTP/1.1\r\nHost: t\r\nX-API-Key: $key\r\n${type}Content-Length: " . length($good) . "\r\n\r\n$part";
        shutdown $socket, 1;
        my $answer = do { local $/; <$socket> } // '';
        like $answer, qr{^(HTTP/1\.1 400 |\z)}, 'after ' . length($part) . ' of ' . length($good) . ' bytes: refused, or nobody there any more';
    }
    for (1 .. 3) {
        my $socket = connection();
        print $socket "POST /v1/traces/ HTTP/1.1\r\nHost: t\r\nX-API-Key: $key\r\n${type}Content-Length: 1000000\r\n\r\n" . 'x' x 100_000;
        setsockopt $socket, Socket::SOL_SOCKET(), Socket::SO_LINGER(), pack 'll', 1, 0;
        close $socket;      # a reset
    }
    is post($good)->status, 201, 'the next one is served';
    is count(), $n + 1, 'and alone was stored';
};

subtest 'larger than the server takes' => sub {
    my $limit = 17 * 1024 * 1024;
    my $start = time;
    my ($status, $answer) = raw("${type}Content-Length: " . ($limit + 1) . "\r\n", 'x' x 1000);
    is $status, 413, 'announced: refused before it comes';
    like $answer, qr/\r\n\r\n\{"detail":"[^"]*$limit/, 'with the limit, as JSON';
    is +(raw("${type}Content-Length: 1000000000000\r\n", 'x'))[0], 413, 'a terabyte';
    is +(raw("${type}Content-Length: 99999999999999999999999\r\n", 'x'))[0], 400, 'a length beyond numbers';
    is +(raw("${type}Content-Length: -1\r\n", 'x'))[0], 400, 'a negative one';
    cmp_ok time - $start, '<', 5, 'at once';

    # Chunked: nobody knows the length. The client goes on sending and may be cut off.
    my $socket = connection();
    local $SIG{PIPE} = 'IGNORE';
    print $socket "POST /v1/traces/ HTTP/1.1\r\nHost: t\r\nX-API-Key: $key\r\n${type}Transfer-Encoding: chunked\r\n\r\n";
    my $chunk = sprintf "%x\r\n%s\r\n", 1 << 20, ' ' x (1 << 20);
    my ($sent, $reading) = (0, IO::Select->new($socket));
    while ($sent < 60 && !$reading->can_read(0)) { print $socket $chunk or last; $sent++ }
    my $said = '';
    sysread $socket, $said, 4096;
    like $said, qr{^HTTP/1\.1 413 }, 'chunked: 413';
    cmp_ok $sent, '<', 60, "after $sent MiB";
    close $socket;

    my $exact = $good . ' ' x ($limit - length $good);
    is post($exact)->status, 201, 'exactly 17 MiB are taken';
    my $over = eval { post("$exact ") };
    ok $over && ($over->status == 413 || $over->status == 599), 'a byte more is not';
};

subtest 'a client that dawdles' => sub {
    my $start = time;
    my $slow = connection();
    print $slow "POST /v1/traces/ HTTP/1.1\r\nHost: t\r\nX-API-Key: $key\r\n${type}Content-Length: 100000\r\n\r\n{";
    is post($good)->status, 201, 'keeps nobody waiting';
    cmp_ok time - $start, '<', 5, 'not even for a moment';
};

done_testing;
