#include "advisory/version.h"

#include "advisory/version_order.h"

#include <string.h>
#include <strings.h>

struct bh_span bh_span_digits(const char *text)
{
    struct bh_span s = {.at = text};

    while (bh_is_digit(text[s.len]))
        s.len++;
    return s;
}

struct bh_span bh_span_letters(const char *text)
{
    struct bh_span s = {.at = text};

    while (bh_is_alpha(text[s.len]))
        s.len++;
    return s;
}

struct bh_span bh_span_of(const char *text)
{
    return (struct bh_span){.at = text, .len = strlen(text)};
}

bool bh_span_is(struct bh_span s, const char *text, bool fold_case)
{
    if (strlen(text) != s.len)
        return false;
    return (fold_case ? strncasecmp(s.at, text, s.len) : strncmp(s.at, text, s.len)) == 0;
}

bool bh_span_is_number(struct bh_span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!bh_is_digit(s.at[i]))
            return false;
    return s.len > 0;
}

int bh_span_compare_numbers(struct bh_span a, struct bh_span b)
{
    while (a.len && *a.at == '0')
        a.at++, a.len--;
    while (b.len && *b.at == '0')
        b.at++, b.len--;
    if (a.len != b.len)
        return a.len < b.len ? -1 : 1;
    return a.len ? memcmp(a.at, b.at, a.len) : 0;
}

int bh_span_compare_bytes(struct bh_span a, struct bh_span b, bool fold_case)
{
    size_t common = BH_MIN(a.len, b.len);
    int r = 0;

    if (common)
        r = fold_case ? strncasecmp(a.at, b.at, common) : memcmp(a.at, b.at, common);
    if (r)
        return r;
    return (a.len > b.len) - (a.len < b.len);
}

static const struct {
    const char *name;
    enum bh_version_scheme scheme;
} schemes[] = {
    {"debian", BH_VERSION_DEB},
    {"debian-security", BH_VERSION_DEB},
    {"ubuntu-security", BH_VERSION_DEB},
    {"deb", BH_VERSION_DEB},
    {"dpkg", BH_VERSION_DEB},
    {"ubuntu", BH_VERSION_DEB},
    {"echo", BH_VERSION_DEB},
    {"alpine", BH_VERSION_APK},
    {"apk", BH_VERSION_APK},
    {"alpaquita", BH_VERSION_APK},
    {"wolfi", BH_VERSION_APK},
    {"chainguard", BH_VERSION_APK},
    {"minimos", BH_VERSION_APK},
    {"bellsoft hardened containers", BH_VERSION_APK},
    {"rpm", BH_VERSION_RPM},
    {"red hat", BH_VERSION_RPM},
    {"red-hat", BH_VERSION_RPM},
    {"redhat", BH_VERSION_RPM},
    {"rhel", BH_VERSION_RPM},
    {"almalinux", BH_VERSION_RPM},
    {"rocky linux", BH_VERSION_RPM},
    {"rocky", BH_VERSION_RPM},
    {"fedora", BH_VERSION_RPM},
    {"opensuse", BH_VERSION_RPM},
    {"suse", BH_VERSION_RPM},
    {"mageia", BH_VERSION_RPM},
    {"openeuler", BH_VERSION_RPM},
    {"azure linux", BH_VERSION_RPM},
    {"photon os", BH_VERSION_RPM},
    {"oracle linux", BH_VERSION_RPM},
    {"amazon linux", BH_VERSION_RPM},
    {"semver", BH_VERSION_SEMVER},
    {"npm", BH_VERSION_SEMVER},
    {"go", BH_VERSION_SEMVER},
    {"golang", BH_VERSION_SEMVER},
    {"crates.io", BH_VERSION_SEMVER},
    {"cargo", BH_VERSION_SEMVER},
    {"hex", BH_VERSION_SEMVER},
    {"swifturl", BH_VERSION_SEMVER},
    {"github actions", BH_VERSION_SEMVER},
    {"bitnami", BH_VERSION_SEMVER},
    {"pypi", BH_VERSION_PYPI},
    {"rubygems", BH_VERSION_GEM},
    {"gem", BH_VERSION_GEM},
    {"nuget", BH_VERSION_NUGET},
    {"pub", BH_VERSION_PUB},
    {"cran", BH_VERSION_DOTTED},
    {"bioconductor", BH_VERSION_DOTTED},
    {"hackage", BH_VERSION_DOTTED},
    {"ghc", BH_VERSION_DOTTED},
    {"maven", BH_VERSION_MAVEN},
    {"packagist", BH_VERSION_COMPOSER},
    {"composer", BH_VERSION_COMPOSER},
};

enum bh_version_scheme bh_version_scheme_of(const char *ecosystem)
{
    size_t len = strcspn(ecosystem, ":");

    for (size_t i = 0; i < BH_COUNT_OF(schemes); i++)
        if (bh_span_is((struct bh_span){ecosystem, len}, schemes[i].name, true))
            return schemes[i].scheme;
    return BH_VERSION_NONE;
}

int bh_version_compare(enum bh_version_scheme scheme, const char *a, const char *b)
{
    static int (*const orders[])(const char *, const char *) = {
        [BH_VERSION_NONE] = strcmp,
        [BH_VERSION_DEB] = bh_order_deb,
        [BH_VERSION_APK] = bh_order_apk,
        [BH_VERSION_RPM] = bh_order_rpm,
        [BH_VERSION_SEMVER] = bh_order_semver,
        [BH_VERSION_PYPI] = bh_order_pypi,
        [BH_VERSION_GEM] = bh_order_gem,
        [BH_VERSION_NUGET] = bh_order_nuget,
        [BH_VERSION_PUB] = bh_order_pub,
        [BH_VERSION_DOTTED] = bh_order_dotted,
        [BH_VERSION_MAVEN] = bh_order_maven,
        [BH_VERSION_COMPOSER] = bh_order_composer,
    };

    return orders[scheme](a, b);
}

int bh_version_check(const char *text, size_t len, struct bh_error *err)
{
    if (len == 0)
        return bh_fail(err, BH_INVALID, "empty version");
    if (len > BH_VERSION_MAX)
        return bh_fail(err, BH_LIMIT, "version of %zu bytes, limit %u", len, BH_VERSION_MAX);
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] <= ' ' || text[i] == 0x7f)
            return bh_fail(err, BH_INVALID, "white space or control character at byte %zu", i);
    return 0;
}
