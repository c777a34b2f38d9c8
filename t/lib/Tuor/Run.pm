# Licensed under the Apache License, Version 2.0; see LICENSE.
package Tuor::Run;

=head1 NAME

Tuor::Run - what all parts of a test run know

=head1 DESCRIPTION

t/TEST makes a directory for the run and puts what tests need to know into
run.json in it; the tests find it through the environment. Everything runs as
one user, which is never root.

=cut

use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use IO::Socket::INET;
use JSON::PP;
use Time::HiRes qw(time sleep);
use Exporter qw(import);

our @EXPORT_OK = qw(source build_config run_dir run_info save_info write_file read_file
                    free_port eventually stop_process stop_servers is_zombie);

# The source tree.
my $source = abs_path(dirname(__FILE__) . '/../../..');
sub source { $source }

# What configure found: httpd, libexecdir, preload.
sub build_config {
    my $text = read_file("$source/build/config.sh");
    return { $text =~ /^(\w+)='(.*)'$/mg };
}

sub run_dir { $ENV{TUOR_TEST_DIR} or die "Start the tests with make check TESTS=... or t/TEST ...\n" }

my $json = JSON::PP->new->canonical->pretty;
sub run_info  { $json->decode(read_file(run_dir() . '/run.json')) }
sub save_info { write_file(run_dir() . '/run.json', $json->encode(shift)) }

sub write_file {
    my ($path, $text) = @_;
    open my $file, '>:raw', $path or die "$path: $!\n";
    print $file $text;
    close $file or die "$path: $!\n";
}

sub read_file {
    my $path = shift;
    open my $file, '<:raw', $path or die "$path: $!\n";
    local $/;
    return scalar <$file> // '';
}

# A port of the loopback interface that nobody listens on, below those that the kernel gives to
# connections: one of these may take a port before the server does.
sub free_port {
    for (1 .. 1000) {
        my $socket = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 10_000 + int rand 22_000, Listen => 1) or next;
        return $socket->sockport;
    }
    die "no free port: $!\n";
}

# eventually(SECONDS, sub { ... }): what the sub returned as soon as it is true;
# false when the time is over.
sub eventually {
    my ($seconds, $condition) = @_;
    my $end = time + $seconds;
    while (1) {
        my $result = $condition->();
        return $result if $result || time > $end;
        sleep 0.05;
    }
}

# stop_process(PID, SIGNAL, SECONDS): waits for its end; true if it came.
sub stop_process {
    my ($pid, $signal, $seconds) = @_;
    kill $signal, $pid;
    return eventually($seconds, sub { waitpid $pid, 1; is_zombie($pid) });
}

# All servers of a run: the shared ones, and those of tests that had no time to
# stop them. httpd first, as it minds the loss of its database.
sub stop_servers {
    my $dir = shift;
    # Those of t/quickstart.t lie a directory deeper.
    for my $file (map { glob "$dir/$_" } '*/logs/httpd.pid', '*/*/run/httpd.pid', '*/postmaster.pid', '*/*/pg/postmaster.pid') {
        my ($pid) = eval { read_file($file) =~ /^(\d+)/ } or next;
        next unless (eval { read_file("/proc/$pid/cmdline") } // '') =~ /\Q$dir\E/;
        stop_process($pid, $file =~ /httpd/ ? 'TERM' : 'QUIT', 10) or kill KILL => $pid;
    }
}

# Gone, or dead and not collected yet: a container without an init never does.
sub is_zombie {
    my $stat = eval { read_file("/proc/$_[0]/stat") } // return 1;
    return $stat =~ /\) Z /;
}

1;
