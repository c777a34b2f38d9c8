# Licensed under the Apache License, Version 2.0; see LICENSE.
package Tuor::Server;

=head1 NAME

Tuor::Server - a private httpd for one test

=head1 SYNOPSIS

    my $server = Tuor::Server->start(
        conf => "TuorRateLimit ingest 5/min\n",     # in the server's context, last
        mpm  => 'worker',                           # event (default), worker or prefork
        env  => { NAME => 'value' },
        db   => Tuor::Postgres->new(...),           # default: that of the test run
        load => "LoadModule ...\n",                 # in place of Tuor's modules out of build/
    );
    my $reply = api(GET => '/v1/me', server => $server);
    $server->graceful; $server->restart; $server->kill_all; $server->stop;
    like $server->error_log, qr/.../;

It stops when the object goes.

=cut

use strict;
use warnings;
use File::Path qw(make_path);
use Tuor::Run qw(source build_config run_dir run_info write_file read_file free_port eventually stop_process is_zombie);

my $count = 0;

# load_modules(MPM, LOAD): LoadModule lines of what is there; LOAD in place of Tuor's own. alias is Apache::Test's.
sub load_modules {
    my ($mpm, $load) = @_;
    $mpm //= 'event';
    my $config = build_config();
    my @lines;
    for my $name ("mpm_$mpm", qw(alias unixd authn_core authn_file authz_core authz_host authz_user auth_basic
                  auth_form request session session_cookie session_crypto allowmethods
                  log_config logio env setenvif mime dir headers filter deflate dbd status info unique_id reqtimeout
                  socache_shmcb ssl http2)) {
        my $dso = "$config->{libexecdir}/mod_$name.so";
        push @lines, "LoadModule ${name}_module $dso" if -e $dso;
    }
    return join("\n", @lines) . "\n$load" if defined $load;
    for my $dso (source() . '/build/mod_tuor.so', sort glob(source() . '/build/mod_tuor_*.so')) {
        my ($name) = $dso =~ m{/mod_(\w+)\.so$};
        push @lines, "LoadModule ${name}_module $dso";
    }
    return join("\n", @lines) . "\n";
}

# How httpd is called: sanitizers' libraries have to be loaded before it.
sub httpd_command {
    my $config = build_config();
    return $config->{httpd} unless $config->{preload};
    my $logs = run_dir() . '/sanitizer';
    my $preload = join ':', $config->{preload}, grep { -e } source() . '/build/t/tsan/atomics.so';
    return ('env', "LD_PRELOAD=$preload", "ASAN_OPTIONS=detect_leaks=0:use_sigaltstack=0:log_path=$logs",
            "UBSAN_OPTIONS=print_stacktrace=1:log_path=$logs", "TSAN_OPTIONS=log_path=$logs:suppressions=" . source() . '/t/tsan/suppressions', $config->{httpd});
}

sub start {
    my ($class, %arg) = @_;
    my $info = run_info();
    my $dir = run_dir() . "/server-$$-" . ++$count;
    make_path("$dir/conf", "$dir/logs", "$dir/htdocs");
    my $self = bless { dir => $dir, port => free_port(), env => $arg{env} // {}, owner => $$,
                       pid_file => "$dir/logs/httpd.pid", conf => "$dir/conf/httpd.conf" }, $class;
    my %value = (
        port => $self->{port}, serverroot => $dir, documentroot => "$dir/htdocs", t_logs => "$dir/logs",
        t_pid_file => $self->{pid_file}, tuor_users => $info->{users_file},
        tuor_dbd => $arg{db} ? $arg{db}->dbd_params : $info->{dbd_params},
    );
    my $template = read_file(source() . '/t/conf/httpd.conf.in');
    $template =~ s/\@(\w+)\@/$value{lc $1} \/\/ die "httpd.conf.in: unknown variable $1\n"/ge;
    write_file($self->{conf}, load_modules($arg{mpm}, $arg{load}) . "ServerName 127.0.0.1:$self->{port}\n$template\n" . ($arg{conf} // ''));
    $self->run;
    return $self;
}

# configtest(CONF, OPTION...): (exit status, what httpd said) about a snippet, without starting anything.
sub configtest {
    my ($class, $conf, @options) = @_;
    my $dir = run_dir() . "/configtest-$$-" . ++$count;
    make_path("$dir/logs");
    write_file("$dir/httpd.conf", load_modules() . "ServerName 127.0.0.1\nListen 127.0.0.1:1\nErrorLog $dir/logs/error_log\n"
        . "DefaultRuntimeDir $dir/logs\nMutex pthread\n$conf\n");
    my $command = join ' ', map { "'$_'" } httpd_command(), '-d', $dir, '-f', "$dir/httpd.conf", '-t', @options;
    my $out = `$command 2>&1`;
    return ($? >> 8, $out);
}

# Starts httpd with this object's configuration; also after stop or kill.
sub run {
    my $self = shift;
    # Until it has daemonized, httpd writes to where standard error goes.
    my $out = "$self->{dir}/logs/start";
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        $ENV{$_} = $self->{env}{$_} for keys %{ $self->{env} };
        open STDIN, '<', '/dev/null';
        open STDOUT, '>', $out;
        open STDERR, '>&', \*STDOUT;
        exec httpd_command(), '-d', $self->{dir}, '-f', $self->{conf}, '-k', 'start';
        exit 127;
    }
    waitpid $pid, 0;
    die "httpd: " . read_file($out) . eval { $self->error_log } if $?;
    eventually(20, sub { $self->pid && IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->{port}) })
        or die "httpd did not start: " . $self->error_log;
}

sub pid       { my $self = shift; my ($pid) = eval { read_file($self->{pid_file}) =~ /^(\d+)/ }; return $pid && kill(0, $pid) ? $pid : undef }
sub url       { my $self = shift; return "http://127.0.0.1:$self->{port}" }
sub port      { my $self = shift; return $self->{port} }
sub error_log { my $self = shift; return read_file("$self->{dir}/logs/error_log") }
sub graceful  { my $self = shift; kill USR1 => $self->pid }
sub restart   { my $self = shift; kill HUP => $self->pid }

# The children, as the kernel sees them.
sub children {
    my $self = shift;
    my $parent = $self->pid // return;
    return grep { (eval { read_file("/proc/$_/stat") } // '') =~ /\) [^Z] $parent / } map { m{(\d+)$} } glob '/proc/[0-9]*';
}

sub stop {
    my $self = shift;
    my $pid = $self->pid // return 1;
    return stop_process($pid, 'TERM', 30);
}

# SIGKILL for the parent and, as they would keep the port, its children.
sub kill_all {
    my $self = shift;
    my $pid = $self->pid // return;
    my @children = $self->children;
    kill KILL => $pid, @children;
    eventually(10, sub { !grep { !is_zombie($_) } $pid, @children });
    unlink $self->{pid_file};
}

sub DESTROY {
    my $self = shift;
    local ($?, $@);
    return if $$ != $self->{owner};
    $self->stop or $self->kill_all;
}

1;
