#include "sys/btf.h"
#include "sys/probe_look.h"

#include <errno.h>
#include <linux/bpf.h>
#include <linux/btf.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A program of two instructions: return a constant. */
struct trial {
    enum bpf_prog_type type;
    enum bpf_attach_type attach;
    uint32_t btf_id; /* of what it attaches to, when the type wants one */
    int result;
};

static int load(const struct trial *t)
{
    struct bpf_insn code[] = {
        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = t->result},
        {.code = BPF_JMP | BPF_EXIT},
    };
    union bpf_attr attr;
    struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};

    /* Before 5.11 programs were charged to RLIMIT_MEMLOCK; a failure shows in the load. */
    (void)setrlimit(RLIMIT_MEMLOCK, &unlimited);
    memset(&attr, 0, sizeof attr);
    attr.prog_type = t->type;
    attr.expected_attach_type = t->attach;
    attr.insns = (uint64_t)(uintptr_t)code;
    attr.insn_cnt = BH_COUNT_OF(code);
    attr.license = (uint64_t)(uintptr_t) "Dual BSD/GPL";
    attr.attach_btf_id = t->btf_id;
    return (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof attr);
}

/* Attaches a raw tracepoint by name, or a typed program (name NULL) where it was loaded for. It is
 * taken off again when the child exits, a moment later; the program does nothing. */
static int attach(int program, const char *name)
{
    union bpf_attr attr;

    memset(&attr, 0, sizeof attr);
    attr.raw_tracepoint.name = (uint64_t)(uintptr_t)name;
    attr.raw_tracepoint.prog_fd = (uint32_t)program;
    return (int)syscall(SYS_bpf, BPF_RAW_TRACEPOINT_OPEN, &attr, sizeof attr);
}

/* The kernel's error for a program kind it lacks is EINVAL, which says little to people. */
static void fail_load(struct bh_probe_result *ret)
{
    if (errno == EINVAL)
        bh_probe_set(ret, BH_PROBE_NO, "the kernel does not know this kind");
    else
        bh_probe_set_errno(ret, "load");
}

static void look_load(struct bh_probe_result *ret, struct trial t)
{
    if (load(&t) < 0)
        fail_load(ret);
    else
        bh_probe_set(ret, BH_PROBE_YES, "loaded");
}

/* Typed programs: found in the kernel's types, loaded, attached. */
static void look_typed(struct bh_probe_result *ret, struct trial t, unsigned kind, const char *name,
                       bool attached)
{
    struct bh_btf types;
    struct bh_error err = BH_ERROR_INIT;
    int program;

    if (bh_btf_open(&types, &err)) {
        bh_probe_set(ret, err.code == BH_DENIED ? BH_PROBE_DENIED : BH_PROBE_NO, "%.200s",
                     err.message);
        return;
    }
    t.btf_id = bh_btf_find(&types, kind, name);
    bh_btf_close(&types);
    if (!t.btf_id) {
        bh_probe_set(ret, BH_PROBE_NO, "the kernel has no %s", name);
        return;
    }
    program = load(&t);
    if (program < 0)
        fail_load(ret);
    else if (!attached)
        bh_probe_set(ret, BH_PROBE_YES, "loaded");
    else if (attach(program, NULL) < 0)
        bh_probe_set(ret, BH_PROBE_NO, "loaded, but attaching it failed: %s", strerror(errno));
    else
        bh_probe_set(ret, BH_PROBE_YES, "loaded and attached");
}

void bh_look_bpf_btf(struct bh_probe_result *ret)
{
    struct bh_btf types;
    struct bh_error err = BH_ERROR_INIT;

    if (bh_btf_open(&types, &err)) {
        bh_probe_set(ret, err.code == BH_DENIED ? BH_PROBE_DENIED : BH_PROBE_NO, "%.200s",
                     err.message);
        return;
    }
    bh_probe_set(ret, BH_PROBE_YES, "%zu KiB", types.len / 1024);
    bh_btf_close(&types);
}

