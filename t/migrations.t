# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# tuorctl migrate: each migration once, whole or not at all.
use strict;
use warnings;
use File::Path qw(make_path);
use Tuor::Test;
use Tuor::Run qw(run_dir read_file write_file source);

my $n = 0;

# A database of its own for each subtest, and a directory of migrations.
package Case;

sub new {
    my ($class, %files) = @_;
    my $self = bless { name => "mig$$" . '_' . ++$n, dir => Tuor::Run::run_dir() . "/sql-$$-$n" }, $class;
    Tuor::Test::database()->superuser("CREATE DATABASE $self->{name} OWNER tuor");
    $self->{url} = Tuor::Test::database()->url =~ s{/tuor\?}{/$self->{name}?}r;
    File::Path::make_path($self->{dir});
    $self->file($_ => $files{$_}) for keys %files;
    return $self;
}

sub file { my ($self, $name, $sql) = @_; Tuor::Run::write_file("$self->{dir}/$name", $sql) }
sub psql { my ($self, $sql) = @_; return Tuor::Test::database()->run_sql($self->{url}, $sql) }

sub start {
    my ($self, @args) = @_;
    my $log = "$self->{dir}/out" . ++$self->{runs};
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        $ENV{TUOR_DATABASE_URL} = $self->{url};
        $ENV{TUOR_SQL_DIR} = $self->{dir};
        open STDOUT, '>', $log;
        open STDERR, '>&', \*STDOUT;
        exec Tuor::Run::source() . '/build/tuorctl', @args;
    }
    return [$pid, $log];
}

sub finish {
    my ($self, $run) = @_;
    waitpid $run->[0], 0;
    return ($? >> 8, Tuor::Run::read_file($run->[1]));
}

sub ctl { my ($self, @args) = @_; return $self->finish($self->start(@args)) }

package main;

my $first = <<~'END';
    CREATE SCHEMA tuor;
    CREATE TABLE tuor.schema_migrations (version int PRIMARY KEY, name text NOT NULL, applied_at timestamptz DEFAULT now());
    CREATE TABLE tuor.first (i int);
    END

subtest 'the migrations of this version' => sub {
    my $case = Case->new(map { m{([^/]+)$}; $1 => read_file($_) } glob source() . '/sql/*.sql');
    my ($status, $out) = $case->ctl('migrate');
    is $status, 0, 'apply to an empty database' or diag $out;
    like $out, qr/^applied 0001_initial\n.*^the schema is at version (\d+)$/ms, 'and are told';
    is $case->psql('SELECT tuor.schema_version()'), scalar(() = glob source() . '/sql/*.sql'), 'and are noted';
    my $dump = sub { $case->psql("SELECT string_agg(format('%s %s %s', attrelid::regclass, attname, atttypid), ',' ORDER BY 1)"
        . " FROM pg_attribute JOIN pg_class c ON c.oid = attrelid WHERE relnamespace = 'tuor'::regnamespace") };
    my $before = $dump->();
    ($status, $out) = $case->ctl('migrate');
    is $status, 0, 'a second time';
    like $out, qr/: nothing to do$/, 'there is nothing to do';
    is $dump->(), $before, 'and nothing is done';
    ($status, $out) = $case->ctl('check');
    is $status, 0, 'check is content' or diag $out;
};

subtest 'one after another' => sub {
    my $case = Case->new('0001_initial.sql' => $first);
    is(($case->ctl('migrate'))[0], 0, 'the first');
    $case->file('0002_second.sql' => "-- \xc3\xa4\nCREATE TABLE tuor.second (i int);\nINSERT INTO tuor.second VALUES (1);\n");
    $case->file('README', 'no migration');
    $case->file('.0003_hidden.sql', 'nonsense');
    my ($status, $out) = $case->ctl('migrate', '--json');
    is $status, 0, 'then the second';
    is_deeply JSON::PP::decode_json($out), { version => 2, applied => ['0002_second'] }, 'alone';
    is $case->psql("SELECT string_agg(version || name, ' ' ORDER BY version) FROM tuor.schema_migrations"), '1initial 2second',
        'both are noted';
};

