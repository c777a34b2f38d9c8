# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# The examples in conf/extra: each is one that httpd takes, and client certificates sign people in at /v1.
# console-form.conf is t/console.t's.
use strict;
use warnings;
use File::Path qw(make_path);
use HTTP::Tiny;
use IO::Socket::SSL ();
use JSON::PP ();
use Tuor::Run qw(run_dir run_info write_file source build_config free_port);
use Tuor::Server;
use Tuor::Test;

my $dir = run_dir() . "/extra-$$";
make_path($dir);
my $extra = source() . '/conf/extra';

# Two authorities, and certificates of both.
sub openssl { my $said = `openssl $_[0] 2>&1`; die "openssl $_[0]: $said" if $? }
my $key_options = '-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes';
openssl("req -x509 $key_options -subj '/CN=$_' -days 30 -keyout $dir/$_.key -out $dir/$_.pem") for 'ca', 'stranger';
my $ada = new_user('ada') . '@example.test';
database->ctl('user', 'add', $ada, '--org', org_id(), '--role', 'reviewer');
sub certificate {
    my ($name, $subject, $signer, $days) = @_;
    openssl("req $key_options -subj '$subject' -keyout $dir/$name.key -out $dir/$name.csr");
    openssl("x509 -req -in $dir/$name.csr -CA $dir/$signer.pem -CAkey $dir/$signer.key -CAcreateserial -days $days -out $dir/$name.pem");
}
certificate(server   => '/CN=127.0.0.1', 'ca', 30);
certificate(ada      => "/CN=Ada/emailAddress=$ada", 'ca', 30);
certificate(nobody   => '/CN=Nobody/emailAddress=nobody@example.test', 'ca', 30);
certificate(nameless => '/CN=Nameless', 'ca', 30);
certificate(expired  => "/CN=Ada/emailAddress=$ada", 'ca', -1);
certificate(forged   => "/CN=Ada/emailAddress=$ada", 'stranger', 30);

our $port = free_port();
my $server = Tuor::Server->start(conf => <<"END");
Define TUOR_CLIENT_CA_FILE "$dir/ca.pem"
Listen 127.0.0.1:$port
<VirtualHost 127.0.0.1:$port>
    SSLEngine On
    SSLCertificateFile "$dir/server.pem"
    SSLCertificateKeyFile "$dir/server.key"
    Include "$extra/client-certificate.conf"
</VirtualHost>
END

