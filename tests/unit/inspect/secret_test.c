#include "inspect/secret.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Put together at run time, so that no scanner of source trees takes the tests for leaks. */
static const struct {
    const char *head, *tail, *kind;
} tokens[] = {
    {"AKIA", "IOSFODNN7QWERTZ2", "AWS access key"},
    {"ghp_", "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hI6", "GitHub personal access token"},
    {"glpat-", "aB3dE6gH9jK2mN5pQ8sT", "GitLab personal access token"},
    {"xoxb-", "123456789012-1234567890123-aB3dE6gH9jK2mN5pQ8sT1vW4", "Slack bot token"},
    {"AIza", "SyA1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q", "Google API key"},
    {"-----BEGIN ", "RSA PRIVATE KEY-----", "private key"},
    {"eyJ", "hbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9",
     "JSON web token"},
    {"postgres://", "app:s3cr3t@db/x", "URL with a password"},
};

static void tokens_are_known_by_their_form(void **state)
{
    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(tokens); i++) {
        char text[256];
        const char *kind;

        (void)snprintf(text, sizeof text, "before %s%s after", tokens[i].head, tokens[i].tail);
        kind = bh_secret_token(text, strlen(text));
        assert_non_null(kind);
        assert_string_equal(kind, tokens[i].kind);
    }
}

static void look_alikes_are_not_tokens(void **state)
{
    static const char *const texts[] = {
        ("AKIA"
         "IOSFODNN7EXAMPLE"),    /* of the documentation */
        "AKIAAAAAAAAAAAAAAAAA",  /* not random */
        "xAKIAIOSFODNN7QWERTZ2", /* inside a word */
        "ghp_tooshort",
        "https://example.org/a@b",
        "https://user@example.org/",
        "https://$USER:$PASS@example.org/",
        "https://user:<password>@example.org/",
        "http://[::1]:8080/x@y",
        "-----BEGIN PUBLIC KEY-----",
        "-----BEGIN CERTIFICATE-----",
        "eyJ0ZXN0IjoxfQ==",
        "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
    };

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(texts); i++)
        assert_null(bh_secret_token(texts[i], strlen(texts[i])));
}

static void a_text_ends_where_its_length_says(void **state)
{
    char text[] = {'a', ':', '/', '/', 'u', ':', 'p', 'a', 's', 's'}; /* no NUL */

    (void)state;
    assert_null(bh_secret_token(text, sizeof text));
}

static void names_that_say_secret_need_a_value_that_is_one(void **state)
{
    static const struct {
        const char *name, *value;
        bool secret;
    } cases[] = {
        {"MYSQL_ROOT_PASSWORD", "hunter2", true},
        {"DB_PASS", "swordfish", true},
        {"dbPassword", "swordfish", true},
        {"PGPASSWORD", "swordfish", true},
        {"API_KEY", "9f8a7b6c5d4e3f2a1b0c", true},
        {"CLIENT_SECRET", "dGhpcyBpcyBub3Qgbm9pc2U", true},
        {"GITHUB_TOKEN", "aB3dE6gH9jK2mN5p", true},
        {"PASSWORD", "", false},
        {"PASSWORD", "true", false},
        {"MYSQL_ALLOW_EMPTY_PASSWORD", "yes", false},
        {"MYSQL_RANDOM_ROOT_PASSWORD", "1", false},
        {"PASSWORD", "$DB_PASSWORD", false},
        {"PASSWORD", "{{ vault.pw }}", false},
        {"PASSWORD_FILE", "/run/secrets/pw", false},
        {"PASSWORD", "/run/secrets/pw", false},
        {"TOKEN", "short", false},
        {"TOKEN", "aaaaaaaaaaaaaaaaaaaa", false},
        {"GPG_KEY", "A035C8C19219BA821ECEA86B64E628F8D684696D", false},
        {"PYTHON_SHA256", "ad7a2c4e4f3a1b", false},
        {"COMPASS", "north-east", false},
        {"BYPASS", "everything", false},
        {"PWD", "somewhere", false},
        {"PATH", "/usr/bin", false},
        {"TOKENIZER", "aB3dE6gH9jK2mN5p", false},
        {"TOKEN_URL", "https://example.org/token", false},
    };

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(cases); i++)
        assert_int_equal(bh_secret_assigned(cases[i].name, strlen(cases[i].name), cases[i].value,
                                            strlen(cases[i].value)),
                         cases[i].secret);
}

static void commands_are_searched_for_assignments(void **state)
{
    static const struct {
        const char *text, *name;
    } cases[] = {
        {"|1 DB_PASSWORD=swordfish /bin/sh -c make", "DB_PASSWORD"},
        {"/bin/sh -c mysql --password=\"two words\" x", "password"},
        {"ENV A=1 API_KEY=9f8a7b6c5d4e3f2a1b0c", "API_KEY"},
        {"/bin/sh -c #(nop)  ENV PATH=/usr/bin:/bin", NULL},
        {"RUN make PASSWORD=$PW", NULL},
        {"RUN a=b c== =d", NULL},
        {"", NULL},
    };

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(cases); i++) {
        const char *name;
        size_t len;
        const char *kind = bh_secret_in_command(cases[i].text, &name, &len);

        assert_int_equal(kind != NULL, cases[i].name != NULL);
        if (cases[i].name) {
            assert_int_equal(len, strlen(cases[i].name));
            assert_memory_equal(name, cases[i].name, len);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_are_known_by_their_form),
        cmocka_unit_test(look_alikes_are_not_tokens),
        cmocka_unit_test(a_text_ends_where_its_length_says),
        cmocka_unit_test(names_that_say_secret_need_a_value_that_is_one),
        cmocka_unit_test(commands_are_searched_for_assignments),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
