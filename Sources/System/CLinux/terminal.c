#define _GNU_SOURCE
#include "CLinuxTerminal.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static struct {
  volatile sig_atomic_t taken;
  int keys, screen;
  const char *leave;
  size_t leave_length;
  struct termios before;
} terminal;

// What Swift's traps, the C library's abort and bad memory end with.
static const int crashes[] = {SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV};
enum { crash_count = sizeof crashes / sizeof *crashes };
static struct sigaction actions_before[crash_count];

static int set(const struct termios *wanted) {
  int result;
  do result = tcsetattr(terminal.keys, TCSANOW, wanted);
  while (result < 0 && errno == EINTR);
  return result;
}

// Only calls that signal-safety(7) allows. What others wanted to do on a crash (a backtrace) is done after that, on a
// screen that shows it: the signal is raised again for them and comes when this returns.
static void crashed(int number) {
  if (terminal.taken) {
    terminal.taken = 0;
    if (write(terminal.screen, terminal.leave, terminal.leave_length) < 0) errno = 0;
    set(&terminal.before);
  }
  for (int i = 0; i < crash_count; i++) {
    if (crashes[i] == number) sigaction(number, &actions_before[i], NULL);
  }
  raise(number);
}

int prefork_terminal_take(int keys, int screen, const char *leave) {
  if (tcgetattr(keys, &terminal.before) < 0) return -1;
  terminal.keys = keys;
  terminal.screen = screen;
  terminal.leave = leave;
  terminal.leave_length = strlen(leave);
  struct termios raw = terminal.before;
  raw.c_iflag &= ~(tcflag_t)(IXON | ICRNL | INLCR | IGNCR | ISTRIP);
  raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ECHONL | IEXTEN);
  raw.c_cc[VMIN] = 0;
  raw.c_cc[VTIME] = 0;
  if (set(&raw) < 0) return -1;
  struct sigaction action = {.sa_handler = crashed, .sa_flags = SA_ONSTACK};
  sigemptyset(&action.sa_mask);
  for (int i = 0; i < crash_count; i++) sigaction(crashes[i], &action, &actions_before[i]);
  terminal.taken = 1;
  return 0;
}

void prefork_terminal_give_back(void) {
  if (!terminal.taken) return;
  terminal.taken = 0;
  for (int i = 0; i < crash_count; i++) sigaction(crashes[i], &actions_before[i], NULL);
  set(&terminal.before);
}

static void do_nothing(int signal) { (void)signal; }

// A blocked SIGTTIN makes a read in the background fail with EIO, and one at its default stops us inside read(2), where
// no signal that is blocked (SIGTERM) could end us: kill(1) of a shell would be without effect. A handler is neither.
ssize_t prefork_terminal_read(int fd, void *buffer, size_t size) {
  sigset_t input, pending, mask;
  sigemptyset(&input);
  sigaddset(&input, SIGTTIN);
  if (sigpending(&pending) == 0 && sigismember(&pending, SIGTTIN)) {
    errno = EAGAIN;
    return -1;
  }
  struct sigaction quiet = {.sa_handler = do_nothing}, before;
  sigemptyset(&quiet.sa_mask);
  sigaction(SIGTTIN, NULL, &before);
  if (before.sa_handler == SIG_IGN) return read(fd, buffer, size);
  sigaction(SIGTTIN, &quiet, NULL);
  pthread_sigmask(SIG_UNBLOCK, &input, &mask);
  ssize_t count = read(fd, buffer, size);
  int code = errno;
  pthread_sigmask(SIG_SETMASK, &mask, NULL);
  sigaction(SIGTTIN, &before, NULL);
  errno = code;
  return count;
}
