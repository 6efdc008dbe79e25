// Socket addresses and what Swift's view of glibc lacks of sockets: accept4, ucred, sockaddr_un with abstract names.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/// Room for any sockaddr; only the functions below look into it.
struct prefork_address {
  _Alignas(8) unsigned char bytes[128];
  unsigned length;
};

/// -1 with ENAMETOOLONG if the name does not fit (107 bytes).
int prefork_unix_address(struct prefork_address *address, const char *name, size_t count, int is_abstract);
/// Fills at most `most` addresses of streams. The result of getaddrinfo(3): 0, or a code for gai_strerror.
int prefork_resolve(const char *host, const char *port, struct prefork_address *found, int most, int *count);
/// 'u' path, 'a' abstract, 'n' unix without a name, '4' and '6' internet, '?' anything else. `text` (at least 128
/// bytes, not ended by NUL, `*count` long) becomes the path, name or numeric host; `*port` the port.
int prefork_describe_address(const struct prefork_address *address, char *text, size_t *count, unsigned *port);
/// 127.0.0.0/8 (also as IPv4 in IPv6), ::1 and all of unix.
int prefork_is_local_address(const struct prefork_address *address);

/// A stream socket for such an address; close-on-exec, non-blocking; -1 with errno, as all that follow.
int prefork_stream_socket(const struct prefork_address *address);
int prefork_bind(int fd, const struct prefork_address *address);
int prefork_connect(int fd, const struct prefork_address *address);
/// Close-on-exec, non-blocking.
int prefork_accept(int fd, struct prefork_address *peer);
int prefork_bound_address(int fd, struct prefork_address *address);
/// 1 if it is a stream socket that listens, 0 if not.
int prefork_is_listening_stream(int fd);
int prefork_peer_credentials(int fd, pid_t *pid, unsigned *uid, unsigned *gid);
/// What became of a connect that was in progress: 0, or the errno that it failed with.
int prefork_pending_error(int fd);
int prefork_set_close_on_exec(int fd);
/// SIOCOUTQ: bytes in a connection that the other side has not received; -1 with errno.
int prefork_bytes_undelivered(int fd);
void prefork_reuse_address(int fd);
/// Does nothing to a socket that is not TCP.
void prefork_send_at_once(int fd);
/// Has the other side of a TCP connection asked whether it is still there when nothing has moved for 30 s; after a
/// minute without an answer the connection is broken (ETIMEDOUT).
void prefork_keep_alive(int fd);
