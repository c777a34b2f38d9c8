# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# Review, reset, delete, restore: the table of the lifecycle, its versions and its audit trail.
use strict;
use warnings;
use POSIX ();
use Tuor::Test;

my $org = new_org("Lifecycle $$");
my $key = $org->{key};
my $project = create_project(key => $key)->{id};

sub trace { return create_trace(key => $key, project_id => $project, @_)->{id} }

# call(VERB, ID, VERSION): VERB is approve, reject, correct, reset, delete or restore.
sub call {
    my ($verb, $id, $version, %more) = @_;
    return api(DELETE => "/v1/traces/$id?expected_version=$version", key => $key) if $verb eq 'delete';
    return api(POST => "/v1/traces/$id/$verb", { expected_version => $version }, key => $key) if $verb =~ /^re(set|store)$/;
    $more{corrected_output} //= { answer => 'better' } if $verb eq 'correct';
    return api(POST => "/v1/traces/$id/review", { action => $verb, expected_version => $version, %more }, key => $key);
}

sub get      { return api(GET => "/v1/traces/$_[0]", key => $key) }
sub events   { return api(GET => "/v1/traces/$_[0]/events", key => $key)->json }
sub conflict { my $reply = shift; my $json = $reply->json; return join ' ', $reply->status, map { $_ // 'undef' } @{$json}{qw(current_version status)} }
sub verdict  { my $reply = shift; return join ' ', $reply->status, sort map { $_->{field} } @{ $reply->json->{errors} // [] } }

# A trace brought into a state: (id, version).
sub in_state {
    my $state = shift;
    my $id = trace();
    my %way = (pending => [], approved => ['approve'], rejected => ['reject'], corrected => ['correct'], deleted => ['delete'],
               'deleted approved' => [qw(approve delete)]);
    my $version = 1;
    for my $verb (@{ $way{$state} }) {
        my $reply = call($verb, $id, $version++);
        die "$verb: " . $reply->body if $reply->status != 200;
    }
    return ($id, $version);
}

subtest 'the table: what is allowed from where' => sub {
    my %allowed = (
        pending   => { approve => 'approved', reject => 'rejected', correct => 'corrected', delete => 'pending' },
        approved  => { reset => 'pending', delete => 'approved' },
        rejected  => { reset => 'pending', delete => 'rejected' },
        corrected => { reset => 'pending', delete => 'corrected' },
        deleted   => { restore => 'pending' },
        'deleted approved' => { restore => 'approved' },
    );
    for my $state (sort keys %allowed) {
        for my $verb (qw(approve reject correct reset delete restore)) {
            my ($id, $version) = in_state($state);
            my $reply = call($verb, $id, $version);
            if (my $to = $allowed{$state}{$verb}) {
                is $reply->status, 200, "$state: $verb" or diag $reply->body;
                is_deeply [@{ $reply->json }{qw(status version)}], [$to, $version + 1], "  gives $to, version " . ($version + 1);
            }
            else {
                my $status = $state eq 'deleted' ? 'pending' : $state =~ s/^deleted //r;
                is conflict($reply), "409 $version $status", "$state: $verb is a conflict";
                is psql("SELECT version FROM tuor.traces WHERE id = '$id'"), $version, '  and changes nothing';
            }
        }
    }
};

subtest 'outputs' => sub {
    my $id = trace(model_output => { answer => 'first' });
    my $reply = call(approve => $id, 1);
    is $reply->raw('final_output'), '{"answer":"first"}', 'approved: the model output is final';
    is $reply->raw('corrected_output'), 'null', '  nothing is corrected';
    is get($id)->body, $reply->body, '  GET agrees';
    $reply = call(reset => $id, 2);
    is $reply->raw('final_output'), 'null', 'reset: none is final';
    $reply = call(reject => $id, 3);
    is $reply->raw('final_output'), 'null', 'rejected: none is final';
    call(reset => $id, 4);
    $reply = call(correct => $id, 5, corrected_output => { answer => 'second' });
    is $reply->raw('corrected_output'), '{"answer":"second"}', 'corrected: what the reviewer wrote';
    is $reply->raw('final_output'), '{"answer":"second"}', '  is final';
    is $reply->raw('model_output'), '{"answer":"first"}', '  the model output stays';
    is $reply->raw('correction_diff'), '[{"path":"answer","from":"first","to":"second"}]', '  and the difference is told';
    $reply = call(reset => $id, 6);
    is $reply->raw($_), 'null', "reset clears $_" for qw(corrected_output correction_diff final_output);
};

subtest 'who and when' => sub {
    my $id = trace();
    my $created = get($id)->json;
    my $reviewed = call(approve => $id, 1)->json;
    is $reviewed->{last_reviewed_by}, $created->{created_by}, 'last_reviewed_by';
    is $reviewed->{last_reviewed_at}, $reviewed->{updated_at}, 'last_reviewed_at';
    ok $reviewed->{updated_at} gt $created->{updated_at}, 'updated_at goes on';
    is $reviewed->{created_at}, $created->{created_at}, 'created_at stays';
    my $reset = call(reset => $id, 2)->json;
    is_deeply [@{$reset}{qw(last_reviewed_at last_reviewed_by)}], [@{$reviewed}{qw(last_reviewed_at last_reviewed_by)}],
        'reset keeps who reviewed last';
    my $deleted = call(delete => $id, 3)->json;
    is $deleted->{deleted_by}, $created->{created_by}, 'deleted_by';
    is $deleted->{deleted_at}, $deleted->{updated_at}, 'deleted_at';
    my $restored = call(restore => $id, 4)->json;
    is_deeply [@{$restored}{qw(deleted_at deleted_by)}], [undef, undef], 'restore clears deleted_*';
    is $restored->{restored_by}, $created->{created_by}, 'restored_by';
    is $restored->{restored_at}, $restored->{updated_at}, 'restored_at';
    my $again = call(delete => $id, 5)->json;
    is $again->{restored_at}, $restored->{restored_at}, 'a second delete leaves restored_at';
};

subtest 'delete hides' => sub {
    my $own = create_project(key => $key)->{id};
    my $id = create_trace(key => $key, project_id => $own)->{id};
    my $tag = api(POST => '/v1/tags/', { name => 'hidden' }, key => $key)->json->{id};
    api(POST => "/v1/traces/$id/tags", { tag_ids => [$tag] }, key => $key);
    call(approve => $id, 1);
    my $rows = sub { return [scalar @{ api(GET => "/v1/traces/?project_id=$own", key => $key)->json },
                             scalar(() = api(GET => "/v1/traces/export?project_id=$own", key => $key)->lines)] };
    is_deeply $rows->(), [1, 1], 'in the list and the export';
    is call(delete => $id, 2)->status, 200, 'deleted';
    is_deeply $rows->(), [0, 0], 'in neither';
    my $absent = api(GET => '/v1/traces/trace_0000000000000000000000', key => $key)->body;
    for (["GET", "/v1/traces/$id"], ["GET", "/v1/traces/$id/events"], ["DELETE", "/v1/traces/$id/tags/$tag"]) {
        my $reply = api(@$_, key => $key);
        is $reply->status, 404, "$_->[0] $_->[1]";
        is $reply->body, $absent, '  as if it had never been';
    }
    is api(POST => "/v1/traces/$id/tags", { tag_ids => [$tag] }, key => $key)->status, 404, 'nor can it be tagged';
    is call(restore => $id, 3)->status, 200, 'restored';
    is_deeply $rows->(), [1, 1], 'in both again';
    is scalar @{ get($id)->json->{tags} }, 1, 'with its tag';
};

subtest 'expected_version' => sub {
    my $id = trace();
    for my $wrong ('"1"', 'true', '1.5', '1.0', '1e0', 'null', '[]', '{}', '0', '-1', '99999999999999999999') {
        is verdict(api(POST => "/v1/traces/$id/review", qq({"action":"approve","expected_version":$wrong}), key => $key)),
            '422 expected_version', "$wrong is none";
    }
    for my $verb (qw(reset restore)) {
        is verdict(api(POST => "/v1/traces/$id/$verb", {}, key => $key)), '422 expected_version', "$verb needs it";
        is verdict(api(POST => "/v1/traces/$id/$verb", '{"expected_version":"1"}', key => $key)), '422 expected_version', "$verb wants an integer";
    }
    is verdict(api(DELETE => "/v1/traces/$id", key => $key)), '422 expected_version', 'delete needs it';
    is verdict(api(DELETE => "/v1/traces/$id?expected_version=$_", key => $key)), '422 expected_version', "delete: '$_' is none"
        for '', 'x', '1.0', '0', '-1', '1x', '99999999999999999999', '%201';
    is verdict(api(DELETE => "/v1/traces/$id?expected_version=1&expected_version=1", key => $key)), '422 expected_version', 'nor is one given twice';
    is conflict(call(approve => $id, 2)), '409 1 pending', 'a version that is yet to come';
    is conflict(call(approve => $id, 2147483648)), '409 1 pending', 'one beyond 32 bits';
    is conflict(call(approve => $id, 9223372036854775807)), '409 1 pending', 'the largest of 64 bits';
    is conflict(call(delete => $id, $_)), '409 1 pending', "delete: $_ in the query" for 2, 2147483648, 9223372036854775807;
    is api(POST => "/v1/traces/$id/review", '{"action":"approve","expected_version":1}', key => $key)->status, 200, 'the right one';
    is conflict(call(reset => $id, 1)), '409 2 approved', 'a stale one';
    is api(DELETE => "/v1/traces/$id", { expected_version => 2 }, key => $key)->status, 200, 'delete takes it from the body, too';
    is get($id)->status, 404, '  and means it';
    my $detail = call(approve => $id, 1)->json->{detail};
    ok length $detail && !ref $detail, 'a conflict has its sentence';
};

subtest 'review: what is refused' => sub {
    my $id = trace();
    my $review = sub { return api(POST => "/v1/traces/$id/review", $_[0], key => $key) };
    is verdict($review->({})), '422 action expected_version', 'nothing said';
    is verdict($review->({ action => $_, expected_version => 1 })), '422 action', "action " . encode($_)
        for 'approved', '', 'APPROVE', 1, undef, ['approve'], "approve\0";
    is verdict($review->({ action => 'correct', expected_version => 1 })), '422 corrected_output', 'correct without the correction';
    is verdict($review->({ action => 'correct', expected_version => 1, corrected_output => undef })), '422 corrected_output', 'or null';
    is verdict($review->({ action => 'correct', expected_version => 1, corrected_output => [] })), '422 corrected_output', 'or a list';
    is verdict($review->({ action => $_, expected_version => 1, corrected_output => {} })), '422 corrected_output', "$_ with one"
        for 'approve', 'reject';
    is verdict($review->({ action => 'approve', expected_version => 1, comment => $_->[1] })), '422 comment', "comment: $_->[0]"
        for ['a number', 5], ['4001 characters', 'x' x 4001], ['U+0000', "a\0b"], ['a list', []];
    is verdict($review->('{"action":"approve","expected_version":1,"comment":"\ud800"}')), '422 comment', 'comment: half a character';
    is verdict($review->({ action => 'maybe', expected_version => 'x', comment => 1, corrected_output => 2 })),
        '422 action comment corrected_output expected_version', 'four faults are named at once';
    is $review->('{"action":"approve","expected_version":1,"action":"reject"}')->status, 400, 'a member given twice';
    is get($id)->json->{version}, 1, 'none of them left a mark';
    is $review->({ action => 'approve', expected_version => 1, comment => "\x{e4}\x{1F600}" x 2000 })->status, 200, '4000 characters are not too many';
    is events($id)->[-1]{comment}, "\x{e4}\x{1F600}" x 2000, 'and are kept';
};

subtest 'events' => sub {
    my $id = trace(model_output => { answer => 1 });
    my $tag = api(POST => '/v1/tags/', { name => 'event' }, key => $key)->json->{id};
    call(correct => $id, 1, corrected_output => { answer => 2 }, comment => 'why');
    call(reset => $id, 2);
    call(approve => $id, 3);
    call(reset => $id, 4);
    call(reject => $id, 5);
    api(POST => "/v1/traces/$id/tags", { tag_ids => [$tag] }, key => $key);
    api(DELETE => "/v1/traces/$id/tags/$tag", key => $key);
    call(delete => $id, 6);
    call(restore => $id, 7);
    my $reply = api(GET => "/v1/traces/$id/events", key => $key);
    my @events = @{ $reply->json };
    my @expected = (
        ['trace.created', undef, 'pending', 1], ['review.corrected', 'pending', 'corrected', 2],
        ['trace.reset', 'corrected', 'pending', 3], ['review.approved', 'pending', 'approved', 4],
        ['trace.reset', 'approved', 'pending', 5], ['review.rejected', 'pending', 'rejected', 6],
        ['tag.added', 'rejected', 'rejected', 6], ['tag.removed', 'rejected', 'rejected', 6],
        ['trace.deleted', 'rejected', 'rejected', 7], ['trace.restored', 'rejected', 'rejected', 8],
    );
    is_deeply [map { [@{$_}{qw(event_type status_before status_after version)}] } @events], \@expected, 'each change, oldest first';
    is_deeply [sort keys %{ $events[0] }], [sort qw(event_id event_type actor_type actor_id occurred_at status_before status_after
        version comment correction_diff tag_id)], 'the members of an event';
    is scalar(grep { $_->{event_id} =~ /^evt_[0-9A-Za-z]{22,}$/ && $_->{actor_type} eq 'api_key' && $_->{actor_id} =~ /^key_/
                     && $_->{occurred_at} =~ /^\d{4}-.*\.\d{6}Z$/ } @events), 10, 'id, actor and time of each';
    is_deeply [map { $_->{comment} } @events[0 .. 2]], [undef, 'why', undef], 'the comment';
    is_deeply $events[1]{correction_diff}, [{ path => 'answer', from => 1, to => 2 }], 'the difference';
    is scalar(grep { defined $_->{correction_diff} } @events), 1, '  of the correction alone';
    is_deeply [map { $_->{tag_id} } @events[5 .. 8]], [undef, $tag, $tag, undef], 'the tag';
    is_deeply [map { $_->{event_id} } @events], [sort map { $_->{event_id} } @events], 'ids are in the order of time';
};

subtest 'many events' => sub {
    my $id = trace();
    psql("INSERT INTO tuor.trace_events (org_id, trace_id, id, type, actor_type, occurred_at, status_after, version)
          SELECT '$org->{id}', '$id', 'evt_zz' || lpad(n::text, 20, '0'), 'trace.reset', 'system', now(), 'pending', n FROM generate_series(2, 250) n");
    my @versions = map { $_->{version} } @{ events($id) };
    is_deeply \@versions, [1 .. 250], 'all come, once each, in order';
};

subtest 'an archived project' => sub {
    my $old = create_project(key => $key)->{id};
    my $id = create_trace(key => $key, project_id => $old)->{id};
    api(DELETE => "/v1/projects/$old", key => $key);
    is call(approve => $id, 1)->status, 200, 'its traces can be reviewed';
    is call(reset => $id, 2)->status, 200, 'reset';
    is call(delete => $id, 3)->status, 200, 'deleted';
    is call(restore => $id, 4)->status, 200, 'and restored';
};

subtest 'two reviewers race' => sub {
    for my $round (1 .. 5) {
        my $id = trace();
        my @pids = map {
            my $action = $_;
            my $pid = fork // die "fork: $!\n";
            POSIX::_exit(call($action, $id, 1)->status - 200) if !$pid;
            $pid
        } qw(approve reject approve reject);
        my @statuses = sort { $a <=> $b } map { waitpid $_, 0; 200 + ($? >> 8) } @pids;
        is "@statuses", '200 409 409 409', "round $round: one wins, the others hear of it";
        is_deeply [map { $_->{version} } @{ events($id) }], [1, 2], '  one event, no gap';
    }
};

subtest 'foreign traces' => sub {
    my $foreign = create_trace(key => other_org_key())->{id};
    my $absent = api(GET => '/v1/traces/trace_0000000000000000000000', key => $key);
    for my $verb (qw(approve correct reset delete restore)) {
        my $reply = call($verb, $foreign, 1);
        is $reply->status, 404, $verb;
        is $reply->body, $absent->body, '  as of one that is not there';
    }
    is api(GET => "/v1/traces/$foreign$_", key => $key)->body, $absent->body, "GET \"$_\"" for '', '/events';
    is api(GET => "/v1/traces/$foreign", key => other_org_key())->json->{version}, 1, 'untouched';
};

done_testing;
