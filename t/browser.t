# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# The console in a real browser: every t/browser/*.test.mjs, against one server that quickstart starts.
use strict;
use warnings;
use Tuor::Test;
use Tuor::Run qw(source run_dir free_port read_file);

my ($node) = grep { -x } map { "$_/node" } split /:/, $ENV{PATH};
my $chromium = $ENV{TUOR_CHROMIUM} // '/usr/bin/chromium';
# ./quickstart check installs all three: their absence is worth more than a silent line.
for ([$node, 'Node.js (apt-get install nodejs npm)'], [-x $chromium, 'Chromium (apt-get install chromium)'],
     [-d source() . '/t/browser/node_modules/playwright-core', "its driver (npm ci --ignore-scripts in t/browser)"]) {
    next if $_->[0];
    diag "THE CONSOLE IS NOT TESTED IN A BROWSER: $_->[1] is not here";
    plan skip_all => "no $_->[1]";
}
if (!-e source() . '/modules/console/dist/index.html') {
    diag 'THE CONSOLE IS NOT TESTED IN A BROWSER: it is not built (configure --with-console=build)';
    plan skip_all => 'the console is not built here';
}

my $dir = run_dir() . "/browser-$$";
my $port = free_port();
my $quickstart = source() . '/quickstart';
my $conf = source() . '/t/browser/server.conf';
system("'$quickstart' up --dir '$dir' --port $port --include '$conf' >'$dir.log' 2>&1 </dev/null") == 0
    or BAIL_OUT('quickstart: ' . read_file("$dir.log"));
END { local $?; system("'$quickstart' stop --dir '$dir' >/dev/null 2>&1") if $dir && -d $dir }
$ENV{TUOR_BROWSER_DIR} = $dir;

# The lines that tell of a failure: those that are set in behind it.
sub why {
    my $n = 0;
    $n++ while $n < @_ && $_[$n] =~ /^ /;
    return @_[0 .. $n - 1];
}

for my $file (sort glob source() . '/t/browser/*.test.mjs') {
    my ($name) = $file =~ m{([^/]+)\.test\.mjs$};
    subtest $name => sub {
        my @lines = split /\n/, `'$node' --test-reporter=tap '$file' 2>&1 </dev/null`;
        my $status = $?;
        my ($tests, $told) = (0, '');
        for my $i (0 .. $#lines) {
            # The tests of a file stand at the left margin; what is inside them, and why they failed, is set in.
            if (my ($not, $what) = $lines[$i] =~ /^(not )?ok \d+(?: - (.*))?$/) {
                $tests++;
                ok !$not, $what or diag join "\n", $told, why(@lines[$i + 1 .. $#lines]);
                $told = '';
            }
            else { $told .= "$lines[$i]\n" if $lines[$i] !~ /^(TAP version|# Subtest|\d+\.\.|  )/ }
        }
        ok $tests, 'there were tests' or diag join "\n", @lines;
        is $status, 0, 'and node is content' or diag $told;
    };
}
done_testing;
