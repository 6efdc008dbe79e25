#define _GNU_SOURCE
#include "CLinuxSockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

_Static_assert(sizeof(struct sockaddr_storage) <= sizeof((struct prefork_address){0}.bytes), "any address fits");

static const struct sockaddr *to_kernel(const struct prefork_address *address) {
  return (const struct sockaddr *)address->bytes;
}

static int family(const struct prefork_address *address) {
  return address->length < sizeof(sa_family_t) ? AF_UNSPEC : to_kernel(address)->sa_family;
}

int prefork_unix_address(struct prefork_address *address, const char *name, size_t count, int is_abstract) {
  struct sockaddr_un unix_address = {.sun_family = AF_UNIX};
  // A path needs its NUL behind it, an abstract name has one before it.
  if (count >= sizeof unix_address.sun_path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  memcpy(unix_address.sun_path + (is_abstract ? 1 : 0), name, count);
  memset(address, 0, sizeof *address);
  memcpy(address->bytes, &unix_address, sizeof unix_address);
  address->length = (unsigned)(offsetof(struct sockaddr_un, sun_path) + count + 1);
  return 0;
}

int prefork_resolve(const char *host, const char *port, struct prefork_address *found, int most, int *count) {
  // Not AI_ADDRCONFIG: without a network but the loopback, it would not find localhost.
  struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
  struct addrinfo *list = NULL;
  *count = 0;
  int result = getaddrinfo(host, port, &hints, &list);
  if (result != 0) return result;
  for (struct addrinfo *entry = list; entry && *count < most; entry = entry->ai_next) {
    if (entry->ai_addrlen > sizeof found->bytes) continue;
    memset(&found[*count], 0, sizeof *found);
    memcpy(found[*count].bytes, entry->ai_addr, entry->ai_addrlen);
    found[*count].length = entry->ai_addrlen;
    *count += 1;
  }
  freeaddrinfo(list);
  return 0;
}

int prefork_describe_address(const struct prefork_address *address, char *text, size_t *count, unsigned *port) {
  *count = 0;
  *port = 0;
  switch (family(address)) {
  case AF_UNIX: {
    const struct sockaddr_un *name = (const struct sockaddr_un *)address->bytes;
    size_t length = address->length - offsetof(struct sockaddr_un, sun_path);
    if (address->length <= offsetof(struct sockaddr_un, sun_path)) return 'n';
    int is_abstract = name->sun_path[0] == 0;
    *count = is_abstract ? length - 1 : strnlen(name->sun_path, length);
    memcpy(text, name->sun_path + is_abstract, *count);
    return is_abstract ? 'a' : 'u';
  }
  case AF_INET:
  case AF_INET6: {
    char host[128], service[8];
    if (getnameinfo(to_kernel(address), address->length, host, sizeof host, service, sizeof service,
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
      return '?';
    *count = strlen(host);
    memcpy(text, host, *count);
    *port = ntohs(family(address) == AF_INET ? ((const struct sockaddr_in *)address->bytes)->sin_port
                                             : ((const struct sockaddr_in6 *)address->bytes)->sin6_port);
    return family(address) == AF_INET ? '4' : '6';
  }
  default: return '?';
  }
}

int prefork_is_local_address(const struct prefork_address *address) {
  switch (family(address)) {
  case AF_UNIX: return 1;
  case AF_INET: return ntohl(((const struct sockaddr_in *)address->bytes)->sin_addr.s_addr) >> 24 == 127;
  case AF_INET6: {
    const struct in6_addr *host = &((const struct sockaddr_in6 *)address->bytes)->sin6_addr;
    return IN6_IS_ADDR_LOOPBACK(host) || (IN6_IS_ADDR_V4MAPPED(host) && host->s6_addr[12] == 127);
  }
  default: return 0;
  }
}

int prefork_stream_socket(const struct prefork_address *address) {
  return socket(family(address), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

int prefork_bind(int fd, const struct prefork_address *address) {
  return bind(fd, to_kernel(address), address->length);
}

int prefork_connect(int fd, const struct prefork_address *address) {
  return connect(fd, to_kernel(address), address->length);
}

int prefork_accept(int fd, struct prefork_address *peer) {
  socklen_t length = sizeof peer->bytes;
  int connection = accept4(fd, (struct sockaddr *)peer->bytes, &length, SOCK_CLOEXEC | SOCK_NONBLOCK);
  peer->length = length;
  return connection;
}

int prefork_bound_address(int fd, struct prefork_address *address) {
  socklen_t length = sizeof address->bytes;
  memset(address, 0, sizeof *address);
  if (getsockname(fd, (struct sockaddr *)address->bytes, &length) < 0) return -1;
  address->length = length;
  return 0;
}

int prefork_is_listening_stream(int fd) {
  int type = 0, listens = 0;
  socklen_t length = sizeof type;
  if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) < 0) return -1;
  length = sizeof listens;
  if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length) < 0) return -1;
  return type == SOCK_STREAM && listens;
}

int prefork_peer_credentials(int fd, pid_t *pid, unsigned *uid, unsigned *gid) {
  struct ucred peer;
  socklen_t length = sizeof peer;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0) return -1;
  *pid = peer.pid;
  *uid = peer.uid;
  *gid = peer.gid;
  return 0;
}

int prefork_pending_error(int fd) {
  int error = 0;
  socklen_t length = sizeof error;
  return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0 ? -1 : error;
}

int prefork_set_close_on_exec(int fd) { return fcntl(fd, F_SETFD, FD_CLOEXEC); }

int prefork_bytes_undelivered(int fd) {
  int count = 0;
  return ioctl(fd, SIOCOUTQ, &count) < 0 ? -1 : count;
}

void prefork_reuse_address(int fd) {
  int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
}

void prefork_send_at_once(int fd) {
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

void prefork_keep_alive(int fd) {
  int on = 1, idle = 30, interval = 10, count = 3;
  setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
}
