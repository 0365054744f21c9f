load lib
bats_require_minimum_version 1.5.0

# A root file system of busybox, and an image layout made of it.
prepare_file() {
    command -v busybox >/dev/null || return 0
    ROOTFS=$WORK/rootfs
    export ROOTFS
    mkdir -p "$ROOTFS"/{bin,etc,srv}
    cp "$(command -v busybox)" "$ROOTFS/bin/busybox"
    for name in sh true id cat ls env sleep touch mount pwd hostname ip httpd kill stty readlink ps head dd; do
        ln -s busybox "$ROOTFS/bin/$name"
    done
    printf 'root:x:0:0:root:/root:/bin/sh\nweb:x:101:102::/home/web:/bin/sh\n' >"$ROOTFS/etc/passwd"
    printf 'root:x:0:\nweb:x:102:\nextra:x:200:web\n' >"$ROOTFS/etc/group"
    echo hello >"$ROOTFS/srv/index.html"
    "$TREE/tests/lib/make-image" oci "$WORK/image" \
        --config '{"User":"web","Cmd":["/bin/id"],"Env":["FROM=image"],"WorkingDir":"/srv"}' \
        --top "{\"created\":\"$(date -u +%Y-%m-%dT%H:%M:%SZ)\"}" "$ROOTFS" >/dev/null
    chmod -R a+rX "$WORK/image" "$ROOTFS"
}

setup() {
    require_tool busybox
    require_jail
}

# Everything a container makes while it runs is gone afterwards.
nothing_left() {
    run find /sys/fs/cgroup -name 'bulkhead-*' -type d
    [ -z "$output" ] || { echo "cgroups left: $output"; return 1; }
    run grep -c 'skeleton' /proc/self/mountinfo
    [ "$output" = 0 ] || { echo "mounts left"; return 1; }
    run pgrep -f 'bulkhead run'
    [ -z "$output" ] || { echo "processes left: $output"; return 1; }
}

inside() { bulkhead run --user 0 "oci:$WORK/image" -- "$@"; }

@test "run gives the image's user, directory, environment and command" {
    run bulkhead run "oci:$WORK/image"
    expect_status 0
    expect_output 'uid=101(web) gid=102(web) groups=200(extra)'
    run bulkhead run "oci:$WORK/image" -- sh -c 'pwd; echo $FROM; echo $HOME'
    expect_output '/srv'
    expect_output 'image'
    expect_output '/home/web'
    nothing_left
}

@test "run passes the workload's exit status on, and 128+n for a signal" {
    run inside sh -c 'exit 7'
    expect_status 7
    run bulkhead run --init --user 0 "oci:$WORK/image" -- sh -c 'kill -9 $$'
    expect_status 137
    nothing_left
}

@test "run exits 127 for a missing command, 126 for one that is no program, 125 for its own failures" {
    run -127 inside /no/such
    expect_status 127
    run inside /etc/passwd
    expect_status 126
    run bulkhead run "dir:$WORK/nowhere" -- true
    expect_status 125
    run bulkhead run --no-such-option x
    expect_status 125
    run bulkhead run --user nobody-here "oci:$WORK/image"
    expect_status 125
    expect_output nobody-here
    nothing_left
}

@test "the second start of an image needs no preparation, and a changed image is prepared anew" {
    bulkhead run "oci:$WORK/image" >/dev/null 2>&1
    run strace -f -e trace=execve -o "$WORK/trace" "$BULKHEAD" run "oci:$WORK/image"
    [ "$status" = 0 ] || skip "strace is not installed or may not trace"
    ! grep -q bulkhead-main "$WORK/trace"
    touch "$WORK/image/index.json"
    run strace -f -e trace=execve -o "$WORK/trace" "$BULKHEAD" run "oci:$WORK/image"
    grep -q bulkhead-main "$WORK/trace"
    # A new release brings a new policy and new lists: what an older one prepared is not used.
    main=$(find "${BULKHEAD%/*}" "${BULKHEAD%/bin/bulkhead}/libexec" -name bulkhead-main 2>/dev/null | head -n 1)
    touch "$main"
    run strace -f -e trace=execve -o "$WORK/trace" "$BULKHEAD" run "oci:$WORK/image"
    grep -q bulkhead-main "$WORK/trace"
}

