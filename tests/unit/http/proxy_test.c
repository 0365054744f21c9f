#include "http/proxy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char *https, *lower_all, *except;

static const char *environment(const char *name)
{
    if (strcmp(name, "HTTPS_PROXY") == 0)
        return https;
    if (strcmp(name, "all_proxy") == 0)
        return lower_all;
    return strcmp(name, "NO_PROXY") == 0 ? except : NULL;
}

static void the_first_variable_that_says_something_is_taken(void **state)
{
    (void)state;
    https = lower_all = except = NULL;
    assert_null(bh_http_proxy(environment, "a.example"));
    lower_all = "http://p:1";
    assert_string_equal(bh_http_proxy(environment, "a.example"), "http://p:1");
    https = "";
    assert_string_equal(bh_http_proxy(environment, "a.example"), "http://p:1");
    https = "http://p:2";
    assert_string_equal(bh_http_proxy(environment, "a.example"), "http://p:2");
}

static void hosts_of_the_list_go_without(void **state)
{
    static const struct {
        const char *list, *host;
        bool direct;
    } cases[] = {
        {"*", "a.example", true},
        {"a.example", "A.Example", true},
        {"example", "a.example", true},
        {".example", "a.example", true},
        {"x, .example,y", "a.b.example", true},
        {"ample", "a.example", false},
        {"b.a.example", "a.example", false},
        {"10.0.0.1", "10.0.0.1", true},
        {"10.0.0.1", "110.0.0.1", false},
        {"", "a.example", false},
        {",,", "a.example", false},
    };

    (void)state;
    https = "http://p";
    for (size_t i = 0; i < BH_COUNT_OF(cases); i++) {
        except = cases[i].list;
        assert_int_equal(bh_http_proxy(environment, cases[i].host) == NULL, cases[i].direct);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_variable_that_says_something_is_taken),
        cmocka_unit_test(hosts_of_the_list_go_without),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
