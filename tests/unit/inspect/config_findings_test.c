#include "inspect/config_findings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char *const none[] = {NULL};

static bool found(const struct bh_facts *f, const char *rule)
{
    for (size_t i = 0; i < f->finding_count; i++)
        if (strcmp(f->findings[i].rule, rule) == 0)
            return true;
    return false;
}

static struct bh_facts *careful(void)
{
    struct bh_facts *f = bh_facts_new();

    f->target.kind = "store";
    f->target.reference = "app:1.2";
    f->config.known = true;
    f->config.user = "app";
    f->config.has_healthcheck = true;
    return f;
}

static void a_careful_image_has_no_findings(void **state)
{
    static const char *const env[] = {"PATH=/usr/bin", "LANG=C.UTF-8",
                                      "GPG_KEY=A035C8C19219BA821ECEA86B64E628F8D684696D", NULL};
    static const char *const ports[] = {"8080/tcp", NULL};
    static const char *const history[] = {
        "/bin/sh -c curl -fsSLo x.tar https://example.org/x && sha256sum -c x.sum && sh x/install",
        "COPY app /app", "ADD --checksum=sha256:00 https://example.org/x /x",
        "/bin/sh -c wget -O- https://example.org | tar xz", NULL};
    BH_AUTO(bh_facts_freep) struct bh_facts *f = careful();

    (void)state;
    f->config.env = env;
    f->config.exposed_ports = ports;
    f->config.history = history;
    bh_config_findings(f);
    assert_int_equal(f->finding_count, 0);
}

static void every_rule_speaks_for_what_it_is_about(void **state)
{
    static const struct {
        const char *rule;
        const char *env, *port, *history, *volume, *label_name, *label_value, *package;
    } cases[] = {
        {"config-port-ssh", .port = "22/tcp"},
        {"config-port-privileged", .port = "80/tcp"},
        {"config-secret-env", .env = "DB_PASSWORD=swordfish"},
        {"config-secret-label", .label_name = "deploy.token", .label_value = "aB3dE6gH9jK2mN5p"},
        {"config-secret-history", .history = "|1 DB_PASSWORD=swordfish /bin/sh -c make"},
        {"config-env-preload", .env = "LD_PRELOAD=/lib/x.so"},
        {"config-volume-engine-socket", .volume = "/var/run/docker.sock"},
        {"config-history-pipe-shell", .history = "/bin/sh -c curl -sL https://x | bash -"},
        {"config-history-pipe-shell", .history = "RUN wget -qO- x | tee y | sudo -E /bin/sh"},
        {"config-history-add-url", .history = "ADD https://example.org/x /x"},
        {"config-history-chmod-777", .history = "RUN chmod -R 777 /srv"},
        {"package-ssh-server", .package = "openssh-server"},
        {"package-telnet-server", .package = "telnetd"},
        {"package-sudo", .package = "sudo"},
    };

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(cases); i++) {
        BH_AUTO(bh_facts_freep) struct bh_facts *f = careful();
        const char *env[] = {cases[i].env, NULL}, *ports[] = {cases[i].port, NULL};
        const char *history[] = {cases[i].history, NULL}, *volumes[] = {cases[i].volume, NULL};
        const char *names[] = {cases[i].label_name, NULL}, *values[] = {cases[i].label_value, NULL};

        f->config.env = env;
        f->config.exposed_ports = ports;
        f->config.history = history;
        f->config.volumes = volumes;
        f->config.label_names = names;
        f->config.label_values = values;
        if (cases[i].package)
            bh_facts_add_package(f)->name = cases[i].package;
        bh_config_findings(f);
        assert_int_equal(f->finding_count, 1);
        assert_true(found(f, cases[i].rule));
    }
}

static void no_user_no_healthcheck_and_latest_are_findings(void **state)
{
    BH_AUTO(bh_facts_freep) struct bh_facts *f = careful();

    (void)state;
    f->target.reference = "app";
    f->config.user = "";
    f->config.has_healthcheck = false;
    bh_config_findings(f);
    assert_int_equal(f->finding_count, 3);
    assert_true(found(f, "config-user-root"));
    assert_true(found(f, "config-healthcheck-missing"));
    assert_true(found(f, "config-tag-latest"));
}

static void a_message_never_holds_the_secret(void **state)
{
    static const char *const env[] = {"DB_PASSWORD=swordfish", NULL};
    BH_AUTO(bh_facts_freep) struct bh_facts *f = careful();

    (void)state;
    f->config.env = env;
    bh_config_findings(f);
    assert_int_equal(f->finding_count, 1);
    assert_null(strstr(f->findings[0].message, "swordfish"));
    assert_non_null(strstr(f->findings[0].message, "DB_PASSWORD"));
}

static void without_a_configuration_nothing_is_said_about_it(void **state)
{
    BH_AUTO(bh_facts_freep) struct bh_facts *f = bh_facts_new();

    (void)state;
    f->target.kind = "dir";
    f->target.reference = "dir:/x";
    f->config.env = none;
    bh_config_findings(f);
    assert_int_equal(f->finding_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_careful_image_has_no_findings),
        cmocka_unit_test(every_rule_speaks_for_what_it_is_about),
        cmocka_unit_test(no_user_no_healthcheck_and_latest_are_findings),
        cmocka_unit_test(a_message_never_holds_the_secret),
        cmocka_unit_test(without_a_configuration_nothing_is_said_about_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
