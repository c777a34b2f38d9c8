# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# The versions of a project's prompt: saved, read, guarded, and what came of them.
use strict;
use warnings;
use Tuor::Test;
use Tuor::Run qw(eventually);
use Tuor::Server;

my $org = new_org("Prompts $$");
my $key = $org->{key};
my $project = create_project(key => $key, name => 'Prompts');
my $path = "/v1/projects/$project->{id}/prompts";

sub save { my ($content, %opt) = @_; return api(POST => $opt{path} // $path, { content => $content }, key => $opt{key} // $key) }
sub faulty { my $reply = shift; return join ' ', $reply->status, sort map { $_->{field} } @{ $reply->json->{errors} // [] } }

subtest 'none yet' => sub {
    my $reply = api(GET => $path, key => $key);
    is $reply->status, 200, 'a project without a prompt';
    is_deeply $reply->json, { active => undef, history => [] }, 'has no active one and no history';
    is api(GET => "$path/", key => $key)->status, 200, 'with a slash at the end';
};

my @saved;
subtest 'save' => sub {
    my $reply = save('You are a financial assistant.');
    is $reply->status, 201, 'saved' or diag $reply->body;
    my $prompt = $reply->json;
    is_deeply [sort keys %$prompt], [sort qw(id org_id project_id version content source is_active parent_id rationale
        lineage_event_ids created_at created_by)], 'its members';
    like $prompt->{id}, qr/^prm_[0-9A-Za-z]{22,}$/, 'id';
    like $prompt->{created_at}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/, 'created_at';
    like $prompt->{created_by}, qr/^key_/, 'created_by';
    is_deeply { map { $_ => $prompt->{$_} } qw(org_id project_id version source parent_id rationale lineage_event_ids) },
        { org_id => $org->{id}, project_id => $project->{id}, version => 1, source => 'manual', parent_id => undef,
          rationale => undef, lineage_event_ids => [] }, 'the others';
    is $reply->raw('is_active'), 'true', 'is_active is a boolean';
    is $reply->header('location'), "$path/$prompt->{id}", 'Location';
    is api(GET => $reply->header('location'), key => $key)->body, $reply->body, 'which answers the same';
    @saved = ($prompt, save("Second: \x{e9}\x{1f600}\n")->json);
    is $saved[1]{version}, 2, 'the second version';
    is $saved[1]{content}, "Second: \x{e9}\x{1f600}\n", 'its content, as sent';
};

subtest 'read' => sub {
    my $all = api(GET => $path, key => $key)->json;
    is_deeply $all->{active}, $saved[1], 'the newest is active';
    is_deeply [map { $_->{version} } @{ $all->{history} }], [2, 1], 'history: newest first, active included';
    is_deeply $all->{history}[0], $saved[1], 'whole objects';
    is_deeply $all->{history}[1], { %{ $saved[0] }, is_active => JSON::PP::false }, 'the first retired and otherwise unchanged';
    is_deeply api(GET => "$path/$saved[0]{id}", key => $key)->json, $all->{history}[1], 'one alone';
    is faulty(api(GET => "$path?limit=1", key => $key)), '422 limit', 'an unknown parameter';
    is api(GET => "$path/prm_0000000000000000000000", key => $key)->status, 404, 'an unknown version';
    my $other = create_project(key => $key, name => 'Another');
    is api(GET => "/v1/projects/$other->{id}/prompts/$saved[0]{id}", key => $key)->status, 404, "another project's";
    is_deeply api(GET => "/v1/projects/$other->{id}/prompts", key => $key)->json, { active => undef, history => [] }, 'which has none';
};

subtest 'faults' => sub {
    is save('x' x 16384)->status, 201, '16 384 bytes';
    is faulty(save('x' x 16385)), '422 content', 'one more';
    is save("\x{e9}" x 8192)->status, 201, 'bytes count, not characters';
    is faulty(save("\x{e9}" x 8193)), '422 content', 'so this is too much';
    is faulty(api(POST => $path, $_->[0], key => $key)), '422 content', $_->[1]
        for [{}, 'no content'], [{ content => undef }, 'null'], [{ content => '' }, 'an empty one'], [{ content => 7 }, 'a number'],
            ['{"content":"a\u0000b"}', 'U+0000'], ['{"content":"\ud800"}', 'half a surrogate pair'];
    is api(POST => $path, '{"content":"a","content":"b"}', key => $key)->status, 400, 'a member twice';
    is api(POST => $path, '{"content":"a"', key => $key)->status, 400, 'no JSON';
    is api(POST => $path, '{"content":"a"}', key => $key, type => 'text/plain')->status, 415, 'another type';
    is save('b', path => "$path?x=1")->status, 422, 'an unknown parameter';
    is save('the last')->json->{version}, 5, 'none of these made a version';
    my $delete = api(DELETE => $path, key => $key);
    is $delete->status . ' ' . join(' ', sort split /, */, $delete->header('allow')), '405 GET HEAD POST', 'DELETE';
    is api(GET => "$path/refine", key => $key)->status, 405, 'GET of refine';
};

subtest 'other organizations, other roles' => sub {
    my $absent = '/v1/projects/proj_0000000000000000000000/prompts';
    for my $where ("", "/$saved[0]{id}", "/$saved[0]{id}/stats") {
        my ($one, $two) = (api(GET => "$path$where", key => other_org_key()), api(GET => "$absent$where", key => other_org_key()));
        is $one->status, 404, "foreign: GET prompts$where";
        is $one->body, $two->body, '  answers like an absent one';
    }
    for my $what (['', { content => 'x' }], ['/refine', {}], ['/accept-refinement', { suggestion_id => 'sug_0' }]) {
        my ($one, $two) = map { api(POST => "$_$what->[0]", $what->[1], key => other_org_key()) } $path, $absent;
        is $one->status, 404, "foreign: POST prompts$what->[0]";
        is $one->body, $two->body, '  answers like an absent one';
    }
    my $own = create_project(name => "Roles $$");
    my $here = "/v1/projects/$own->{id}/prompts";
    my $prompt = save('by a key', path => $here, key => api_key())->json;
    for my $role (qw(viewer reviewer)) {
        is api(GET => "$here$_", login => $role)->status, 200, "$role GET prompts$_" for '', "/$prompt->{id}", "/$prompt->{id}/stats";
        is api(POST => "$here$_", { content => 'x' }, login => $role)->status, 403, "$role POST prompts$_"
            for '', '/refine', '/accept-refinement';
    }
    my $by_admin = api(POST => $here, { content => 'by a person' }, login => 'admin');
    is $by_admin->status, 201, 'admin POST';
    like $by_admin->json->{created_by}, qr/^user_/, 'and who it was';
    is api(GET => $here, key => undef)->status, 401, 'nobody';
};

subtest 'an archived project' => sub {
    my $old = create_project(key => $key, name => 'Old');
    my $here = "/v1/projects/$old->{id}/prompts";
    my $prompt = save('kept', path => $here)->json;
    api(DELETE => "/v1/projects/$old->{id}", key => $key);
    is api(GET => $here, key => $key)->json->{active}{id}, $prompt->{id}, 'its prompt can be read';
    is api(GET => "$here/$prompt->{id}/stats", key => $key)->status, 200, 'and its figures';
    is api(POST => "$here$_->[0]", $_->[1], key => $key)->status, 404, "POST prompts$_->[0]"
        for ['', { content => 'x' }], ['/refine', {}], ['/accept-refinement', { suggestion_id => 'sug_0' }];
    api(PUT => "/v1/projects/$old->{id}", { archived => JSON::PP::false }, key => $key);
    is save('again', path => $here)->json->{version}, 2, 'brought back, it goes on';
};

subtest 'many at once' => sub {
    my $busy = create_project(key => $key, name => 'Busy');
    my $here = "/v1/projects/$busy->{id}/prompts";
    my @pids;
    for my $n (1 .. 12) {
        my $pid = fork // die "fork: $!\n";
        if (!$pid) {
            my $bad = grep { save("$n.$_", path => $here)->status != 201 } 1 .. 10;
            require POSIX;
            POSIX::_exit($bad ? 1 : 0);
        }
        push @pids, $pid;
    }
    # Whoever reads meanwhile sees exactly one active version, the newest.
    my $odd = 0;
    for (1 .. 20) {
        my $now = api(GET => $here, key => $key)->json;
        my @active = grep { $_->{is_active} } @{ $now->{history} };
        $odd++ if @{ $now->{history} } && (@active != 1 || $active[0]{id} ne $now->{active}{id} || !$now->{history}[0]{is_active});
    }
    my $failed = grep { waitpid $_, 0; $? } @pids;
    is $failed, 0, 'each of 120 was saved';
    is $odd, 0, 'one was active at any time';
    my $all = api(GET => $here, key => $key)->json;
    is_deeply [map { $_->{version} } @{ $all->{history} }], [reverse 1 .. 120], 'versions 1 to 120, in more than one batch';
    is scalar(grep { $_->{is_active} } @{ $all->{history} }), 1, 'one is active';
    my @times = map { $_->{created_at} } @{ $all->{history} };
    is_deeply \@times, [sort { $b cmp $a } @times], 'times go the way of the versions';
};

subtest 'stats' => sub {
    my $measured = create_project(key => $key, name => 'Measured');
    my $here = "/v1/projects/$measured->{id}/prompts";
    my $prompt = save('measured', path => $here)->json;
    my $stats = sub { api(GET => "$here/$prompt->{id}/stats", key => $key)->json };
    is_deeply $stats->(), {
        prompt_id => $prompt->{id}, project_id => $measured->{id}, version => 1, reviewed => 0,
        totals => { pending => 0, approved => 0, rejected => 0, corrected => 0 },
        rates => { approved => undef, rejected => undef, corrected => undef }, by_field => [],
        time_to_review => { p50 => undef, p90 => undef },
    }, 'of a version without traces';
    my $trace = sub {
        my ($project_id, $stamp) = @_;
        return create_trace(key => $key, project_id => $project_id, trace_config => { prompt_version_id => $stamp },
            model_output => { total => '5 EUR', items => [{ p => 1 }, { p => 2 }] });
    };
    my $review = sub { my $t = shift; api(POST => "/v1/traces/$t->{id}/review", { expected_version => 1, @_ }, key => $key)->status };
    my @traces = map { $trace->($measured->{id}, $prompt->{id}) } 1 .. 6;
    $trace->($measured->{id}, 'prm_of_somebody');
    $trace->($project->{id}, $prompt->{id});
    is $review->($traces[0], action => 'approve'), 200, 'one approved';
    is $review->($traces[1], action => 'reject'), 200, 'one rejected';
    is $review->($traces[2], action => 'correct', corrected_output => { total => 5, items => [{ p => 3 }, { p => 4 }] }), 200, 'one corrected';
    is $review->($traces[3], action => 'correct', corrected_output => { total => 5, items => [{ p => 1 }, { p => 2 }] }), 200, 'and another';
    api(DELETE => "/v1/traces/$traces[5]{id}?expected_version=1", key => $key);
    psql("UPDATE tuor.traces SET last_reviewed_at = created_at + interval '2.5 seconds' WHERE org_id = '$org->{id}' AND last_reviewed_at IS NOT NULL");
    is_deeply $stats->(), {
        prompt_id => $prompt->{id}, project_id => $measured->{id}, version => 1, reviewed => 4,
        totals => { pending => 1, approved => 1, rejected => 1, corrected => 2 },
        rates => { approved => 0.25, rejected => 0.25, corrected => 0.5 },
        by_field => [{ path => 'total', count => 2 }, { path => 'items[].p', count => 1 }],
        time_to_review => { p50 => 2.5, p90 => 2.5 },
    }, 'what came of its traces, not of others';
};

subtest 'refiners are chosen when the server starts' => sub {
    my $reply = api(POST => "$path/refine", {}, key => $key);
    is $reply->status, 503, 'none: 503';
    like $reply->json->{detail}, qr/TuorRefiner/, 'which names the directive';
    ok $reply->header('retry-after') >= 1, 'Retry-After';
    my %wrong = (
        'TuorRefiner clairvoyant' => qr/no refiner called clairvoyant; known are: .*builtin.*none/,
        'TuorRefiner http' => qr/TuorRefinerURL is missing/,
        "TuorRefiner http\nTuorRefinerURL http://127.0.0.1:1/" => qr/TuorRefinerModel is missing/,
        'TuorRefinerURL ftp://127.0.0.1/' => qr/chat-completions endpoint/,
        'TuorRefinerURL http://me:secret@127.0.0.1/' => qr/TuorRefinerKeyFile/,
        'TuorRefinerKeyFile /nowhere/key' => qr/cannot read/,
        'TuorRefinerKeyFile /etc/services' => qr/the key alone/,
        'TuorRefinerTimeout 0' => qr/1 to 600/,
        'TuorRefinerTimeout 1m' => qr/1 to 600/,
    );
    for my $conf (sort keys %wrong) {
        my ($status, $said) = Tuor::Server->configtest($conf);
        isnt $status, 0, $conf =~ s/\n/, /gr;
        like $said, $wrong{$conf}, '  with words that help';
    }
    for my $conf ('TuorRefiner none', 'TuorRefiner builtin', "TuorRefiner http\nTuorRefinerURL http://127.0.0.1:1/\nTuorRefinerModel m") {
        my ($status, $said) = Tuor::Server->configtest($conf);
        is $status, 0, $conf =~ s/\n/, /gr or diag $said;
    }
};

done_testing;