@test "the root file system is read-only unless asked, and the image is never written" {
    run inside touch /new
    [ "$status" -ne 0 ]
    run bulkhead run --user 0 --read-only=false "dir:$ROOTFS" -- sh -c 'touch /new && ls /new'
    expect_status 0
    [ ! -e "$ROOTFS/new" ]
    run inside sh -c 'touch /tmp/a /run/b /dev/shm/c && ls /tmp /run'
    expect_status 0
    nothing_left
}

@test "capabilities are few for root and none for others, in all five sets, and nothing brings more" {
    run inside sh -c 'cat /proc/self/status'
    expect_output $'CapInh:\t0000000000000000'
    expect_output $'CapBnd:\t00000000000004eb'
    expect_output $'CapAmb:\t0000000000000000'
    expect_output $'NoNewPrivs:\t1'
    expect_output $'Seccomp:\t2'
    run bulkhead run "oci:$WORK/image" -- cat /proc/self/status
    expect_output $'CapPrm:\t0000000000000000'
    expect_output $'CapBnd:\t0000000000000000'
}

@test "a workload sees its own processes, host name, network and cgroup only" {
    run inside sh -c 'ps; hostname; ip -o link; cat /proc/self/cgroup; readlink /proc/self/ns/time'
    expect_status 0
    refute_output bats
    expect_output bulkhead
    expect_output 'lo:'
    refute_output bulkhead-jail
    [ "$(grep -c ': <' <<<"$output")" = 1 ]
    [ "$(readlink /proc/self/ns/time)" != "$(tail -n 1 <<<"$output")" ]
}

@test "no descriptor of the caller reaches the workload" {
    run bash -c 'exec 7</etc/passwd 8</ 9>/dev/null; exec "$0" run --user 0 "oci:$1" -- ls /proc/self/fd' \
        "$BULKHEAD" "$WORK/image"
    expect_status 0
    refute_output 7
    refute_output 8
    refute_output 9
}

@test "a working directory below /proc/self/fd is refused whatever its number" {
    for n in 3 4 5 6 7 8 9 10 11 12 13 14 15; do
        run bulkhead run --user 0 --workdir "/proc/self/fd/$n" "oci:$WORK/image" -- ls
        expect_status 125
    done
    nothing_left
}

@test "an image whose /dev or /proc is a symbolic link is refused, and the place it names is untouched" {
    for name in dev proc tmp; do
        rm -rf "$WORK/evil" "$WORK/decoy"
        mkdir -p "$WORK/evil/bin" "$WORK/decoy"
        echo untouched >"$WORK/decoy/null"
        cp "$ROOTFS/bin/busybox" "$WORK/evil/bin/true"
        ln -s "$WORK/decoy" "$WORK/evil/$name"
        run bulkhead run --user 0 "dir:$WORK/evil" -- /bin/true
        expect_status 125
        expect_output 'symbolic link'
        [ "$(ls "$WORK/decoy")" = null ]
        [ "$(cat "$WORK/decoy/null")" = untouched ]
    done
    nothing_left
}

@test "a volume is never mounted through a symbolic link of the image" {
    rm -rf "$WORK/evil" "$WORK/decoy"
    mkdir -p "$WORK/evil/bin" "$WORK/decoy" "$WORK/data"
    cp "$ROOTFS/bin/busybox" "$WORK/evil/bin/true"
    ln -s "$WORK/decoy" "$WORK/evil/data"
    run bulkhead run --user 0 --volume "$WORK/data:/data" "dir:$WORK/evil" -- /bin/true
    expect_status 125
    expect_output 'symbolic link'
    ln -s / "$WORK/evil/up"
    run bulkhead run --user 0 --volume "$WORK/data:/up/data" "dir:$WORK/evil" -- /bin/true
    expect_status 125
    nothing_left
}

