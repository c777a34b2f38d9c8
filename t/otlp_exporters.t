# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# OpenTelemetry's own SDK and exporters for JavaScript send to /otlp/v1/traces: what comes of their spans here, and what
# they understand of our answers. t/otlp.t has the rest, byte by byte.
use strict;
use warnings;
use utf8;
use IO::Socket::INET;
use POSIX ();
use Tuor::Npm;
use Tuor::Run qw(source write_file read_file);
use Tuor::Server;
use Tuor::Test;

my ($dir, $why) = Tuor::Npm->install('otlp');
plan skip_all => $why unless $dir;

my $org = new_org("Exporters $$");
my $project = create_project(key => $org->{key})->{id};

# The program in docs/opentelemetry.md, as it stands there.
subtest 'the documented program' => sub {
    my ($program) = read_file(source() . '/docs/opentelemetry.md') =~ /^```js\n(.*?)^```/ms;
    write_file("$dir/documented.mjs", $program);
    local @ENV{qw(TUOR_URL TUOR_API_KEY TUOR_PROJECT_ID)} = (url(), $org->{key}, $project);
    my $said = `cd '$dir' && node documented.mjs 2>&1`;
    is "$? $said", '0 ', 'runs';
    my $trace = api(GET => '/v1/traces/?limit=1', key => $org->{key})->json->[0];
    is_deeply [@$trace{qw(project_id model_input model_output)}], [$project,
        { messages => [{ role => 'user', content => 'What is the capital of France?' }], system_prompt => 'Be brief.', content => 'What is the capital of France?' },
        { content => 'Paris' }], 'and leaves a trace';
};

# And with nothing but the environment.
subtest 'the documented environment' => sub {
    write_file("$dir/environment.mjs", <<~'END');
        import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
        import { defaultResource, detectResources, envDetector } from "@opentelemetry/resources";
        import { BatchSpanProcessor, NodeTracerProvider } from "@opentelemetry/sdk-trace-node";
        const provider = new NodeTracerProvider({ resource: defaultResource().merge(detectResources({ detectors: [envDetector] })),
            spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())] });
        provider.getTracer("t").startSpan("chat", { attributes: { "gen_ai.prompt": "P", "gen_ai.completion": "Q" } }).end();
        await provider.shutdown();
        END
    local @ENV{qw(OTEL_EXPORTER_OTLP_ENDPOINT OTEL_EXPORTER_OTLP_HEADERS OTEL_EXPORTER_OTLP_COMPRESSION OTEL_RESOURCE_ATTRIBUTES)}
        = (url() . '/otlp', "X-API-Key=$org->{key}", 'gzip', "tuor.project_id=$project");
    is `cd '$dir' && node environment.mjs 2>&1`, '', 'runs';
    my $trace = api(GET => '/v1/traces/?limit=1', key => $org->{key})->json->[0];
    is "$trace->{project_id} $trace->{model_input}{content} $trace->{model_output}{content}", "$project P Q", 'and leaves a trace';
    is api(POST => "/otlp/v1/$_", '{}', key => $org->{key})->status, 404, "no $_" for 'metrics', 'logs';
};

# Jobs for export.mjs: their results.
sub run_jobs {
    my ($url, @jobs) = @_;
    write_file("$dir/jobs", encode({ url => "$url/otlp/v1/traces", jobs => \@jobs }));
    my $said = `cd '$dir' && node export.mjs <jobs 2>errors`;
    is $?, 0, 'node' or diag read_file("$dir/errors");
    return @{ Tuor::Test::decode($said) };
}
sub stored { return psql("SELECT count(*) FROM tuor.traces WHERE org_id = '$org->{id}'") }
sub trace_of {
    my $id = shift;
    my ($found) = grep { $_->{trace_config}{span_id} eq $id->{spanId} } @{ api(GET => '/v1/traces/?limit=200', key => $org->{key})->json };
    return $found;
}

my @asked = ({ role => 'user', parts => [{ type => 'text', content => "Grüße \"✓\" \x{1F600}\n" }] });
my %content = (
    'gen_ai.input.messages' => JSON::PP->new->encode(\@asked),
    'gen_ai.output.messages' => JSON::PP->new->encode([{ role => 'assistant', parts => [{ type => 'text', content => 'Hello' }], finish_reason => 'stop' }]),
    'gen_ai.system_instructions' => '[{"type":"text","content":"Be kind."}]',
);
my %attributes = (
    %content, 'gen_ai.operation.name' => 'chat', 'gen_ai.provider.name' => 'openai', 'gen_ai.request.model' => 'm', 'gen_ai.response.model' => 'm-1',
    'gen_ai.usage.input_tokens' => 12, 'gen_ai.request.temperature' => 0.25, 'gen_ai.request.stop_sequences' => ['a', 'b'],
    'gen_ai.request.stream' => JSON::PP::true, 'tuor.prompt_version_id' => 'prm_1', 'tuor.internal_run_id' => 'run-1', large => 9007199254740991, negative => -7,
);
my @events = (
    ['gen_ai.system.message', { content => 'Be kind.', 'gen_ai.system' => 'openai' }],
    ['gen_ai.user.message', { content => "Grüße \"✓\"", role => 'user' }],
    ['gen_ai.choice', { index => 0, finish_reason => 'stop', message => '{"role":"assistant","content":"Hello"}' }],
);
my $good = { attributes => \%attributes };
my %job = (key => $org->{key}, resource => { 'tuor.project_id' => $project, 'service.name' => 'shop', 'service.version' => '1.0' });

