/* Runs several commands in interleaved rounds and compares them.
 *
 * usage: interleave ROUNDS GAP_MS NAME COMMAND... -- NAME COMMAND... [-- ...]
 * Prints, for each: minimum, median and 95th percentile of the wall time, the mean of the processor
 * time of the command and its children, the largest memory, and the ratio of medians to the first.
 * Interleaving spreads the noise of a shared machine over all candidates alike. */
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CANDIDATES 12
#define WARM_UP 5

extern char **environ;

struct candidate {
    const char *name;
    char **argv;
    double *wall_ms, cpu_ms;
    long rss_kb;
};

static double now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double milliseconds(struct timeval t)
{
    return (double)t.tv_sec * 1e3 + (double)t.tv_usec / 1e3;
}

static void once(struct candidate *c, int round)
{
    posix_spawn_file_actions_t actions;
    struct rusage usage;
    double began = now_ms();
    int status;
    pid_t pid;

    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    if (posix_spawnp(&pid, c->argv[0], &actions, NULL, c->argv, environ) != 0) {
        fprintf(stderr, "cannot start %s\n", c->argv[0]);
        exit(1);
    }
    posix_spawn_file_actions_destroy(&actions);
    wait4(pid, &status, 0, &usage);
    if (status != 0) {
        fprintf(stderr, "%s: %s ended with status %#x\n", c->name, c->argv[0], (unsigned)status);
        exit(1);
    }
    if (round < 0)
        return;
    c->wall_ms[round] = now_ms() - began;
    c->cpu_ms += milliseconds(usage.ru_utime) + milliseconds(usage.ru_stime);
    if (usage.ru_maxrss > c->rss_kb)
        c->rss_kb = usage.ru_maxrss;
}

static int ascending(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static void report(struct candidate *all, int count, int rounds)
{
    double first = 0;

    printf("%-34s %8s %8s %8s %8s %9s %7s\n", "", "min ms", "median", "p95", "CPU ms", "max KB",
           "ratio");
    for (int i = 0; i < count; i++) {
        struct candidate *c = &all[i];
        double median;

        qsort(c->wall_ms, (size_t)rounds, sizeof *c->wall_ms, ascending);
        median = c->wall_ms[rounds / 2];
        if (i == 0)
            first = median;
        printf("%-34s %8.2f %8.2f %8.2f %8.2f %9ld %7.2f\n", c->name, c->wall_ms[0], median,
               c->wall_ms[rounds * 95 / 100], c->cpu_ms / rounds, c->rss_kb, median / first);
    }
}

int main(int argc, char **argv)
{
    struct candidate all[CANDIDATES] = {0};
    int rounds = argc > 2 ? (int)strtol(argv[1], NULL, 10) : 0, count = 0;
    long gap_ms = argc > 2 ? strtol(argv[2], NULL, 10) : 0;
    struct timespec gap = {.tv_sec = gap_ms / 1000, .tv_nsec = gap_ms % 1000 * 1000000};

    for (int i = 3; i + 1 < argc && count < CANDIDATES; count++) {
        all[count].name = argv[i];
        all[count].argv = argv + i + 1;
        while (i < argc && strcmp(argv[i], "--") != 0)
            i++;
        if (i < argc)
            argv[i++] = NULL;
    }
    if (rounds < 1 || count < 1) {
        fprintf(stderr, "usage: interleave ROUNDS GAP_MS NAME COMMAND... [-- NAME COMMAND...]\n");
        return 2;
    }
    for (int i = 0; i < count; i++) {
        all[i].wall_ms = calloc((size_t)rounds, sizeof *all[i].wall_ms);
        for (int k = 0; k < WARM_UP; k++)
            once(&all[i], -1);
    }
    for (int round = 0; round < rounds; round++)
        for (int i = 0; i < count; i++) {
            once(&all[i], round);
            if (gap_ms)
                nanosleep(&gap, NULL);
        }
    report(all, count, rounds);
    return 0;
}