@test "a user number beyond the range is an error and not a name that the image maps to root" {
    rm -rf "$WORK/evil"
    mkdir -p "$WORK/evil/bin" "$WORK/evil/etc"
    cp "$ROOTFS/bin/busybox" "$WORK/evil/bin/id"
    echo '4294967296:x:0:0::/:/bin/sh' >"$WORK/evil/etc/passwd"
    run bulkhead run --user 4294967296 "dir:$WORK/evil" -- /bin/id
    expect_status 125
    refute_output uid=0
}

@test "a device node in an image or a volume cannot be opened" {
    mkdir -p "$WORK/devices"
    mknod "$WORK/devices/zero" c 1 5 2>/dev/null || skip "may not make device nodes"
    run inside true
    run bulkhead run --user 0 --volume "$WORK/devices:/devices" "oci:$WORK/image" -- head -c 1 /devices/zero
    [ "$status" -ne 0 ]
    run inside head -c 1 /dev/zero
    expect_status 0
}

@test "volumes are writable or not as asked, and can refuse programs" {
    mkdir -p "$WORK/data"
    cp "$ROOTFS/bin/busybox" "$WORK/data/busybox"
    run bulkhead run --user 0 -v "$WORK/data:/data" "oci:$WORK/image" -- sh -c 'echo x >/data/made'
    expect_status 0
    [ "$(cat "$WORK/data/made")" = x ]
    run bulkhead run --user 0 -v "$WORK/data:/data:ro" "oci:$WORK/image" -- touch /data/other
    [ "$status" -ne 0 ]
    run bulkhead run --user 0 -v "$WORK/data:/data:noexec" "oci:$WORK/image" -- /data/busybox true
    expect_status 126
    run bulkhead run --user 0 -v "$WORK/data:/data:ro" "oci:$WORK/image" -- /data/busybox true
    expect_status 0
    run bulkhead run --user 0 -v "$WORK/nowhere:/data" "oci:$WORK/image" -- true
    expect_status 125
}

@test "memory and processes are limited, and the end for want of memory is told" {
    run bulkhead run --user 0 --memory 24M "oci:$WORK/image" -- sh -c 'x=aaaaaaaa; while :; do x=$x$x; done'
    expect_status 137
    expect_output 'out of memory'
    run bulkhead run --user 0 --pids 6 "oci:$WORK/image" -- sh -c 'for i in 1 2 3 4 5 6 7 8 9; do sleep 2 & done; wait'
    expect_output fork
    nothing_left
}

@test "signals are forwarded, also to a workload that does not catch them" {
    "$BULKHEAD" run --user 0 "oci:$WORK/image" -- sleep 60 2>/dev/null 3>&- &
    sleep 1; kill -TERM $!
    status=0; wait $! || status=$?
    expect_status 143
    "$BULKHEAD" run --user 0 "oci:$WORK/image" -- sh -c 'trap "exit 9" TERM; while :; do sleep 0.1; done' 2>/dev/null 3>&- &
    sleep 1; kill -TERM $!
    status=0; wait $! || status=$?
    expect_status 9
    nothing_left
}

@test "a workload dies with its supervisor, and so does what it started" {
    "$BULKHEAD" run --user 0 "oci:$WORK/image" -- sh -c 'sleep 61 & sleep 62' 2>/dev/null 3>&- &
    sleep 1
    pgrep -f 'sleep 61' >/dev/null
    kill -KILL $!
    for _ in 1 2 3 4 5 6 7 8 9 10; do pgrep -f 'sleep 6[12]' >/dev/null || break; sleep 0.2; done
    run pgrep -f 'sleep 6[12]'
    [ -z "$output" ]
    find /sys/fs/cgroup -depth -name 'bulkhead-*' -type d -exec rmdir {} \;
}

@test "a published port answers, and the workload still reaches nothing" {
    require_tool curl
    "$BULKHEAD" run --user 0 --publish 127.0.0.1:18080:80 "oci:$WORK/image" -- httpd -f -p 80 -h /srv 2>/dev/null 3>&- &
    supervisor=$!
    for _ in 1 2 3 4 5 6 7 8 9 10; do curl -s http://127.0.0.1:18080/ && break; sleep 0.2; done
    run curl -s http://127.0.0.1:18080/index.html
    [ "$output" = hello ]
    kill "$supervisor"; wait "$supervisor" || true
    run curl -s -m 2 http://127.0.0.1:18080/
    [ "$status" -ne 0 ]
    nothing_left
}

