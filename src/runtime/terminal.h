/* runtime/terminal.h - the container's terminal: its master side, and the caller's own terminal
 * that is joined to it while the container runs. */
#pragma once
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

/* Sends a descriptor over a socket; receives one. Only the two sides of a start use it. */
int bh_send_fd(int socket, int fd, struct bh_error *err) BH_CHECKED;
int bh_receive_fd(int socket, int *ret_fd, struct bh_error *err) BH_CHECKED;

/* A new pair from a devpts instance, by descriptors alone (TIOCGPTPEER). */
int bh_terminal_open(int devpts, int *ret_master, int *ret_slave, struct bh_error *err) BH_CHECKED;

/* Bytes on their way in one direction. */
struct bh_pipe {
    char data[4096];
    size_t from, to;
    bool ended; /* the source has no more */
};

struct bh_terminal {
    int master; /* -1: no terminal */
    int in, out;
    bool raw;             /* the caller's terminal was made raw, and is to be restored */
    struct termios saved; /* as it was */
    struct bh_pipe input, output;
};
#define BH_TERMINAL_INIT ((struct bh_terminal){.master = -1})

/* Takes over master; makes in raw when it is a terminal and copies its size. */
void bh_terminal_join(struct bh_terminal *t, int master, int in, int out) BH_NONNULL;
void bh_terminal_resize(const struct bh_terminal *t) BH_NONNULL;
/* Moves what can be moved; readable says which sides poll(2) reported. false: the container's side
 * is closed. */
bool bh_terminal_pump(struct bh_terminal *t, bool in_ready, bool master_ready) BH_NONNULL;
/* Moves what is left of the output and restores the caller's terminal. */
void bh_terminal_leave(struct bh_terminal *t) BH_NONNULL;
