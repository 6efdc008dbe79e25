#!/usr/bin/env perl
# Hides mail addresses, IPv4 addresses and card numbers in log lines.
#
#     printf '%s\n' 'bob@example.org from 192.0.2.7 paid with 4111 1111 1111 1111' |
#       prefork run -- workers/examples/redact.pl
#     -> <mail> from <ip> paid with <card>
#
# What to copy:
#   * $| = 1 makes Perl flush after every print. Without it the reply stays in an 8 KiB buffer, and the pool
#     waits for it for ever.
#   * :raw on both handles: bytes in, bytes out, whatever the locale says. Lines that are not UTF-8 pass.
#   * The patterns are compiled once (qr//), when the worker starts.
#   * SIGPIPE gets its default action, whoever ignored it before: when the pool is gone, so is this worker.
use strict;
use warnings;

$| = 1;
$SIG{PIPE} = 'DEFAULT';
binmode STDIN,  ':raw';
binmode STDOUT, ':raw';

my $octet = qr/25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9]/;
my $mail  = qr/(?<![\w.+-])[\w.+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,63}/;
my $ip    = qr/(?<![\w.])(?:$octet\.){3}$octet(?![\w.]*\d)/;
my $card  = qr/(?<!\d)(?:\d[ -]?){12,18}\d(?!\d)/;

# The last digit of a card number is a checksum (ISO/IEC 7812-1, annex B, "Luhn"). Checking it spares order
# numbers and timestamps that happen to be as long.
sub is_card {
    my @digits = reverse $_[0] =~ /\d/g;
    my $sum    = 0;
    for my $i (0 .. $#digits) {
        my $d = $digits[$i] * (1 + $i % 2);
        $sum += $d > 9 ? $d - 9 : $d;
    }
    return $sum % 10 == 0;
}

while (my $job = <STDIN>) {
    chomp $job;
    $job =~ s/$mail/<mail>/g;
    $job =~ s/$ip/<ip>/g;
    $job =~ s/($card)/is_card($1) ? '<card>' : $1/ge;
    print $job, "\n";
}
