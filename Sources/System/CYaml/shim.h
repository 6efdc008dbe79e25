// What we use of libyaml: its parser, event by event.
#include <yaml.h>
