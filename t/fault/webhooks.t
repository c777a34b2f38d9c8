# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# Processes die, the database comes and goes: no verdict loses its delivery, none is sent twice by
# itself, and none stays on its way for ever.
use strict;
use warnings;
use HTTP::Tiny;
use JSON::PP;
use Time::HiRes qw(time sleep);
use Tuor::Receiver;
use Tuor::Run qw(run_dir write_file read_file);
use Tuor::Test;
use Tuor::Webhooks;

my $receiver = Tuor::Receiver->start;
my $hooks = Tuor::Webhooks->start(conf => "TuorWebhookTimeout 3\n");
my $lease = 3 + 5;

sub settle {
    my $seconds = shift;
    return eventually($seconds, sub {
        (eval { $hooks->psql("SELECT count(*) FROM tuor.webhook_deliveries WHERE status IN ('pending', 'sending')") } // '') eq '0'
    });
}

sub count_requests { my %n; $n{ $_->{header}{'x-tuor-event-id'} }++ for $receiver->requests; return \%n }

subtest 'the sending child is killed' => sub {
    my $project = $hooks->project($receiver->url('/stall'));
    $hooks->verdict($project);
    my ($request) = $receiver->wait(1);
    ok $request, 'the receiver has the request';
    kill KILL => $hooks->server->children;
    my $delivery = $hooks->settled($project, $lease + 5);
    is_deeply [@$delivery{qw(status response_status error)}], ['failed', undef, 'interrupted: outcome unknown'], 'the outcome is unknown';
    is_deeply [map { $_->{error} } @{ $delivery->{attempts} }], ['interrupted: outcome unknown'], 'and in the log';
    sleep 2;
    is scalar(() = $receiver->requests), 1, 'nobody sends it again';
    $hooks->must(200, PUT => "/v1/projects/$project->{id}", { webhook_url => $receiver->url('/ok') });
    $hooks->must(202, POST => "/v1/webhook-deliveries/$delivery->{id}/retry");
    is $hooks->settled($project)->{status}, 'success', 'but a person';
    my ($first, $second) = $receiver->requests;
    is $second->{body}, $first->{body}, 'with the same body';
};

subtest 'the database is away when a delivery ends' => sub {
    my $project = $hooks->project($receiver->url('/slow/1'));
    my $n = () = $receiver->requests;
    $hooks->verdict($project);
    $receiver->wait($n + 1);
    $hooks->db->pause;
    sleep 3;
    $hooks->db->resume;
    my $delivery = $hooks->settled($project);
    is $delivery->{status}, 'success', 'a pause: the outcome is recorded when it is back';

    $hooks->verdict($project);
    $receiver->wait($n + 2);
    $hooks->db->stop('immediate');
    sleep 2;
    $hooks->db->start;
    is $hooks->settled($project)->{status}, 'success', 'a crash: likewise';
    is scalar(() = $receiver->requests), $n + 2, 'each was sent once';
};

# A verdict by a client that tries until it knows: true once it stands.
sub insist {
    my $trace = shift;
    return eventually(30, sub {
        my $reply = eval { $hooks->api(POST => "/v1/traces/$trace->{id}/review", { action => 'approve', expected_version => 1 }) } or return;
        return $reply->status == 200 || $reply->status == 409;      # 409: it stood already, only its answer was lost
    });
}

# Verdicts go on while FAULT is called again and again; then everything is counted.
sub under_load {
    my ($verdicts, $faults, $fault) = @_;
    my $project = $hooks->project($receiver->url('/slow/0.05'));
    my @traces = map { $hooks->trace($project) } 1 .. $verdicts;
    $receiver->forget;
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        my $bad = grep { sleep 0.02; !insist($_) } @traces;
        POSIX::_exit($bad ? 1 : 0);
    }
    my $done = 0;
    while ($done < $faults || waitpid($pid, 1) == 0) {
        sleep 0.3 + rand 0.4;
        $fault->(), $done++ if $done < $faults;
    }
    cmp_ok $done, '>=', $faults, "$done faults, $verdicts verdicts";
    ok settle($lease + 20), 'nothing is on its way for ever';
    my %status = map { split /\|/ } split /\n/, $hooks->psql("SELECT event_id, status FROM tuor.webhook_deliveries"
        . " WHERE project_id = '$project->{id}'");
    is scalar(keys %status), $verdicts, 'every verdict has its delivery';
    my $times = count_requests();
    is_deeply [grep { $_ > 1 } values %$times], [], 'none was sent twice';
    is_deeply [grep { $status{$_} eq 'success' && !$times->{$_} } keys %status], [], 'what is a success was received';
    is_deeply [grep { !$status{$_} } keys %$times], [], 'and what was received is known';
    my $wrong = $hooks->psql("SELECT count(*) FROM tuor.webhook_deliveries d WHERE project_id = '$project->{id}' AND attempt_count <>"
        . " (SELECT count(*) FROM tuor.webhook_attempts a WHERE a.org_id = d.org_id AND a.delivery_id = d.id)");
    is $wrong, 0, 'attempts are in the log, each once';
    my %n;
    $n{$_}++ for values %status;
    diag join ', ', map { "$n{$_} $_" } sort keys %n;
}

require POSIX;
subtest 'children are killed under load' => sub {
    under_load(200, 25, sub { kill KILL => $hooks->server->children });
};
subtest 'the whole server is killed under load' => sub {
    under_load(150, 5, sub { $hooks->server->kill_all; $hooks->server->run });
};
subtest 'the database crashes under load' => sub {
    under_load(150, 5, sub { $hooks->db->stop('immediate'); $hooks->db->start });
};
subtest 'backends are killed under load' => sub {
    under_load(200, 25, sub { eval { $hooks->psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'tuor_app'") } });
};
subtest 'graceful restarts under load' => sub {
    under_load(200, 8, sub { $hooks->server->graceful; sleep 1 });
    is $hooks->psql("SELECT count(*) FROM tuor.webhook_deliveries WHERE error LIKE 'interrupted%' AND created_at > now() - interval '20 seconds'"), 0,
        'interrupt nothing';
};
subtest 'restarts under load' => sub {
    under_load(200, 5, sub { $hooks->server->restart; sleep 1 });
};

is join("\n", $hooks->server->error_log =~ /^.*(?:AddressSanitizer|exit signal (?!Killed)|seg fault|Segmentation).*$/mg), '', 'no child crashed';
done_testing;
