# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# The builtin refiner, from reviews to an accepted prompt: prove -v shows what it writes.
use strict;
use warnings;
use Tuor::Test;
use Tuor::Reviews;
use Tuor::Server;

binmode $_, ':utf8' for Test::More->builder->output, Test::More->builder->failure_output, Test::More->builder->todo_output;

my $server = Tuor::Server->start(conf => "TuorRefiner builtin\nTuorRateLimit all off\n");
my $org = new_org("Builtin $$");
my $key = $org->{key};
$server->{api_key} = $key;

sub prompts  { my $id = shift; return "/v1/projects/$id/prompts" }
sub refine   { my $id = shift; return api(POST => prompts($id) . '/refine', @_ ? shift : (), server => $server) }
sub accept_  { my ($id, %body) = @_; return api(POST => prompts($id) . '/accept-refinement', \%body, server => $server) }
sub active   { my $id = shift; return api(GET => prompts($id), server => $server)->json->{active} }
sub faulty   { my $reply = shift; return join ' ', $reply->status, sort map { $_->{field} } @{ $reply->json->{errors} // [] } }

my $prompt = "You read invoices. Extract vendor, due_date, total, currency and vat_rate as JSON.\n";

# Twelve corrections as reviewers make them. Numbers are written as text where their characters matter.
my @corrections = (
    ['{"vendor":"Example GmbH","due_date":"1 March 2024","total":"EUR 1,250.45","currency":"eur","vat_rate":0.19}',
     '{"vendor":"Example GmbH","due_date":"2024-03-01","total":1250.45,"currency":"EUR","vat_rate":0.19}'],
    ['{"vendor":"Example GmbH","due_date":"15/04/2024","total":"EUR 80.00","currency":"EUR"}',
     '{"vendor":"Example GmbH","due_date":"2024-04-15","total":80.00,"currency":"EUR","vat_rate":0.19}'],
    ['{"vendor":"ACME Ltd.","due_date":"03/05/2024","total":"$99","currency":"usd","vat_rate":0.2}',
     '{"vendor":"ACME Ltd.","due_date":"2024-05-03","total":99,"currency":"USD","vat_rate":0.2}'],
    ['{"vendor":" Nord AG ","due_date":"2024-05-02","total":10,"currency":"EUR"}',
     '{"vendor":"Nord AG","due_date":"2024-05-02","total":10,"currency":"EUR","vat_rate":0.07}'],
    ['{"vendor":"Süd  KG","due_date":"Feb 7, 2024","total":12.5,"currency":"EUR","vat_rate":0.19}',
     '{"vendor":"Süd KG","due_date":"2024-02-07","total":12.5,"currency":"EUR","vat_rate":0.19}'],
    ['{"vendor":"Ost OHG","due_date":"N/A","total":11,"currency":"EUR","vat_rate":0.19}',
     '{"vendor":"Ost OHG","due_date":null,"total":11,"currency":"EUR","vat_rate":0.19}'],
    ['{"vendor":"West eG","due_date":"N/A","total":12,"currency":"EUR","vat_rate":0.19}',
     '{"vendor":"West eG","due_date":null,"total":12,"currency":"EUR","vat_rate":0.19}'],
    ['{"vendor":"Example GmbH","due_date":"2024-01-01","total":"2 000,00 €","currency":"eur","vat_rate":0.19,"confidence":0.9}',
     '{"vendor":"Example GmbH","due_date":"2024-01-01","total":2000.00,"currency":"EUR","vat_rate":0.19}'],
    ['{"vendor":"Exmple","due_date":"2024-01-01","total":5,"currency":"EUR","vat_rate":0.19,"confidence":0.7}',
     '{"vendor":"Example GmbH","due_date":"2024-01-01","total":5,"currency":"EUR","vat_rate":0.19}'],
    ['{"vendor":"Example","due_date":"2024-01-02","total":6,"currency":"EUR","vat_rate":"0.19"}',
     '{"vendor":"Example GmbH","due_date":"2024-01-02","total":6,"currency":"EUR","vat_rate":0.19}'],
    ['{"vendor":"Ex.","due_date":"2024-01-03","total":7,"currency":"EUR","vat_rate":"0.07"}',
     '{"vendor":"Example GmbH","due_date":"2024-01-03","total":7,"currency":"EUR","vat_rate":0.07}'],
    ['{"vendor":"Berg AG","due_date":"4 June 2024","total":8,"currency":"EUR","vat_rate":0.19}',
     '{"vendor":"Berg AG","due_date":"2024-06-04","total":8,"currency":"EUR","vat_rate":0.19}'],
);

subtest 'when there is nothing to refine' => sub {
    my $id = reviewed_project(key => $key, reviews => []);
    my $reply = refine($id);
    is $reply->status, 409, 'no prompt yet: 409' or diag $reply->body;
    like $reply->json->{detail}, qr/save a first one/, 'which says what to do';
    is_deeply [@{ $reply->json }{qw(reviewed_count required)}], [0, 10], 'reviewed_count and required';
    api(POST => prompts($id), { content => 'P' }, server => $server);
    review(key => $key, project_id => $id, reviews => [([{ a => 1 }, 'approve']) x 9]);
    $reply = refine($id);
    is $reply->status, 409, 'nine reviews: 409';
    is_deeply [@{ $reply->json }{qw(reviewed_count required)}], [9, 10], 'of ten';
    api(POST => prompts($id), { content => 'Q' }, server => $server);
    review(key => $key, project_id => $id, reviews => [[{ a => 1 }, 'approve']]);
    is refine($id)->json->{reviewed_count}, 1, 'only those since the active version was saved count';
    is api(POST => prompts($id) . '/refine?x=1', {}, server => $server)->status, 422, 'an unknown parameter';
    is api(POST => prompts($id) . '/refine', '[]', server => $server)->status, 422, 'no object';
    is api(POST => prompts('proj_0000000000000000000000') . '/refine', {}, server => $server)->status, 404, 'no such project';
};

my $project = reviewed_project(key => $key, prompt => $prompt, reviews => \@corrections, input => { content => "Rechnung" });
my $suggestion;

subtest 'twelve corrections' => sub {
    my $reply = refine($project);
    is $reply->status, 200, 'refined' or diag $reply->body;
    is_deeply [keys %{ $reply->json }], ['suggestion'], 'a suggestion';
    $suggestion = $reply->json->{suggestion};
    is_deeply [sort keys %$suggestion], [sort qw(id project_id parent_id content rationale lineage_event_ids reviewed_count created_at)],
        'its members';
    diag "\n$suggestion->{content}\n$suggestion->{rationale}" if $ENV{TEST_VERBOSE} || $ENV{HARNESS_VERBOSE};
    like $suggestion->{id}, qr/^sug_[0-9A-Za-z]{22,}$/, 'id';
    is $suggestion->{parent_id}, active($project)->{id}, 'parent_id';
    is $suggestion->{reviewed_count}, 12, 'reviewed_count';
    my $text = $suggestion->{content};
    is index($text, $prompt =~ s/\s+\z//r), 0, 'the prompt stands in front';
    my %expected = (
        'dates' => qr/`due_date`: write dates as YYYY-MM-DD\. In a date such as 03\/04\/2024 the day comes first\. For example "2024-06-04", not "4 June 2024"/,
        'amounts' => qr/`total`: give the amount alone, as a JSON number without unit or currency\. For example 2000\.00, not "2 000,00 \x{20ac}"/,
        'case' => qr/`currency`: write it in upper case\. For example "EUR", not "eur"/,
        'a missing key' => qr/`vat_rate`: always include this key\./,
        'a superfluous key' => qr/`confidence`: do not include this key\./,
        'null' => qr/`due_date`: answer null where the input gives no value, rather than "N\/A"\./,
        'white space' => qr/`vendor`: strip white space/,
        'quotes' => qr/`vat_rate`: write a JSON number, without quotes/,
        'a constant' => qr/`vendor`: the right value was "Example GmbH" in each of 3 corrections\./,
    );
    like $text, $expected{$_}, $_ for sort keys %expected;
    is scalar(() = $text =~ /^- `/mg), scalar(keys %expected), 'and nothing else';
    my @counts = $suggestion->{rationale} =~ /\((\d+)\)/g;
    is_deeply \@counts, [sort { $b <=> $a } @counts], 'most frequent first';
    is $counts[0], 5, 'five dates';
    like $text, qr/^- `due_date`: write dates.*^- `total`/ms, 'in the prompt, too';
    like $suggestion->{rationale}, qr/Of 12 traces .* 12 corrected .* dates in `due_date` rewritten as YYYY-MM-DD \(5\)/, 'rationale';
    my %seen;
    $seen{$_}++ for @{ $suggestion->{lineage_event_ids} };
    is_deeply [scalar(keys %seen), scalar(grep { $_ > 1 } values %seen)], [12, 0], 'lineage: all twelve, each once';
    my $types = psql("SELECT DISTINCT type FROM tuor.trace_events WHERE org_id = '$org->{id}' AND id IN ("
        . join(',', map { "'$_'" } keys %seen) . ')');
    is $types, 'review.corrected', 'which are corrections';
    is refine($project)->json->{suggestion}{content}, $text, 'again: the same';
    is active($project)->{version}, 1, 'nothing is active yet';
};

subtest 'accept' => sub {
    my $reply = accept_($project, suggestion_id => $suggestion->{id});
    is $reply->status, 201, 'accepted' or diag $reply->body;
    my $new = $reply->json;
    is_deeply { map { $_ => $new->{$_} } qw(version source parent_id content rationale lineage_event_ids) },
        { version => 2, source => 'refinement', map { $_ => $suggestion->{$_} } qw(parent_id content rationale lineage_event_ids) },
        'a version out of the suggestion';
    is_deeply active($project), $new, 'active at once';
    is $reply->header('location'), prompts($project) . "/$new->{id}", 'Location';
    my $again = accept_($project, suggestion_id => $suggestion->{id});
    is $again->status, 409, 'twice: 409';
    like $again->json->{detail}, qr/accepted already, as \Q$new->{id}\E/, 'which names what came of it';
    is accept_($project, suggestion_id => 'sug_0000000000000000000000')->status, 404, 'an unknown one';
    is accept_($project, suggestion_id => $new->{id})->status, 404, 'a prompt is no suggestion';
    is faulty(accept_($project)), '422 suggestion_id', 'none';
    is faulty(accept_($project, suggestion_id => 7, content => '')), '422 content suggestion_id', 'both wrong';
    is faulty(accept_($project, suggestion_id => $suggestion->{id}, content => 'x' x 16385)), '422 content', 'too long';
};

subtest 'the next refinement' => sub {
    is refine($project)->status, 409, 'wants new reviews';
    review(key => $key, project_id => $project, reviews => [
        ([{ vendor => 'A', total => 5 }, 'approve']) x 8,
        ['{"vendor":"A","due_date":"2024-02-03"}', '{"vendor":"A","due_date":"2024-03-02"}'],
        ['{"vendor":"A","due_date":"2024-05-06"}', '{"vendor":"A","due_date":"2024-06-05"}'],
        [{ vendor => 'A' }, 'reject', "This is a reminder,\nnot an invoice"],
        [{ vendor => 'A' }, 'reject'],
    ]);
    my $next = refine($project)->json->{suggestion};
    diag "\n$next->{content}\n$next->{rationale}" if $ENV{TEST_VERBOSE} || $ENV{HARNESS_VERBOSE};
    is scalar(() = $next->{content} =~ /^## Learned from reviews$/mg), 1, 'one heading: replaced, not piled up';
    is scalar(() = $next->{content} =~ /write dates as YYYY-MM-DD/g), 1, 'what was learned before stands there once';
    like $next->{content}, qr/- `due_date`: do not swap day and month\./, 'what is new';
    like $next->{content}, qr/^- "This is a reminder,\\nnot an invoice"$/m, 'and what was said';
    is scalar(@{ $next->{lineage_event_ids} }), 3, 'lineage: two corrections, one rejection';
    my $edited = accept_($project, suggestion_id => $next->{id}, content => 'My own words.')->json;
    is_deeply [@$edited{qw(content source version rationale)}], ['My own words.', 'refinement', 3, $next->{rationale}], 'accepted with other words';
};

subtest 'a suggestion whose parent is no longer active' => sub {
    my $id = reviewed_project(key => $key, prompt => 'P', reviews => [([{ a => 'eur' }, { a => 'EUR' }]) x 10]);
    my @two = map { refine($id)->json->{suggestion} } 1, 2;
    my $elsewhere = reviewed_project(key => $key, prompt => 'P', reviews => []);
    is accept_($elsewhere, suggestion_id => $two[0]{id})->status, 404, 'not of this project';
    my $foreign = api(POST => prompts($id) . '/accept-refinement', { suggestion_id => $two[0]{id} }, key => other_org_key());
    is $foreign->status, 404, 'nor of this organization';
    is accept_($id, suggestion_id => $two[0]{id})->status, 201, 'the first';
    my $late = accept_($id, suggestion_id => $two[1]{id});
    is $late->status, 409, 'the second: 409';
    like $late->json->{detail}, qr/no longer active/, 'for that reason';
};

subtest 'one of many who accept' => sub {
    my $id = reviewed_project(key => $key, prompt => 'P', reviews => [([{ a => 'eur' }, { a => 'EUR' }]) x 10]);
    my $one = refine($id)->json->{suggestion}{id};
    my @pids = map {
        my $pid = fork // die "fork: $!\n";
        if (!$pid) { require POSIX; POSIX::_exit(accept_($id, suggestion_id => $one)->status == 201 ? 1 : accept_($id, suggestion_id => $one)->status == 409 ? 0 : 2) }
        $pid;
    } 1 .. 8;
    my $sum = 0;
    $sum += do { waitpid $_, 0; $? >> 8 } for @pids;
    is $sum, 1, 'one gets 201, seven 409';
    is active($id)->{version}, 2, 'one version came of it';
};

subtest 'classification, single corrections, nothing at all' => sub {
    my $labels = reviewed_project(key => $key, prompt => 'Classify.', project => { output_type => 'classification' },
        input => { content => 'My parcel is broken and nobody answers.' },
        reviews => [([{ label => 'question' }, { label => 'complaint' }]) x 4, ([{ label => 'spam' }, 'approve']) x 6]);
    my $text = refine($labels)->json->{suggestion}{content};
    like $text, qr/`label`: choose with care: reviewers changed "question" to "complaint" 4 times; consider "complaint" before you answer "question"\./, 'labels';
    like $text, qr/For example "complaint" for the input "My parcel is broken and nobody answers\."/, 'with an input';
    my $single = reviewed_project(key => $key, prompt => 'P', reviews => [[{ a => 'x' }, { a => 'yes' }], ([{ a => 'b' }, 'approve']) x 9]);
    like refine($single)->json->{suggestion}{content}, qr/Nothing recurred yet.*\n- `a`: "yes" was right, not "x"\./, 'a single correction';
    my $none = reviewed_project(key => $key, prompt => 'P', reviews => [([{ a => 'b' }, 'approve']) x 10]);
    my $reply = refine($none)->json->{suggestion};
    is $reply->{content}, 'P', 'nothing to learn: the prompt as it is';
    like $reply->{rationale}, qr/10 were approved.*nothing new/, 'and the rationale says so';
    is_deeply $reply->{lineage_event_ids}, [], 'resting on nothing';
    my $long = reviewed_project(key => $key, prompt => 'p' x 16300, reviews => [([{ a => 'eur' }, { a => 'EUR' }]) x 10]);
    is length refine($long)->json->{suggestion}{content}, 16300, 'no room: the prompt as it is';
    like refine($long)->json->{suggestion}{rationale}, qr/no room/, 'and the rationale says so';
};

subtest 'what payloads may hold' => sub {
    my $odd = reviewed_project(key => $key, prompt => 'P', reviews => [
        (['{"a.b":"\ud800","c":1e400,"d":"\u0000","e":[{}],"":1}', '{"a.b":"x","c":2e400,"d":"\u0000\u0000","e":[[]],"":"\udfff"}']) x 5,
        (['{"k`\n\"":"1 March 2024","big":"' . 'x' x 20000 . '"}', '{"k`\n\"":"2024-03-01","big":"y"}']) x 5,
    ]);
    is refine($odd)->status, 200, 'does no harm';
};

done_testing;
