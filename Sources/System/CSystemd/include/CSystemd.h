// What we use of libsystemd, found at run time: linked, it and the six libraries behind it would add 1 ms, a quarter,
// to the time that every start takes, and most starts have no service manager to talk to.
#pragma once
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>
#include <systemd/sd-journal.h>

/// The library's functions.
struct prefork_systemd {
  int (*listen_fds_with_names)(int unset_environment, char ***names);
  int (*notify)(int unset_environment, const char *state);
  int (*watchdog_enabled)(int unset_environment, uint64_t *microseconds);
  int (*journal_sendv)(const struct iovec *fields, int count);
  int (*event_new)(sd_event **);
  sd_event *(*event_unref)(sd_event *);
  int (*event_get_fd)(sd_event *);
  int (*event_set_watchdog)(sd_event *, int enable);
  int (*event_run)(sd_event *, uint64_t microseconds);
};

/// Loads the library, for good, and fills in its functions; -1 if it is not installed.
int prefork_systemd_load(struct prefork_systemd *library);
