#include "inspect/file_findings.h"

#include <string.h>

static void add(struct bh_facts *f, const char *rule, enum bh_severity severity,
                const struct bh_layer_file *file, uint32_t layer, const char *message)
{
    struct bh_finding *x = bh_facts_add_finding(f);

    x->rule = rule;
    x->severity = severity;
    x->path = bh_arena_format(f->arena, "/%s", file->path);
    x->layer = layer;
    x->message = message;
}

/* Programs that distributions ship with these bits: expected, yet still a way up for whoever gets
 * into the container. */
static bool is_ordinary(const char *path)
{
    static const char *const names[] = {
        "su",
        "mount",
        "umount",
        "passwd",
        "chsh",
        "chfn",
        "gpasswd",
        "newgrp",
        "chage",
        "expiry",
        "unix_chkpwd",
        "ssh-agent",
        "wall",
        "write",
        "bsd-write",
        "dotlockfile",
        "fusermount",
        "fusermount3",
        "ping",
        "sudo",
        "pkexec",
        "ssh-keysign",
        "dbus-daemon-launch-helper",
        "bbsuid",
        "crontab",
        "utempter",
        "sg",
        "vlock",
    };
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;

    if (strncmp(path, "usr/", 4) != 0 && strncmp(path, "bin/", 4) != 0 &&
        strncmp(path, "sbin/", 5) != 0)
        return false;
    for (size_t i = 0; i < BH_COUNT_OF(names); i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

static bool is_powerful(const char *capabilities)
{
    static const char *const words[] = {
        "cap_sys_admin",    "cap_sys_module",      "cap_sys_ptrace", "cap_sys_rawio",
        "cap_dac_override", "cap_dac_read_search", "cap_setuid",     "cap_setgid",
        "cap_setfcap",      "cap_chown",           "cap_fowner",     "cap_bpf",
        "cap_mac_admin",    "cap_mac_override",    "cap_sys_chroot", "unreadable",
    };

    for (size_t i = 0; i < BH_COUNT_OF(words); i++)
        if (strstr(capabilities, words[i]))
            return true;
    return false;
}

static void world_writable(const struct bh_layer_file *file, uint32_t layer, struct bh_facts *f)
{
    bool program = file->type != BH_ENTRY_DIRECTORY && (file->mode & 0111);

    add(f, "file-world-writable", program ? BH_SEVERITY_HIGH : BH_SEVERITY_MEDIUM, file, layer,
        bh_arena_format(f->arena, "anyone may %s (mode %04o)",
                        file->type == BH_ENTRY_DIRECTORY
                            ? "replace what is in this directory: it is not sticky"
                            : (program ? "change this program" : "change this file"),
                        file->mode));
}

void bh_file_finding(const struct bh_layer_file *file, uint32_t layer, struct bh_facts *f)
{
    enum bh_severity usual = is_ordinary(file->path) ? BH_SEVERITY_LOW : BH_SEVERITY_MEDIUM;

    if (file->marks & BH_FILE_SETUID)
        add(f, "file-setuid", usual, file, layer,
            bh_arena_format(f->arena, "runs as user %u whoever starts it (mode %04o)", file->uid,
                            file->mode));
    if (file->marks & BH_FILE_SETGID)
        add(f, "file-setgid",
            usual == BH_SEVERITY_MEDIUM && file->gid == 0 ? usual : BH_SEVERITY_LOW, file, layer,
            bh_arena_format(f->arena, "runs as group %u whoever starts it (mode %04o)", file->gid,
                            file->mode));
    if (file->marks & BH_FILE_WORLD_WRITABLE)
        world_writable(file, layer, f);
    if (file->marks & BH_FILE_CAPABILITIES)
        add(f, "file-capabilities", is_powerful(file->detail) ? BH_SEVERITY_HIGH : BH_SEVERITY_LOW,
            file, layer,
            bh_arena_format(f->arena, "has capabilities whoever starts it: %s", file->detail));
}
