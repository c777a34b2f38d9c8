# Licensed under the Apache License, Version 2.0; see LICENSE.
package Tuor::Test;

=head1 NAME

Tuor::Test - what every test needs

=head1 SYNOPSIS

    use Tuor::Test;                             # Test::More comes with it

    my $reply = api(POST => '/v1/tags/', { name => 'urgent' });
    is $reply->status, 201;
    is $reply->json->{name}, 'urgent';
    is $reply->header('location'), ...;
    is $reply->raw('model_input'), '{"a":1.0}'; # the value's very characters

    api(GET => '/v1/me', login => 'viewer');    # Basic authentication, that role
    api(GET => '/v1/me', key => undef);         # no credential
    api(GET => '/v1/me', key => $other);        # another key
    api(POST => '/v1/traces/', $bytes, type => 'text/plain', headers => { ... });
    api(GET => '/v1/me', server => $server);    # a Tuor::Server
    api(GET => '/v1/me', host => 'a.test');     # a virtual host

    my $project = create_project(name => 'A');  # their JSON, decoded
    my $trace = create_trace(project_id => $project->{id}, model_output => { a => 1 });
    my $org = new_org('Third');                 # {id, key}
    psql('SELECT count(*) FROM tuor.traces');   # as the owner of the tables
    my $login = new_user('ann');                # Apache knows it; tuorctl makes it a member
    my @said = in_parallel(8, sub { my $i = shift; api(...)->status });     # each in a process of its own
    my ($status, $out, $err) = ctl('org', 'list');
    ok eventually(5, sub { ... });
    done_testing;

A body that is a reference is sent as JSON, a string as it is.

=cut

use strict;
use warnings;
use Test::More;
use Digest::SHA ();
use HTTP::Tiny;
use IO::Socket::INET;
use JSON::PP ();
use JSON::XS ();          # the same, and quick enough for megabytes
use MIME::Base64 qw(encode_base64);
use POSIX ();
use Socket qw(IPPROTO_TCP TCP_NODELAY);
use Tuor::Postgres;
use Tuor::Run qw(run_dir run_info read_file eventually source);
use Exporter qw(import);

our @EXPORT = (@Test::More::EXPORT, qw(api api_key other_org_key org_id other_org_id url error_log database
    new_org new_user in_parallel later create_project create_trace psql ctl eventually raw_request encode));

my $info = run_info();
my $database = Tuor::Postgres->attach($info->{db});
my $json = JSON::XS->new->utf8->canonical->allow_nonref;

