# Licensed under the Apache License, Version 2.0; see LICENSE.
package Tuor::Npm;

=head1 NAME

Tuor::Npm - what a test takes from npm

=head1 SYNOPSIS

    my ($dir, $why) = Tuor::Npm->install('otlp');      # t/otlp, with its node_modules
    plan skip_all => $why unless $dir;

A copy of the folder in the run's directory, with what its lock file says: those versions
and no others, and no scripts of strangers.

=cut

use strict;
use warnings;
use File::Copy qw(copy);
use Tuor::Run qw(source run_dir read_file);

sub install {
    my ($class, $folder) = @_;
    my $dir = run_dir() . "/npm-$folder";
    mkdir $dir;
    copy($_, $dir) || die "$_: $!\n" for grep { -f } glob source() . "/t/$folder/*";
    return $dir unless system("cd '$dir' && npm ci --ignore-scripts --no-audit --no-fund --cache '$dir/cache' >npm.log 2>&1");
    return (undef, 'no npm, or no registry: ' . substr(read_file("$dir/npm.log") =~ s/\s+/ /gr, 0, 200));
}

1;
