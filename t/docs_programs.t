# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# The documentation's own programs, unchanged but for the address of the server. What they leave to
# the reader, a model to call and somebody who calls them, is put behind them here.
use strict;
use warnings;
use Tuor::Test;
use Tuor::Run qw(source run_dir read_file write_file);

my $org = new_org("Programs $$");
# The project that the programs name.
psql("INSERT INTO tuor.projects (org_id, id, name) VALUES ('$org->{id}', 'proj_abc123', 'Documented')");
my $dir = run_dir() . "/programs-$$";
mkdir $dir;

# run(COMMAND, FILE, ADDITION[, KEY]): the output of a program of t/programs with something behind it.
sub run {
    my ($command, $file, $addition, $key) = @_;
    my $program = read_file(source() . "/t/programs/$file");
    my $addresses = $program =~ s{https://api\.tuor\.dev}{url()}ge;
    ok $addresses, "$file names the server";
    write_file("$dir/$file", "$program$addition");
    local $ENV{TUOR_API_KEY} = $key // $org->{key};
    my $out = `cd $dir && $command 2>$dir/stderr`;
    is $?, 0, 'and runs' or diag read_file("$dir/stderr");
    return $out;
}

sub have { my $program = shift; return grep { -x "$_/$program" } split /:/, $ENV{PATH} }
sub newest { return api(GET => '/v1/traces/?limit=1', key => $org->{key})->json->[0] }

subtest 'Integration API: curl' => sub {
    plan skip_all => 'curl is not here (apt-get install curl)' unless have('curl');
    # An organization with what the commands name.
    my $its = new_org("Reference $$");
    psql(<<~"END");
        INSERT INTO tuor.projects (org_id, id, name) VALUES ('$its->{id}', 'proj_abc123', 'Documented');
        INSERT INTO tuor.traces (org_id, id, project_id, created_at, updated_at, model_input, model_output)
            VALUES ('$its->{id}', 'trace_abc123', 'proj_abc123', now(), now(), '{"pdf_base64":"JVBERi0xLjQK","n":0.10}', '{}');
        INSERT INTO tuor.tags (org_id, id, name, color, description, created_at, updated_at)
            VALUES ('$its->{id}', 'tag_critical', 'critical', '#ef4444', 'High-priority reviews', now(), now());
        END
    my $review = api(POST => '/v1/traces/trace_abc123/review', { action => 'correct', corrected_output => { a => 1 }, expected_version => 1 }, key => $its->{key});
    is $review->status, 200, 'a correction to export' or diag $review->body;
    my @out = split /\n/, run('sh -e integration_api.sh', 'integration_api.sh', '', $its->{key});
    my ($created, $fetched, $exported, $tags, $tagged, $project) = map { JSON::PP::decode_json($_) } @out;
    is scalar @out, 6, 'six commands, six answers';
    is_deeply [@$created{qw(status version model_output trace_config)}], ['pending', 1, { company => 'Acme Corp' }, { model => 'gpt-4o', internal_run_id => 'run_01j2abcde' }], 'a trace is sent';
    is_deeply [@$fetched{qw(id status final_output)}], ['trace_abc123', 'corrected', { a => 1 }], 'one is fetched';
    like $out[2], qr/^\{"model_input":\{"n":0\.10\},/, 'corrections are exported, without the document';
    is_deeply [@{ $exported->{metadata} }{qw(trace_id status version)}], ['trace_abc123', 'corrected', 2], '  as documented';
    is_deeply [map { my $t = $_; +{ map { $_ => $t->{$_} } qw(id name color description) } } @$tags],
        [{ id => 'tag_critical', name => 'critical', color => '#ef4444', description => 'High-priority reviews' }], 'tags are listed';
    is_deeply [map { $_->{id} } @{ $tagged->{tags} }], ['tag_critical'], 'one is attached';
    is_deeply [@$project{qw(webhook_url webhook_active webhook_secret_set)}], ['https://hooks.example.com/tuor', JSON::PP::true, JSON::PP::true], 'a webhook is configured';
};

subtest 'Getting Started' => sub {
    my ($python) = grep { -x && !system "$_ -c 'import httpx' 2>/dev/null" } '/usr/bin/python3', '/usr/local/bin/python3';
    my @programs = (
        [scalar have('curl'), 'sh -e getting_started.sh', 'getting_started.sh', '{"answer":"Paris"}', '{"model":"gpt-4o","temperature":0.0}'],
        [$python, ($python // '') . ' getting_started.py', 'getting_started.py', '{"amount":250000}', '{"model":"gpt-4o","internal_run_id":"run_01j..."}'],
        [scalar(have('node')) && scalar(have('esbuild')), 'esbuild getting_started.ts --target=es2022 --format=esm --log-level=error --outfile=started.mjs && node started.mjs',
            'getting_started.ts', '{"amount":250000}', '{"model":"gpt-4o","internal_run_id":"run_01j..."}'],
    );
    for (@programs) {
        my ($there, $command, $file, $output, $config) = @$_;
        SKIP: {
            skip "$file: what it needs is not here", 1 if !$there;
            my $its = new_org("Started $$");
            psql("INSERT INTO tuor.projects (org_id, id, name) VALUES ('$its->{id}', 'proj_abc123', 'Documented')");
            run($command, $file, '', $its->{key});
            my $list = api(GET => '/v1/traces/', key => $its->{key})->body;
            like $list, qr/"model_output":\Q$output\E,"trace_config":\Q$config\E/, "$file made its trace, as it was sent";
        }
    }
};

my $prompt;
subtest 'Dynamic Prompts: curl' => sub {
    plan skip_all => 'curl is not here (apt-get install curl)' unless have('curl');
    my @answers = split /\n+/, run("sh -e dynamic_prompts.sh", 'dynamic_prompts.sh', '');
    is $answers[0], '{"active":null,"history":[]}', 'no prompt yet';
    is newest()->{trace_config}{prompt_version_id}, 'prm_abc123', 'a trace with a stamp';
    $prompt = api(GET => '/v1/projects/proj_abc123/prompts', key => $org->{key})->json->{active};
    is $prompt->{content}, 'You are a financial assistant. Extract the following fields with strict ISO formatting...', 'a prompt';
};
$prompt //= api(POST => '/v1/projects/proj_abc123/prompts', { content => 'Another' }, key => $org->{key})->json;

sub is_traced {
    my ($out, $what) = @_;
    my $trace = newest();
    is $trace->{model_input}{content}, "hello from $what", 'it made a trace';
    is_deeply $trace->{model_output}, { prompt => $prompt->{content}, input => "hello from $what" }, 'with the active prompt';
    is_deeply $trace->{trace_config}, { model => 'gpt-4o', prompt_version_id => $prompt->{id} }, 'and its stamp';
    is_deeply JSON::PP::decode_json($out), $trace->{model_output}, 'and went on';
    my $stamped = api(GET => "/v1/traces/?prompt_version_id=$prompt->{id}&limit=1", key => $org->{key})->json;
    is $stamped->[0]{id}, $trace->{id}, 'by which it can be found';
}

subtest 'Python' => sub {
    my ($python) = grep { -x && !system "$_ -c 'import httpx' 2>/dev/null" } '/usr/bin/python3', '/usr/local/bin/python3';
    plan skip_all => 'httpx is not here (apt-get install python3-httpx)' unless $python;
    is_traced(run("$python dynamic_prompts.py", 'dynamic_prompts.py', <<~'END'), 'Python');

        import json

        def call_your_model(system_prompt, user_input):
            return {"prompt": system_prompt, "input": user_input}

        print(json.dumps(run_and_trace("hello from Python")))
        END
};

subtest 'TypeScript' => sub {
    my @missing = grep { !have($_) } qw(node esbuild);
    plan skip_all => "@missing: not here (apt-get install nodejs esbuild)" if @missing;
    my $command = 'esbuild dynamic_prompts.ts --target=es2022 --format=esm --log-level=error --outfile=program.mjs && node program.mjs';
    is_traced(run($command, 'dynamic_prompts.ts', <<~'END'), 'TypeScript');

        async function callYourModel(prompt: string, input: string) {
          return { prompt, input };
        }

        console.log(JSON.stringify(await runAndTrace("hello from TypeScript")));
        END
};

done_testing;
