# Licensed under the Apache License, Version 2.0; see LICENSE.
package Tuor::Reviews;

=head1 NAME

Tuor::Reviews - projects with reviewed traces, for the tests of refinement

=head1 SYNOPSIS

    my $id = reviewed_project(key => $key, prompt => 'P', reviews => [
        [ { total => '5 EUR' }, { total => 5 } ],               # corrected
        [ { total => 5 }, 'approve' ],
        [ { total => 5 }, 'reject', 'the wrong invoice' ],      # with a comment
    ]);
    review(key => $key, project_id => $id, reviews => [...]);   # further ones

An output may be text, which is sent as it is.

=cut

use strict;
use warnings;
use Tuor::Test;
use Exporter qw(import);

our @EXPORT = qw(reviewed_project review);

sub reviewed_project {
    my %arg = @_;
    my $id = create_project(key => $arg{key}, name => $arg{name} // 'Refined', %{ $arg{project} // {} })->{id};
    if (defined $arg{prompt}) {
        my $reply = api(POST => "/v1/projects/$id/prompts", { content => $arg{prompt} }, key => $arg{key});
        die $reply->body unless $reply->status == 201;
    }
    review(%arg, project_id => $id);
    return $id;
}

sub review {
    my %arg = @_;
    for my $review (@{ $arg{reviews} }) {
        my ($output, $verdict, $comment) = @$review;
        my $input = $arg{input} // { content => 'the input' };
        my $text = sub { ref $_[0] ? encode($_[0]) : $_[0] };
        my $trace = api(POST => '/v1/traces/', qq({"project_id":"$arg{project_id}","model_input":) . $text->($input)
            . ',"model_output":' . $text->($output) . '}', key => $arg{key});
        die $trace->body unless $trace->status == 201;
        my $correct = ref $verdict || $verdict =~ /^\{/;
        my $body = '{"expected_version":1,"action":"' . ($correct ? 'correct' : $verdict) . '"'
            . ($correct ? ',"corrected_output":' . $text->($verdict) : '')
            . (defined $comment ? ',"comment":' . encode($comment) : '') . '}';
        my ($id) = $trace->raw('id') =~ /"(.*)"/;
        my $reply = api(POST => "/v1/traces/$id/review", $body, key => $arg{key});
        die $reply->body unless $reply->status == 200;
    }
}

1;
