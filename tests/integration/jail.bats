load lib

@test "a mount, a cgroup and a link made inside the jail are not seen outside" {
    require_jail
    mkdir "$WORK/mount"
    mount -t tmpfs tmpfs "$WORK/mount"
    [ -d /sys/fs/cgroup/memory ] && mkdir /sys/fs/cgroup/memory/bulkhead-probe && rmdir /sys/fs/cgroup/memory/bulkhead-probe
    ip link add bulkhead0 type dummy 2>/dev/null || ip link add bulkhead0 type veth
    # tests/jail compares the host before and after: leaving the mount and the link here is the test.
}

@test "the jail has a loopback and no other way out" {
    require_jail
    run ip -o route show
    [ -z "$output" ]
}

@test "an ordinary user of the tests cannot read root's files" {
    run as_user cat /etc/shadow
    [ "$status" -ne 0 ]
}

cleanup_file() {
    umount "$WORK/mount" 2>/dev/null || true
}
