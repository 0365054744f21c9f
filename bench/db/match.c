/* Times bh_advisory_match over the packages of a dpkg status file: each round opens the databases
 * anew, as a scan does. Prints the medians. */
#include "advisory/match.h"

#include "base/time.h"
#include "sys/fd.h"

#include <fcntl.h>
#include <string.h>
#include <time.h>

#define ROUNDS 51

static void add_package(struct bh_facts *f, const char *name, const char *source,
                        const char *version)
{
    struct bh_package *p = bh_facts_add_package(f);
    const char *open = source ? strchr(source, ' ') : NULL;

    p->type = "deb";
    p->name = name;
    p->version = version;
    p->source_name = !source ? name : bh_arena_strndup(f->arena, source, strcspn(source, " "));
    p->source_version = open && open[1] == '('
                            ? bh_arena_strndup(f->arena, open + 2, strcspn(open + 2, ")"))
                            : version;
}

static void read_status(struct bh_facts *f, char *text)
{
    const char *name = NULL, *source = NULL, *version = NULL;

    for (char *line = text, *next; line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        if (strncmp(line, "Package: ", 9) == 0)
            name = line + 9;
        else if (strncmp(line, "Source: ", 8) == 0)
            source = line + 8;
        else if (strncmp(line, "Version: ", 9) == 0)
            version = line + 9;
        if (*line)
            continue;
        if (name && version)
            add_package(f, name, source, version);
        name = source = version = NULL;
    }
}

static uint64_t cpu_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int compare_numbers(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    uint64_t ns[ROUNDS], cpu[ROUNDS];
    size_t packages = 0, found = 0;

    if (argc != 3)
        return 2;
    for (size_t i = 0; i < ROUNDS; i++) {
        BH_AUTO(bh_buf_done) struct bh_buf text = BH_BUF_INIT(64u << 20);
        BH_AUTO(bh_facts_freep) struct bh_facts *f = bh_facts_new();
        struct bh_error err = BH_ERROR_INIT;

        if (bh_read_file_at(AT_FDCWD, argv[2], &text, &err) < 0) {
            (void)fprintf(stderr, "%s\n", err.message);
            return 1;
        }
        f->distribution.id = "debian";
        f->distribution.version_id = "12";
        f->distribution.codename = "bookworm";
        read_status(f, text.data);
        cpu[i] = cpu_ns();
        ns[i] = bh_clock_ns();
        bh_advisory_match(f, argv[1]);
        ns[i] = bh_clock_ns() - ns[i];
        cpu[i] = cpu_ns() - cpu[i];
        packages = f->package_count;
        found = f->vulnerability_count;
    }
    qsort(ns, ROUNDS, sizeof *ns, compare_numbers);
    qsort(cpu, ROUNDS, sizeof *cpu, compare_numbers);
    printf("%zu packages, %zu findings: median %.2f ms wall, %.2f ms CPU\n", packages, found,
           (double)ns[ROUNDS / 2] / 1e6, (double)cpu[ROUNDS / 2] / 1e6);
    return 0;
}
