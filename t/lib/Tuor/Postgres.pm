# Licensed under the Apache License, Version 2.0; see LICENSE.
package Tuor::Postgres;

=head1 NAME

Tuor::Postgres - a private PostgreSQL for the tests

=head1 SYNOPSIS

    my $db = Tuor::Postgres->new(dir => "$dir/pg");     # started, migrated
    $db->url;                   # of the owner, for tuorctl and psql
    $db->dbd_params;            # of httpd's role
    $db->psql('SELECT 1');      # as the owner
    $db->stop('immediate'); $db->start; $db->kill; $db->pause; $db->resume;

=cut

use strict;
use warnings;
use File::Path qw(remove_tree);
use File::Temp ();
use Tuor::Run qw(source write_file read_file eventually is_zombie);

sub new {
    my ($class, %arg) = @_;
    my ($pg_ctl) = sort { version_of($b) <=> version_of($a) } glob '/usr/lib/postgresql/*/bin/pg_ctl';
    die "PostgreSQL is not there (apt-get install postgresql)\n" unless $pg_ctl;
    my $self = bless { dir => $arg{dir}, bin => $pg_ctl =~ s{/pg_ctl$}{}r }, $class;
    # A socket's path may have 107 bytes: dir is a short one, in the run's.
    $self->{socket} = "$arg{dir}.s";
    mkdir $self->{socket}, 0700;
    $self->command('initdb', '-D', $self->{dir}, '-U', 'postgres', '-A', 'trust', '--locale=C.UTF-8', '-E', 'UTF8', '-N');
    my $settings = $arg{settings} // {};
    write_file("$self->{dir}/postgresql.auto.conf", join '', map { "$_->[0] = '$_->[1]'\n" }
        [listen_addresses => ''], [unix_socket_directories => $self->{socket}], [port => 5432],
        [max_connections => 200], [shared_buffers => '128MB'], [jit => 'off'],
        [timezone => 'UTC'], [log_timezone => 'UTC'], [log_line_prefix => '%m [%p] %q%u/%a '],
        map { [$_ => $settings->{$_}] } sort keys %$settings);
    $self->start;
    $self->superuser(<<~'END');
        CREATE ROLE tuor LOGIN;
        CREATE ROLE tuor_app LOGIN;
        GRANT pg_signal_backend, pg_read_all_stats TO tuor;
        CREATE DATABASE tuor OWNER tuor;
        END
    $self->ctl('migrate');
    return $self;
}

# attach(INFO): the same server in another process; see info.
sub attach { my ($class, $info) = @_; return bless { %$info }, $class }
sub info   { my $self = shift; return { %$self } }

sub version_of { $_[0] =~ m{/(\d+)/bin/} ? $1 : 0 }

sub command {
    my ($self, $program, @args) = @_;
    open my $out, '-|', "$self->{bin}/$program 2>&1 " . join ' ', map { quote($_) } @args or die "$program: $!\n";
    my $text = do { local $/; <$out> } // '';
    close $out or die "$program: $text\n";
    return $text;
}
sub quote { my $word = shift; $word =~ s/'/'\\''/g; return "'$word'" }

sub start { my $self = shift; $self->command('pg_ctl', '-D', $self->{dir}, '-l', "$self->{dir}/server.log", '-w', '-t', 60, 'start', '-s') }
sub stop  { my ($self, $mode) = @_; $self->command('pg_ctl', '-D', $self->{dir}, '-m', $mode // 'fast', '-w', '-t', 60, 'stop', '-s') }
sub pid   { my $self = shift; my ($pid) = eval { read_file("$self->{dir}/postmaster.pid") =~ /^(\d+)/ }; return $pid }
sub log   { my $self = shift; read_file("$self->{dir}/server.log") }

# SIGKILL, as the machine's out-of-memory killer does it.
sub kill {
    my $self = shift;
    my @pids = $self->pids;
    CORE::kill KILL => $pids[0];
    # Its backends notice by themselves. The lock files would keep a new
    # postmaster from starting as long as nobody collects the dead one.
    eventually(10, sub { !grep { !is_zombie($_) } @pids });
    unlink "$self->{dir}/postmaster.pid", "$self->{socket}/.s.PGSQL.5432.lock";
}
sub pause  { my $self = shift; CORE::kill STOP => $self->pids }
sub resume { my $self = shift; CORE::kill CONT => $self->pids }

# The postmaster and its backends.
sub pids {
    my $self = shift;
    my $parent = $self->pid;
    return ($parent, grep { (eval { read_file("/proc/$_/stat") } // '') =~ /\) \w $parent / } map { m{(\d+)$} } glob '/proc/[0-9]*');
}

sub url { my $self = shift; return "postgresql://tuor@/tuor?host=" . $self->{socket} =~ s{/}{%2F}gr }
sub dbd_params { my $self = shift; return "host=$self->{socket} port=5432 dbname=tuor user=tuor_app connect_timeout=2 application_name=tuor" }

# Rows are lines, columns are separated by '|', NULL is empty.
sub psql      { my ($self, $sql) = @_; return $self->run_sql($self->url, $sql) }
sub superuser { my ($self, $sql) = @_; return $self->run_sql("host=$self->{socket} port=5432 user=postgres dbname=postgres", $sql) }

sub run_sql {
    my ($self, $where, $sql) = @_;
    my $file = File::Temp->new;
    binmode $file, ':utf8';
    print $file "SET client_min_messages = warning;\n$sql";
    close $file;
    return $self->command('psql', '-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-d', $where, '-f', "$file") =~ s/\n\z//r;
}

# ctl(ARGUMENT...): what tuorctl printed; dies with its message when it fails.
sub ctl {
    my ($self, @args) = @_;
    local $ENV{TUOR_DATABASE_URL} = $self->url;
    local $ENV{TUOR_SQL_DIR} = source() . '/sql';
    my $command = join ' ', map { quote($_) } source() . '/build/tuorctl', @args;
    my $out = `$command 2>&1`;
    die "tuorctl @args: $out" if $?;
    chomp $out;
    return $out;
}

sub remove {
    my $self = shift;
    eval { $self->stop('immediate') } if $self->pid;
    remove_tree($self->{dir}, $self->{socket});
}

1;
