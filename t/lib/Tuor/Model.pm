# Licensed under the Apache License, Version 2.0; see LICENSE.
package Tuor::Model;

=head1 NAME

Tuor::Model - an OpenAI-compatible endpoint for the http refiner

=head1 SYNOPSIS

    my $model = Tuor::Model->start;
    my $model = Tuor::Model->start(certificate => 'good');      # https; Tuor::Receiver's certificates
    $model->url('/good');               # model.py says what paths there are
    my @asked = $model->requests;       # {method path headers body}

=cut

use strict;
use warnings;
use JSON::PP;
use Tuor::Receiver;
use Tuor::Run qw(source run_dir read_file write_file stop_process);

my $count = 0;

sub start {
    my ($class, %arg) = @_;
    my $tls = Tuor::Receiver->ca =~ s{/ca\.pem$}{}r;
    my $log = run_dir() . "/model-$$-" . ++$count;
    write_file($log, '');
    my ($python) = grep { -x } '/usr/bin/python3', '/usr/local/bin/python3';
    my $pid = open my $out, '-|', $python // 'python3', source() . '/t/lib/model.py', $log,
        $arg{certificate} ? map { "$tls/$arg{certificate}.$_" } qw(pem key) : () or die "model: $!\n";
    my $port = <$out> // die "the model did not start\n";
    chomp $port;
    return bless { pid => $pid, port => $port, log => $log, out => $out, owner => $$, scheme => $arg{certificate} ? 'https' : 'http' }, $class;
}

sub url      { my ($self, $path) = @_; return "$self->{scheme}://127.0.0.1:$self->{port}$path" }
sub requests { my $self = shift; return map { decode_json($_) } split /\n/, read_file($self->{log}) }
sub forget   { my $self = shift; write_file($self->{log}, '') }

sub stop {
    my $self = shift;
    my $pid = delete $self->{pid} or return;
    stop_process($pid, 'KILL', 5);
    close $self->{out};
}

sub DESTROY { my $self = shift; local ($?, $@); $self->stop if $self->{owner} == $$ }

1;
