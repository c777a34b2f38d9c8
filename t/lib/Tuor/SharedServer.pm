# Licensed under the Apache License, Version 2.0; see LICENSE.
package Tuor::SharedServer;

=head1 NAME

Tuor::SharedServer - the httpd that most tests speak to, run by Apache::Test

=head1 DESCRIPTION

Apache::Test configures it in the directory of the run, out of t/conf/*.in, and
nothing of an httpd that the machine may have is inherited.

=cut

use strict;
use warnings;
use File::Copy qw(copy);
use File::Path qw(make_path);
use Tuor::Run qw(source write_file read_file free_port);
use Tuor::Server;

sub new {
    my ($class, $dir, $info) = @_;
    make_path("$dir/t/conf");
    copy($_, "$dir/t/conf/") or die "$_: $!\n" for glob source() . '/t/conf/*.in';
    write_file("$dir/modules.conf", Tuor::Server::load_modules());
    my $command = "$dir/httpd";
    write_file($command, "#!/bin/sh\nexec " . join(' ', map { "'$_'" } Tuor::Server::httpd_command()) . " \"\$@\"\n");
    chmod 0755, $command;
    return bless {
        dir => $dir,
        port => free_port(),
        # t/TEST's variables for t/conf/*.in, and what Apache::Test would guess wrongly.
        options => [
            '-httpd', $command, '-httpd_conf', "$dir/modules.conf",
            '-top_dir', $dir, '-servername', '127.0.0.1',
        ],
        variables => { tuor_dbd => $info->{dbd_params}, tuor_users => $info->{users_file} },
    }, $class;
}

sub url       { my $self = shift; return "http://127.0.0.1:$self->{port}" }
sub pid_file  { my $self = shift; return "$self->{dir}/t/logs/httpd.pid" }
sub error_log { my $self = shift; return "$self->{dir}/t/logs/error_log" }

# Apache::Test changes directory and exits as it likes: it gets a process. What
# it says matters only when it fails.
sub start {
    my $self = shift;
    my $out = "$self->{dir}/start";
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        chdir $self->{dir};
        open STDIN, '<', '/dev/null';
        open STDOUT, '>', $out;
        open STDERR, '>&', \*STDOUT;
        # No second start of this program under ulimit, and no search for the
        # tests beside it.
        $ENV{APACHE_TEST_ULIMIT_SET} = 1;
        $0 = 'shared-server';
        @ARGV = (@{ $self->{options} }, '-port', $self->{port}, '-start-httpd');
        Tuor::SharedServer::Run->new(variables => $self->{variables})->run(@ARGV);
        POSIX::_exit(0);
    }
    waitpid $pid, 0;
    return if $? == 0 && -e $self->pid_file;
    die "httpd did not start:\n" . read_file($out) . (eval { read_file($self->error_log) } // '');
}

package Tuor::SharedServer::Run;

use parent 'Apache::TestRun';
use Apache::TestConfig ();
use POSIX ();

# Further variables for t/conf/*.in.
sub pre_configure {
    my $self = shift;
    $self->{conf_opts}{$_} = $self->{variables}{$_} for keys %{ $self->{variables} };
}

1;
