# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# Where secrets must not be: in mod_info, and in the database as they are.
use strict;
use warnings;
use Digest::SHA qw(sha256);
use Tuor::Run qw(run_dir write_file);
use Tuor::Server;
use Tuor::Test;

subtest 'mod_info shows files, not what they hold' => sub {
    my %file = map { $_ => run_dir() . "/$_-$$" } qw(webhook next model);
    write_file($file{$_}, "hidden-$_-secret\n") for keys %file;
    my $org = new_org("Secrets $$");
    my $server = Tuor::Server->start(conf => "TuorRefiner http\nTuorRefinerURL http://127.0.0.1:1/\nTuorRefinerModel m\nTuorRefinerKeyFile $file{model}\n"
        . '<TuorProject proj_Secrets' . sprintf('%015d', $$) . ">\n Organization $org->{id}\n WebhookSecretFile $file{webhook}\n WebhookSecretNextFile $file{next}\n</TuorProject>\n"
        . "<Location /server-info>\n SetHandler server-info\n Require all granted\n</Location>\n");
    my $page = api(GET => '/server-info', key => undef, server => $server);
    is $page->status, 200, 'the page';
    ok $page->body =~ /TuorRefinerKeyFile.*\Q$file{model}\E/, '  names the file of the key';
    ok $page->body !~ /hidden-/, '  and tells no secret';
    ok $server->error_log !~ /hidden-/, 'nor does the log';
};

subtest 'keys are stored as their hashes' => sub {
    my $org = new_org("Hashes $$");
    my $made = $org->{key};
    like $made, qr/^tuor_[0-9A-Za-z]{43,}$/, '256 bits in base 62, at least';
    my $columns = psql("SELECT string_agg(format('%I::text', attname), ' || ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'tuor.api_keys'::regclass AND attnum > 0 AND NOT attisdropped AND attnotnull");
    my $row = psql("SELECT $columns FROM tuor.api_keys WHERE org_id = '$org->{id}'");
    unlike $row, qr/\Q${\substr $made, 5, 20}\E/, 'no column has it';
    like $row, qr/\Q${\unpack 'H*', sha256($made)}\E/, 'one has its SHA-256';
    my $wrong = $made =~ s/(.)$/$1 eq 'a' ? 'b' : 'a'/er;
    is api(GET => '/v1/me', key => $wrong)->status, 401, 'another last character is 401';
    is api(GET => '/v1/me', key => $made)->status, 200, 'the key itself is good';
};

done_testing;
