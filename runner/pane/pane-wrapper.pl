#!/usr/bin/perl
# The process of one pane: runs commands on the pane's terminal and lets nothing of them outlive their end.
#
#   pane-wrapper.pl <control socket> <bash> <role>
#
# The runner gives orders over the control socket, one a line; docs/decisions/0003-pane-wrapper.md lists them.
# Only modules of Debian's perl-base are used, which every Debian image has.
use strict;
use warnings;
use IO::Handle ();
use POSIX      ();
use Socket qw(AF_UNIX SOCK_STREAM pack_sockaddr_un);

use constant { PR_SET_PDEATHSIG => 1, PR_SET_DUMPABLE => 4, PR_SET_CHILD_SUBREAPER => 36, PR_SET_NO_NEW_PRIVS => 38 };
use constant { CANNOT_START => 126, NOT_FOUND => 127 };    # as a shell ends

# Leaves the alternate screen, shows the cursor and drops colours: an agent that was killed did none of it.
use constant SCREEN_RESET => "\e[?1049l\e[?25h\e[0m";

my ($socket_path, $bash, $role) = @ARGV;
my $run;                  # the command that runs now: {id, nonce, pid, status, kill_at}
my @unsaid;               # lines for the person who watches, held back while a command owns the terminal
my $leaving  = 0;         # we were told to exit, the runner is gone, or the pane is
my $is_lost  = 0;         # the pane is gone: how its command ends is our doing and says nothing
my $received = '';

# Two processes, each of which ends everything if the other is killed: the guard is the pane's own process and only
# waits, the wrapper does the work. Both adopt orphans, the wrapper first, and so nothing gets away to init.
prctl(PR_SET_CHILD_SUBREAPER, 1);
my $wrapper = fork // die "pane wrapper: cannot fork: $!\n";
stand_guard() if $wrapper;
prctl(PR_SET_CHILD_SUBREAPER, 1);
prctl(PR_SET_PDEATHSIG, POSIX::SIGTERM());

# An agent of the same user must not read the nonce out of this process's memory.
prctl(PR_SET_DUMPABLE, 0);

# What someone who watches types must not harm: Ctrl-S stops no output, and Ctrl-C discards none that tmux has yet to
# read, our markers among it (Linux may even leave a writer asleep when it does).
my $terminal = POSIX::Termios->new;
$terminal->getattr(0);
$terminal->setiflag($terminal->getiflag & ~POSIX::IXON());
$terminal->setlflag($terminal->getlflag | POSIX::NOFLSH());
$terminal->setattr(0, POSIX::TCSANOW());

pipe my $wake_reader, my $wake_writer or die "pipe: $!\n";
$_->blocking(0) for $wake_reader, $wake_writer;
$SIG{CHLD} = sub { local $!; syswrite $wake_writer, '.' };
$SIG{HUP}  = $SIG{TERM} = sub { local $!; $leaving = $is_lost = 1; syswrite $wake_writer, '.' };
$SIG{$_}   = 'IGNORE' for qw(INT QUIT TSTP TTIN TTOU PIPE);

socket my $control, AF_UNIX, SOCK_STREAM, 0 or die "socket: $!\n";
connect $control, pack_sockaddr_un($socket_path) or die "pane wrapper: no runner at $socket_path: $!\n";
report("hello $role $$");

my %obey = (
    say  => sub { push @unsaid, join ' ', @_ },
    run  => \&start_run,
    stop => \&stop_run,
    exit => sub { $leaving = 1 },
);

while (1) {
    my $children_left = reap();
    finish_run() if $run && !$children_left;
    say_unsaid() unless $run;
    last if $leaving && !$run;
    kill KILL => children_of($$) if $run && kill_is_due();
    wait_for_event();
}

sub stand_guard {
    $SIG{$_} = 'IGNORE' for qw(INT QUIT TSTP TTIN TTOU);
    $SIG{HUP} = $SIG{TERM} = sub { kill TERM => $wrapper };
    1 until waitpid($wrapper, 0) == $wrapper;
    while (waitpid(-1, POSIX::WNOHANG()) != -1) {
        kill KILL => children_of($$);
        select undef, undef, undef, 0.005;
    }
    exit;
}

# True while any descendant is left: orphans come to this process, so "no child" means "no descendant".
sub reap {
    while (my $pid = waitpid -1, POSIX::WNOHANG()) {
        return 0 if $pid == -1;
        $run->{status} = $? if $pid == $run->{pid};
    }
    return 1;
}

# Only direct children get KILL: their process ids cannot be used again before reap() has seen them, and what
# they leave behind is a direct child next time.
sub kill_is_due {
    $run->{kill_at} = 0     if $leaving;
    $run->{kill_at} = now() if defined $run->{status} && !defined $run->{kill_at};
    return defined $run->{kill_at} && now() >= $run->{kill_at};
}

# Never for long: perl runs its handlers between its own operations, so a signal that comes in the last moment before
# select wakes nobody.
sub wait_for_event {
    my $seconds = $run && defined $run->{kill_at} ? $run->{kill_at} - now() : 1;
    $seconds = $seconds < 0.02 ? 0.02 : $seconds > 1 ? 1 : $seconds;
    my $readable = '';
    vec($readable, fileno $wake_reader, 1) = 1;
    vec($readable, fileno $control,     1) = 1 if $control;
    return if select($readable, undef, undef, $seconds) < 1;
    sysread $wake_reader, my $ignored, 4096;
    receive() if $control && vec($readable, fileno $control, 1);
}

