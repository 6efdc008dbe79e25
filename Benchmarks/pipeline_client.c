// A client that keeps a window of jobs in flight over each of its connections to a unix socket, and checks every answer.
//
//     cc -O2 -o .build/bench/pipeline_client Benchmarks/pipeline_client.c
//     .build/bench/pipeline_client lines|records SOCKET JOBS WINDOW [CONNECTIONS]
//
// JOBS are shared out over the connections. A job is a line of 64 bytes with its newline, different from all others, and the pool
// must answer it with itself: as lines, in the order of the connection; as records, the answer with its id must hold it.
// Answers are read in blocks, and for all that came in one block the next jobs are sent with one write(), as a program with much to
// send would do. When nothing comes for 60 seconds it gives up.
//
// Exit status: 0; 1 when an answer was wrong, missing, or too many; 64 for bad arguments.
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { JOB = 64, BLOCK = 65536, PATIENCE = 60000 };

typedef struct {
  int socket;
  unsigned long first, sent, answered, count;  // numbers of jobs: the first, and how many are sent, answered, to be sent
  char *out;
  size_t out_start, out_end, out_size;
  char *in;
  size_t in_end, in_size;
  char *seen;  // records: which are answered
  int is_watched_for_output, is_over;
} Connection;

static int epoll, uses_records;
static unsigned long window;

static void die(const char *what) {
  fprintf(stderr, "pipeline_client: %s: %s\n", what, strerror(errno));
  exit(1);
}

static void wrong(const char *what, const char *line, size_t length) {
  fprintf(stderr, "pipeline_client: %s: %.*s\n", what, (int)(length < 200 ? length : 200), line);
  exit(1);
}

static void *grown(void *memory, size_t size) {
  if ((memory = realloc(memory, size)) == NULL) die("realloc");
  return memory;
}

// Decimal digits to the left of `end`, as many as there must be.
static void write_number(char *end, unsigned long number, int digits) {
  while (digits-- > 0) {
    *--end = (char)('0' + number % 10);
    number /= 10;
  }
}

static void watch(Connection *connection, int wants_output) {
  if (connection->is_watched_for_output == wants_output) return;
  struct epoll_event event = {.events = EPOLLIN | (wants_output ? EPOLLOUT : 0u), .data.ptr = connection};
  if (epoll_ctl(epoll, EPOLL_CTL_MOD, connection->socket, &event) != 0) die("epoll_ctl");
  connection->is_watched_for_output = wants_output;
}

// Fills the window, and sends as much as the socket takes. The end of the jobs is told by shutting down our side.
static void send_jobs(Connection *connection) {
  while (connection->sent < connection->count && connection->sent - connection->answered < window) {
    enum { LONGEST = 2 * JOB + 32 };
    if (connection->out_size - connection->out_end < LONGEST) {
      connection->out = grown(connection->out, connection->out_size = 2 * connection->out_size + LONGEST);
    }
    char *out = connection->out + connection->out_end;
    unsigned long number = connection->first + connection->sent++;
    if (uses_records) {
      int length = sprintf(out, "{\"id\":%lu,\"job\":\"", number);
      write_number(out + length + JOB - 1, number, JOB - 1);
      memcpy(out + length + JOB - 1, "\"}\n", 3);
      connection->out_end += (size_t)length + JOB - 1 + 3;
    } else {
      write_number(out + JOB - 1, number, JOB - 1);
      out[JOB - 1] = '\n';
      connection->out_end += JOB;
    }
  }
  while (connection->out_start < connection->out_end) {
    ssize_t sent = send(connection->socket, connection->out + connection->out_start,
                        connection->out_end - connection->out_start, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && errno == EAGAIN) return watch(connection, 1);
    if (sent < 0) die("send");
    connection->out_start += (size_t)sent;
  }
  connection->out_start = connection->out_end = 0;
  watch(connection, 0);
  if (connection->sent == connection->count) shutdown(connection->socket, SHUT_WR);
}

