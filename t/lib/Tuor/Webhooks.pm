# Licensed under the Apache License, Version 2.0; see LICENSE.
package Tuor::Webhooks;

=head1 NAME

Tuor::Webhooks - a server that may send webhooks to receivers on this machine

=head1 SYNOPSIS

    my $hooks = Tuor::Webhooks->start(conf => "TuorWebhookTimeout 2\n");
    my $reply = $hooks->api(GET => '/v1/projects/');            # as api() of Tuor::Test
    my $project = $hooks->project($receiver->url('/ok'));       # active, secret "s3cret"
    my $trace = $hooks->trace($project, model_output => { ... });
    $hooks->review($trace, 'correct', corrected_output => { ... });
    my $delivery = $hooks->settled($project);                   # the newest, once it is success or failed

A database of its own comes with it: any other server of the same database would
claim its deliveries, and does not allow receivers on this machine.

=cut

use strict;
use warnings;
use Tuor::Postgres;
use Tuor::Receiver;
use Tuor::Run qw(run_dir eventually);
use Tuor::Server;
use Tuor::Test ();

my $count = 0;

sub start {
    my ($class, %arg) = @_;
    my $db = $arg{db} // Tuor::Postgres->new(dir => run_dir() . "/hooks-$$-" . ++$count);
    my $allow = $arg{allow} // "TuorWebhookAllow 127.0.0.0/8 ::1\nTuorWebhookCAFile " . Tuor::Receiver->ca . "\n";
    my $limits = join '', map { "TuorRateLimit $_ off\n" } qw(ingest read write export refine console);
    my $server = Tuor::Server->start(%arg, db => $db, conf => $allow . $limits . ($arg{conf} // ''));
    my $org = $arg{org} // $db->ctl('org', 'create', 'Hooks');
    my $key = $arg{key} // $db->ctl('key', 'create', '--org', $org, '--name', 'hooks');
    return bless { db => $db, server => $server, org => $org, key => $key, own_db => !$arg{db} }, $class;
}

sub server { $_[0]{server} }
sub db     { $_[0]{db} }
sub key    { $_[0]{key} }
sub psql   { my $self = shift; return $self->{db}->psql(@_) }

sub api {
    my ($self, $method, $path, @rest) = @_;
    my $body = @rest % 2 ? shift @rest : undef;
    return Tuor::Test::api($method, $path, defined $body ? $body : (), server => $self->{server}, key => $self->{key}, @rest);
}

# A call that has to succeed, its JSON decoded.
sub must {
    my ($self, $status, @call) = @_;
    my $reply = $self->api(@call);
    die "@call[0, 1]: " . $reply->status . ' ' . substr($reply->body, 0, 1000) . "\n" unless $reply->status == $status;
    return $reply->json;
}

my $names = 0;

sub project {
    my ($self, $url, %member) = @_;
    return $self->must(201, POST => '/v1/projects/', { name => 'Hook ' . ++$names, webhook_url => $url, webhook_secret => 's3cret',
        webhook_active => JSON::PP::true, %member });
}

sub trace {
    my ($self, $project, %member) = @_;
    return $self->must(201, POST => '/v1/traces/', { project_id => $project->{id}, model_input => { content => 'in' },
        model_output => { answer => 'out' }, %member });
}

sub review {
    my ($self, $trace, $action, %member) = @_;
    return $self->must(200, POST => "/v1/traces/$trace->{id}/review", { action => $action, expected_version => $trace->{version}, %member });
}

# A verdict on a trace of its own.
sub verdict { my ($self, $project, $action) = @_; return $self->review($self->trace($project), $action // 'approve') }

sub deliveries {
    my ($self, $project, $query) = @_;
    return @{ $self->must(200, GET => "/v1/projects/$project->{id}/webhook-deliveries" . ($query // '')) };
}

sub delivery { my ($self, $id) = @_; return $self->must(200, GET => "/v1/webhook-deliveries/$id") }

# settled(PROJECT[, SECONDS]): the newest delivery in detail once all are; what there is when the time is over.
sub settled {
    my ($self, $project, $seconds) = @_;
    my @all;
    # the server may be on its way down or up
    eventually($seconds // 15, sub { @all = eval { $self->deliveries($project) }; @all && !grep { $_->{status} =~ /ing$/ } @all });
    return @all ? $self->delivery($all[0]{id}) : undef;
}

sub stop {
    my $self = shift;
    my $server = delete $self->{server} or return;
    $server->stop or $server->kill_all;
    $self->{db}->remove if $self->{own_db} && $self->{db};      # gone already at the very end
}

sub DESTROY { my $self = shift; local ($?, $@); $self->stop if $self->{server} && $self->{server}{owner} == $$ }

1;
