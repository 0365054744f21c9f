load ../integration/lib

@test "the guest has cgroup v2 with its controllers, AppArmor and BPF LSM" {
    [ -n "${BULKHEAD_IN_VM:-}" ] || skip "runs inside the virtual machine"
    grep -qw memory /sys/fs/cgroup/cgroup.controllers
    grep -q apparmor /sys/kernel/security/lsm
    grep -q bpf /sys/kernel/security/lsm
}