@test "a port that is taken is an error before anything is started" {
    "$BULKHEAD" run --user 0 --publish 18081:80 "oci:$WORK/image" -- sleep 20 2>/dev/null 3>&- &
    sleep 1
    run bulkhead run --user 0 --publish 18081:80 "oci:$WORK/image" -- true
    expect_status 125
    expect_output 18081
    kill $!; wait $! || true
    nothing_left
}

@test "a terminal is the workload's own" {
    require_tool script
    run script -qec "'$BULKHEAD' run -t --user 0 'oci:$WORK/image' -- sh -c 'stty size; readlink /proc/self/fd/0; echo typed >/dev/console'" /dev/null
    expect_status 0
    expect_output '/dev/pts/0'
    expect_output typed
}

@test "output can be opened again by a user who does not own the caller's file" {
    run bash -c '"$0" run "oci:$1" -- sh -c "echo again >/dev/stdout; echo wrong >/dev/stderr" >"$2" 2>&1' \
        "$BULKHEAD" "$WORK/image" "$WORK/log"
    expect_status 0
    grep -q again "$WORK/log"
    grep -q wrong "$WORK/log"
}

@test "events are JSON lines on request" {
    run bash -c '"$0" run --format json --user 0 "oci:$1" -- sh -c "exit 3" 2>&1 >/dev/null' "$BULKHEAD" "$WORK/image"
    expect_status 3
    expect_output '"event":"started"'
    expect_output '"event":"exited"'
    expect_output '"status":3'
}

@test "an image the policy denies is not started, and the reason is told" {
    "$TREE/tests/lib/make-image" oci "$WORK/secret" \
        --config '{"Cmd":["/bin/id"],"Env":["AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMIK7MDENGbPxRfiCYzzzzzzKEY1"]}' "$ROOTFS" >/dev/null
    run bulkhead run "oci:$WORK/secret"
    expect_status 125
    expect_output 'policy denies'
    refute_output uid=
}

@test "an ordinary user runs containers, with their own ID as the image's user" {
    run as_user "$BULKHEAD" run "oci:$WORK/image"
    expect_status 0
    expect_output 'uid=101(web) gid=102(web)'
    run as_user "$BULKHEAD" run --user 0 "oci:$WORK/image" -- sh -c 'id; touch /tmp/x && ls -l /dev/null; ip -o link'
    expect_status 0
    expect_output 'uid=0(root)'
    run as_user "$BULKHEAD" run --user 0 "oci:$WORK/image" -- touch /new
    [ "$status" -ne 0 ]
    run as_user "$BULKHEAD" run --user 0 "oci:$WORK/image" -- sh -c 'exit 5'
    expect_status 5
    nothing_left
}

@test "an ordinary user without a cgroup of their own is told once what is missing" {
    run as_user "$BULKHEAD" run "oci:$WORK/image" -- true
    [ "$(grep -c degraded <<<"$output")" = 1 ]
    run as_user "$BULKHEAD" run --pids 6 "oci:$WORK/image" -- sh -c 'for i in 1 2 3 4 5 6 7 8 9; do sleep 1 & done; wait'
    expect_output fork
}

@test "subordinate IDs make other users of the image real" {
    require_tool newuidmap
    run as_ids_user "$BULKHEAD" run --userns ranges "oci:$WORK/image" -- id
    expect_status 0
    expect_output 'uid=101(web)'
    run as_user "$BULKHEAD" run --userns ranges "oci:$WORK/image" -- id
    expect_status 125
    expect_output /etc/subuid
}

@test "root in a user namespace of the same IDs has no capability outside" {
    run bulkhead run --userns identity --user 0 "oci:$WORK/image" -- sh -c 'id; cat /proc/self/uid_map'
    expect_status 0
    expect_output 'uid=0(root)'
    expect_output 65536
}
