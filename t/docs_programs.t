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

# run(COMMAND, FILE, ADDITION): the output of a program of t/programs with something behind it.
sub run {
    my ($command, $file, $addition) = @_;
    my $program = read_file(source() . "/t/programs/$file");
    my $addresses = $program =~ s{https://api\.tuor\.dev}{url()}ge;
    ok $addresses, "$file names the server";
    write_file("$dir/$file", "$program$addition");
    local $ENV{TUOR_API_KEY} = $org->{key};
    my $out = `cd $dir && $command 2>$dir/stderr`;
    is $?, 0, 'and runs' or diag read_file("$dir/stderr");
    return $out;
}

sub have { my $program = shift; return grep { -x "$_/$program" } split /:/, $ENV{PATH} }
sub newest { return api(GET => '/v1/traces/?limit=1', key => $org->{key})->json->[0] }

my $prompt;
subtest 'curl' => sub {
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
