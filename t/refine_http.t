# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# The http refiner against an endpoint that speaks OpenAI's protocol, and one that does not.
use strict;
use warnings;
use File::Path qw(make_path);
use Time::HiRes qw(time);
use Tuor::Test;
use Tuor::Model;
use Tuor::Receiver;
use Tuor::Reviews;
use Tuor::Run qw(run_dir write_file read_file eventually);
use Tuor::Server;

my $model = Tuor::Model->start;
my $org = new_org("Http $$");
my $secret = 'sk-test-0123456789';
my $key_file = run_dir() . "/refiner-key-$$";
write_file($key_file, "$secret\n");

# A virtual host of its own for each behaviour: its name is the behaviour's number.
my @behaviours;
sub behaviour { my $path = shift; push @behaviours, $path; return 'h' . $#behaviours . '.test' }

my $json = sub { encode({ @_ }) };
my $said = sub { '/said/' . shift =~ s/([^A-Za-z0-9])/sprintf '%%%02X', ord $1/ger };
my $body = sub { '/body/' . shift =~ s/([^A-Za-z0-9])/sprintf '%%%02X', ord $1/ger };
my @failures = (
    ['/status/500', qr/answered with status 500/],
    ['/status/401', qr/answered with status 401/],
    ['/status/429', qr/answered with status 429/],
    ['/status/204', qr/answered with status 204/],
    ['/redirect', qr/answered with status 302/],
    ['/slow/10', qr/did not answer within 2 seconds/],
    ['/stall', qr/did not answer within 2 seconds/],
    ['/short', qr/broke the connection off/],
    ['/drop', qr/broke the connection off/],
    ['/garbage', qr/broke the connection off/],
    ['/big/1048577', qr/more than 1 MB/],
    ['/endless', qr/more than 1 MB/],
    ['/big/1048576', qr/not JSON/],
    ['/big/0', qr/not JSON/],
    [$body->('<html>'), qr/not JSON/],
    [$body->('{"choices":[{"message":{"content":"{'), qr/not JSON/],
    [$body->('{}'), qr/without choices/],
    [$body->('[]'), qr/without choices/],
    [$body->('{"choices":{}}'), qr/without choices/],
    [$body->('{"choices":[]}'), qr/without choices/],
    [$body->('{"choices":[{"message":{"content":null,"refusal":"no"}}]}'), qr/without choices/],
    [$body->('{"choices":[{"message":{"content":"{"},"finish_reason":"length"}]}'), qr/broke off before the end/],
    [$said->('Here is your prompt: be better.'), qr/JSON object \{content, rationale\}/],
    [$said->('```json' . "\n" . '{"content":"a","rationale":"b"}' . "\n```"), qr/JSON object/],
    [$said->('["content"]'), qr/JSON object/],
    [$said->('{"content":"a"}'), qr/JSON object/],
    [$said->('{"rationale":"a"}'), qr/JSON object/],
    [$said->('{"content":7,"rationale":"b"}'), qr/JSON object/],
    [$said->('{"content":"a","content":"b","rationale":"b"}'), qr/JSON object/],
    [$said->('{"content":"a\u0000b","rationale":"b"}'), qr/JSON object/],
    [$said->('{"content":"","rationale":"b"}'), qr/empty prompt/],
    [$said->('{"content":" \n","rationale":"b"}'), qr/empty prompt/],
    ['/long/16385', qr/more than 16 KB/],
);
my %host = map { $_->[0] => behaviour($_->[0]) } @failures, ['/good'], ['/long/16384'], ['/slow/3'];
my $nobody = behaviour('');
my @conf = map {
    my $url = $behaviours[$_] eq '' ? 'http://127.0.0.1:1/' : $model->url($behaviours[$_]);
    "<VirtualHost *>\nServerName h$_.test\nTuorRefinerURL \"" . $url =~ s/%/%/gr . "\"\n"
        . ($behaviours[$_] =~ m{^/(good|slow/3)$} ? "TuorRefinerTimeout 30\n" : '')
        . ($behaviours[$_] eq '/good' ? "TuorRefinerKeyFile $key_file\n" : '') . "</VirtualHost>\n"
} 0 .. $#behaviours;
my $server = Tuor::Server->start(
    conf => "TuorRefiner http\nTuorRefinerURL http://127.0.0.1:1/\nTuorRefinerModel test-model\nTuorRefinerTimeout 2\n"
        . "TuorRefinerKeyFile $key_file\nTuorRateLimit all off\nDBDMax 1\nDBDKeep 1\n"
        . "ServerLimit 1\nStartServers 1\nMaxRequestWorkers 16\nMaxSpareThreads 16\n" . join('', @conf),
    # A proxy of the environment's is nobody's wish.
    env => { http_proxy => 'http://127.0.0.1:1' },
);
$server->{api_key} = $org->{key};

my @reviews = (
    (['{"total":"5 EUR","note":"' . 'n' x 5000 . '"}', { total => 5, note => 'n' }]) x 3,
    ([{ total => "\x{20ac} 7" }, { total => 7 }, 'no units, please']) x 3,
    [{ total => 1 }, 'reject', 'not an invoice'], [{ total => 1 }, 'reject'],
    ([{ total => 9 }, 'approve']) x 4,
);
my $project = reviewed_project(key => $org->{key}, prompt => 'Read invoices.', reviews => \@reviews,
    project => { guidelines => 'Totals are numbers.' }, input => { content => 'i' x 5000 });
my $path = "/v1/projects/$project/prompts";
sub refine { my ($host, %opt) = @_; return api(POST => "$path/refine", server => $server, host => $host, %opt) }

subtest 'a model that does as it is told' => sub {
    $model->forget;
    my $reply = refine($host{'/good'});
    is $reply->status, 200, 'refined' or diag $reply->body;
    my $suggestion = $reply->json->{suggestion};
    is $suggestion->{content}, "Better: \x{e9}\n", 'content';
    is $suggestion->{rationale}, 'Reviewers said so.', 'rationale';
    is $suggestion->{reviewed_count}, 12, 'reviewed_count';
    is scalar(@{ $suggestion->{lineage_event_ids} }), 7, 'lineage: the corrections and the rejection with a comment';
    my ($asked) = $model->requests;
    is $asked->{method}, 'POST', 'one POST';
    is $asked->{headers}{Authorization}, "Bearer $secret", 'with the key';
    is $asked->{headers}{'Content-Type'}, 'application/json', 'as JSON';
    is $asked->{body}{model}, 'test-model', 'for the model';
    is_deeply [map { $_->{role} } @{ $asked->{body}{messages} }], [qw(system user)], 'two messages';
    my $question = $asked->{body}{messages}[1]{content};
    like $question, $_->[0], $_->[1] for [qr/<prompt>\nRead invoices\.\n<\/prompt>/, 'the prompt'],
        [qr/Totals are numbers/, 'the guidelines'], [qr/4 approved, 6 corrected, 2 rejected/, 'the counts'],
        [qr/differences: \[\{"path":"total","from":"\x{20ac} 7","to":7\}\]/, 'a correction'], [qr/comment: no units, please/, 'its comment'],
        [qr/comment: not an invoice/, 'a rejection'], [qr/verdict="approved"/, 'an approval'], [qr/\[cut\]/, 'long values are cut'];
    unlike $question, qr/[ni]{2100}/, 'all of them';
    is scalar(() = $question =~ /<review verdict="rejected">/g), 1, 'a rejection without a comment is left out';
    my $new = api(POST => "$path/accept-refinement", { suggestion_id => $suggestion->{id} }, server => $server);
    is $new->status, 201, 'accepted';
    is $new->json->{content}, "Better: \x{e9}\n", 'and active';
    review(key => $org->{key}, project_id => $project, reviews => \@reviews);
};

subtest 'keys stay where they belong' => sub {
    $model->forget;
    refine($host{'/long/16384'});
    is(($model->requests)[0]{headers}{Authorization}, undef, 'another URL does not get the main server\'s key');
    unlike $server->error_log, qr/\Q$secret\E/, 'no log has it';
};

subtest 'a content of 16 384 bytes' => sub {
    my $reply = refine($host{'/long/16384'});
    is $reply->status, 200, 'is within the limit' or diag $reply->body;
    is length $reply->json->{suggestion}{content}, 16384, 'whole';
};

subtest 'failures' => sub {
    my $before = psql("SELECT count(*) FROM tuor.prompt_suggestions WHERE org_id = '$org->{id}'");
    for my $failure (@failures) {
        my ($what, $words) = @$failure;
        my $start = time;
        my $reply = refine($host{$what});
        is $reply->status, 502, substr($what, 0, 60) or diag $reply->body;
        like $reply->json->{detail}, $words, '  ' . ($reply->json->{detail} // '');
        cmp_ok time - $start, '<', 6, '  in time';
    }
    my $reply = refine($nobody);
    is $reply->status, 502, 'nobody listens';
    like $reply->json->{detail}, qr/^The refiner cannot be reached$/, '  says so, and not where';
    is psql("SELECT count(*) FROM tuor.prompt_suggestions WHERE org_id = '$org->{id}'"), $before, 'none left a suggestion';
    is scalar(grep { $_->{path} eq '/good' } $model->requests), 0, 'the redirect was not followed';
};

# Endpoints inside one's own network, under an authority of one's own.
subtest 'TLS' => sub {
    my %tls = map { $_ => Tuor::Model->start(certificate => $_) } qw(good expired selfsigned wronghost);
    my $ca = Tuor::Receiver->ca;
    my ($system) = grep { -e } '/etc/ssl/certs/ca-certificates.crt';
    my $other_ca = $ca =~ s/ca\.pem$/selfsigned.pem/r;
    my @host = (    # server name, endpoint, directives, and what is said of it
        ['good', 'good', "TuorRefinerCAFile $ca"], ['two', 'good', "TuorRefinerCAFile " . run_dir() . "/two-$$.pem"],
        ['expired', 'expired', "TuorRefinerCAFile $ca"], ['selfsigned', 'selfsigned', "TuorRefinerCAFile $ca"], ['wronghost', 'wronghost', "TuorRefinerCAFile $ca"],
        ['other', 'good', "TuorRefinerCAFile $other_ca"], ['none', 'good', ''], ($system ? ['system', 'good', "TuorRefinerCAFile $system"] : ()),
    );
    write_file(run_dir() . "/two-$$.pem", read_file($other_ca) . read_file($ca));
    my $server = Tuor::Server->start(conf => "TuorRefiner http\nTuorRefinerURL " . $tls{good}->url('/good') . "\nTuorRefinerCAFile $ca\nTuorRefinerModel m\nTuorRateLimit all off\n"
        . join '', map { "<VirtualHost *>\nServerName $_->[0].test\nTuorRefinerURL " . $tls{ $_->[1] }->url('/good') . "\n$_->[2]\n</VirtualHost>\n" } @host);
    my $project = reviewed_project(key => $org->{key}, prompt => 'Read invoices.', reviews => \@reviews, input => { content => 'i' });
    my $refine = sub { return api(POST => "/v1/projects/$project/prompts/refine", server => $server, host => "$_[0].test", key => $org->{key}) };
    for my $name ('good', 'two') {
        my $reply = $refine->($name);
        is $reply->status, 200, "$name: trusted" or diag $reply->body;
    }
    is scalar($tls{good}->requests), 2, 'it was asked';
    for my $name (grep { !/^(good|two)$/ } map { $_->[0] } @host) {
        my $reply = $refine->($name);
        is $reply->status, 502, "$name: not trusted" or diag $reply->body;
        like $reply->json->{detail}, qr/has no certificate that this server trusts/, '  says so';
    }
    is scalar(map { $_->requests } values %tls), 2, 'none of these was sent anything';
    my $empty = run_dir() . "/empty-$$.pem";
    write_file($empty, '');
    for my $case (['/nowhere/ca.pem', qr/cannot read .*No such file/], ['/etc/hostname', qr/has no certificate.*PEM/], [$empty, qr/has no certificate/],
        [$ca =~ s/ca\.pem$/good.key/r, qr/has no certificate/]) {
        my ($status, $said) = Tuor::Server->configtest("TuorRefinerCAFile $case->[0]\n");
        ok $status != 0, "configtest refuses $case->[0]";
        like $said, qr/TuorRefinerCAFile: .*$case->[1]/, '  and says why';
    }
    write_file($empty, read_file($ca) . "-----BEGIN CERTIFICATE-----\nbroken\n-----END CERTIFICATE-----\n");
    like +(Tuor::Server->configtest("TuorRefinerCAFile $empty\n"))[1], qr/has a certificate that cannot be read/, 'a broken one behind a good one';
};

# One connection to the database in all, one child: readers go on while three models think.
subtest 'no connection waits for a model' => sub {
    my @pids = map {
        my $pid = fork // die "fork: $!\n";
        if (!$pid) { require POSIX; POSIX::_exit(refine($host{'/slow/3'})->status == 200 ? 0 : 1) }
        $pid;
    } 1 .. 3;
    my $slowest = 0;
    my $end = time + 2.7;
    my $reads = 0;
    while (time < $end) {
        my $start = time;
        is api(GET => $path, server => $server)->status, 200, 'a read meanwhile' or last if $reads < 1;
        api(GET => $path, server => $server);
        $slowest = time - $start if time - $start > $slowest;
        $reads++;
    }
    cmp_ok $slowest, '<', 2, "$reads reads, the slowest in " . sprintf('%.3f s', $slowest);
    is scalar(grep { waitpid $_, 0; $? } @pids), 0, 'and all three were refined';
};

subtest 'a prompt that is saved meanwhile' => sub {
    $model->forget;
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        require POSIX;
        my $reply = refine($host{'/slow/3'});
        print STDERR $reply->status, $reply->body unless $reply->status == 409;
        POSIX::_exit($reply->status == 409 ? 0 : 1);
    }
    eventually(5, sub { grep { $_->{path} eq '/slow/3' } $model->requests });
    select undef, undef, undef, 0.3;
    is api(POST => $path, { content => 'quicker' }, server => $server)->status, 201, 'is saved at once';
    waitpid $pid, 0;
    is $?, 0, 'and the refinement is 409';
};

done_testing;