subtest 'one that fails' => sub {
    my $case = Case->new('0001_initial.sql' => $first, '0002_good.sql' => 'CREATE TABLE tuor.good (i int)',
        '0003_bad.sql' => "CREATE TABLE tuor.bad (i int);\n\nSELECT nonsense;\n", '0004_later.sql' => 'CREATE TABLE tuor.later ()');
    my ($status, $out) = $case->ctl('migrate');
    is $status, 1, 'ends tuorctl';
    like $out, qr/0003_bad\.sql:3: .*nonsense/, 'with the file, the line and the reason';
    is $case->psql('SELECT max(version) FROM tuor.schema_migrations'), 2, 'those before it stay';
    is $case->psql("SELECT to_regclass('tuor.bad') IS NULL AND to_regclass('tuor.later') IS NULL"), 't', 'of it nothing does';
    $case->file('0003_bad.sql', 'CREATE TABLE tuor.bad (i int)');
    is(($case->ctl('migrate'))[0], 0, 'mended, it goes on');
    is $case->psql('SELECT max(version) FROM tuor.schema_migrations'), 4, 'to the end';

    for my $odd ('SELECT 1; COMMIT', 'ROLLBACK', '', 'COPY tuor.first FROM STDIN') {
        $case->file('0005_odd.sql' => $odd);
        my ($status, $out) = $case->ctl('migrate');
        is $status, 1, "\"$odd\" is refused";
        is $case->psql('SELECT max(version) FROM tuor.schema_migrations'), 4, '  and not noted';
    }
};

subtest 'killed in the middle' => sub {
    my $case = Case->new('0001_initial.sql' => $first, '0002_slow.sql' => 'CREATE TABLE tuor.slow (i int); SELECT pg_sleep(60)');
    my $run = $case->start('migrate');
    ok eventually(20, sub { $case->psql("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'") }),
        'a migration is under way';
    kill KILL => $run->[0];
    $case->finish($run);
    # The server notices when it next looks; a person would cancel it, too.
    $case->psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'");
    $case->file('0002_slow.sql', 'CREATE TABLE tuor.slow (i int)');
    is(($case->ctl('migrate'))[0], 0, 'the next run makes it whole');
    is $case->psql('SELECT max(version) FROM tuor.schema_migrations'), 2, 'and notes it';
};

subtest 'two at once' => sub {
    my $case = Case->new('0001_initial.sql' => $first, map { sprintf('%04d_step.sql', $_) => "CREATE TABLE tuor.t$_ (i int); SELECT pg_sleep(0.05)" } 2 .. 6);
    my @results = map { [$case->finish($_)] } map { $case->start('migrate') } 1 .. 4;
    is join(' ', map { $_->[0] } @results), '0 0 0 0', 'all four are content' or diag map { $_->[1] } @results;
    is scalar(() = join('', map { $_->[1] } @results) =~ /^applied /mg), 6, 'each migration ran once';
    is scalar(grep { $_->[1] =~ /nothing to do/ } @results), 3, 'and three found nothing to do';
};

subtest 'what is refused' => sub {
    my $newer = Case->new('0001_initial.sql' => $first, '0002_more.sql' => 'SELECT 1');
    $newer->ctl('migrate');
    unlink "$newer->{dir}/0002_more.sql";
    my ($status, $out) = $newer->ctl('migrate');
    is $status, 1, 'a database that is newer';
    like $out, qr/the database is newer \(version 2\) than this software \(version 1\): update the software/, '  says so';
    ($status, $out) = $newer->ctl('check');
    is $status, 1, 'and check';
    like $out, qr/^WRONG +schema +version 2, newer than this software \(1\)/m, '  says so, too';

    my @wrong = (
        ['a gap', qr/migration 0002 is missing/, '0001_initial.sql' => $first, '0003_c.sql' => 'SELECT 1'],
        ['a number twice', qr/migration 0001 is there twice/, '0001_initial.sql' => $first, '0001_other.sql' => 'SELECT 1'],
        ['number 0', qr/migration 0000 is there twice, or counts from 0/, '0000_zero.sql' => $first],
        ['another name', qr/more\.sql is no migration: those are called NNNN_name\.sql/, '0001_initial.sql' => $first, 'more.sql' => 'SELECT 1'],
        ['an empty directory', qr/no migration in .*TUOR_SQL_DIR/],
    );
    my $case = Case->new;
    for (@wrong) {
        my ($what, $pattern, %files) = @$_;
        unlink glob "$case->{dir}/*.sql";
        $case->file($_ => $files{$_}) for keys %files;
        my ($status, $out) = $case->ctl('migrate');
        is $status, 1, $what;
        like $out, $pattern, '  says so';
        is $case->psql("SELECT to_regnamespace('tuor') IS NULL"), 't', '  and does nothing';
    }

    my $other = Case->new('0001_initial.sql' => $first, '0002_a.sql' => 'SELECT 1');
    $other->ctl('migrate');
    rename "$other->{dir}/0002_a.sql", "$other->{dir}/0002_b.sql";
    ($status, $out) = $other->ctl('migrate');
    is $status, 1, 'a migration that is another one than was applied';
    like $out, qr/0002 is "b" here, but the database has applied another one, "a"/, '  says so';
};

done_testing;
