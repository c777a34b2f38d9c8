# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# <TuorProject>: declared in httpd.conf, applied at start, left alone when taken out.
use strict;
use warnings;
use Digest::SHA qw(hmac_sha256_hex);
use Tuor::Receiver;
use Tuor::Run qw(run_dir write_file read_file);
use Tuor::Server;
use Tuor::Test;
use Tuor::Webhooks;

my $org = new_org("Declared $$");
my $id = 'proj_Declared' . sprintf '%014d', $$;
my $secret = run_dir() . "/secret-$$";
write_file($secret, "whsec_from_a_file\n");
my $section = qq{<TuorProject $id>\n  Organization $org->{id}\n  Name "Invoices \xc3\xa4"\n  InputType pdf\n  OutputType classification\n}
    . qq{  WebhookURL https://hooks.example.com/declared\n  WebhookSecretFile $secret\n  WebhookActive On\n</TuorProject>\n};
my $guided = $id =~ s/Declared/Declguid/r;
$section .= qq{<TuorProject $guided>\n  Organization $org->{id}\n  Guidelines "Look at the total, \xc3\xa4nd twice"\n</TuorProject>\n};

sub project { return api(GET => "/v1/projects/$id", key => $org->{key}) }
sub put { return api(PUT => "/v1/projects/$id", shift, key => $org->{key}) }

my $server = Tuor::Server->start(conf => $section);

subtest 'applied at start' => sub {
    ok eventually(10, sub { project()->status == 200 }), 'the project is there';
    my $p = project()->json;
    is $p->{name}, "Invoices \x{e4}", 'its name';
    ok eventually(10, sub { api(GET => "/v1/projects/$guided", key => $org->{key})->status == 200 }), 'another one';
    my $g = api(GET => "/v1/projects/$guided", key => $org->{key})->json;
    is_deeply [@$g{qw(name input_type output_type guidelines managed)}], [$guided, 'text', 'key_value', "Look at the total, \x{e4}nd twice", JSON::PP::true],
        'its guidelines, and what is not said';
    is api(PUT => "/v1/projects/$guided", { guidelines => 'x' }, key => $org->{key})->status, 409, '  which cannot be changed';
    is_deeply [@$p{qw(input_type output_type webhook_url)}], ['pdf', 'classification', 'https://hooks.example.com/declared'], 'its members';
    ok $p->{managed} && $p->{webhook_active} && $p->{webhook_secret_set}, 'managed, with a webhook';
    is psql("SELECT webhook_secret FROM tuor.projects WHERE id = '$id'"), 'whsec_from_a_file', 'the secret is the first line of its file';
};

subtest 'declared members belong to httpd.conf' => sub {
    is put({ name => 'Another' })->status, 409, 'a declared one';
    is put({ guidelines => 'Look twice' })->status, 200, 'another one';
    is api(DELETE => "/v1/projects/$id", key => $org->{key})->status, 409, 'nor can it be archived';
};

subtest 'changed and reloaded' => sub {
    my $conf = read_file($server->{conf});
    my $changed = $conf =~ s/^  Name .*$/  Name Renamed/mr;
    $changed =~ s/^.*InputType.*\n//m;
    write_file($server->{conf}, $changed);
    $server->graceful;
    ok eventually(20, sub { project()->json->{name} eq 'Renamed' }), 'takes effect';
    is project()->json->{input_type}, 'pdf', 'what is declared no longer stays as it was';
    is put({ input_type => 'text' })->status, 200, 'and can be changed';
    is project()->json->{guidelines}, 'Look twice', 'what was never declared is left alone';
    my $before = project()->json->{updated_at};
    $server->graceful;
    sleep 2;
    is project()->json->{updated_at}, $before, 'the same configuration again writes nothing';

    write_file($server->{conf}, $conf =~ s/<TuorProject.*?<\/TuorProject>\n//sr);
    $server->graceful;
    ok eventually(20, sub { !project()->json->{managed} }), 'taken out, it is unmanaged';
    is project()->json->{name}, 'Renamed', 'and stays';
    is put({ name => 'Mine' })->status, 200, 'and can be changed again';
};

subtest 'a second secret, and the headers of Standard Webhooks' => sub {
    my $hooked = $id =~ s/Declared/Declhook/r;
    my ($old, $next) = map { run_dir() . "/secret-$_-$$" } qw(old next);
    write_file($old, "old secret\n");
    write_file($next, "next secret\n");
    my $receiver = Tuor::Receiver->start;
    my $hooks = Tuor::Webhooks->start(conf => "<TuorProject $hooked>\n  Organization Hooks\n  WebhookURL " . $receiver->url('/ok')
        . "\n  WebhookSecretFile $old\n  WebhookActive On\n</TuorProject>\n");
    my $conf = $hooks->server->{conf};
    my $get = sub { $hooks->api(GET => "/v1/projects/$hooked")->json };
    # What a test delivery is signed with.
    my $signed = sub {
        $receiver->forget;
        is $hooks->api(POST => "/v1/projects/$hooked/test-webhook")->status, 202, 'a test';
        my ($got) = $receiver->wait(1);
        my $by = sub { my $said = $got->{header}{ $_[0] } // return 'nothing'; return (grep { $said eq 'sha256=' . hmac_sha256_hex($got->{body}, $_) } 'old secret', 'next secret')[0] // 'something else' };
        return join ', ', $by->('x-tuor-signature'), $by->('x-tuor-signature-next'), scalar split ' ', $got->{header}{'webhook-signature'} // '';
    };
    my $reload = sub {
        my ($change, $until, $what) = @_;
        write_file($conf, $change->(read_file($conf)));
        $hooks->server->graceful;
        ok eventually(20, sub { $until->($get->()) }), $what;
    };
    ok eventually(10, sub { $get->()->{webhook_active} }), 'declared without either';
    ok !$get->()->{webhook_standard} && !$get->()->{webhook_secret_next_set}, '  neither is set';
    is $signed->(), 'old secret, nothing, 0', '  the secret signs';
    $reload->(sub { shift =~ s/(?=<\/TuorProject>)/  WebhookSecretNextFile $next\n  WebhookStandard On\n/r }, sub { $_[0]{webhook_secret_next_set} && $_[0]{webhook_standard} }, 'both declared');
    is $signed->(), 'old secret, next secret, 2', '  both secrets sign';
    is $hooks->api(PUT => "/v1/projects/$hooked", $_)->status, 409, '  and cannot be changed: ' . (keys %$_)[0]
        for { webhook_secret_next => undef }, { webhook_secret_next => 'x' }, { webhook_standard => JSON::PP::false };
    write_file($old, "next secret\n");
    $reload->(sub { shift =~ s/^.*WebhookSecretNextFile.*\n//mr }, sub { !$_[0]{webhook_secret_next_set} }, 'the next secret has become the secret');
    is $signed->(), 'next secret, nothing, 1', '  and signs alone';
    is $hooks->api(PUT => "/v1/projects/$hooked", { webhook_secret_next => 'x' })->status, 200, '  a next one can be set through the API';
    $reload->(sub { shift =~ s/WebhookStandard On/WebhookStandard Off/r }, sub { !$_[0]{webhook_standard} }, 'Off');
    ok $get->()->{webhook_secret_next_set}, '  what was never declared stays';
    $reload->(sub { shift =~ s/(?=<\/TuorProject>)/  WebhookSecretNextFile $next\n/r }, sub { $hooks->api(PUT => "/v1/projects/$hooked", { webhook_secret_next => 'x' })->status == 409 }, 'declared again');
    $reload->(sub { shift =~ s/<TuorProject.*<\/TuorProject>\n//sr }, sub { !$_[0]{managed} }, 'the section taken out');
    ok $get->()->{webhook_secret_next_set}, '  leaves all as it is';
};

subtest 'an organization that is not there yet' => sub {
    my $name = "Later $$";
    my $other = $id =~ s/Declared/Lateron0/r;
    my $late = Tuor::Server->start(conf => qq{<TuorProject $other>\n  Organization "$name"\n</TuorProject>\n});
    ok eventually(10, sub { $late->error_log =~ /TUOR0502.*Later/ }), 'is told in the log';
    ctl('org', 'create', $name);
    ok eventually(10, sub { psql("SELECT count(*) FROM tuor.projects WHERE id = '$other'") eq '1' }), 'and found when it is there';
};

subtest 'configtest' => sub {
    my %wrong = (
        'no id' => ["<TuorProject>\n</TuorProject>\n", qr/proj_/],
        'an id of another kind' => ["<TuorProject org_0000000000000000000000>\n</TuorProject>\n", qr/proj_ and 22 to 64/],
        'no organization' => ["<TuorProject $id>\n</TuorProject>\n", qr/needs an Organization/],
        'an unknown member' => ["<TuorProject $id>\n Organization A\n Colour red\n</TuorProject>\n", qr/line \d+.*Colour is not known/s],
        'a wrong type' => ["<TuorProject $id>\n Organization A\n InputType audio\n</TuorProject>\n", qr/text, pdf, image, not "audio"/],
        'a missing secret file' => ["<TuorProject $id>\n Organization A\n WebhookSecretFile /nowhere/x\n</TuorProject>\n", qr/cannot be read/],
        'a missing next secret file' => ["<TuorProject $id>\n Organization A\n WebhookSecretNextFile /nowhere/x\n</TuorProject>\n", qr/WebhookSecretNextFile \/nowhere\/x cannot be read/],
        'an empty next secret file' => ["<TuorProject $id>\n Organization A\n WebhookSecretNextFile /dev/null\n</TuorProject>\n", qr/WebhookSecretNextFile \/dev\/null/],
        'neither On nor Off' => ["<TuorProject $id>\n Organization A\n WebhookStandard maybe\n</TuorProject>\n", qr/WebhookStandard takes On or Off/],
        'active without a URL' => ["<TuorProject $id>\n Organization A\n WebhookActive On\n</TuorProject>\n", qr/needs a WebhookURL/],
        'a private URL' => ["<TuorProject $id>\n Organization A\n WebhookURL https://10.0.0.1/\n</TuorProject>\n", qr/WebhookURL/],
        'the same twice' => ["<TuorProject $id>\n Organization A\n</TuorProject>\n" x 2, qr/stands in .* already/],
        'a member twice' => ["<TuorProject $id>\n Organization A\n Name a\n Name b\n</TuorProject>\n", qr/given twice/],
        'two arguments' => ["<TuorProject $id>\n Organization A\n Name a b\n</TuorProject>\n", qr/one argument/],
    );
    for my $case (sort keys %wrong) {
        my ($status, $said) = Tuor::Server->configtest($wrong{$case}[0]);
        ok $status != 0, "$case is refused";
        like $said, $wrong{$case}[1], '… with what would be right';
    }
};

done_testing;
