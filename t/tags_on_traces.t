# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# POST /v1/traces/{id}/tags and DELETE /v1/traces/{id}/tags/{tag_id}.
use strict;
use warnings;
use POSIX ();
use Tuor::Test;

my $org = new_org("Tags on traces $$");
my $key = $org->{key};
my $project = create_project(key => $key)->{id};
my @tags = map { api(POST => '/v1/tags/', { name => sprintf('tag %02d', $_), description => "the ${_}th" }, key => $key)->json } 1 .. 12;
my @ids = map { $_->{id} } @tags;

sub trace  { return create_trace(key => $key, project_id => $project)->{id} }
sub add    { my ($trace, @tags) = @_; return api(POST => "/v1/traces/$trace/tags", { tag_ids => \@tags }, key => $key) }
sub remove { my ($trace, $tag) = @_; return api(DELETE => "/v1/traces/$trace/tags/$tag", key => $key) }
sub names  { return join ',', map { $_->{name} } @{ $_[0]->json->{tags} } }
sub events { return [map { [@{$_}{qw(event_type tag_id)}] } grep { $_->{event_type} =~ /^tag/ } @{ api(GET => "/v1/traces/$_[0]/events", key => $key)->json }] }
sub verdict { my $reply = shift; return join ' ', $reply->status, sort map { $_->{field} } @{ $reply->json->{errors} // [] } }

subtest 'add and remove' => sub {
    my $trace = trace();
    my $reply = add($trace, $ids[1], $ids[0]);
    is $reply->status, 200, 'two are added' or diag $reply->body;
    is $reply->json->{id}, $trace, 'the answer is the trace';
    is_deeply $reply->json->{tags}, [map { my $t = $_; +{ map { $_ => $t->{$_} } qw(id name color description) } } @tags[0, 1]],
        'its tags are objects, sorted by name';
    is $reply->json->{version}, 1, 'the version stays';
    is_deeply events($trace), [['tag.added', $ids[1]], ['tag.added', $ids[0]]], 'an event for each';
    is add($trace, $ids[0])->status, 200, 'one that is there already is no error';
    is scalar @{ events($trace) }, 2, '  and no event';
    is names(add($trace, $ids[0], $ids[2], $ids[2])), 'tag 01,tag 02,tag 03', 'one given twice is added once';
    is scalar @{ events($trace) }, 3, '  with one event';
    $reply = remove($trace, $ids[0]);
    is $reply->status, 200, 'one is removed';
    is names($reply), 'tag 02,tag 03', '  the others stay';
    is_deeply events($trace)->[-1], ['tag.removed', $ids[0]], '  with an event';
    is remove($trace, $_)->status, 200, 'removing an absent one is no error' for $ids[0], 'tag_0000000000000000000000', 'nonsense';
    is scalar @{ events($trace) }, 4, '  and no event';
    remove($trace, $_) for @ids[1, 2];
    is api(GET => "/v1/traces/$trace", key => $key)->raw('tags'), '[]', 'none is left';
    is api(POST => "/v1/traces/$trace/tags/", { tag_ids => [$ids[0]] }, key => $key)->status, 200, 'with a final slash';
    is api(DELETE => "/v1/traces/$trace/tags/$ids[0]/", key => $key)->status, 200, 'here, too';
};

subtest 'ten and no more' => sub {
    my $trace = trace();
    is scalar @{ add($trace, @ids[0 .. 9])->json->{tags} }, 10, 'ten';
    is verdict(add($trace, $ids[10])), '422 tag_ids', 'an eleventh';
    is scalar @{ add($trace, @ids[0 .. 9])->json->{tags} }, 10, 'the same ten again';
    is scalar @{ events($trace) }, 10, 'ten events';
    my $other = trace();
    add($other, @ids[0 .. 7]);
    is verdict(add($other, @ids[8 .. 10])), '422 tag_ids', 'eight and three';
    is scalar @{ api(GET => "/v1/traces/$other", key => $key)->json->{tags} }, 8, 'attach none of the three';
    is scalar @{ events($other) }, 8, 'and tell of none';
    is names(add($other, @ids[8, 9])), join(',', map { sprintf 'tag %02d', $_ } 1 .. 10), 'eight and two are ten';

    my $contended = trace();
    add($contended, @ids[0 .. 8]);
    my @pids = map { my $id = $_; my $pid = fork // die "fork: $!\n"; POSIX::_exit(add($contended, $id)->status - 200) if !$pid; $pid } @ids[9 .. 11];
    # 422 - 200 = 222 fits an exit status.
    is join(' ', sort { $a <=> $b } map { waitpid $_, 0; 200 + ($? >> 8) } @pids), '200 422 422', 'three at once for the last place: one gets it';
};

subtest 'what is refused' => sub {
    my $trace = trace();
    my $post = sub { return api(POST => "/v1/traces/$trace/tags", $_[0], key => $key) };
    is verdict($post->($_)), '422 tag_ids', substr $_, 0, 60 for '{}', '{"tag_ids":null}', '{"tag_ids":[]}', '{"tag_ids":"x"}', '{"tag_ids":{}}', '{"tag_ids":[1]}', '{"tag_ids":[null]}',
        '{"tag_ids":[""]}', '{"tag_ids":["a\\u0000b"]}', '{"tag_ids":["\\ud800"]}', '{"tag_ids":[["x"]]}', '{"tag_ids":[' . join(',', ('"x"') x 11) . ']}';
    is $post->('{"tag_ids":["x"],"tag_ids":["y"]}')->status, 400, 'a member twice';
    my $foreign = api(POST => '/v1/tags/', { name => "tot $$" }, key => other_org_key())->json->{id};
    is add($trace, $_)->status, 404, "no such tag: $_" for 'tag_0000000000000000000000', 'x', "'", $foreign;
    is add($trace, $ids[0], $foreign)->status, 404, 'an own one and a foreign one';
    is api(GET => "/v1/traces/$trace", key => $key)->raw('tags'), '[]', 'attach neither';
    is_deeply events($trace), [], 'and tell of neither';
};

done_testing;