sub receive {
    if (!sysread $control, $received, 65536, length $received) {
        undef $control;
        $leaving = 1;
        return;
    }
    while ($received =~ s/\A([^\n]*)\n//) {
        my ($order, @fields) = split / /, $1, -1;
        ($obey{$order} // die "pane wrapper: unknown order $order\n")->(@fields);
    }
}

sub start_run {
    my ($id, $nonce, @command) = @_;
    my $user_id = $command[1];
    die "pane wrapper: a command is running\n" if $run;
    say_unsaid();
    POSIX::tcflush(0, POSIX::TCIFLUSH());
    print_all("\e]7777;begin;$id\a");
    chown $user_id, -1, \*STDIN if $user_id ne '-';

    # A signal between fork and exec would run this process's handlers in the child.
    my ($every_signal, $before) = (POSIX::SigSet->new, POSIX::SigSet->new);
    $every_signal->fillset;
    POSIX::sigprocmask(POSIX::SIG_BLOCK(), $every_signal, $before);
    my $pid = fork;
    if (defined $pid && $pid == 0) {
        eval { become_command(@command) };
        refuse(CANNOT_START, $@);
    }
    POSIX::sigprocmask(POSIX::SIG_SETMASK(), $before);

    $run = { id => $id, nonce => $nonce, pid => $pid // 0 };
    return if defined $pid;
    print_all("pane wrapper: cannot fork: $!\n");
    $run->{status} = CANNOT_START << 8;
}

sub become_command {
    my ($directory, $user_id, $group_id, $groups, $command, $environment) = @_;
    $_ = pack 'H*', $_ for $directory, $command, $environment;
    POSIX::setpgid(0, 0);
    POSIX::tcsetpgrp(0, $$);
    $SIG{$_} = 'DEFAULT' for keys %SIG;
    POSIX::sigprocmask(POSIX::SIG_SETMASK(), POSIX::SigSet->new);
    become_user($user_id, $group_id, $groups) if $user_id ne '-';

    # A command that could gain privileges is one that this process could not kill.
    prctl(PR_SET_NO_NEW_PRIVS, 1) if $> != 0;
    chdir $directory or die "cannot enter $directory: $!\n";
    %ENV = map { split /=/, $_, 2 } split /\0/, $environment;
    no warnings 'exec';
    exec {$bash} 'bash', '-c', $command
        or refuse($! == POSIX::ENOENT() ? NOT_FOUND : CANNOT_START, "cannot run $bash: $!\n");
}

sub refuse {
    my ($exit_code, $message) = @_;
    print_all("pane wrapper: $message");
    POSIX::_exit($exit_code);
}

sub become_user {
    my ($user_id, $group_id, $groups) = @_;
    my @groups = ($group_id, split /,/, $groups);
    $) = "$group_id @groups";
    POSIX::setgid($group_id) && POSIX::setuid($user_id) or die "cannot become user $user_id: $!\n";
    $< == $user_id && $> == $user_id && $( == $group_id && distinct(split ' ', $)) eq distinct(@groups)
        or die "cannot become user $user_id of the groups @groups\n";
}

sub distinct {
    my %seen = map { $_ => 1 } @_;
    return join ' ', sort keys %seen;
}

# The signal to all of them now, KILL to what is left after the grace. CONT, since a stopped process takes no other.
sub stop_run {
    my ($id, $signal, $grace_milliseconds) = @_;
    return if !$run || $run->{id} != $id;
    my $kill_at = now() + $grace_milliseconds / 1000;
    $run->{kill_at} = $kill_at if !defined $run->{kill_at} || $kill_at < $run->{kill_at};
    my @tree = descendants();
    kill $signal => @tree;
    kill CONT    => @tree;
}

sub finish_run {
    my $finished = $run;
    undef $run;
    restore_terminal();
    print_all("\e]7777;end;$finished->{nonce}\a" . SCREEN_RESET);
    return if $is_lost;
    my ($signal, $code) = ($finished->{status} & 127, $finished->{status} >> 8);
    report("ended $finished->{id} " . ($signal ? "signal $signal" : "exit $code"));
}

# The command may have left raw mode, stopped output, its own process group and user, and writes that do not wait.
sub restore_terminal {
    STDOUT->blocking(1);
    POSIX::tcsetpgrp(0, getpgrp);
    $terminal->setattr(0, POSIX::TCSANOW());
    POSIX::tcflow(0, POSIX::TCOON());
    chown $>, -1, \*STDIN;
}

sub say_unsaid {
    print_all(shift(@unsaid) . "\n") while @unsaid;
}

sub report {
    my ($line) = @_;
    syswrite $control, "$line\n" if $control;
}

sub print_all {
    my ($bytes) = @_;
    while (length $bytes) {
        my $written = syswrite STDOUT, $bytes;
        return if !defined $written && $! != POSIX::EINTR();
        substr $bytes, 0, $written // 0, '';
    }
}

sub descendants {
    my @found;
    my @unseen = children_of($$);
    while (defined(my $pid = shift @unseen)) {
        push @found,  $pid;
        push @unseen, children_of($pid);
    }
    return @found;
}

sub children_of {
    my ($pid) = @_;
    my @children;
    for my $file (glob "/proc/$pid/task/*/children") {
        open my $list, '<', $file or next;
        push @children, split ' ', <$list> // '';
    }
    return @children;
}

# Seconds of a clock that nobody sets, in steps of 10 ms.
sub now { return (POSIX::times())[0] / POSIX::sysconf(POSIX::_SC_CLK_TCK()) }

# perl-base has no wrapper for prctl.
sub prctl {
    my ($option, $value) = @_;
    my $machine = (POSIX::uname())[4];
    my $number  = { x86_64 => 157, aarch64 => 167 }->{$machine} // die "pane wrapper: no prctl for $machine\n";
    syscall($number, $option, $value, 0, 0, 0) == 0 or die "pane wrapper: prctl $option: $!\n";
}
