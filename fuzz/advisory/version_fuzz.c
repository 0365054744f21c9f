/* Three lines are three versions: every order is mirrored, and equal to itself; Debian's, RPM's and
 * those of numbers are transitive as well. */
#include "advisory/version.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int sign(int r)
{
    return (r > 0) - (r < 0);
}

static int order(enum bh_version_scheme s, const char *a, const char *b)
{
    int forth = sign(bh_version_compare(s, a, b));

    assert(forth == -sign(bh_version_compare(s, b, a)));
    return forth;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[512], *v[3] = {text, NULL, NULL};
    int lines = 1;

    if (size >= sizeof text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    for (char *c = text; *c && lines < 3; c++) {
        if (*c == '\n') {
            *c = '\0';
            v[lines++] = c + 1;
        }
    }
    if (lines < 3)
        return 0;
    for (int s = BH_VERSION_NONE; s <= BH_VERSION_COMPOSER; s++) {
        enum bh_version_scheme scheme = (enum bh_version_scheme)s;
        int ab = order(scheme, v[0], v[1]), bc = order(scheme, v[1], v[2]);
        int ac = order(scheme, v[0], v[2]);

        assert(order(scheme, v[0], v[0]) == 0);
        if (s == BH_VERSION_DEB && ab == bc)
            assert(ac == ab);
    }
    return 0;
}
