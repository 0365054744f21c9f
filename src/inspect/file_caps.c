#include "inspect/file_caps.h"

#include <stdint.h>

static const char *const names[] = {
    "chown",
    "dac_override",
    "dac_read_search",
    "fowner",
    "fsetid",
    "kill",
    "setgid",
    "setuid",
    "setpcap",
    "linux_immutable",
    "net_bind_service",
    "net_broadcast",
    "net_admin",
    "net_raw",
    "ipc_lock",
    "ipc_owner",
    "sys_module",
    "sys_rawio",
    "sys_chroot",
    "sys_ptrace",
    "sys_pacct",
    "sys_admin",
    "sys_boot",
    "sys_nice",
    "sys_resource",
    "sys_time",
    "sys_tty_config",
    "mknod",
    "lease",
    "audit_write",
    "audit_control",
    "setfcap",
    "mac_override",
    "mac_admin",
    "syslog",
    "wake_alarm",
    "block_suspend",
    "audit_read",
    "perfmon",
    "bpf",
    "checkpoint_restore",
};

#define REVISION_MASK 0xff000000u
#define EFFECTIVE_FLAG 1u

static uint32_t le32(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

void bh_file_caps_text(const void *data, size_t len, struct bh_buf *out)
{
    const uint8_t *p = data;
    uint32_t magic = len >= 12 ? le32(p) : 0, revision = (magic & REVISION_MASK) >> 24;
    uint64_t permitted, inheritable, all;
    const char *comma = "";

    if (revision < 1 || revision > 3 || (revision > 1 && len < 20)) {
        bh_buf_puts(out, "unreadable");
        return;
    }
    permitted = le32(p + 4);
    inheritable = le32(p + 8);
    if (revision > 1) {
        permitted |= (uint64_t)le32(p + 12) << 32;
        inheritable |= (uint64_t)le32(p + 16) << 32;
    }
    all = permitted | inheritable;
    for (unsigned i = 0; i < 64; i++) {
        if (!(all >> i & 1))
            continue;
        if (i < BH_COUNT_OF(names))
            bh_buf_printf(out, "%scap_%s", comma, names[i]);
        else
            bh_buf_printf(out, "%s%u", comma, i);
        comma = ",";
    }
    bh_buf_printf(out, "=%s%s%s", magic & EFFECTIVE_FLAG ? "e" : "", inheritable ? "i" : "",
                  permitted ? "p" : "");
}
