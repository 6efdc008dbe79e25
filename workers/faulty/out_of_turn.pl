#!/usr/bin/env perl
# Faulty: each job is a number, and its answer is that number. But in one way or another it writes more than one line for
# a job, or writes it at the wrong time: the first argument selects the way, the second is the number of jobs.
#
# prefork must: never pass off what belongs to one job as the answer to another without a report. In each of these ways
# the breach is reported, and the run ends with status 76.
use strict;
use warnings;
use IO::Handle;
use Time::HiRes qw(sleep);

my ($mode, $last) = @ARGV;
$last //= 0;
my $late = 0.004;
my $jobs = 0;
my $before = "-";
$SIG{CHLD} = "IGNORE";

sub out { syswrite STDOUT, $_[0] }
sub late { sleep $late; out("$_[0] late\n") }

# A process that takes whatever stands in stdin at once, as a thread with a buffer does: we read from it.
sub read_ahead {
  pipe(my $from, my $to) or die;
  if (!fork) {
    close $from;
    while (sysread STDIN, my $block, 65536) { syswrite $to, $block }
    exit;
  }
  close $to;
  open STDIN, "<&", $from or die;
}

my @after_reading = (
  # what is written for a job that was read
  late => sub { out("$_[0]\n"); late($_[0]) },
  late_sometimes => sub { out("$_[0]\n"); late($_[0]) if $_[0] % 10 == 0 },
  late_at_random => sub { out("$_[0]\n"); late($_[0]) if rand() < 0.15 },
  late_once => sub { out("$_[0]\n"); late($_[0]) if $_[0] == 17 },
  late_on_first => sub { out("$_[0]\n"); late($_[0]) if $jobs == 1 },
  late_on_last => sub { out("$_[0]\n"); late($_[0]) if $_[0] == $last },
  late_on_long => sub { sleep 0.02 if $_[0] % 7 == 0; out("$_[0]\n"); late($_[0]) if $_[0] % 7 == 0 },
  late_unended => sub { out("$_[0]\n"); sleep $late; out("$_[0] late ") },
  two_writes => sub { out("$_[0]\n"); out("$_[0] second\n") },
  two_writes_once => sub { out("$_[0]\n"); out("$_[0] second\n") if $_[0] == 200 },
  one_write => sub { out("$_[0]\n$_[0] second\n") },
  one_write_unended => sub { out("$_[0]\n$_[0] second") },
  empty_line => sub { out("$_[0]\n"); sleep $late; out("\n") },
  greeting_on_first => sub { out("Welcome\n") if $jobs == 1; out("$_[0]\n") },
  delayed => sub { out("$before\n"); $before = $_[0] },
  delayed_until_term => sub { out("$before\n"); $before = $_[0] },
  early => sub { },
  at_end => sub { out("$_[0]\n") },
  at_exit => sub { out("$_[0]\n"); if ($jobs == 7) { sleep $late; out("bye\n"); exit 0 } },
  read_ahead_late => sub { out("$_[0]\n"); late($_[0]) },
  read_ahead_greeting => sub { out("Welcome\n") if $jobs == 1; out("$_[0]\n") },
  read_ahead_once => sub { out("$_[0]\n"); late($_[0]) if $_[0] == 9 },
  by_bytes => sub { out("$_[0]\n"); late($_[0]) },
  child => sub { if ($_[0] % 5 == 0 && !fork) { sleep $late; out("$_[0] of a child\n"); exit } out("$_[0]\n") },
);
my %after_reading = @after_reading;
my $answer = $after_reading{$mode} or die "what is $mode?\n";

srand($ENV{PREFORK_WORKER_ID} // 1);
read_ahead() if $mode =~ /^read_ahead/;
$SIG{TERM} = sub { out("$before\n"); exit 0 } if $mode eq "delayed_until_term";

# One system call for each byte, or for all that is there: what it has not read stays in the pipe.
sub next_job {
  my $job = "";
  if ($mode eq "early") {
    my $bits = "";
    vec($bits, 0, 1) = 1;
    select($bits, undef, undef, undef);
    my $guess = $jobs + 1;
    out("$guess\n");
    sleep $late;
  }
  while (sysread STDIN, my $byte, 1) {
    return $job if $byte eq "\n";
    $job .= $byte;
  }
  return undef;
}

while (defined(my $job = next_job())) {
  $jobs++;
  $answer->($job);
}
out("bye\n") if $mode eq "at_end";
out("$before\n") if $mode eq "delayed";
1 while $mode eq "child" && wait != -1;
sleep 60 if $mode eq "delayed_until_term";
