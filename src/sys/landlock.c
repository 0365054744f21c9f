#include "sys/landlock.h"

#include <errno.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define RULE_NET_PORT 2

/* The kernel's structures in their newest form; the size given tells it how much it may read. */
struct ruleset_attr {
    uint64_t handled_access_fs, handled_access_net, scoped;
};
struct net_port_attr {
    uint64_t allowed_access, port;
};

int bh_landlock_abi(void)
{
    long abi =
        syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, LANDLOCK_CREATE_RULESET_VERSION);

    return abi < 0 ? 0 : (int)abi;
}

struct bh_landlock_handled bh_landlock_supported(int abi)
{
    struct bh_landlock_handled s = {0};

    if (abi >= 1)
        s.fs = BH_LANDLOCK_REFER - 1;
    if (abi >= 2)
        s.fs |= BH_LANDLOCK_REFER;
    if (abi >= 3)
        s.fs |= BH_LANDLOCK_TRUNCATE;
    if (abi >= 4)
        s.net = BH_LANDLOCK_NET_ALL;
    if (abi >= 5)
        s.fs |= BH_LANDLOCK_IOCTL_DEV;
    if (abi >= 6)
        s.scoped = BH_LANDLOCK_SCOPE_ALL;
    return s;
}

static size_t attr_size(int abi)
{
    if (abi >= 6)
        return sizeof(struct ruleset_attr);
    return abi >= 4 ? 2 * sizeof(uint64_t) : sizeof(uint64_t);
}

int bh_landlock_create(const struct bh_landlock_handled *handled, int *ret_fd, struct bh_error *err)
{
    int abi = bh_landlock_abi();
    struct bh_landlock_handled can = bh_landlock_supported(abi);
    struct ruleset_attr attr = {
        .handled_access_fs = handled->fs & can.fs,
        .handled_access_net = handled->net & can.net,
        .scoped = handled->scoped & can.scoped,
    };
    long fd;

    if (abi == 0)
        return bh_fail(err, BH_UNSUPPORTED,
                       "this kernel offers no Landlock; start it with lsm=...,landlock");
    if (!attr.handled_access_fs && !attr.handled_access_net && !attr.scoped)
        return bh_fail(err, BH_UNSUPPORTED, "Landlock ABI %d governs nothing of what was asked",
                       abi);
    fd = syscall(SYS_landlock_create_ruleset, &attr, attr_size(abi), 0);
    if (fd < 0)
        return bh_fail_errno(err, "create a Landlock ruleset");
    *ret_fd = (int)fd;
    return 0;
}

int bh_landlock_allow_path(int ruleset_fd, int path_fd, uint64_t access, struct bh_error *err)
{
    struct landlock_path_beneath_attr rule = {.parent_fd = path_fd};
    struct stat st;

    if (fstat(path_fd, &st) < 0)
        return bh_fail_errno(err, "Landlock rule: stat");
    access &= bh_landlock_supported(bh_landlock_abi()).fs;
    if (!S_ISDIR(st.st_mode))
        access &= BH_LANDLOCK_FS_ON_FILE;
    if (access == 0)
        return 0; /* an empty rule allows nothing, and the kernel refuses to hear it */
    rule.allowed_access = access;
    if (syscall(SYS_landlock_add_rule, ruleset_fd, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0)
        return bh_fail_errno(err, "add a Landlock path rule");
    return 0;
}

int bh_landlock_allow_port(int ruleset_fd, uint16_t port, uint64_t access, struct bh_error *err)
{
    struct net_port_attr rule = {.allowed_access = access, .port = port};

    if (bh_landlock_abi() < 4)
        return bh_fail(err, BH_UNSUPPORTED, "Landlock rules on ports need Linux 6.7");
    if (syscall(SYS_landlock_add_rule, ruleset_fd, RULE_NET_PORT, &rule, 0) < 0)
        return bh_fail_errno(err, "add a Landlock rule for port %u", port);
    return 0;
}

int bh_landlock_enforce(int ruleset_fd, struct bh_error *err)
{
    if (syscall(SYS_landlock_restrict_self, ruleset_fd, 0) < 0)
        return bh_fail_errno(err, "enforce a Landlock ruleset");
    return 0;
}
