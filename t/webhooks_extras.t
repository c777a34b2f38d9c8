# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# Webhooks, what a project may ask for: Standard Webhooks' headers, two secrets at once, a range sent again, and the
# trace context of the verdict.
use strict;
use warnings;
use utf8;
use Digest::SHA qw(hmac_sha256 hmac_sha256_hex);
use Encode qw(encode_utf8);
use JSON::PP;
use MIME::Base64 qw(encode_base64);
use Tuor::Receiver;
use Tuor::Test;
use Tuor::Webhooks;

my ($true, $false) = (JSON::PP::true, JSON::PP::false);
my $receiver = Tuor::Receiver->start;
my $hooks = Tuor::Webhooks->start;
my $sent = 0;
my @standard = qw(webhook-id webhook-timestamp webhook-signature);

sub last_request { return ($receiver->wait(++$sent))[-1] }
sub hex_signature { my ($body, $secret) = @_; return 'sha256=' . hmac_sha256_hex($body, encode_utf8($secret)) }
sub put { my ($project, %member) = @_; return $hooks->must(200, PUT => "/v1/projects/$project->{id}", \%member) }
sub fields { my $reply = shift; return join ' ', $reply->status, sort map { $_->{field} } @{ $reply->json->{errors} // [] } }

# What Standard Webhooks wants of a request, for keys in bytes.
sub standard_signature {
    my ($request, @keys) = @_;
    my $signed = join '.', @{ $request->{header} }{qw(webhook-id webhook-timestamp)}, $request->{body};
    return join ' ', map { 'v1,' . encode_base64(hmac_sha256($signed, $_), '') } @keys;
}

subtest 'as it comes' => sub {
    my $project = $hooks->project($receiver->url('/ok'));
    is_deeply [@$project{qw(webhook_standard webhook_secret_next_set)}], [$false, $false], 'a project asks for nothing';
    $hooks->verdict($project);
    is_deeply [grep { /^(webhook-|traceparent|x-tuor-signature-next)/ } keys %{ last_request()->{header} }], [], 'and gets nothing more';
};

subtest 'Standard Webhooks' => sub {
    my $project = $hooks->project($receiver->url('/ok'), webhook_standard => $true);
    is $project->{webhook_standard}, $true, 'asked for when the project is made';
    my $before = time;
    $hooks->verdict($project);
    my $request = last_request();
    my %header = %{ $request->{header} };
    is $header{'webhook-id'}, decode_json($request->{body})->{event_id}, 'webhook-id is the event';
    like $header{'webhook-timestamp'}, qr/^\d+$/, 'webhook-timestamp has seconds';
    ok $header{'webhook-timestamp'} >= $before && $header{'webhook-timestamp'} <= time, '  of the attempt';
    is $header{'webhook-signature'}, standard_signature($request, 's3cret'), 'webhook-signature, by the bytes of the secret';
    is $header{'x-tuor-signature'}, hex_signature($request->{body}, 's3cret'), 'X-Tuor-Signature stays';
    is $header{'x-tuor-event-id'}, $header{'webhook-id'}, 'X-Tuor-Event-Id, too';

    my $key = join '', map { chr } 1 .. 24, 250;
    for my $case (
        ['padded base64', 'whsec_' . encode_base64($key, ''), $key],
        ['no base64', 'whsec_8f3…', encode_utf8('whsec_8f3…')],
        ['base64 cut short', 'whsec_abcde', 'whsec_abcde'],
        ['too much padding', 'whsec_a===', 'whsec_a==='],
        ['padding in the middle', 'whsec_ab=c', 'whsec_ab=c'],
        ['nothing behind it', 'whsec_', 'whsec_'],
        ['base64 without whsec_', encode_base64($key, ''), encode_base64($key, '')],
        ['not ASCII', 'Schlüssel', encode_utf8('Schlüssel')],
    ) {
        my ($name, $secret, $bytes) = @$case;
        put($project, webhook_secret => $secret);
        $hooks->must(202, POST => "/v1/projects/$project->{id}/test-webhook");
        my $test = last_request();
        is $test->{header}{'webhook-signature'}, standard_signature($test, $bytes), "$name: the key";
        is $test->{header}{'x-tuor-signature'}, hex_signature($test->{body}, $secret), '  X-Tuor-Signature takes the secret as it is';
    }

    is put($project, name => 'Other')->{webhook_standard}, $true, 'stays through other changes';
    is put($project, webhook_standard => $false)->{webhook_standard}, $false, 'switched off';
    $hooks->must(202, POST => "/v1/projects/$project->{id}/test-webhook");
    my $plain = last_request();
    is_deeply [grep { exists $plain->{header}{$_} } @standard], [], 'it is gone';
};

subtest 'a retry has the time of its own attempt' => sub {
    my $project = $hooks->project($receiver->url('/status/500'), webhook_standard => $true);
    $hooks->verdict($project);
    my $first = last_request();
    my $failed = $hooks->settled($project);
    sleep 2;
    $hooks->must(202, POST => "/v1/webhook-deliveries/$failed->{id}/retry");
    my $second = last_request();
    cmp_ok $second->{header}{'webhook-timestamp'}, '>', $first->{header}{'webhook-timestamp'}, 'a later timestamp';
    is $second->{header}{'webhook-id'}, $first->{header}{'webhook-id'}, 'the same id';
    is $second->{header}{'webhook-signature'}, standard_signature($second, 's3cret'), 'and a signature of its own';
    $hooks->settled($project);
};

subtest 'two secrets at once' => sub {
    my $project = $hooks->project($receiver->url('/ok'), webhook_secret => 'old', webhook_standard => $true);
    my $during = put($project, webhook_secret_next => 'new ✓');
    is $during->{webhook_secret_next_set}, $true, 'a second one is shown to be there';
    ok !exists $during->{webhook_secret_next}, '  but never itself';
    is put($project, name => 'R')->{webhook_secret_next_set}, $true, 'it stays through other changes';
    $hooks->verdict($project);
    my $request = last_request();
    is $request->{header}{'x-tuor-signature'}, hex_signature($request->{body}, 'old'), 'X-Tuor-Signature: the first';
    is $request->{header}{'x-tuor-signature-next'}, hex_signature($request->{body}, 'new ✓'), 'X-Tuor-Signature-Next: the second';
    is $request->{header}{'webhook-signature'}, standard_signature($request, 'old', encode_utf8('new ✓')), 'webhook-signature: both';

    my $after = put($project, webhook_secret => 'new ✓', webhook_secret_next => undef);
    is_deeply [@$after{qw(webhook_secret_set webhook_secret_next_set)}], [$true, $false], 'changed over in one request';
    $hooks->verdict($project);
    $request = last_request();
    is $request->{header}{'x-tuor-signature'}, hex_signature($request->{body}, 'new ✓'), 'the second is the first now';
    ok !exists $request->{header}{'x-tuor-signature-next'}, 'and alone';
    is $request->{header}{'webhook-signature'}, standard_signature($request, encode_utf8('new ✓')), 'in webhook-signature, too';

    my $both = $hooks->project($receiver->url('/ok'), webhook_secret_next => 'n');
    is $both->{webhook_secret_next_set}, $true, 'also when the project is made';
    $hooks->verdict($both);
    $request = last_request();
    is $request->{header}{'x-tuor-signature-next'}, hex_signature($request->{body}, 'n'), 'without Standard Webhooks';
    ok !exists $request->{header}{'webhook-signature'}, '  whose headers are not sent';
    my $lone = $hooks->must(201, POST => '/v1/projects/', { name => 'L', webhook_url => $receiver->url('/ok'), webhook_secret_next => 'n' });
    is $hooks->api(POST => "/v1/projects/$lone->{id}/test-webhook")->status, 409, 'the second alone is no secret';
};

subtest 'members that are wrong' => sub {
    my $project = $hooks->project($receiver->url('/ok'));
    for my $case (['webhook_secret_next', ''], ['webhook_secret_next', 'x' x 513], ['webhook_secret_next', 1],
                  ['webhook_standard', undef], ['webhook_standard', 'true'], ['webhook_standard', 1]) {
        my ($name, $value) = @$case;
        is fields($hooks->api(PUT => "/v1/projects/$project->{id}", { $name => $value })), "422 $name", "PUT: $name";
        is fields($hooks->api(POST => '/v1/projects/', { name => 'P', $name => $value })), "422 $name", '  and POST';
    }
    is put($project, webhook_secret_next => '✓' x 512)->{webhook_secret_next_set}, $true, '512 characters';
};

subtest 'trace context' => sub {
    my $parent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    my $project = $hooks->project($receiver->url('/status/500'));
    my $review = sub {
        my $trace = $hooks->trace($project);
        my $reply = $hooks->api(POST => "/v1/traces/$trace->{id}/review", { action => 'approve', expected_version => 1 },
            headers => { traceparent => $_[0] });
        is $reply->status, 200, 'a verdict' or diag $reply->body;
        return last_request()->{header}{traceparent};
    };
    is $review->($parent), $parent, 'that of the verdict';
    my $failed = $hooks->settled($project);
    $hooks->must(202, POST => "/v1/webhook-deliveries/$failed->{id}/retry");
    is last_request()->{header}{traceparent}, $parent, 'on each attempt';
    is $review->('nonsense'), undef, 'none for a malformed one';
    is $review->('00-00000000000000000000000000000000-00f067aa0ba902b7-01'), undef, 'nor for a trace of zeros';
    is $review->($parent =~ s/^00/cc/r . "-and-more"), $parent, 'what version 00 knows of a later one';
    $hooks->settled($project);
};

subtest 'a range' => sub {
    my $project = $hooks->project($receiver->url('/status/500'));
    my $path = "/v1/projects/$project->{id}/webhook-deliveries/retry";
    $hooks->verdict($project) for 1 .. 5;
    $receiver->wait($sent += 5);
    $hooks->settled($project);
    my @old = reverse $hooks->deliveries($project);
    is_deeply [map { $_->{status} } @old], [('failed') x 5], 'five failures';
    my %body = map { $_->{header}{'x-tuor-event-id'} => $_->{body} } ($receiver->wait($sent))[-5 .. -1];

    put($project, webhook_url => $receiver->url('/ok'), webhook_active => $false);
    my %all = (from => '2020-01-01', to => '2100-01-01');
    my $some = $hooks->must(202, POST => $path, { from => $old[1]{created_at}, to => $old[4]{created_at}, limit => 2 });
    is_deeply $some, { retried => 2, has_more => $true }, 'two of a range, and there are more';
    my @sent = ($receiver->wait($sent += 2))[-2 .. -1];
    is_deeply [sort map { $_->{header}{'x-tuor-event-id'} } @sent], [sort map { $_->{event_id} } @old[1, 2]], 'from the start of the range, the oldest first';
    is $_->{body}, $body{ $_->{header}{'x-tuor-event-id'} }, 'with the same body' for @sent;
    $hooks->settled($project);
    is_deeply [map { $_->{status} } reverse $hooks->deliveries($project)], [qw(failed success success failed failed)], 'the others are left alone';
    is_deeply $hooks->must(202, POST => $path, { from => $old[1]{created_at}, to => $old[4]{created_at}, limit => 1 }),
        { retried => 1, has_more => $false }, 'the next: the end of the range is not in it';
    $receiver->wait($sent += 1);
    $hooks->settled($project);
    is_deeply $hooks->must(202, POST => $path, \%all), { retried => 2, has_more => $false }, 'the rest';
    $receiver->wait($sent += 2);
    $hooks->settled($project);
    is_deeply [map { "$_->{status} $_->{attempt_count}" } $hooks->deliveries($project)], [('success 2') x 5], 'all have arrived';
    is_deeply $hooks->must(202, POST => $path, \%all), { retried => 0, has_more => $false }, 'nothing is left';

    is fields($hooks->api(POST => $path, $_->[1])), "422 $_->[0]", encode($_->[1]) for
        ['from to', {}], ['to', { from => '2026-01-01' }], ['to', { from => '2026-01-02', to => '2026-01-01' }],
        ['to', { from => '2026-01-01', to => '2026-01-01' }], ['from', { %all, from => 'yesterday' }], ['to', { %all, to => 5 }],
        ['from', { %all, from => undef }], ['limit', { %all, limit => 0 }], ['limit', { %all, limit => 1001 }], ['limit', { %all, limit => '5' }];
    is $hooks->api(POST => $path)->status, 415, 'without a body';
    is fields($hooks->api(POST => "$path?x=1", \%all)), '422 x', 'with a parameter';

    put($project, webhook_secret => undef);
    is $hooks->api(POST => $path, \%all)->status, 409, '409 without a secret';
    put($project, webhook_secret => 's', webhook_url => undef);
    is $hooks->api(POST => $path, \%all)->status, 409, 'and without a URL';
    is $hooks->api(POST => '/v1/projects/proj_0000000000000000000000/webhook-deliveries/retry', \%all)->status, 404, '404 for no project';
};

subtest 'a range: who may' => sub {
    my $project = $hooks->project($receiver->url('/status/500'));
    my $bystander = $hooks->project($receiver->url('/status/500'));
    $hooks->verdict($_) for $project, $bystander;
    $receiver->wait($sent += 2);
    $hooks->settled($_) for $project, $bystander;
    my $path = "/v1/projects/$project->{id}/webhook-deliveries/retry";
    my %all = (from => '2020-01-01', to => '2100-01-01');
    my $other = $hooks->db->ctl('org', 'create', 'Other');
    my $key = $hooks->db->ctl('key', 'create', '--org', $other, '--name', 'other');
    is $hooks->api(POST => $path, \%all, key => $key)->status, 404, 'not another organization';
    is $hooks->api(POST => $path, \%all, key => undef)->status, 401, 'nobody without a credential';
    for my $role (qw(viewer reviewer admin)) {
        $hooks->db->ctl('user', 'add', "main-$role", '--org', $hooks->{org}, '--role', $role);
        my $may = $role eq 'admin' ? 202 : 403;
        is $hooks->api(POST => $path, \%all, login => "main-$role")->status, $may, "$role: $may";
    }
    $receiver->wait($sent += 1);
    is $hooks->settled($project)->{attempt_count}, 2, 'sent again';
    is $hooks->settled($bystander)->{attempt_count}, 1, 'the other project is left alone';
};

subtest 'a range: at most 1000' => sub {
    my $project = $hooks->project($receiver->url('/status/500'));
    $hooks->verdict($project);
    $receiver->wait($sent += 1);
    $hooks->settled($project);
    # none fails again meanwhile
    put($project, webhook_url => $receiver->url('/slow/5'));
    $hooks->psql(<<~"END");
        INSERT INTO tuor.webhook_deliveries (org_id, id, project_id, event_id, event_type, trace_id, status, created_at, updated_at, body_size, body)
            SELECT org_id, id || i, project_id, event_id || i, event_type, trace_id, status, created_at, updated_at, body_size, body
            FROM tuor.webhook_deliveries, generate_series(10001, 12000) i WHERE project_id = '$project->{id}' AND status = 'failed'
        END
    is $hooks->psql("SELECT count(*) FROM tuor.webhook_deliveries WHERE project_id = '$project->{id}'"), 2001, 'many failures';
    # two at once share nothing
    my @at_once = api_in_parallel($project->{id});
    is_deeply [map { $_->{retried} } @at_once], [1000, 1000], 'two requests at once take a thousand each';
    is $hooks->psql("SELECT count(*) FROM tuor.webhook_deliveries WHERE project_id = '$project->{id}' AND status = 'failed'"), 1,
        'and one is left: none was taken twice';
    put($project, webhook_url => undef, webhook_active => $false);     # the rest stays where it is
};

sub api_in_parallel {
    my $id = shift;
    my @pipes = map {
        my $pid = open(my $from, '-|') // die "fork: $!\n";
        if (!$pid) {
            my $reply = $hooks->api(POST => "/v1/projects/$id/webhook-deliveries/retry", { from => '2020-01-01', to => '2100-01-01' });
            print $reply->body;
            close STDOUT;
            require POSIX;
            POSIX::_exit(0);
        }
        $from;
    } 1, 2;
    return map { local $/; decode_json(scalar readline $_) } @pipes;
}

done_testing;
