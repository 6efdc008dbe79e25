#include "CSystemd.h"

#include <dlfcn.h>

static int find(void *handle, const char *name, void *function) {
  void *address = dlsym(handle, name);
  if (!address) return 0;
  *(void **)function = address;
  return 1;
}

int prefork_systemd_load(struct prefork_systemd *library) {
  void *handle = dlopen("libsystemd.so.0", RTLD_NOW | RTLD_LOCAL);
  if (!handle) return -1;
  int complete = find(handle, "sd_listen_fds_with_names", &library->listen_fds_with_names)
    && find(handle, "sd_notify", &library->notify) && find(handle, "sd_watchdog_enabled", &library->watchdog_enabled)
    && find(handle, "sd_journal_sendv", &library->journal_sendv)
    && find(handle, "sd_event_new", &library->event_new) && find(handle, "sd_event_unref", &library->event_unref)
    && find(handle, "sd_event_get_fd", &library->event_get_fd)
    && find(handle, "sd_event_set_watchdog", &library->event_set_watchdog)
    && find(handle, "sd_event_run", &library->event_run);
  return complete ? 0 : -1;
}
