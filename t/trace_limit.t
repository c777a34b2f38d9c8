# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# The limit of stored traces: exact, however many store at once.
use strict;
use warnings;
use Tuor::Server;
use Tuor::Test;

my $n = 0;

sub org { my $org = new_org("Limited $$ " . ++$n); $org->{project} = create_project(key => $org->{key})->{id}; return $org }
sub limit { my ($org, $limit) = @_; return database->ctl('org', 'limit', $org->{id}, $limit) }
sub body { my $org = shift; return { project_id => $org->{project}, model_input => {}, model_output => {}, @_ } }
sub create { my ($org, @rest) = @_; return api(POST => '/v1/traces/', body($org), key => $org->{key}, @rest) }
sub creates { my ($org, $times, @rest) = @_; return join ' ', map { create($org, @rest)->status } 1 .. $times }
sub stored { my $org = shift; return psql("SELECT count(*) FROM tuor.traces WHERE org_id = '$org->{id}'") }
sub counted { my $org = shift; return psql("SELECT sum(stored) FROM tuor.trace_counts WHERE org_id = '$org->{id}'") }
sub tally { my %count; $count{$_}++ for @_; return join ' ', map { "$_:$count{$_}" } sort keys %count }

sub batch {
    my ($org, $lines, @rest) = @_;
    return map { $_->{status} } api(POST => '/v1/traces/batch', join('', map { encode(body($org)) . "\n" } 1 .. $lines), key => $org->{key}, type => 'application/x-ndjson', @rest)->lines;
}

subtest 'an organization' => sub {
    my $org = org();
    is creates($org, 2), '201 201', 'without a limit';
    is counted($org), '', 'nothing is counted';
    limit($org, 4);
    is creates($org, 4), '201 201 402 402', 'with one';
    my $reply = create($org);
    like $reply->json->{detail}, qr/\b4\b/, 'the 402 names it';
    is stored($org), 4, 'and nothing more is stored';
    my ($trace) = @{ api(GET => '/v1/traces/', key => $org->{key})->json };
    is api(DELETE => "/v1/traces/$trace->{id}?expected_version=1", key => $org->{key})->status, 200, 'a deleted trace';
    is create($org)->status, 402, 'counts';
    is api(POST => "/v1/traces/$trace->{id}/restore", { expected_version => 2 }, key => $org->{key})->status, 200, 'and can be restored';
    limit($org, 2);
    is create($org)->status, 402, 'a lower one';
    limit($org, 5);
    is creates($org, 2), '201 402', 'a higher one';
    limit($org, 'none');
    is creates($org, 2), '201 201', 'and none';
    is counted($org), '', 'and nothing is counted any more';
    limit($org, 0);
    is create($org)->status, 402, 'none at all';
    is create(org())->status, 201, 'others are not concerned';
};

subtest 'OpenTelemetry' => sub {
    my $org = org();
    limit($org, 1);
    my $text = sub { return { key => $_[0], value => { stringValue => $_[1] } } };
    my $n = 0;
    my $span = sub { return { traceId => '0' x 31 . '1', spanId => sprintf('%016x', ++$n), attributes => [$text->('gen_ai.prompt', 'P'), $text->('gen_ai.completion', 'C')] } };
    my $reply = api(POST => '/otlp/v1/traces', { resourceSpans => [{ resource => { attributes => [$text->('tuor.project_id', $org->{project})] },
        scopeSpans => [{ spans => [$span->(), $span->(), $span->()] }] }] }, key => $org->{key});
    is $reply->status, 200, 'three spans';
    is $reply->json->{partialSuccess}{rejectedSpans}, 2, 'of which two are beyond the limit' or diag $reply->body;
    like $reply->json->{partialSuccess}{errorMessage}, qr/limit of 1 stored/, '  and the reason is told';
    is stored($org), 1, '  one is stored';
};

subtest 'the order of refusals' => sub {
    my $org = org();
    limit($org, 1);
    my @key = (headers => { 'Idempotency-Key' => 'first' });
    my $first = create($org, @key);
    is $first->status, 201, 'the only one';
    my $again = create($org, @key);
    is $again->status . ' ' . ($again->body eq $first->body), '200 1', 'is replayed';
    is api(POST => '/v1/traces/', body($org, model_input => { x => 1 }), key => $org->{key}, @key)->status, 422, 'its key is used up';
    is api(POST => '/v1/traces/', body($org, project_id => 'proj_x'), key => $org->{key})->status, 404, 'an unknown project is 404';
    is api(POST => '/v1/traces/', body($org, model_input => 1), key => $org->{key})->status, 422, 'a faulty body is 422';
    my @later = (headers => { 'Idempotency-Key' => 'later' });
    is create($org, @later)->status, 402, 'with another key it is 402';
    is create($org, @later)->status, 402, 'a second time, too';
    limit($org, 2);
    is create($org, @later)->status, 201, 'which is not remembered';
    is create($org, @later)->status, 200, 'unlike this';
};

