// What we use of libsystemd: the event loop (signals), passed sockets, notifications, the watchdog and the journal.
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>
#include <systemd/sd-journal.h>
