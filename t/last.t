# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# After all others: what the shared server went through without telling anybody.
use strict;
use warnings;
use Tuor::Test;
use Tuor::Run qw(run_dir read_file);

is api(GET => '/healthz', key => undef)->status, 200, 'the shared server still answers';

my @crashes = grep { /AH0005[12]:|exit signal/ } split /\n/, error_log();
is "@crashes", '', 'none of its children crashed';

my @reports = glob run_dir() . '/sanitizer.*';
is join('', map { read_file($_) } @reports), '', 'no sanitizer reported anything';

my $lost = database()->psql(<<~'END');
    SELECT count(*) FROM tuor.trace_events e
        WHERE NOT EXISTS (SELECT FROM tuor.traces t WHERE t.org_id = e.org_id AND t.id = e.trace_id)
    END
like $lost, qr/^\s*0\s*$/, 'no event lacks its trace';
my $homeless = database()->psql(<<~'END');
    SELECT count(*) FROM tuor.traces t
        WHERE NOT EXISTS (SELECT FROM tuor.projects p WHERE p.org_id = t.org_id AND p.id = t.project_id)
    END
like $homeless, qr/^\s*0\s*$/, 'no trace lacks its project';

done_testing;