void bh_look_bpf_ring(struct bh_probe_result *ret)
{
    union bpf_attr attr;

    memset(&attr, 0, sizeof attr);
    attr.map_type = BPF_MAP_TYPE_RINGBUF;
    attr.max_entries = (uint32_t)sysconf(_SC_PAGESIZE);
    if (syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof attr) < 0)
        fail_load(ret);
    else
        bh_probe_set(ret, BH_PROBE_YES, "made");
}

void bh_look_bpf_tracepoint(struct bh_probe_result *ret)
{
    look_load(ret, (struct trial){.type = BPF_PROG_TYPE_TRACEPOINT});
}

void bh_look_bpf_raw(struct bh_probe_result *ret)
{
    struct trial t = {.type = BPF_PROG_TYPE_RAW_TRACEPOINT};
    int program = load(&t);

    if (program < 0)
        fail_load(ret);
    else if (attach(program, "sched_process_exec") < 0)
        bh_probe_set(ret, BH_PROBE_NO, "loaded, but attaching it failed: %s", strerror(errno));
    else
        bh_probe_set(ret, BH_PROBE_YES, "loaded and attached");
}

void bh_look_bpf_tp_btf(struct bh_probe_result *ret)
{
    look_typed(ret, (struct trial){.type = BPF_PROG_TYPE_TRACING, .attach = BPF_TRACE_RAW_TP},
               BTF_KIND_TYPEDEF, "btf_trace_sched_process_exec", true);
}

void bh_look_bpf_kprobe(struct bh_probe_result *ret)
{
    struct trial t = {.type = BPF_PROG_TYPE_KPROBE};

    if (load(&t) < 0)
        fail_load(ret);
    else if (access("/sys/bus/event_source/devices/kprobe/type", F_OK))
        bh_probe_set(ret, BH_PROBE_NO, "loaded, but this kernel has no kprobes to attach it to");
    else
        bh_probe_set(ret, BH_PROBE_YES, "loaded");
}

void bh_look_bpf_fentry(struct bh_probe_result *ret)
{
    look_typed(ret, (struct trial){.type = BPF_PROG_TYPE_TRACING, .attach = BPF_TRACE_FENTRY},
               BTF_KIND_FUNC, "security_file_open", true);
}

void bh_look_bpf_lsm(struct bh_probe_result *ret)
{
    look_typed(ret, (struct trial){.type = BPF_PROG_TYPE_LSM, .attach = BPF_LSM_MAC}, BTF_KIND_FUNC,
               "bpf_lsm_file_open", true);
}

void bh_look_bpf_iterator(struct bh_probe_result *ret)
{
    look_typed(ret, (struct trial){.type = BPF_PROG_TYPE_TRACING, .attach = BPF_TRACE_ITER},
               BTF_KIND_FUNC, "bpf_iter_task", false);
}

void bh_look_bpf_cgroup_device(struct bh_probe_result *ret)
{
    look_load(ret,
              (struct trial){.type = BPF_PROG_TYPE_CGROUP_DEVICE, .attach = BPF_CGROUP_DEVICE});
}

void bh_look_bpf_cgroup_connect(struct bh_probe_result *ret)
{
    look_load(ret, (struct trial){.type = BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
                                  .attach = BPF_CGROUP_INET4_CONNECT,
                                  .result = 1});
}

void bh_look_bpf_cgroup_skb(struct bh_probe_result *ret)
{
    look_load(ret, (struct trial){.type = BPF_PROG_TYPE_CGROUP_SKB,
                                  .attach = BPF_CGROUP_INET_EGRESS,
                                  .result = 1});
}

void bh_look_bpf_xdp(struct bh_probe_result *ret)
{
    look_load(ret,
              (struct trial){.type = BPF_PROG_TYPE_XDP, .attach = BPF_XDP, .result = XDP_PASS});
}
