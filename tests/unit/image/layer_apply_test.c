#include "image/layer_apply.h"
#include "layer_build.h"
#include "sys/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

#define SOME_USER 12345u
#define VICTIM "/tmp/bh-apply-victim"

/* A directory of its own for each test; fs below it is where layers go, so that ".." has somewhere
 * to escape to. */
struct place {
    char path[64];
    int fs;
    struct bh_apply_report report;
};

static struct place place_make(uid_t owner)
{
    struct place p = {.path = "/tmp/bh-apply-XXXXXX"};
    int top;

    assert_non_null(mkdtemp(p.path));
    top = open(p.path, O_PATH | O_DIRECTORY);
    assert_int_equal(mkdirat(top, "fs", 0755), 0);
    assert_int_equal(fchownat(top, "fs", owner, owner, 0), 0);
    assert_int_equal(chmod(p.path, 0755), 0);
    p.fs = openat(top, "fs", O_RDONLY | O_DIRECTORY);
    assert_true(p.fs >= 0);
    close(top);
    return p;
}

static void place_done(struct place *p)
{
    struct bh_error err = BH_ERROR_INIT;

    close(p->fs);
    assert_int_equal(bh_remove_tree_at(AT_FDCWD, p->path, &err), 0);
}

static int apply(struct place *p, const struct bh_buf *tar, struct bh_error *err)
{
    BH_AUTO(bh_apply_freep) struct bh_apply *a = NULL;
    struct bh_layer_source source = {.fd = layer_fd(tar), .size = tar->len};
    int r = bh_apply_new(p->fs, &a, err);

    if (r == 0)
        r = bh_layer_stream(&source, &bh_layer_limits_default, bh_apply_sink(a), NULL, NULL, NULL,
                            err);
    if (r == 0)
        r = bh_apply_finish(a, &p->report, err);
    close(source.fd);
    return r;
}

static void apply_well(struct place *p, const struct bh_buf *tar)
{
    struct bh_error err = BH_ERROR_INIT;

    if (apply(p, tar, &err) < 0)
        fail_msg("%s", err.message);
}

