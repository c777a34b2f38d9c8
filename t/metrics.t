# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# Figures: counted over all children, kept over a graceful restart, in Prometheus' form.
use strict;
use warnings;
use Tuor::Server;
use Tuor::Test;

my $server = Tuor::Server->start(conf => "<Location /metrics>\nSetHandler tuor-metrics\nRequire local\n</Location>\n"
    . "<Location /server-status>\nSetHandler server-status\nRequire local\n</Location>\n");
my $org = new_org("Figures $$");

sub metrics { return api(GET => '/metrics', server => $server, key => undef) }
sub figure { my $name = shift; return metrics()->body =~ /^\Q$name\E ([0-9.]+)$/m ? $1 : undef }

subtest 'the form' => sub {
    my $reply = metrics();
    is $reply->status, 200, 'it answers';
    like $reply->header('content-type'), qr{^text/plain; version=0\.0\.4}, 'as text for Prometheus';
    is api(HEAD => '/metrics', server => $server, key => undef)->status, 200, 'HEAD, too';
    my $post = api(POST => '/metrics', {}, server => $server, key => undef);
    is $post->status . ' ' . join(',', sort split /,/, $post->header('allow')), '405 GET,HEAD', 'but nothing else';
    my (%type, @bad, %seen);
    for (split /\n/, $reply->body) {
        if (/^# TYPE (\w+) (counter|gauge|histogram)$/) {
            push @bad, "$1 twice" if $type{$1}++;
            next;
        }
        next if /^# HELP \w+ \S/;
        push @bad, $_ unless /^(\w+)(\{\w+="[^"]*"(,\w+="[^"]*")*\})? -?[0-9.]+(e[+-]?\d+)?$/ && !$seen{$_ =~ s/ \S+$//r}++;
        my ($name) = /^(\w+)/;
        $name =~ s/_(bucket|sum|count)$//;
        push @bad, "$_: no TYPE before it" unless $type{$name};
    }
    is_deeply \@bad, [], 'every line is one that Prometheus takes';
};

subtest 'requests' => sub {
    my $posts = 'tuor_requests_total{method="POST",route="/v1/tags",status="2xx"}';
    my $before = figure($posts);
    api(POST => '/v1/tags/', { name => "t$_" }, key => $org->{key}, server => $server) for 1 .. 20;
    is figure($posts), $before + 20, 'are counted by route and answer, whichever child serves them';
    api(POST => '/v1/tags/', {}, key => $org->{key}, server => $server);
    ok figure('tuor_requests_total{method="POST",route="/v1/tags",status="4xx"}') >= 1, 'refusals apart';
    ok figure('tuor_request_duration_seconds_count{class="write"}') >= 21, 'and timed by class';
    is figure('tuor_request_duration_seconds_bucket{class="write",le="+Inf"}'), figure('tuor_request_duration_seconds_count{class="write"}'),
        'the last bucket holds all';
    my $children = () = $server->children;
    $server->graceful;
    ok eventually(20, sub { 1 < (() = $server->error_log =~ /resuming normal operations/g) }), "a graceful restart";
    is figure($posts), $before + 20, 'loses nothing';
};

subtest 'gauges' => sub {
    ok eventually(5, sub { figure('tuor_db_connections_in_use') == 0 }), 'no connection is in use when nothing is going on';
    ok figure('tuor_db_wait_seconds_count') > 0, 'waits were timed';
};

subtest 'mod_status' => sub {
    like api(GET => '/server-status?auto', server => $server, key => undef)->body, qr/^tuor_db_connections_in_use\{\}: \d+$/m, '?auto';
    like api(GET => '/server-status', server => $server, key => undef)->body, qr{<h2>Tuor</h2>}, 'the page';
};

done_testing;
