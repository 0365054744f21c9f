#include "sys/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define REFUSED 77 /* exit status of a probe that was refused with an errno */
#define SOME_USER 12345u

static int refused(long r)
{
    return r < 0 ? REFUSED : 1;
}

static int open_file(void)
{
    return refused(open("/etc/passwd", O_RDONLY));
}
static int open_directory(void)
{
    return refused(open("/", O_RDONLY | O_DIRECTORY));
}
static int create_file(void)
{
    return refused(open("/tmp/bh-sandbox-escape", O_WRONLY | O_CREAT, 0600));
}
static int open_by_openat2(void)
{
    uint64_t how[3] = {0};

    return refused(syscall(SYS_openat2, AT_FDCWD, "/etc/passwd", how, sizeof how));
}
static int unlink_file(void)
{
    return refused(unlink("/tmp/bh-sandbox-nothing"));
}
static int open_inet_socket(void)
{
    return refused(socket(AF_INET, SOCK_STREAM, 0));
}
static int open_unix_socket(void)
{
    return refused(socket(AF_UNIX, SOCK_STREAM, 0));
}
static int connect_somewhere(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET};

    return refused(connect(0, (struct sockaddr *)&a, sizeof a));
}
static int execute(void)
{
    static char *const argv[] = {NULL};

    return refused(execve("/bin/true", argv, argv));
}
static int fork_process(void)
{
    return refused(fork());
}
static int start_thread(void)
{
    return refused(syscall(SYS_clone, CLONE_VM | CLONE_SIGHAND | CLONE_THREAD, NULL, 0, 0, 0));
}
static int trace_parent(void)
{
    return refused(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL));
}
static int read_other_memory(void)
{
    return refused(syscall(SYS_process_vm_readv, 1, NULL, 0, NULL, 0, 0));
}
static int signal_parent(void)
{
    return refused(kill(getppid(), 0));
}
static int signal_other_thread_group(void)
{
    return refused(syscall(SYS_tgkill, 1, 1, 0));
}
static int mount_something(void)
{
    return refused(mount("none", "/", "tmpfs", 0, NULL));
}
static int new_user_namespace(void)
{
    return refused(unshare(CLONE_NEWUSER));
}
static int map_executable(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                0) == MAP_FAILED
               ? REFUSED
               : 1;
}
static int make_executable(void)
{
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return refused(mprotect(p, 4096, PROT_READ | PROT_EXEC));
}
static int push_into_terminal(void)
{
    return refused(syscall(SYS_ioctl, 0, 0x5412 /* TIOCSTI */, "x"));
}
static int load_module(void)
{
    return refused(syscall(SYS_finit_module, 0, "", 0));
}
static int use_bpf(void)
{
    return refused(syscall(SYS_bpf, 0, NULL, 0));
}
static int use_io_uring(void)
{
    return refused(syscall(SYS_io_uring_setup, 1, NULL));
}
static int raise_limits(void)
{
    return refused(syscall(SYS_prlimit64, 0, 0, NULL, NULL));
}
static BH_UNUSED int take_memory(void) /* not under a sanitizer */
{
    return mmap(NULL, 8ull << 30, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
                   MAP_FAILED
               ? REFUSED
               : 1;
}

static const struct {
    const char *name;
    int (*probe)(void);
} probes[] = {
    {"open a file", open_file},
    {"open a directory", open_directory},
    {"create a file", create_file},
    {"open by openat2", open_by_openat2},
    {"unlink a file", unlink_file},
    {"open an internet socket", open_inet_socket},
    {"open a unix socket", open_unix_socket},
    {"connect", connect_somewhere},
    {"execute a program", execute},
    {"fork", fork_process},
    {"start a thread", start_thread},
    {"trace its parent", trace_parent},
    {"read another process' memory", read_other_memory},
    {"signal its parent", signal_parent},
    {"signal another thread group", signal_other_thread_group},
    {"mount", mount_something},
    {"make a user namespace", new_user_namespace},
    {"map executable memory", map_executable},
    {"make memory executable", make_executable},
    {"push input into the terminal", push_into_terminal},
    {"load a module", load_module},
    {"use bpf", use_bpf},
    {"use io_uring", use_io_uring},
    {"change limits", raise_limits},
#if !defined(__SANITIZE_ADDRESS__)
    {"take 8 GiB of memory", take_memory},
#endif
};

static void become(uid_t user)
{
    if (user && geteuid() == 0 &&
        (setgroups(0, NULL) < 0 || setresgid(user, user, user) < 0 ||
         setresuid(user, user, user) < 0))
        _exit(98);
}

/* The exit status, or 128 + signal, of probe in a locked-up child. */
static int probe_inside(const struct bh_sandbox *s, uid_t user, int (*probe)(void))
{
    int status = 0;
    struct bh_error err = BH_ERROR_INIT;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        become(user);
        if (bh_sandbox_enter(s, NULL, &err) < 0)
            _exit(99);
        _exit(probe());
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void check_all_refused(const struct bh_sandbox *s, uid_t user)
{
    for (size_t i = 0; i < BH_COUNT_OF(probes); i++) {
        int got = probe_inside(s, user, probes[i].probe);

        if (got != REFUSED && got != 128 + SIGSYS)
            fail_msg("a worker could %s (status %d)", probes[i].name, got);
    }
}

static void a_worker_started_as_root_can_do_none_of_these(void **state)
{
    const struct bh_sandbox s = {0};

    (void)state;
    if (geteuid() != 0)
        skip();
    check_all_refused(&s, 0);
}

static void a_worker_started_by_a_user_can_do_none_of_these(void **state)
{
    const struct bh_sandbox s = {0};

    (void)state;
    check_all_refused(&s, SOME_USER);
}

static int use_what_is_left(void)
{
    static char big[1 << 20];
    char *p = malloc(32 << 20);
    int ends[2] = {3, 4};

    if (!p)
        return 1;
    memset(p, 1, 32 << 20);
    memcpy(big, p, sizeof big);
    free(p);
    return write(ends[1], "x", 1) == 1 && read(ends[0], big, 1) == 1 ? 0 : 2;
}

static void open_descriptors_and_memory_still_work(void **state)
{
    const struct bh_sandbox s = {0};
    int ends[2], status = 0;
    struct bh_error err = BH_ERROR_INIT;
    pid_t pid;

    (void)state;
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (pipe(ends) < 0 || dup2(ends[0], 13) < 0 || dup2(ends[1], 14) < 0 || dup2(13, 3) < 0 ||
            dup2(14, 4) < 0 || bh_sandbox_enter(&s, NULL, &err) < 0)
            _exit(99);
        _exit(use_what_is_left());
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void every_layer_takes_hold_for_root(void **state)
{
    const struct bh_sandbox s = {0};
    int status = 0;
    pid_t pid;

    (void)state;
    if (geteuid() != 0)
        skip();
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct bh_sandbox_report report = {0};
        struct bh_error err = BH_ERROR_INIT;

        if (bh_sandbox_enter(&s, &report, &err) < 0)
            _exit(99);
        _exit((report.namespaces ? 0 : 1) | (report.empty_root ? 0 : 2) |
              (report.user_changed ? 0 : 4) |
              (report.landlock == (report.landlock_abi > 0) ? 0 : 8));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(WEXITSTATUS(status), 0);
}

static int open_named_and_other(void)
{
    if (open("/etc/passwd", O_RDONLY) < 0)
        return 1;
    if (open("/etc/passwd", O_WRONLY) >= 0 || open("/etc/hostname", O_RDONLY) >= 0)
        return 2;
    return 0;
}

static void named_paths_and_no_others_can_be_opened(void **state)
{
    static const struct bh_sandbox_path paths[] = {{"/etc/passwd", false},
                                                   {"/nonexistent/file", false}};
    const struct bh_sandbox s = {.paths = paths, .path_count = 2};

    (void)state;
    assert_int_equal(probe_inside(&s, SOME_USER, open_named_and_other), 0);
}

static int shout(void *arg, struct bh_buf *out, struct bh_error *err)
{
    return bh_buf_append(out, arg, strlen(arg), err);
}
static int fail_with_limit(void *arg, struct bh_buf *out, struct bh_error *err)
{
    (void)arg;
    (void)out;
    return bh_fail(err, BH_LIMIT, "too deep");
}
static int misbehave(void *arg, struct bh_buf *out, struct bh_error *err)
{
    (void)arg;
    (void)out;
    (void)err;
    execute();
    return 0;
}
static int crash(void *arg, struct bh_buf *out, struct bh_error *err)
{
    (void)arg;
    (void)out;
    (void)err;
    _exit(0);
}
static int hang(void *arg, struct bh_buf *out, struct bh_error *err)
{
    (void)arg;
    (void)out;
    (void)err;
    usleep(60u * 1000 * 1000);
    return 0;
}

static void work_done_inside_comes_back(void **state)
{
    const struct bh_sandbox s = {0};
    BH_AUTO(bh_buf_done) struct bh_buf out = BH_BUF_INIT(100);
    struct bh_error err = BH_ERROR_INIT;
    char text[] = "forty-two";

    (void)state;
    assert_int_equal(bh_sandbox_run(&s, shout, text, 10000, &out, &err), 0);
    assert_string_equal(bh_buf_text(&out), "forty-two");
}

static void failures_inside_are_told_apart(void **state)
{
    static const struct {
        bh_sandbox_work work;
        int timeout_ms, code;
    } cases[] = {
        {fail_with_limit, 10000, BH_LIMIT},
        {misbehave, 10000, BH_INTERNAL},
        {crash, 10000, BH_INTERNAL},
        {hang, 50, BH_TIMEOUT},
    };
    const struct bh_sandbox s = {0};

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(cases); i++) {
        BH_AUTO(bh_buf_done) struct bh_buf out = BH_BUF_INIT(100);
        struct bh_error err = BH_ERROR_INIT;

        assert_int_equal(bh_sandbox_run(&s, cases[i].work, NULL, cases[i].timeout_ms, &out, &err),
                         -cases[i].code);
        assert_int_equal(out.len, 0);
    }
}

static int read_kept_and_other(void *arg, struct bh_buf *out, struct bh_error *err)
{
    int *fds = arg;
    char c = 0;

    if (read(fds[0], &c, 1) != 1 || read(fds[1], &c, 1) >= 0)
        return bh_fail(err, BH_DENIED, "wrong descriptors");
    return bh_buf_append(out, &c, 1, err);
}

static void only_named_descriptors_reach_the_work(void **state)
{
    int fds[2] = {open("/dev/zero", O_RDONLY), open("/dev/zero", O_RDONLY)};
    const struct bh_sandbox s = {.fds = fds, .fd_count = 1};
    BH_AUTO(bh_buf_done) struct bh_buf out = BH_BUF_INIT(100);
    struct bh_error err = BH_ERROR_INIT;

    (void)state;
    assert_int_equal(bh_sandbox_run(&s, read_kept_and_other, fds, 10000, &out, &err), 0);
    close(fds[0]);
    close(fds[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_worker_started_as_root_can_do_none_of_these),
        cmocka_unit_test(a_worker_started_by_a_user_can_do_none_of_these),
        cmocka_unit_test(open_descriptors_and_memory_still_work),
        cmocka_unit_test(every_layer_takes_hold_for_root),
        cmocka_unit_test(named_paths_and_no_others_can_be_opened),
        cmocka_unit_test(work_done_inside_comes_back),
        cmocka_unit_test(failures_inside_are_told_apart),
        cmocka_unit_test(only_named_descriptors_reach_the_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