/* In a child that is SOME_USER; the report comes back through a pipe. */
static void apply_as_user(struct place *p, const struct bh_buf *tar)
{
    int ends[2], status = 0;
    pid_t pid;

    assert_int_equal(pipe(ends), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct bh_error err = BH_ERROR_INIT;

        if (setgroups(0, NULL) < 0 || setresgid(SOME_USER, SOME_USER, SOME_USER) < 0 ||
            setresuid(SOME_USER, SOME_USER, SOME_USER) < 0 || apply(p, tar, &err) < 0 ||
            write(ends[1], &p->report, sizeof p->report) != (ssize_t)sizeof p->report)
            _exit(1);
        _exit(0);
    }
    close(ends[1]);
    assert_int_equal(read(ends[0], &p->report, sizeof p->report), sizeof p->report);
    close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static struct stat stat_of(const struct place *p, const char *path)
{
    struct stat st = {0};

    if (fstatat(p->fs, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
        fail_msg("%s is not there", path);
    return st;
}

static bool is_there(const struct place *p, const char *path)
{
    struct stat st;

    return fstatat(p->fs, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool is_whiteout(const struct place *p, const char *path)
{
    struct stat st = stat_of(p, path);

    return S_ISCHR(st.st_mode) && st.st_rdev == makedev(0, 0);
}

static bool is_opaque(const struct place *p, const char *path)
{
    int fd = openat(p->fs, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    char value = 0;
    ssize_t n = fgetxattr(fd, "user.overlay.opaque", &value, 1);

    assert_true(fd >= 0);
    close(fd);
    return n == 1 && value == 'y';
}

static void assert_content(const struct place *p, const char *path, const char *want)
{
    BH_AUTO(bh_buf_done) struct bh_buf got = BH_BUF_INIT(10000);
    struct bh_error err = BH_ERROR_INIT;

    if (bh_read_file_at(p->fs, path, &got, &err) < 0)
        fail_msg("%s: %s", path, err.message);
    assert_string_equal(bh_buf_text(&got), want);
}

#define NEEDS_ROOT                                                                                 \
    do {                                                                                           \
        if (geteuid() != 0)                                                                        \
            skip();                                                                                \
    } while (0)

static void add_capability(struct bh_buf *tar, const char *name)
{
    /* cap_net_bind_service=ep, revision 2 */
    static const char cap[20] = {1, 0, 0, 2, 0, 4};
    BH_AUTO(bh_buf_done) struct bh_buf x = BH_BUF_INIT(0);

    tar_record(&x, "SCHILY.xattr.security.capability", cap, sizeof cap);
    tar_record(&x, "SCHILY.xattr.user.note", "kept", 4);
    tar_record(&x, "SCHILY.xattr.user.overlay.opaque", "y", 1);
    tar_record(&x, "SCHILY.xattr.user.overlay.redirect", "/", 1);
    tar_record(&x, "SCHILY.xattr.trusted.overlay.opaque", "y", 1);
    tar_record(&x, "SCHILY.xattr.security.selinux", "system_u", 8);
    tar_add_pax(tar, &x);
    tar_add(tar, &(struct tar_entry){
                     .name = name, .content = "program", .mode = 04755, .uid = 5, .gid = 6});
}

static void root_keeps_owners_modes_times_and_capabilities(void **state)
{
    BH_AUTO(bh_buf_done) struct bh_buf tar = BH_BUF_INIT(0);
    struct place p;
    struct stat st;
    char value[64];
    int fd;

    (void)state;
    NEEDS_ROOT;
    p = place_make(0);
    tar_add(&tar, &(struct tar_entry){.name = "./", .type = '5', .mode = 0711, .uid = 3});
    tar_add(&tar,
            &(struct tar_entry){.name = "var/", .type = '5', .mode = 01777, .uid = 1, .gid = 2});
    add_capability(&tar, "var/program");
    tar_add(&tar, &(struct tar_entry){.name = "var/ping", .mode = 06755, .content = "p"});
    tar_add(&tar, &(struct tar_entry){.name = "var/link", .type = '2', .link = "/x", .uid = 9});
    tar_add(&tar, &(struct tar_entry){.name = "var/pipe", .type = '6', .mode = 0620});
    tar_add(&tar, &(struct tar_entry){.name = "var/hard", .type = '1', .link = "var/program"});
    tar_end(&tar);
    apply_well(&p, &tar);

    st = stat_of(&p, ".");
    assert_int_equal(st.st_mode & 07777, 0711);
    assert_int_equal(st.st_uid, 3);
    st = stat_of(&p, "var");
    assert_int_equal(st.st_mode & 07777, 01777);
    assert_int_equal(st.st_gid, 2);
    assert_int_equal(st.st_mtime, 1700000000); /* although children were made later */
    st = stat_of(&p, "var/program");
    assert_int_equal(st.st_mode & 07777, 04755);
    assert_int_equal(st.st_uid, 5);
    assert_int_equal(st.st_gid, 6);
    assert_int_equal(st.st_nlink, 2);
    assert_int_equal(st.st_mtime, 1700000000);
    assert_int_equal(stat_of(&p, "var/ping").st_mode & 07777, 06755);
    assert_int_equal(stat_of(&p, "var/link").st_uid, 9);
    assert_true(S_ISFIFO(stat_of(&p, "var/pipe").st_mode));
    assert_content(&p, "var/hard", "program");

    fd = openat(p.fs, "var/program", O_RDONLY);
    assert_int_equal(fgetxattr(fd, "security.capability", value, sizeof value), 20);
    assert_int_equal(fgetxattr(fd, "user.note", value, sizeof value), 4);
    assert_true(fgetxattr(fd, "user.overlay.opaque", value, sizeof value) < 0);
    assert_true(fgetxattr(fd, "user.overlay.redirect", value, sizeof value) < 0);
    assert_true(fgetxattr(fd, "trusted.overlay.opaque", value, sizeof value) < 0);
    close(fd);
    assert_int_equal(p.report.xattrs, 4);
    assert_int_equal(p.report.owners, 0);
    assert_int_equal(p.report.setid_bits, 0);
    place_done(&p);
}

static void a_user_owns_everything_and_lends_nothing(void **state)
{
    BH_AUTO(bh_buf_done) struct bh_buf tar = BH_BUF_INIT(0);
    struct place p;
    struct stat st;

    (void)state;
    NEEDS_ROOT;
    p = place_make(SOME_USER);
    tar_add(&tar, &(struct tar_entry){.name = "d/", .type = '5', .mode = 0511});
    add_capability(&tar, "d/program");
    tar_add(&tar, &(struct tar_entry){.name = "d/.wh.hidden"});
    tar_add(&tar, &(struct tar_entry){.name = "e/.wh..wh..opq"});
    tar_end(&tar);
    apply_as_user(&p, &tar);
    st = stat_of(&p, "d/program");
    assert_int_equal(st.st_uid, SOME_USER);
    assert_int_equal(st.st_mode & 07777, 0755);
    st = stat_of(&p, "d");
    assert_int_equal(st.st_mode & 07777, 0711); /* still the user's to remove */
    assert_true(is_whiteout(&p, "d/hidden"));
    assert_true(is_opaque(&p, "e"));
    assert_int_equal(p.report.setid_bits, 1);
    assert_int_equal(p.report.owners, 1);
    assert_int_equal(p.report.xattrs, 5);
    place_done(&p);
}

static void whiteouts_hide_lower_layers_and_nothing_of_their_own(void **state)
{
    static const struct tar_entry entries[] = {
        {.name = ".wh.plain"},
        {.name = "made/before/.wh.x"},
        /* The layer's own file or directory of the same name, on either side. */
        {.name = "file1", .content = "own"},
        {.name = ".wh.file1"},
        {.name = ".wh.file2"},
        {.name = "file2", .content = "own"},
        {.name = "dir1/", .type = '5'},
        {.name = "dir1/a"},
        {.name = ".wh.dir1"},
        {.name = ".wh.dir2"},
        {.name = "dir2/", .type = '5'},
        {.name = "dir2/a"},
        {.name = ".wh.dir3"},
        {.name = "dir3/implicit/a"},
        {.name = "opaque1/", .type = '5'},
        {.name = "opaque1/a"},
        {.name = "opaque1/.wh..wh..opq"},
        {.name = "opaque2/.wh..wh..opq"},
        {.name = "opaque2/", .type = '5'},
        {.name = "opaque2/.wh.gone-too"},
        {.name = "clear/", .type = '5'},
    };
    BH_AUTO(bh_buf_done) struct bh_buf tar = BH_BUF_INIT(0);
    struct place p = place_make(geteuid());

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(entries); i++)
        tar_add(&tar, &entries[i]);
    tar_end(&tar);
    apply_well(&p, &tar);
    assert_true(is_whiteout(&p, "plain"));
    assert_true(is_whiteout(&p, "made/before/x"));
    assert_content(&p, "file1", "own");
    assert_content(&p, "file2", "own");
    assert_true(is_opaque(&p, "dir1"));
    assert_true(is_opaque(&p, "dir2"));
    assert_true(is_opaque(&p, "dir3"));
    assert_true(is_there(&p, "dir3/implicit/a"));
    assert_false(is_opaque(&p, "dir3/implicit"));
    assert_true(is_opaque(&p, "opaque1"));
    assert_true(is_there(&p, "opaque1/a"));
    assert_true(is_opaque(&p, "opaque2"));
    assert_true(is_whiteout(&p, "opaque2/gone-too"));
    assert_false(is_opaque(&p, "clear"));
    assert_false(is_there(&p, ".wh.plain"));
    place_done(&p);
}

static void an_opaque_root_is_refused(void **state)
{
    BH_AUTO(bh_buf_done) struct bh_buf tar = BH_BUF_INIT(0);
    struct place p = place_make(geteuid());
    struct bh_error err = BH_ERROR_INIT;

    (void)state;
    tar_add(&tar, &(struct tar_entry){.name = ".wh..wh..opq"});
    tar_end(&tar);
    assert_int_equal(apply(&p, &tar, &err), -BH_UNSUPPORTED);
    place_done(&p);
}

static void links_never_lead_out_of_the_layer(void **state)
{
    static const struct tar_entry entries[] = {
        {.name = "up", .type = '2', .link = "../../../../../.."},
        {.name = "abs", .type = '2', .link = "/"},
        {.name = "self", .type = '2', .link = "/proc/self/cwd"},
        {.name = "up/tmp/bh-apply-escape", .content = "1"},
        {.name = "abs/tmp/bh-apply-escape2", .content = "2"},
        {.name = "victim", .type = '2', .link = VICTIM},
        {.name = "victim", .content = "overwritten"}, /* replaces the link, does not follow it */
        {.name = "abs/d/", .type = '5', .mode = 0700},
        {.name = "up/.wh.tmp2"},
        {.name = "hard", .type = '1', .link = "abs/victim"},
    };
    BH_AUTO(bh_buf_done) struct bh_buf tar = BH_BUF_INIT(0), victim = BH_BUF_INIT(100);
    struct place p = place_make(geteuid());
    struct bh_error err = BH_ERROR_INIT;
    int fd = open(VICTIM, O_WRONLY | O_CREAT | O_TRUNC, 0644);

    (void)state;
    assert_int_equal(write(fd, "safe", 4), 4);
    close(fd);
    for (size_t i = 0; i < BH_COUNT_OF(entries); i++)
        tar_add(&tar, &entries[i]);
    tar_end(&tar);
    apply_well(&p, &tar);
    assert_content(&p, "tmp/bh-apply-escape", "1");
    assert_content(&p, "tmp/bh-apply-escape2", "2");
    assert_content(&p, "hard", "overwritten");
    assert_true(is_there(&p, "d"));
    assert_true(is_whiteout(&p, "tmp2"));
    assert_int_equal(access("/tmp/bh-apply-escape", F_OK), -1);
    assert_int_equal(access("/tmp/bh-apply-escape2", F_OK), -1);
    assert_int_equal(bh_read_file_at(AT_FDCWD, VICTIM, &victim, &err), 0);
    assert_string_equal(victim.data, "safe");
    unlink(VICTIM);
    place_done(&p);
}

static void entries_behind_links_that_lead_nowhere_are_refused(void **state)
{
    static const struct {
        struct tar_entry entries[3];
        int code;
    } cases[] = {
        {{{.name = "l", .type = '2', .link = "missing"}, {.name = "l/x"}}, BH_INVALID},
        {{{.name = "l", .type = '2', .link = "l"}, {.name = "l/x"}}, BH_INVALID},
        {{{.name = "f"}, {.name = "l", .type = '2', .link = "f"}, {.name = "l/x"}}, BH_INVALID},
        {{{.name = "abs", .type = '2', .link = "/"},
          {.name = "h", .type = '1', .link = "abs/etc/passwd"}},
         BH_INVALID},
        {{{.name = "abs", .type = '2', .link = "/proc/self/root"},
          {.name = "h", .type = '1', .link = "abs/etc/passwd"}},
         BH_INVALID},
    };

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(cases); i++) {
        BH_AUTO(bh_buf_done) struct bh_buf tar = BH_BUF_INIT(0);
        struct place p = place_make(geteuid());
        struct bh_error err = BH_ERROR_INIT;
        int r;

        for (size_t e = 0; e < 3 && cases[i].entries[e].name; e++)
            tar_add(&tar, &cases[i].entries[e]);
        tar_end(&tar);
        r = apply(&p, &tar, &err);
        if (r != -cases[i].code)
            fail_msg("case %zu: %d %s", i, r, err.message);
        place_done(&p);
    }
}

static void a_link_replaced_by_a_directory_is_no_longer_followed(void **state)
{
    static const struct tar_entry entries[] = {
        {.name = "real/", .type = '5'},
        {.name = "l", .type = '2', .link = "real"},
        {.name = "l/one"},
        {.name = "l/", .type = '5'},
        {.name = "l/two"},
        /* A link to "." makes a/a and a the same name until it is replaced. */
        {.name = "a", .type = '2', .link = "."},
        {.name = "a/x1"},
        {.name = "a/a", .type = '5'},
        {.name = "a/x2"},
    };
    BH_AUTO(bh_buf_done) struct bh_buf tar = BH_BUF_INIT(0);
    struct place p = place_make(geteuid());

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(entries); i++)
        tar_add(&tar, &entries[i]);
    tar_end(&tar);
    apply_well(&p, &tar);
    assert_true(is_there(&p, "real/one"));
    assert_true(is_there(&p, "l/two"));
    assert_false(is_there(&p, "real/two"));
    assert_true(is_there(&p, "x1"));
    assert_true(is_there(&p, "a/x2"));
    place_done(&p);
}

static void a_hard_link_to_itself_loses_nothing(void **state)
{
    BH_AUTO(bh_buf_done) struct bh_buf tar = BH_BUF_INIT(0);
    struct place p = place_make(geteuid());

    (void)state;
    tar_add(&tar, &(struct tar_entry){.name = "f", .content = "x"});
    tar_add(&tar, &(struct tar_entry){.name = "f", .type = '1', .link = "f"});
    tar_add(&tar, &(struct tar_entry){.name = "g", .type = '1', .link = "f"});
    tar_add(&tar, &(struct tar_entry){.name = "g", .type = '1', .link = "f"});
    tar_end(&tar);
    apply_well(&p, &tar);
    assert_content(&p, "f", "x");
    assert_content(&p, "g", "x");
    place_done(&p);
}

static void device_nodes_are_left_out_and_counted(void **state)
{
    BH_AUTO(bh_buf_done) struct bh_buf tar = BH_BUF_INIT(0);
    struct place p = place_make(geteuid());

    (void)state;
    tar_add(&tar, &(struct tar_entry){.name = "dev/null", .type = '3', .major = 1, .minor = 3});
    tar_add(&tar, &(struct tar_entry){.name = "dev/sda", .type = '4', .major = 8});
    tar_end(&tar);
    apply_well(&p, &tar);
    assert_false(is_there(&p, "dev/null"));
    assert_false(is_there(&p, "dev/sda"));
    assert_int_equal(p.report.devices, 2);
    assert_string_equal(p.report.first_device, "dev/null");
    place_done(&p);
}

static void sparse_files_stay_sparse(void **state)
{
    BH_AUTO(bh_buf_done) struct bh_buf tar = BH_BUF_INIT(0), x = BH_BUF_INIT(0);
    struct place p = place_make(geteuid());
    struct stat st;

    (void)state;
    tar_record(&x, "GNU.sparse.map", "100000000,3", 11);
    tar_record(&x, "GNU.sparse.size", "1000000000", 10);
    tar_add_pax(&tar, &x);
    tar_add(&tar, &(struct tar_entry){.name = "s", .content = "abc"});
    tar_end(&tar);
    apply_well(&p, &tar);
    st = stat_of(&p, "s");
    assert_int_equal(st.st_size, 1000000000);
    assert_true(st.st_blocks < 1000);
    place_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(root_keeps_owners_modes_times_and_capabilities),
        cmocka_unit_test(a_user_owns_everything_and_lends_nothing),
        cmocka_unit_test(whiteouts_hide_lower_layers_and_nothing_of_their_own),
        cmocka_unit_test(an_opaque_root_is_refused),
        cmocka_unit_test(links_never_lead_out_of_the_layer),
        cmocka_unit_test(entries_behind_links_that_lead_nowhere_are_refused),
        cmocka_unit_test(a_link_replaced_by_a_directory_is_no_longer_followed),
        cmocka_unit_test(a_hard_link_to_itself_loses_nothing),
        cmocka_unit_test(device_nodes_are_left_out_and_counted),
        cmocka_unit_test(sparse_files_stay_sparse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
