/* runtime/relay.h - the loop of the process that relays published ports. */
#pragma once
#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

#define BH_RELAY_CONNECTIONS 512u /* at a time; further ones wait in the listening queue */

/* Gives up everything the loop does not need: capabilities, file access, all but a few system
 * calls, and every descriptor but the listeners, whose numbers change. */
int bh_relay_confine(int *listeners, size_t count, struct bh_error *err) BH_CHECKED;
/* Relays connections of listeners[i] to port ports[i] on this network namespace's loopback, for
 * ever; returns only when the kernel refuses to wait. */
void bh_relay_run(const int *listeners, const uint16_t *ports, size_t count);