sub url           { $info->{url} . ($_[0] // '') }
sub api_key       { $info->{main}{key} }
sub org_id        { $info->{main}{id} }
sub other_org_key { $info->{other}{key} }
sub other_org_id  { $info->{other}{id} }
sub error_log     { read_file($info->{error_log}) }
sub database      { $database }
sub psql          { $database->psql(@_) }
sub encode        { $json->encode(shift) }
sub decode        { $json->decode(shift) }

# HTTP::Tiny writes header and body apart, and Nagle's algorithm would hold the body back for 40 ms.
{
    no warnings 'redefine';
    my $connect = \&HTTP::Tiny::Handle::connect;
    *HTTP::Tiny::Handle::connect = sub {
        my $handle = $connect->(@_);
        setsockopt $handle->{fh}, IPPROTO_TCP, TCP_NODELAY, 1;
        return $handle;
    };
}
my $http = HTTP::Tiny->new(agent => 'tuor-tests', max_redirect => 0, timeout => 60);

# api(METHOD, PATH[, BODY], OPTION => VALUE...)
sub api {
    my ($method, $path) = splice @_, 0, 2;
    my $body = @_ % 2 ? shift : undef;
    my %opt = @_;
    my %headers = %{ $opt{headers} // {} };
    if ($opt{login}) {
        my $login = $info->{main}{users}{ $opt{login} } // $opt{login};
        $headers{'Authorization'} = 'Basic ' . encode_base64("$login:" . ($opt{password} // $login), '');
    }
    else {
        my $key = exists $opt{key} ? $opt{key} : $opt{server} && $opt{server}{api_key} || api_key();
        $headers{'X-API-Key'} = $key if defined $key;
    }
    my %request = (headers => \%headers);
    if (defined $body) {
        $request{content} = ref $body && ref $body ne 'CODE' ? $json->encode($body) : $body;
        $headers{'Content-Type'} = $opt{type} // 'application/json';
    }
    my $base = $opt{server} ? $opt{server}->url : url();
    if ($opt{host}) {
        $base =~ s/127\.0\.0\.1/$opt{host}/;
        $request{peer} = '127.0.0.1';
    }
    my $reply = $http->request($method, "$base$path", \%request);
    # HTTP::Tiny takes "Upgrade, close" for a connection that stays open, and repeats no POST on a new one.
    delete $http->{handle} if ($reply->{headers}{connection} // '') =~ /\bclose\b/i;
    return Tuor::Reply->new($reply);
}

# What a request has to have to succeed, for tests that go on from there.
sub must {
    my ($reply, $status) = @_;
    return $reply if $reply->status == $status;
    my ($package, $file, $line) = caller 1;
    die "got " . $reply->status . " for $status at $file line $line: " . substr($reply->body, 0, 500) . "\n";
}

sub create_project {
    my %member = (name => 'Test', input_type => 'text', output_type => 'key_value', @_);
    my %option = map { $_ => delete $member{$_} } grep { exists $member{$_} } qw(key login server);
    return must(api(POST => '/v1/projects/', \%member, %option), 201)->json;
}

my %project;        # a default project for each key

sub create_trace {
    my %member = (model_input => { content => 'in' }, model_output => { answer => 'out' }, @_);
    my %option = map { $_ => delete $member{$_} } grep { exists $member{$_} } qw(key login server);
    $member{project_id} //= ($project{ $option{key} // '' } //= create_project(%option)->{id});
    return must(api(POST => '/v1/traces/', \%member, %option), 201)->json;
}

# An organization of its own, for tests that count.
sub new_org {
    my $id = $database->ctl('org', 'create', shift // "Org $$");
    return { id => $id, key => $database->ctl('key', 'create', '--org', $id, '--name', 'test') };
}

# A login that Apache's authentication takes; the password is the login.
sub new_user {
    my $login = "$_[0]-$$";
    open my $file, '>>', $info->{users_file} or die "$info->{users_file}: $!\n";
    print $file "$login:{SHA}", Digest::SHA::sha1_base64($login), "=\n";
    close $file or die "$info->{users_file}: $!\n";
    return $login;
}

# Runs a sub in a process of its own. Returns one that waits for what it returned.
sub later {
    my $run = shift;
    my $pid = open(my $pipe, '-|') // die "fork: $!\n";
    if (!$pid) {
        print encode($run->());
        STDOUT->flush;
        POSIX::_exit(0);
    }
    return sub { my $said = do { local $/; readline $pipe }; close $pipe; return JSON::PP->new->utf8->allow_nonref->decode($said) };
}

# What the sub returned in each of N processes, in the order of their numbers.
sub in_parallel {
    my ($n, $run) = @_;
    my @pipes = map {
        my $number = $_;
        my $pid = open(my $pipe, '-|') // die "fork: $!\n";
        if (!$pid) {
            print encode([$run->($number)]);
            STDOUT->flush;
            POSIX::_exit(0);
        }
        $pipe;
    } 1 .. $n;
    return map { my $said = do { local $/; readline $_ }; close $_; @{ $json->decode($said) } } @pipes;
}

# tuorctl: (exit status, standard output, standard error)
sub ctl {
    my @args = @_;
    local $ENV{TUOR_DATABASE_URL} = $database->url;
    local $ENV{TUOR_SQL_DIR} = source() . '/sql';
    my $errors = run_dir() . "/ctl-$$";
    my $command = join ' ', map { Tuor::Postgres::quote($_) } source() . '/build/tuorctl', @args;
    my $out = `$command 2>$errors`;
    return ($? >> 8, $out, read_file($errors));
}

# raw_request(BYTES[, SERVER]): the bytes of the answer until the connection ends.
sub raw_request {
    my ($bytes, $server) = @_;
    my ($port) = ($server ? $server->url : url()) =~ /:(\d+)$/;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port, Timeout => 20) or die "connect: $!\n";
    local $SIG{PIPE} = 'IGNORE';
    print $socket $bytes;
    local $/;
    return scalar <$socket> // '';
}

package Tuor::Reply;

use strict;
use warnings;

sub new     { my ($class, $reply) = @_; return bless $reply, $class }
sub status  { $_[0]{status} }
sub body    { $_[0]{content} }
sub headers { $_[0]{headers} }
sub json    { $json->decode($_[0]{content}) }
sub lines   { map { $json->decode($_) } split /\n/, $_[0]{content} }

# One header; several of a name are joined with ", ".
sub header {
    my ($self, $name) = @_;
    my $value = $self->{headers}{ lc $name };
    return ref $value ? join(', ', @$value) : $value;
}

# raw(NAME): the characters of a top-level member's value, undef without it.
sub raw { return Tuor::Reply::raw_member($_[0]{content}, $_[1]) }

sub raw_member {
    my ($text, $name) = @_;
    my ($depth, $start, $key) = (0);
    while ($text =~ /\G\s*("(?:[^"\\]++|\\.)*+"|[{}\[\],:]|[^\s{}\[\],:"]++)/gcs) {
        my $token = $1;
        my $here = pos($text) - length $token;
        if ($depth == 1 && defined $start && ($token eq ',' || $token eq '}')) {
            return substr($text, $start, $here - $start) =~ s/\s+\z//r;
        }
        if ($depth == 1 && $token =~ /^"/ && !defined $start) { $key = $token }
        elsif ($depth == 1 && $token eq ':' && $key eq "\"$name\"") {
            $text =~ /\G\s*/gc;
            $start = pos $text;
        }
        $depth++ if $token =~ /^[{\[]$/;
        $depth-- if $token =~ /^[}\]]$/;
    }
    return;
}

1;
