/* Works through one layer blob and prints what it cost.
 *
 * usage: layer floor BLOB         ISA-L inflate and OpenSSL SHA-256 of blob and content, nothing
 * else layer inspect BLOB       the same through bulkhead-decode, with everything inspecting does
 *        layer unpack BLOB DIR    through bulkhead-decode and the applier into an empty directory
 * prints "wall-ms cpu-ms rss-KiB" */
#include "base/mem.h"
#include "image/unpack.h"

#include <fcntl.h>
#include <isa-l/igzip_lib.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define IN_SIZE (128u * 1024u)
#define OUT_SIZE (256u * 1024u)

/* The least that any program must do that verifies both digests. */
static int floor_pass(int fd)
{
    static uint8_t in[IN_SIZE], out[OUT_SIZE], digest[EVP_MAX_MD_SIZE];
    struct inflate_state *state = bh_new0(sizeof *state);
    EVP_MD_CTX *blob = EVP_MD_CTX_new(), *content = EVP_MD_CTX_new();
    ssize_t n;

    isal_inflate_init(state);
    state->crc_flag = ISAL_GZIP;
    EVP_DigestInit_ex(blob, EVP_sha256(), NULL);
    EVP_DigestInit_ex(content, EVP_sha256(), NULL);
    while ((n = read(fd, in, sizeof in)) > 0) {
        EVP_DigestUpdate(blob, in, (size_t)n);
        state->next_in = in;
        state->avail_in = (uint32_t)n;
        do {
            state->next_out = out;
            state->avail_out = sizeof out;
            if (isal_inflate(state) < 0)
                return -1;
            EVP_DigestUpdate(content, out, (size_t)(state->next_out - out));
        } while (state->avail_out == 0);
    }
    EVP_DigestFinal_ex(blob, digest, NULL);
    EVP_DigestFinal_ex(content, digest, NULL);
    EVP_MD_CTX_free(blob);
    EVP_MD_CTX_free(content);
    free(state);
    return n < 0 ? -1 : 0;
}

static int run(int argc, char **argv, struct bh_error *err)
{
    struct bh_layer_source source = {.fd = open(argv[2], O_RDONLY | O_CLOEXEC)};
    struct bh_layer_outcome outcome;
    struct stat st;

    if (source.fd < 0 || fstat(source.fd, &st) < 0)
        return bh_fail_errno(err, "%s", argv[2]);
    source.size = (uint64_t)st.st_size;
    if (strcmp(argv[1], "floor") == 0)
        return floor_pass(source.fd) < 0 ? bh_fail(err, BH_CORRUPT, "no gzip layer") : 0;
    if (strcmp(argv[1], "inspect") == 0)
        return bh_decode_inspect(&source, BH_DECODE_INSPECT, &bh_layer_limits_default,
                                 memfd_create("facts", 0), memfd_create("spool", 0), &outcome, err);
    if (strcmp(argv[1], "unpack") == 0 && argc == 4)
        return bh_layer_unpack(&source, NULL, open(argv[3], O_RDONLY | O_DIRECTORY), &outcome, NULL,
                               err);
    return bh_fail(err, BH_USAGE, "usage: layer floor|inspect|unpack BLOB [DIR]");
}

static double ms(struct timeval t)
{
    return (double)t.tv_sec * 1e3 + (double)t.tv_usec / 1e3;
}

int main(int argc, char **argv)
{
    struct bh_error err = BH_ERROR_INIT;
    struct timespec start, end;
    struct rusage self, children;

    clock_gettime(CLOCK_MONOTONIC, &start);
    if (argc < 3 || run(argc, argv, &err) < 0) {
        fprintf(stderr, "layer: %s\n", argc < 3 ? "floor|inspect|unpack BLOB" : err.message);
        return 1;
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    getrusage(RUSAGE_SELF, &self);
    getrusage(RUSAGE_CHILDREN, &children);
    printf("%.0f %.0f %ld\n",
           (double)(end.tv_sec - start.tv_sec) * 1e3 + (double)(end.tv_nsec - start.tv_nsec) / 1e6,
           ms(self.ru_utime) + ms(self.ru_stime) + ms(children.ru_utime) + ms(children.ru_stime),
           BH_MAX(self.ru_maxrss, children.ru_maxrss));
    return 0;
}
