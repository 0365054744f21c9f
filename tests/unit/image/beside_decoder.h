/* For tests that start bulkhead-decode: it is looked for beside the running executable, and a test
 * lies elsewhere. The test copies itself into a directory where a link to the decoder is, and goes
 * on there. */
#pragma once
#include "sys/fd.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#define BESIDE_DECODER_DIR "BULKHEAD_TEST_DECODER_DIR"

/* First thing in main; returns in the copy only. */
static inline void go_beside_decoder(char **argv)
{
    char dir[] = "/tmp/bh-beside-XXXXXX", copy[64], decoder[64];
    const char *exe = getenv("BULKHEAD_DECODE");
    int from, to;

    if (getenv(BESIDE_DECODER_DIR))
        return;
    if (!exe || !mkdtemp(dir)) {
        fputs("set BULKHEAD_DECODE to the path of bulkhead-decode\n", stderr);
        exit(77); /* skipped, for meson */
    }
    snprintf(copy, sizeof copy, "%s/test", dir);
    snprintf(decoder, sizeof decoder, "%s/bulkhead-decode", dir);
    from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    to = open(copy, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
    while (sendfile(to, from, NULL, 1 << 20) > 0)
        ;
    close(to);
    if (symlink(exe, decoder) < 0 || setenv(BESIDE_DECODER_DIR, dir, 1) < 0)
        exit(1);
    execv(copy, argv);
    exit(1);
}

static inline void leave_decoder(void)
{
    struct bh_error err;

    if (bh_remove_tree_at(AT_FDCWD, getenv(BESIDE_DECODER_DIR), &err) < 0)
        fprintf(stderr, "%s\n", err.message);
}
