// What we use of libmicrohttpd, found at run time: linked, it and the TLS library behind it would add 1.5 ms, a half,
// to the time that every start of the tool takes, and few starts serve metrics.
#pragma once
#include <microhttpd.h>

/// The library's functions.
struct prefork_http_library {
  struct MHD_Daemon *(*start)(unsigned flags, uint16_t port, MHD_AcceptPolicyCallback, void *,
                              MHD_AccessHandlerCallback, void *, ...);
  void (*stop)(struct MHD_Daemon *);
  const union MHD_DaemonInfo *(*info)(struct MHD_Daemon *, enum MHD_DaemonInfoType, ...);
  enum MHD_Result (*run)(struct MHD_Daemon *);
  enum MHD_Result (*timeout)(struct MHD_Daemon *, MHD_UNSIGNED_LONG_LONG *milliseconds);
  void (*suspend)(struct MHD_Connection *);
  void (*resume)(struct MHD_Connection *);
  const char *(*header)(struct MHD_Connection *, enum MHD_ValueKind, const char *name);
  struct MHD_Response *(*make_response)(size_t, void *, enum MHD_ResponseMemoryMode);
  enum MHD_Result (*add_header)(struct MHD_Response *, const char *name, const char *value);
  enum MHD_Result (*queue_response)(struct MHD_Connection *, unsigned status, struct MHD_Response *);
  void (*destroy_response)(struct MHD_Response *);
};

/// Loads the library, for good, and fills in its functions; NULL, or what dlerror(3) says, to be copied at once.
const char *prefork_http_load(struct prefork_http_library *library);

struct prefork_http_limits {
  unsigned connections;
  unsigned connections_per_address;
  unsigned timeout_seconds;
  size_t memory_per_connection;
};

/// A daemon without threads on a socket that listens; its own epoll is to be watched. NULL if it cannot be made.
struct MHD_Daemon *prefork_http_start(
    const struct prefork_http_library *library, MHD_socket listener, const struct prefork_http_limits *limits,
    MHD_AccessHandlerCallback handler, void *context);

/// The epoll of a daemon; -1 if it has none.
int prefork_http_epoll(const struct prefork_http_library *library, struct MHD_Daemon *daemon);

/// How many connections a daemon has.
unsigned prefork_http_connections(const struct prefork_http_library *library, struct MHD_Daemon *daemon);
