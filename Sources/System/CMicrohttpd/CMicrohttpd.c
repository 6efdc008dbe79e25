#include "CMicrohttpd.h"

#include <dlfcn.h>

// The name that belongs to the header's version: the number changes with every incompatible change of the library.
static const char *const file = "libmicrohttpd.so.12";

static int find(void *handle, const char *name, void *function) {
  void *address = dlsym(handle, name);
  if (!address) return 0;
  *(void **)function = address;
  return 1;
}

const char *prefork_http_load(struct prefork_http_library *library) {
  void *handle = dlopen(file, RTLD_NOW | RTLD_LOCAL);
  if (!handle) return dlerror();
  int complete = find(handle, "MHD_start_daemon", &library->start) && find(handle, "MHD_stop_daemon", &library->stop)
    && find(handle, "MHD_get_daemon_info", &library->info)
    && find(handle, "MHD_run", &library->run) && find(handle, "MHD_get_timeout", &library->timeout)
    && find(handle, "MHD_suspend_connection", &library->suspend)
    && find(handle, "MHD_resume_connection", &library->resume)
    && find(handle, "MHD_lookup_connection_value", &library->header)
    && find(handle, "MHD_create_response_from_buffer", &library->make_response)
    && find(handle, "MHD_add_response_header", &library->add_header)
    && find(handle, "MHD_queue_response", &library->queue_response)
    && find(handle, "MHD_destroy_response", &library->destroy_response);
  return complete ? NULL : dlerror();
}

struct MHD_Daemon *prefork_http_start(
    const struct prefork_http_library *library, MHD_socket listener, const struct prefork_http_limits *limits,
    MHD_AccessHandlerCallback handler, void *context) {
  return library->start(
    MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, handler, context,
    MHD_OPTION_LISTEN_SOCKET, listener,
    MHD_OPTION_CONNECTION_LIMIT, limits->connections,
    MHD_OPTION_PER_IP_CONNECTION_LIMIT, limits->connections_per_address,
    MHD_OPTION_CONNECTION_TIMEOUT, limits->timeout_seconds,
    MHD_OPTION_CONNECTION_MEMORY_LIMIT, limits->memory_per_connection,
    MHD_OPTION_STRICT_FOR_CLIENT, 1,
    MHD_OPTION_END);
}

int prefork_http_epoll(const struct prefork_http_library *library, struct MHD_Daemon *daemon) {
  const union MHD_DaemonInfo *info = library->info(daemon, MHD_DAEMON_INFO_EPOLL_FD);
  return info ? info->epoll_fd : -1;
}

unsigned prefork_http_connections(const struct prefork_http_library *library, struct MHD_Daemon *daemon) {
  const union MHD_DaemonInfo *info = library->info(daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);
  return info ? info->num_connections : 0;
}