// One answer without its newline.
static void check(Connection *connection, const char *line, size_t length) {
  char expected[JOB - 1];
  if (connection->answered == connection->count) wrong("an answer too many", line, length);
  if (!uses_records) {
    write_number(expected + sizeof expected, connection->first + connection->answered, JOB - 1);
    if (length != sizeof expected || memcmp(line, expected, length) != 0) wrong("not the answer", line, length);
    connection->answered++;
    return;
  }
  static const char start[] = "{\"id\":", result[] = "\"outcome\":\"ok\",\"result\":\"";
  if (length < sizeof start || memcmp(line, start, sizeof start - 1) != 0) wrong("no id", line, length);
  unsigned long number = strtoul(line + sizeof start - 1, NULL, 10);
  if (number < connection->first || number >= connection->first + connection->sent) wrong("whose?", line, length);
  if (connection->seen[number - connection->first]++) wrong("answered twice", line, length);
  write_number(expected + sizeof expected, number, JOB - 1);
  const char *found = memmem(line, length, result, sizeof result - 1);
  if (found == NULL || (size_t)(line + length - found) < sizeof result + sizeof expected ||
      memcmp(found + sizeof result - 1, expected, sizeof expected) != 0) {
    wrong("not the answer", line, length);
  }
  connection->answered++;
}

static void receive(Connection *connection) {
  if (connection->in_size - connection->in_end < BLOCK) {
    connection->in = grown(connection->in, connection->in_size += BLOCK);
  }
  ssize_t got = recv(connection->socket, connection->in + connection->in_end, BLOCK, MSG_DONTWAIT);
  if (got < 0 && errno == EAGAIN) return;
  if (got < 0) die("recv");
  if (got == 0) {
    if (connection->answered != connection->count) {
      errno = 0;
      fprintf(stderr, "pipeline_client: closed after %lu of %lu answers\n", connection->answered, connection->count);
      exit(1);
    }
    close(connection->socket);
    connection->is_over = 1;
    return;
  }
  connection->in_end += (size_t)got;
  char *line = connection->in, *end = connection->in + connection->in_end, *newline;
  while ((newline = memchr(line, '\n', (size_t)(end - line))) != NULL) {
    check(connection, line, (size_t)(newline - line));
    line = newline + 1;
  }
  connection->in_end = (size_t)(end - line);
  memmove(connection->in, line, connection->in_end);
  if (connection->out_end == 0 && connection->sent < connection->count) send_jobs(connection);
}

static void open_connection(Connection *connection, const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path) {
    fprintf(stderr, "pipeline_client: the path is too long\n");
    exit(64);
  }
  strcpy(address.sun_path, path);
  if ((connection->socket = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0) die("socket");
  if (connect(connection->socket, (struct sockaddr *)&address, sizeof address) != 0) die(path);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, connection->socket, &event) != 0) die("epoll_ctl");
}

int main(int argc, char **argv) {
  unsigned long jobs = argc > 4 ? strtoul(argv[3], NULL, 10) : 0;
  unsigned long count = argc > 5 ? strtoul(argv[5], NULL, 10) : 1;
  window = argc > 4 ? strtoul(argv[4], NULL, 10) : 0;
  uses_records = argc > 1 && strcmp(argv[1], "records") == 0;
  if (window < 1 || jobs < count || count < 1 || (!uses_records && strcmp(argv[1], "lines") != 0)) {
    fprintf(stderr, "usage: pipeline_client lines|records SOCKET JOBS WINDOW [CONNECTIONS]\n");
    return 64;
  }
  if ((epoll = epoll_create1(EPOLL_CLOEXEC)) < 0) die("epoll_create1");
  Connection *connections = calloc(count, sizeof *connections);
  unsigned long first = 0;
  for (unsigned long i = 0; i < count; i++) {
    connections[i].first = first;
    connections[i].count = (i + 1) * jobs / count - i * jobs / count;
    first += connections[i].count;
    if (uses_records) connections[i].seen = calloc(connections[i].count, 1);
    open_connection(&connections[i], argv[2]);
  }
  for (unsigned long i = 0; i < count; i++) send_jobs(&connections[i]);
  unsigned long open = count;
  struct epoll_event events[64];
  while (open > 0) {
    int ready = epoll_wait(epoll, events, 64, PATIENCE);
    if (ready < 0 && errno != EINTR) die("epoll_wait");
    if (ready == 0) wrong("nothing came for a minute", "", 0);
    for (int i = 0; i < ready; i++) {
      Connection *connection = events[i].data.ptr;
      if (events[i].events & EPOLLOUT) send_jobs(connection);
      if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) receive(connection);
      open -= (unsigned long)connection->is_over;
    }
  }
  printf("%lu answers\n", jobs);
  return 0;
}
