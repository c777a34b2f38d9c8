# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# The documentation's own receivers take what we send: TypeScript in Express, Python.
use strict;
use warnings;
use utf8;
use Encode qw(encode_utf8);
use Tuor::Npm;
use Tuor::Receiver;
use Tuor::Run qw(source);
use Tuor::Test;
use Tuor::Webhooks;

my $secret = 'whsec_8f3… Schlüssel';
my $tls = Tuor::Receiver->ca =~ s{/ca\.pem$}{}r;
my $hooks = Tuor::Webhooks->start;
my @receivers;
END { my $status = $?; kill KILL => $_->[0] for @receivers; close $_->[1] for @receivers; $? = $status }

# Starts a receiver with the documentation's secret: its port.
sub receiver {
    my @command = @_;
    local $ENV{TUOR_WEBHOOK_SECRET} = encode_utf8($secret);
    my $pid = open my $out, '-|', @command, "$tls/good.pem", "$tls/good.key" or die "$command[0]: $!\n";
    push @receivers, [$pid, $out];
    my $port = <$out> // die "@command did not start\n";
    chomp $port;
    return $port;
}

sub check {
    my $url = 'https://127.0.0.1:' . shift() . '/tuor';
    my $project = $hooks->project($url, webhook_secret => $secret);
    my $trace = $hooks->trace($project, model_input => { content => "Grüße ✓ \x{1F600}" }, trace_config => { internal_run_id => 'run_1' });
    $hooks->review($trace, 'correct', corrected_output => { answer => 'größer' });
    is_deeply [@{ $hooks->settled($project) }{qw(status response_status)}], ['success', 204], 'a correction is verified';
    $hooks->verdict($project, 'reject');
    is_deeply [@{ $hooks->settled($project) }{qw(status response_status)}], ['success', 204], 'a rejection';
    $hooks->must(202, POST => "/v1/projects/$project->{id}/test-webhook");
    is_deeply [@{ $hooks->settled($project) }{qw(status response_status)}], ['success', 204], 'a test';
    my $big = $hooks->trace($project, model_input => { content => 'x' x 60_000 });
    $hooks->review($big, 'approve');
    is_deeply [@{ $hooks->settled($project) }{qw(status response_status)}], ['success', 204], 'and sixty kilobytes';
    my $wrong = $hooks->project($url, webhook_secret => "$secret ");
    $hooks->verdict($wrong);
    is_deeply [@{ $hooks->settled($wrong) }{qw(status response_status)}], ['failed', 401], 'another secret is not';
}

subtest 'Python' => sub {
    my ($python) = grep { -x } '/usr/bin/python3', '/usr/local/bin/python3';
    check(receiver($python, source() . '/t/receivers/verify.py'));
};

subtest 'TypeScript, Express' => sub {
    my ($dir, $why) = Tuor::Npm->install('receivers');
    plan skip_all => $why unless $dir;
    for my $name (qw(verify express)) {
        my $said = `cd '$dir' && node -e "import('esbuild').then(e => e.buildSync({ entryPoints: ['$name.ts'], outfile: '$name.mjs', format: 'esm' }))" 2>&1`;
        is $?, 0, "$name.ts without its types" or diag $said;
    }
    check(receiver('node', "$dir/serve.mjs"));
};

done_testing;
