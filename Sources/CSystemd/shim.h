// What we use of libsystemd: the event loop (timers, signals, watchdog) and notifications.
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>