# A request over TLS, with a certificate or none; 599 where the handshake fails.
sub over_tls {
    my ($certificate, $method, $path, $body, %headers) = @_;
    my %own = $certificate ? (SSL_cert_file => "$dir/$certificate.pem", SSL_key_file => "$dir/$certificate.key") : ();
    my $http = HTTP::Tiny->new(max_redirect => 0, timeout => 20, SSL_options => { SSL_verify_mode => 0, SSL_version => $ENV{TUOR_TEST_TLS} // 'SSLv23', %own });
    $headers{'Content-Type'} = 'application/json' if defined $body;
    return Tuor::Reply->new($http->request($method, "https://127.0.0.1:$port$path", { headers => \%headers, defined $body ? (content => $body) : () }));
}

for my $version ('TLSv1_2', 'TLSv1_3') {
    local $ENV{TUOR_TEST_TLS} = $version;
    subtest "client certificates, $version" => sub {
        my $me = over_tls('ada', GET => '/v1/me');
        is $me->status, 200, 'one of our authority' or diag $me->body;
        is_deeply [@{ $me->json }{qw(type login role)}], ['user', $ada, 'reviewer'], '  is the member with its address';
        my $nobody = over_tls('nobody', GET => '/v1/me');
        is $nobody->status, 403, 'one whose address is no member\'s';
        like $nobody->json->{detail}, qr/nobody\@example\.test belongs to no organization/, '  hears so';
        is over_tls('nameless', GET => '/v1/me')->status, 401, 'one without an address';
        is over_tls($_, GET => '/v1/me')->status, 599, "one that is $_ does not come through" for 'forged', 'expired';

        my $none = over_tls(undef, GET => '/v1/me');
        is $none->status, 401, 'none';
        ok $none->json->{detail}, '  is told in JSON';
        is over_tls(undef, GET => '/v1/me', undef, 'X-API-Key' => api_key())->json->{type}, 'api_key', 'none, but a key';
        is over_tls('ada', GET => '/v1/me', undef, 'X-API-Key' => api_key())->json->{type}, 'api_key', '  and the key comes first';
        is over_tls(undef, GET => '/v1/openapi.json')->status, 200, 'the description is public';
        my $login = run_info()->{main}{users}{admin};
        is over_tls(undef, GET => '/v1/me', undef, Authorization => 'Basic ' . MIME::Base64::encode_base64("$login:$login", ''))->status, 401, 'passwords are not asked for any more';
        is over_tls(undef, GET => '/v1/me', undef, 'SSL_CLIENT_S_DN_Email' => $ada, 'X-SSL-Client-Verify' => 'SUCCESS')->status, 401, 'headers make no certificate';

        my $trace = create_trace();
        my $review = sub { over_tls('ada', POST => "/v1/traces/$trace->{id}/review", '{"action":"approve","expected_version":1}', @_)->status };
        is $review->(Origin => 'https://evil.test'), 403, 'another site cannot use a browser\'s certificate';
        is $review->('Sec-Fetch-Site' => 'cross-site'), 403, '  nor as the browser tells';
        is $review->(Origin => "https://127.0.0.1:$port"), 200, 'its own pages can';
        is over_tls('ada', POST => '/v1/projects/', '{"name":"x"}')->status, 403, 'the role is the member\'s';
    };
}

subtest 'LDAP' => sub {
    my $modules = join '', map { my $so = build_config()->{libexecdir} . "/mod_$_.so"; -e $so ? "LoadModule ${_}_module $so\n" : () } 'ldap', 'authnz_ldap';
    plan skip_all => 'mod_authnz_ldap is not there' if $modules !~ /authnz/;
    write_file("$dir/session.key", 'x' x 40);
    my $conf = "${modules}Define TUOR_USERS_FILE \"@{[run_info()->{users_file}]}\"\nDefine TUOR_SESSION_KEY_FILE \"$dir/session.key\"\n";
    my $include = "Include \"$extra/console-form.conf\"\nInclude \"$extra/ldap.conf\"\n";
    my ($status, $said) = Tuor::Server->configtest($conf . $include);
    is $status, 0, 'is what httpd takes' or diag $said;
    my $away = Tuor::Server->start(conf => $conf . 'Define TUOR_LDAP_URL "ldap://127.0.0.1:' . free_port() . "/dc=example?uid\"\n" . $include);
    isnt api(GET => '/v1/me', login => 'admin', server => $away)->status, 200, 'the password file counts no more, whatever the directory says';
    like $away->error_log, qr/auth_ldap|AH017\d\d/, '  which has been asked';
    is api(GET => '/v1/me', server => $away)->status, 200, 'keys go on without it';
};

subtest 'TLS' => sub {
    my $tls = free_port();
    my $with = Tuor::Server->start(conf => "Listen 127.0.0.1:$tls\nDefine TUOR_TLS_ADDRESS 127.0.0.1:$tls\nDefine TUOR_TLS_CERTIFICATE \"$dir/server.pem\"\n"
        . "Define TUOR_TLS_KEY \"$dir/server.key\"\nInclude \"$extra/tls.conf\"\n");
    local $port = $tls;
    for my $version ('TLSv1_2', 'TLSv1_3') {
        local $ENV{TUOR_TEST_TLS} = $version;
        my $reply = over_tls(undef, GET => '/v1/me', undef, 'X-API-Key' => api_key());
        is $reply->status, 200, $version or diag $reply->body;
        is $reply->header('strict-transport-security'), 'max-age=31536000', '  from now on';
    }
};

subtest 'a cluster' => sub {
    my $so = build_config()->{libexecdir} . '/mod_remoteip.so';
    plan skip_all => 'mod_remoteip is not there' unless -e $so;
    my $member = Tuor::Server->start(conf => "LoadModule remoteip_module $so\nDefine TUOR_BALANCERS 127.0.0.0/8\nInclude \"$extra/cluster.conf\"\n");
    is api(GET => '/v1/me', server => $member, headers => { 'X-Forwarded-For' => '192.0.2.7' })->status, 200, 'is what httpd takes';
    ok eventually(5, sub { Tuor::Run::read_file("$member->{dir}/logs/access_log") =~ /^192\.0\.2\.7 /m }), '  and logs whom the balancer names';
};

subtest 'OpenID Connect' => sub {
    my $so = build_config()->{libexecdir} . '/mod_auth_openidc.so';
    plan skip_all => 'mod_auth_openidc is not there' unless -e $so;
    # The secrets that the example names are this machine's administrator's.
    my $text = Tuor::Run::read_file("$extra/openid-connect.conf") =~ s{exec:/bin/cat /etc/apache2/[\w.-]+}{secret}gr;
    my ($status, $said) = Tuor::Server->configtest("LoadModule auth_openidc_module $so\n$text");
    is $status, 0, 'is what httpd takes' or diag $said;
};

done_testing;
