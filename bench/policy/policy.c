/* bench/policy: reading and checking rule files, and asking them.
 *
 * Rule files are held against libyaml reading the same text and nothing else: what is beyond that
 * is ours. Judging is told as records per second and processor. Usage: bench_policy FILE... */
#include "base/buf.h"
#include "base/time.h"
#include "base/yaml.h"
#include "policy/judge.h"
#include "policy/rules.h"
#include "sys/fd.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define VULNERABILITIES 20000

static double cpu_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int read_yaml(const char *path, struct bh_error *err)
{
    BH_AUTO(bh_buf_done) struct bh_buf text = BH_BUF_INIT(BH_POLICY_FILE_MAX);
    BH_AUTO(bh_tree_freep) struct bh_tree *tree = NULL;
    int r = bh_read_file_at(AT_FDCWD, path, &text, err);

    return r < 0 ? r : bh_yaml_parse(text.data, text.len, NULL, &tree, err);
}

/* Best of several, since the machine is shared. */
static int bench_file(const char *path, struct bh_error *err)
{
    double yaml = 1e9, whole = 1e9;
    size_t rules = 0;

    for (int i = 0; i < 7; i++) {
        BH_AUTO(bh_policy_freep) struct bh_policy *p = NULL;
        double begin = cpu_ms(), middle, end;
        int r = read_yaml(path, err);

        middle = cpu_ms();
        if (r == 0)
            r = bh_policy_load(&path, 1, &p, err);
        end = cpu_ms();
        if (r < 0)
            return r;
        yaml = BH_MIN(yaml, middle - begin);
        whole = BH_MIN(whole, end - middle);
        (void)bh_policy_rules(p, &rules);
    }
    printf("%-32s %3zu rules: read and checked in %6.2f ms, libyaml alone %6.2f ms: ratio %.2f\n",
           path, rules, whole, yaml, whole / yaml);
    return 0;
}

static struct bh_facts *an_image(void)
{
    static const char *const none[] = {NULL};
    struct bh_facts *f = bh_facts_new();

    f->config.known = true;
    f->config.user = "app";
    f->config.env = f->config.cmd = f->config.entrypoint = none;
    f->config.exposed_ports = f->config.volumes = f->config.history = none;
    f->config.label_names = f->config.label_values = none;
    f->target.reference = f->target.digest = "sha256:0";
    bh_facts_add_package(f)->name = "openssl";
    f->packages[0].version = "3";
    f->packages[0].type = "deb";
    for (int i = 0; i < VULNERABILITIES; i++) {
        struct bh_vulnerability *v = bh_facts_add_vulnerability(f);

        v->id = "CVE-2024-1";
        v->aliases = none;
        v->severity = i % 100 ? BH_SEVERITY_MEDIUM : BH_SEVERITY_CRITICAL;
        v->installed = "3";
    }
    return f;
}

static int bench_judge(struct bh_error *err)
{
    BH_AUTO(bh_policy_freep) struct bh_policy *p = NULL;
    BH_AUTO(bh_facts_freep) struct bh_facts *f = an_image();
    double best = 1e9;
    size_t asked = 0;
    int r = bh_policy_load(NULL, 0, &p, err);

    for (int i = 0; i < 7 && r == 0; i++) {
        double begin = cpu_ms();
        BH_AUTO(bh_verdict_freep)
        struct bh_verdict *v = bh_policy_judge_all(p, BH_GATE_RUN, f, bh_time_now());

        best = BH_MIN(best, cpu_ms() - begin);
        asked = 0;
        for (size_t k = 0; k < v->rule_count; k++)
            asked += v->rules[k].record_count;
    }
    if (r == 0)
        printf("default policy on %d vulnerabilities: %zu questions in %.2f ms, %.1f million a "
               "second\n",
               VULNERABILITIES, asked, best, (double)asked / best / 1e3);
    return r;
}

int main(int argc, char **argv)
{
    struct bh_error err = BH_ERROR_INIT;
    int r = bench_judge(&err);

    for (int i = 1; i < argc && r == 0; i++)
        r = bench_file(argv[i], &err);
    if (r < 0) {
        fprintf(stderr, "bench_policy: %s\n", err.message);
        return 1;
    }
    return 0;
}
