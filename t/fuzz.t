# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# Every fuzzer takes its corpus once, under the sanitizers. "make fuzz" and
# build/t/fuzz/fuzz_NAME t/fuzz/corpus/NAME look for more.
use strict;
use warnings;
use Test::More;
use Tuor::Run qw(run_dir source);

my @fuzzers = sort glob source() . '/t/fuzz/fuzz_*.c';
plan skip_all => 'there are no fuzzers' unless @fuzzers;

chdir run_dir();
for my $source (@fuzzers) {
    my ($name) = $source =~ m{/fuzz_(\w+)\.c$};
    my @corpus = sort glob source() . "/t/fuzz/corpus/$name/*";
    # Without files it would not replay but look for new ones, for ever.
    ok @corpus > 0, "$name has a corpus" or next;
    open my $out, '-|', 'sh', '-c', 'exec "$@" 2>&1', 'sh', source() . "/build/t/fuzz/fuzz_$name", @corpus;
    my $said = do { local $/; <$out> };
    ok close($out), "$name takes all " . @corpus . " files of it" or diag $said;
}
done_testing;
