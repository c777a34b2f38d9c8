# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# Every process model serves, and a graceful restart fails no request.
use strict;
use warnings;
use HTTP::Tiny;
use POSIX ();
use Time::HiRes qw(time sleep);
use Tuor::Test;
use Tuor::Server;

my $unlimited = join '', map { "TuorRateLimit $_ off\n" } qw(ingest read write export);

for my $mpm (qw(event worker prefork)) {
    subtest $mpm => sub {
        my $org = new_org("MPM $mpm $$");
        my $key = $org->{key};
        my $server = Tuor::Server->start(mpm => $mpm, conf => $unlimited);
        my $project = create_project(key => $key, server => $server)->{id};
        my $call = sub { return api(@_, key => $key, server => $server) };
        my $id = create_trace(key => $key, project_id => $project, server => $server)->{id};
        is $call->(GET => "/v1/traces/$id")->status, 200, 'get';
        is scalar @{ $call->(GET => '/v1/traces/')->json }, 1, 'list';
        is $call->(POST => "/v1/traces/$id/review", { action => 'approve', expected_version => 1 })->status, 200, 'review';
        is scalar(() = $call->(GET => '/v1/traces/export')->lines), 1, 'export';
        is $call->(GET => '/v1/traces/', login => 'viewer')->status, 200, 'a user';

        # New connections all the time: those that are kept open may be closed at any moment.
        my $end = time + 4;
        my @pids = map {
            my $n = $_;
            my $pid = fork // die "fork: $!\n";
            if (!$pid) {
                my $http = HTTP::Tiny->new(keep_alive => 0, timeout => 20);
                my %headers = ('X-API-Key' => $key, 'Content-Type' => 'application/json');
                my ($done, $failed) = (0, 0);
                while (time < $end) {
                    my $reply = $n % 3 == 0 ? $http->get($server->url . '/v1/traces/export', { headers => \%headers })
                        : $n % 3 == 1 ? $http->get($server->url . "/v1/traces/$id", { headers => \%headers })
                        : $http->post($server->url . '/v1/traces/', { headers => \%headers, content => qq({"project_id":"$project","model_input":{},"model_output":{}}) });
                    $done++;
                    $failed++, warn "$reply->{status} $reply->{content}\n" if $reply->{status} !~ /^20[01]$/ || ($n % 3 == 0 && $reply->{content} !~ /\n\z/);
                }
                POSIX::_exit($failed ? 1 : $done ? 0 : 2);
            }
            $pid
        } 0 .. 5;
        for (1 .. 3) {
            sleep 0.9;
            $server->graceful;
        }
        is join(' ', map { waitpid $_, 0; $? >> 8 } @pids), '0 0 0 0 0 0', 'three graceful restarts fail none of the requests';
        my $stored = psql("SELECT count(*) FROM tuor.traces WHERE org_id = '$org->{id}'");
        cmp_ok $stored, '>', 10, "$stored were stored meanwhile";
        unlike $server->error_log, qr/Segmentation|exit signal|TUOR0002.* 50\d /, 'and nothing bad is in the log' or diag grep { /exit signal|TUOR0002/ } map { "$_\n" } split /\n/, $server->error_log;
        ok $server->stop, 'it stops';
    };
}

done_testing;
