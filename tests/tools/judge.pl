#!/usr/bin/perl
# Mail::DKIM as a judge: one JSON object a line in, one out (see judges.py).
#     judge.pl DNS_HOST DNS_PORT
use strict;
use warnings;
use JSON::PP;
use MIME::Base64;
use Net::DNS::Resolver;
use Mail::DKIM::ARC::Signer;
use Mail::DKIM::ARC::Verifier;
use Mail::DKIM::DNS;
use Mail::DKIM::Signer;
use Mail::DKIM::Verifier;

my ($host, $port) = @ARGV;
Mail::DKIM::DNS::resolver(Net::DNS::Resolver->new(
	nameservers => [$host], port => $port, recurse => 1, udppacketsize => 1232));

sub feed {
	my ($judge, $message) = @_;
	$judge->PRINT($message);
	$judge->CLOSE;
	return $judge;
}

my %ops = (
	verify => sub {
		my ($q, $message) = @_;
		my $judge = feed(Mail::DKIM::Verifier->new, $message);
		return [map { { result => $_->result, why => $_->result_detail } } $judge->signatures];
	},
	sign => sub {
		my ($q, $message) = @_;
		my $judge = feed(Mail::DKIM::Signer->new(Algorithm => 'rsa-sha256',
			Method => $q->{canon}, Domain => $q->{domain}, Selector => $q->{selector},
			KeyFile => $q->{key}), $message);
		return join('', map { $_->as_string . "\r\n" } $judge->signatures);
	},
	arc_verify => sub {
		my ($q, $message) = @_;
		my $judge = feed(Mail::DKIM::ARC::Verifier->new(Strict => 1), $message);
		return { result => $judge->result, why => $judge->result_detail };
	},
	arc_seal => sub {
		my ($q, $message) = @_;
		my $judge = feed(Mail::DKIM::ARC::Signer->new(Algorithm => 'rsa-sha256',
			Chain => 'ar', Domain => $q->{domain}, SrvId => $q->{domain},
			Selector => $q->{selector}, KeyFile => $q->{key}), $message);
		return $judge->result eq 'sealed' ? join('', map { "$_\r\n" } $judge->as_strings) : undef;
	},
);

$| = 1;
while (my $line = <STDIN>) {
	my $q = decode_json($line);
	my $answer = eval { $ops{$q->{op}}->($q, decode_base64($q->{message})) };
	print encode_json({ id => $q->{id}, $@ ? (error => "$@") : (answer => $answer) }), "\n";
}
