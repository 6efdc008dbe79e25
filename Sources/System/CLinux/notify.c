#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int prefork_notify_socket(char *name, size_t size) {
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -1;
  int on = 1;
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  socklen_t length = sizeof(sa_family_t); // no name at all: the kernel chooses one (unix(7), autobind)
  if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) == 0 &&
      bind(fd, (struct sockaddr *)&address, length) == 0) {
    length = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &length) == 0) {
      size_t count = length - offsetof(struct sockaddr_un, sun_path) - 1;
      if (count < size) {
        memcpy(name, address.sun_path + 1, count);
        name[count] = 0;
        return fd;
      }
      errno = ENAMETOOLONG;
    }
  }
  int error = errno;
  close(fd);
  errno = error;
  return -1;
}

ssize_t prefork_notify_receive(int fd, void *buffer, size_t size, int *pid, unsigned *uid) {
  union {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(64 * sizeof(int))];
  } control;
  struct iovec vector = {.iov_base = buffer, .iov_len = size};
  struct msghdr message = {
      .msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  ssize_t count;
  do {
    count = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  } while (count < 0 && errno == EINTR);
  if (count < 0) return -1;
  *pid = 0;
  *uid = (unsigned)-1;
  for (struct cmsghdr *part = CMSG_FIRSTHDR(&message); part; part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET) continue;
    if (part->cmsg_type == SCM_CREDENTIALS) {
      struct ucred sender;
      memcpy(&sender, CMSG_DATA(part), sizeof sender);
      *pid = sender.pid;
      *uid = sender.uid;
    } else if (part->cmsg_type == SCM_RIGHTS) {
      int descriptors[64];
      size_t bytes = part->cmsg_len - CMSG_LEN(0);
      memcpy(descriptors, CMSG_DATA(part), bytes);
      for (size_t i = 0; i < bytes / sizeof(int); i++) close(descriptors[i]);
    }
  }
  return count;
}
