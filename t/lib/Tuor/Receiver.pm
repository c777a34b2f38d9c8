# Licensed under the Apache License, Version 2.0; see LICENSE.
package Tuor::Receiver;

=head1 NAME

Tuor::Receiver - a webhook receiver with TLS, under a certificate authority of its own

=head1 SYNOPSIS

    my $receiver = Tuor::Receiver->start;                       # 127.0.0.1
    my $bad = Tuor::Receiver->start(certificate => 'expired');  # wronghost, selfsigned

    my $server = Tuor::Server->start(conf => "TuorWebhookAllow 127.0.0.0/8\n"
                                           . 'TuorWebhookCAFile ' . Tuor::Receiver->ca . "\n");
    $receiver->url('/status/500');      # receiver.py says what paths there are
    my ($request) = $receiver->wait(1, 10);     # at least one, for up to ten seconds
    $request->{path}; $request->{header}{'x-tuor-signature'}; $request->{body};

The good certificate is for 127.0.0.1, ::1 and hooks.test.

=cut

use strict;
use warnings;
use File::Path qw(make_path);
use JSON::PP ();
use JSON::XS ();          # the same, and quick enough for megabytes
use MIME::Base64 qw(decode_base64);
use Tuor::Run qw(source run_dir read_file write_file eventually stop_process);

my $count = 0;

my %subject = (
    good       => 'IP:127.0.0.1,IP:::1,DNS:hooks.test',
    expired    => 'IP:127.0.0.1,IP:::1,DNS:hooks.test',
    selfsigned => 'IP:127.0.0.1,IP:::1,DNS:hooks.test',
    wronghost  => 'DNS:elsewhere.test',
);

# The authority's certificate, made once a run together with all others.
sub ca {
    my $dir = run_dir() . '/tls';
    make_certificates($dir) unless -e "$dir/done";
    return "$dir/ca.pem";
}

sub make_certificates {
    my $dir = shift;
    make_path($dir);
    my $new_key = '-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes';
    openssl("req -x509 $new_key -subj '/CN=Tuor test CA' -days 30 -keyout $dir/ca.key -out $dir/ca.pem");
    for my $name (sort keys %subject) {
        write_file("$dir/$name.ext", "subjectAltName=$subject{$name}\nbasicConstraints=CA:FALSE\n");
        openssl("req $new_key -subj /CN=$name -keyout $dir/$name.key -out $dir/$name.csr");
        my $signer = $name eq 'selfsigned' ? "-signkey $dir/$name.key" : "-CA $dir/ca.pem -CAkey $dir/ca.key -CAcreateserial";
        # x509 has no start date, but it takes a negative number of days.
        my $days = $name eq 'expired' ? -1 : 30;
        openssl("x509 -req -in $dir/$name.csr $signer -days $days -extfile $dir/$name.ext -out $dir/$name.pem");
    }
    write_file("$dir/done", '');
}

sub openssl { my $said = `openssl $_[0] 2>&1`; die "openssl $_[0]: $said" if $? }

sub start {
    my ($class, %arg) = @_;
    ca() =~ m{^(.*)/} or die;
    my $tls = $1;
    my $certificate = $arg{certificate} // 'good';
    my $log = run_dir() . "/receiver-$$-" . ++$count;
    write_file($log, '');
    my ($python) = grep { -x } '/usr/bin/python3', '/usr/local/bin/python3';
    my $pid = open my $out, '-|', $python // 'python3', source() . '/t/lib/receiver.py',
        $log, "$tls/$certificate.pem", "$tls/$certificate.key", $arg{address} // '127.0.0.1' or die "receiver: $!\n";
    my $port = <$out> // die "the receiver did not start\n";
    chomp $port;
    return bless { pid => $pid, port => $port, log => $log, out => $out, owner => $$, address => $arg{address} // '127.0.0.1' }, $class;
}

sub port { my $self = shift; return $self->{port} }

sub url {
    my ($self, $path, $host) = @_;
    $host //= $self->{address} =~ /:/ ? "[$self->{address}]" : $self->{address};
    return "https://$host:$self->{port}$path";
}

# What arrived so far: {time method path headers header body}; header has
# lower-case names, headers keeps the order.
sub requests {
    my $self = shift;
    return map {
        my $request = JSON::XS::decode_json($_);
        $request->{body} = decode_base64($request->{body});
        $request->{header} = { map { lc $_->[0] => $_->[1] } @{ $request->{headers} } };
        $request;
    } grep { /\}$/ } split /\n/, read_file($self->{log});
}

# wait(N, SECONDS): the requests as soon as there are N, or what there is when
# the time is over.
sub wait {
    my ($self, $n, $seconds) = @_;
    eventually($seconds // 10, sub { $self->requests >= $n });
    return $self->requests;
}

sub forget { my $self = shift; write_file($self->{log}, '') }

sub stop {
    my $self = shift;
    my $pid = delete $self->{pid} or return;
    stop_process($pid, 'KILL', 5);
    close $self->{out};
}

sub DESTROY { my $self = shift; local ($?, $@); $self->stop if $self->{owner} == $$ }

1;