for my $form ('proto', 'json') {
    for my $gzip (0, 1) {
        my $what = $form . ($gzip ? ', gzip' : '');
        my %how = (%job, form => $form, gzip => $gzip ? JSON::PP::true : JSON::PP::false);
        my $before = stored();
        my $other = create_project(key => other_org_key())->{id};
        my ($attributes, $events, $both, $hundred, $mixed, $unknown, $foreign, $no_project, $nothing, $wrong, $nobody) = run_jobs(url(),
            { %how, spans => [$good] },
            { %how, spans => [{ attributes => { 'gen_ai.request.model' => 'older' }, events => \@events }] },
            { %how, spans => [{ attributes => {}, events => [['gen_ai.client.inference.operation.details', \%content]] }, { %$good, child => JSON::PP::true }] },
            { %how, batch => 40, spans => [map { { attributes => { %content, number => $_ } } } 1 .. 100] },
            { %how, spans => [$good, { attributes => { 'http.request.method' => 'GET' } }, $good, { attributes => { 'gen_ai.input.messages' => 'x' } }] },
            { %how, spans => [$good], resource => { 'tuor.project_id' => 'proj_0000000000000000000000' } },
            { %how, spans => [$good], resource => { 'tuor.project_id' => $other } },
            { %how, spans => [$good], resource => {} },
            { %how, spans => [{ attributes => { a => 1 } }] },
            { %how, spans => [$good], key => $org->{key} =~ s/.\z/_/r },
            { %how, spans => [$good], key => undef });

        subtest "$what: attributes" => sub {
            is_deeply [@$attributes{qw(sent failed said)}], [1, [], []], 'the exporter is content' or diag explain $attributes;
            my $trace = trace_of($attributes->{ids}[0]) or return fail 'stored';
            is_deeply $trace->{model_input}, { messages => [{ role => 'user', content => $asked[0]{parts}[0]{content} }], system_prompt => 'Be kind.', content => $asked[0]{parts}[0]{content} }, 'what was asked';
            is_deeply $trace->{model_output}, { content => 'Hello' }, 'what was said';
            is "$trace->{project_id} $trace->{status}", "$project pending", 'in the project';
            my $config = $trace->{trace_config};
            is_deeply [@$config{qw(model prompt_version_id internal_run_id trace_id name)}], ['m-1', 'prm_1', 'run-1', $attributes->{ids}[0]{traceId}, 'chat m-1'], 'well-known members';
            is_deeply $config->{'gen_ai.request.stop_sequences'}, ['a', 'b'], 'a list';
            is $trace->{trace_config}{negative} . ' ' . $config->{'gen_ai.usage.input_tokens'} . ' ' . $config->{'gen_ai.request.temperature'}, '-7 12 0.25', 'numbers';
            is $config->{large}, '9007199254740991', 'a large one';
            ok JSON::PP::is_bool($config->{'gen_ai.request.stream'}) && $config->{'gen_ai.request.stream'}, 'a boolean';
            like $config->{start_time_unix_nano}, qr/^\d{19}$/, 'when it began';
            like $config->{duration_ms}, qr/^\d+(\.\d+)?$/, 'how long it took';
            is_deeply [@{ $config->{resource} }{'service.name', 'service.version', 'telemetry.sdk.language', 'tuor.project_id'}], ['shop', '1.0', 'nodejs', undef], 'the resource';
        };
        subtest "$what: events" => sub {
            is_deeply [@$events{qw(sent failed said)}], [1, [], []], 'the exporter is content' or diag explain $events;
            my $trace = trace_of($events->{ids}[0]) or return fail 'stored';
            is_deeply $trace->{model_input}, { messages => [{ role => 'system', content => 'Be kind.' }, { role => 'user', content => "Grüße \"✓\"" }], content => "Grüße \"✓\"" }, 'an event a message';
            is_deeply $trace->{model_output}, { content => 'Hello' }, '  and the answer';
            is $trace->{trace_config}{model}, 'older', '  and the model asked for';
            is_deeply [@$both{qw(sent failed said)}], [2, [], []], 'the exporter is content' or diag explain $both;
            my ($details, $child) = map { trace_of($_) } @{ $both->{ids} };
            is $details->{model_input}{system_prompt} . ' ' . $details->{model_output}{content}, 'Be kind. Hello', 'the event of details';
            is $child->{trace_config}{parent_span_id}, $both->{ids}[0]{spanId}, 'a child knows its parent';
            is $details->{trace_config}{parent_span_id}, undef, '  which has none';
        };
        subtest "$what: a hundred" => sub {
            is_deeply [@$hundred{qw(sent failed said)}], [100, [], []], 'left in three exports' or diag explain $hundred;
            my %span = map { $_->{spanId} => 1 } @{ $hundred->{ids} };
            my @mine = grep { $span{ $_->{trace_config}{span_id} } } @{ api(GET => '/v1/traces/?limit=200', key => $org->{key})->json };
            is scalar @mine, 100, 'and each is a trace';
            is join(' ', sort { $a <=> $b } map { $_->{trace_config}{number} } @mine), join(' ', 1 .. 100), '  with its own attributes';
        };
        subtest "$what: what is rejected" => sub {
            is scalar @{ $mixed->{failed} }, 0, 'some spans without content do not fail the export';
            like "@{ $mixed->{said} }", qr/Partial Success.*"rejectedSpans":"?2"?.*no GenAI content.*no gen_ai\.output\.messages/, '  and their number and the reasons are told';
            ok trace_of($mixed->{ids}[$_]), '  the others are stored' for 0, 2;
            like "@{ $_->[1]{said} }", qr/"rejectedSpans":"?1"?.*$_->[2]/, $_->[0] for ['an unknown project', $unknown, 'project'], ["another organization's", $foreign, 'project'],
                ['no project', $no_project, 'no attribute tuor\.project_id'], ['no content', $nothing, 'no GenAI content'];
            is "@{ $unknown->{said} }" =~ s/proj_\w+//gr, "@{ $foreign->{said} }" =~ s/proj_\w+//gr, 'an unknown project and a foreign one look the same';
            is $_->[1]{sent} . ' ' . ($_->[1]{failed}[0] // '') =~ s/ .*//sr, '0 401', $_->[0] for ['a wrong key', $wrong], ['no key', $nobody];
            is stored(), $before + 1 + 1 + 2 + 100 + 2, 'nothing else is stored';
        };
    }
}

# In front of the server, and loses its first answer.
sub lossy_proxy {
    my $to = shift;
    my $listen = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 8) or die "socket: $!\n";
    my ($log, $pid) = ("$dir/proxied", fork // die "fork: $!\n");
    return ('http://127.0.0.1:' . $listen->sockport, $log, $pid) if $pid;
    my ($lost, $host) = (0, $to =~ s{^http://}{}r);
    while (my $client = $listen->accept) {
        my ($request, $answer) = ('', '');
        # gzip goes out in chunks, as nobody knows its length before.
        until ($request =~ /\r\n\r\n/ && ($request =~ /^content-length: *(\d+)/mi ? length($request) - index($request, "\r\n\r\n") >= $1 + 4 : $request =~ /\r\n0\r\n\r\n\z/)) {
            sysread($client, $request, 65_536, length $request) or last;
        }
        my $server = IO::Socket::INET->new(PeerAddr => $host) or last;
        $request =~ s/^connection:.*?\r\n/Connection: close\r\n/mi;
        print $server $request;
        1 while sysread $server, $answer, 65_536, length $answer;
        open my $file, '>>', $log or last;
        print $file $answer =~ /^HTTP\S+ (\d+)/, "\n";
        close $file;
        # The server has answered, and the client gets what a gateway says that has lost it.
        print $client $lost++ ? $answer : "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        close $client;
    }
    POSIX::_exit(0);
}

subtest 'an answer gets lost' => sub {
    for my $form ('proto', 'json') {
        my ($proxy, $log, $pid) = lossy_proxy(url());
        my $before = stored();
        my ($result) = run_jobs($proxy, { %job, form => $form, gzip => JSON::PP::true, spans => [map { { attributes => { %content, number => $_ } } } 1 .. 20] });
        kill KILL => $pid;
        waitpid $pid, 0;
        is_deeply [@$result{qw(sent failed)}], [20, []], "$form: the exporter sends again, and is content" or diag explain $result;
        is read_file($log), "200\n200\n", '  and was twice taken';
        is stored(), $before + 20, '  each span is stored once';
        unlink $log;
    }
};

subtest 'beyond the quota' => sub {
    my $server = Tuor::Server->start(conf => "TuorRateLimit ingest 3/min\n");
    my ($taken, $many) = run_jobs($server->url, map { { %job, form => 'json', gzip => JSON::PP::false, spans => [($good) x $_] } } 1, 4);
    is_deeply [@$taken{qw(sent said)}], [1, []], 'within it';
    like "@{ $many->{said} }", qr/"rejectedSpans":"?2"?.*3 requests per minute/, 'spans beyond it are rejected, with the reason';
};

done_testing;
