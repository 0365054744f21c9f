#include "advisory/cvss.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

/* Scores published in the National Vulnerability Database and in FIRST's example documents. */
static const struct {
    const char *vector;
    int tenths;
    enum bh_severity severity;
} known[] = {
    {"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 98, BH_SEVERITY_CRITICAL},
    {"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", 100, BH_SEVERITY_CRITICAL}, /* Log4Shell */
    {"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N", 75, BH_SEVERITY_HIGH},      /* Heartbleed */
    {"CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H", 78, BH_SEVERITY_HIGH},
    {"CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", 61, BH_SEVERITY_MEDIUM},
    {"CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:C/C:L/I:L/A:N", 64, BH_SEVERITY_MEDIUM},
    {"CVSS:3.1/AV:N/AC:L/PR:H/UI:N/S:C/C:H/I:H/A:H", 91, BH_SEVERITY_CRITICAL},
    {"CVSS:3.0/AV:L/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N", 18, BH_SEVERITY_LOW},
    {"CVSS:3.1/AV:P/AC:H/PR:L/UI:R/S:U/C:L/I:L/A:L", 37, BH_SEVERITY_LOW},
    {"CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:H/I:H/A:H/E:P/RL:O/RC:C", 81, BH_SEVERITY_HIGH},
    {"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N", 0, BH_SEVERITY_NEGLIGIBLE},
    /* Examples of FIRST's document for version 4.0 and of published records. */
    {"CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H", 100, BH_SEVERITY_CRITICAL},
    {"CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", 93, BH_SEVERITY_CRITICAL},
    {"CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:N/VI:N/VA:H/SC:N/SI:N/SA:N", 87, BH_SEVERITY_HIGH},
    {"CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:N/VA:N/SC:N/SI:N/SA:N", 87, BH_SEVERITY_HIGH},
    {"CVSS:4.0/AV:L/AC:L/AT:P/PR:L/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", 73, BH_SEVERITY_HIGH},
    {"CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:N/VI:N/VA:N/SC:N/SI:N/SA:N", 0, BH_SEVERITY_NEGLIGIBLE},
    {"AV:N/AC:L/Au:N/C:N/I:N/A:C", 78, BH_SEVERITY_HIGH}, /* guide, section 3.3.1 */
    {"AV:N/AC:L/Au:N/C:C/I:C/A:C", 100, BH_SEVERITY_HIGH},
    {"AV:L/AC:H/Au:N/C:C/I:C/A:C", 62, BH_SEVERITY_MEDIUM}, /* guide, section 3.3.3 */
    {"AV:N/AC:L/Au:N/C:N/I:N/A:N", 0, BH_SEVERITY_NEGLIGIBLE},
};

static void published_vectors_get_their_published_scores(void **state)
{
    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(known); i++) {
        struct bh_error err = BH_ERROR_INIT;
        struct bh_cvss c;

        assert_int_equal(bh_cvss_parse(known[i].vector, &c, &err), 0);
        if (c.score != known[i].tenths)
            fail_msg("%s: %d, expected %d", known[i].vector, c.score, known[i].tenths);
        assert_int_equal(bh_cvss_severity(&c), known[i].severity);
    }
}

static void incomplete_doubled_and_foreign_vectors_are_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "CVSS:3.1/",
        "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H",
        "CVSS:3.1/AV:N/AV:L/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
        "CVSS:3.1/AV:X/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
        "CVSS:3.1/AV:NN/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
        "CVSS:9.0/AV:N",
        "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:H/SI:H",
        "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:_/SI:H/SA:H",
        "high",
    };

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(bad); i++) {
        struct bh_error err = BH_ERROR_INIT;
        struct bh_cvss c;

        assert_true(bh_cvss_parse(bad[i], &c, &err) < 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_vectors_get_their_published_scores),
        cmocka_unit_test(incomplete_doubled_and_foreign_vectors_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