subtest 'at once' => sub {
    my $org = org();
    limit($org, 23);
    is tally(in_parallel(8, sub { map { create($org)->status } 1 .. 6 })), '201:23 402:25', 'the limit passes, and no more';
    is stored($org), 23, 'as stored';
    is counted($org), 23, 'and as counted';

    # So far away that ingests count side by side; then over the border.
    $org = org();
    limit($org, 2330);
    is tally(in_parallel(6, sub { map { batch($org, 90) } 1 .. 5 })), '201:2330 402:370', 'from afar';
    is stored($org) . ' ' . counted($org), '2330 2330', 'as stored, as counted';
    $org = org();
    limit($org, 2100);
    is tally(in_parallel(4, sub { $_[0] % 2 ? map({ batch($org, 1000) } 1 .. 2) : map({ create($org)->status } 1 .. 40) })), '201:2100 402:1980',
        'batches and single traces';
    is stored($org) . ' ' . counted($org), '2100 2100', 'as stored, as counted';
};

subtest 'set in the middle' => sub {
    my $org = org();
    # Where the machine is slow, more than the limit may be stored before it is set.
    my @said = in_parallel(9, sub { $_[0] == 9 ? do { limit($org, 100); 'set ' . stored($org) } : map { create($org)->status } 1 .. 30 });
    is counted($org), stored($org), 'counting begins with the right number';
    my ($then) = map { /^set (\d+)/ } @said;
    is stored($org), $then > 100 ? $then : 100, 'and the limit holds' or diag tally(@said);
    limit($org, stored($org) + 10);
    @said = in_parallel(7, sub { $_[0] == 7 ? do { limit($org, 130); limit($org, 'none'); limit($org, 150); 'set' } : map { create($org)->status } 1 .. 20 });
    is counted($org), stored($org), 'however often it is set';
    is tally(grep { !/^(?:201|402|503|set)$/ } @said), '', 'and nobody gets hurt';
};

subtest 'a server' => sub {
    my $server = Tuor::Server->start(conf => "TuorTraceLimit 6\nTuorRateLimit all off\n");
    my $org = org();
    is creates($org, 3), '201 201 201', 'one without a limit';
    is creates($org, 4, server => $server), '201 201 201 402', 'one with, which counts them all';
    is create($org)->status, 201, 'the other still takes more';
    limit($org, 9);
    is creates($org, 3, server => $server), '201 201 402', "the organization's own limit goes before";
    is create($org)->status, 402, 'everywhere';
    limit($org, 3);
    is create($org, server => $server)->status, 402, 'and a lower one, too';
    limit($org, 'none');
    is create($org, server => $server)->status, 402, 'none is the server\'s';

    my $racing = org();
    my @said = in_parallel(8, sub { map { create($racing, $_[0] % 2 ? (server => $server) : ())->status } 1 .. 5 });
    is tally(grep { !/^(?:201|402)$/ } @said), '', 'first traces of both at once';
    is counted($racing), stored($racing), 'are counted right';
    cmp_ok stored($racing), '>=', 20, 'and the one without takes all of its own';
    my $only = org();
    is tally(in_parallel(6, sub { map { create($only, server => $server)->status } 1 .. 3 })), '201:6 402:12', 'of the one with, six pass';
};

subtest 'the directive' => sub {
    for ('TuorTraceLimit 0', 'TuorTraceLimit -1', 'TuorTraceLimit many', 'TuorTraceLimit', 'TuorTraceLimit 1 2', 'TuorTraceLimit 99999999999999') {
        my ($status, $said) = Tuor::Server->configtest($_);
        isnt $status, 0, $_;
        like $said, qr/TuorTraceLimit/, '  is told';
    }
    is +(Tuor::Server->configtest($_))[0], 0, $_ for 'TuorTraceLimit 1', 'TuorTraceLimit None', 'TuorTraceLimit 1000000000000';
};

done_testing;
