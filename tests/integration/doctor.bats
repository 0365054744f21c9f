#!/usr/bin/env bats
# bulkhead doctor: what this kernel offers.
load lib

@test "every feature is shown with its state, and what is missing with its cost" {
    run bulkhead doctor
    expect_status 0
    expect_output "Landlock"
    expect_output "Programs that decide (BPF LSM)"
    expect_output "as wished."
    refute_output $'\e['
}

@test "JSON holds what the schema says" {
    require_tool jq
    bulkhead doctor --format json >"$WORK/doctor.json"
    jq -e '.schema == "bulkhead/doctor/1" and (.features | length) >= 30 and (.missing_essential | type) == "array"
        and (.kernel.release | length) > 0 and (.uid | type) == "number"' "$WORK/doctor.json"
    jq -e 'all(.features[]; (.state | IN("yes", "partly", "no", "denied", "unknown"))
        and (.group | IN("namespaces", "cgroups", "filters", "kernel", "files", "bpf"))
        and (if .good then .cost == null else (.cost | length) > 0 end) and (.detail | length) > 0)' "$WORK/doctor.json"
    # Every required member of the schema is there, in every feature.
    jq -e --slurpfile schema "$TREE/docs/schema/doctor.schema.json" '
        . as $doc | ($schema[0].required - ($doc | keys)) == [] and
        all($doc.features[]; ($schema[0].properties.features.items.required - keys) == [])' "$WORK/doctor.json"
}

@test "what the table says is missing is what JSON says is not good" {
    require_tool jq
    local name
    bulkhead doctor >"$WORK/table"
    while read -r name; do
        grep -qE "(^| )$name( |\$)" "$WORK/table" || { echo "$name is not in the table"; false; }
    done < <(bulkhead doctor --format json | jq -r '.features[] | select(.good | not) | .name')
}

@test "what the kernel was told to forbid is found missing" {
    require_root
    # A limit of the child's own user namespace: nothing of the host changes.
    run unshare -U -r sh -c 'echo 0 >/proc/sys/user/max_user_namespaces && exec "$1" doctor --format json' - "$BULKHEAD"
    expect_status 0
    [ "$(jq -r '.features[] | select(.name == "user-namespaces") | .state' <<<"$output")" = no ]
}

@test "a filter that takes a system call away is noticed" {
    require_tool jq
    require_tool python3
    # openat2 answers ENOSYS, as on a kernel that lacks it.
    cat >"$WORK/without-openat2.py" <<'PY'
import ctypes, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
rows = [(0x20, 0, 0, 0), (0x15, 0, 1, 437), (0x06, 0, 0, 0x00050000 | 38), (0x06, 0, 0, 0x7FFF0000)]
code = b"".join(struct.pack("HBBI", *r) for r in rows)
buf = ctypes.create_string_buffer(code)
prog = struct.pack("HxxxxxxQ", len(rows), ctypes.addressof(buf))
libc.prctl(38, 1, 0, 0, 0)
if libc.prctl(22, 2, ctypes.c_char_p(prog), 0, 0):
    sys.exit("prctl: %s" % os.strerror(ctypes.get_errno()))
os.execv(sys.argv[1], sys.argv[1:])
PY
    run python3 "$WORK/without-openat2.py" "$BULKHEAD" doctor --format json
    expect_status 0
    [ "$(jq -r '.features[] | select(.name == "openat2") | .state' <<<"$output")" = no ]
    [ "$(jq -r '.missing_essential | index("openat2") != null' <<<"$output")" = true ]
    run python3 "$WORK/without-openat2.py" "$BULKHEAD" doctor
    expect_output "essential feature is missing"
}

@test "--require fails with the cost when the feature is missing, and knows the names" {
    require_tool jq
    local missing
    run bulkhead doctor --require openat2 --require clone3
    expect_status 0
    missing=$(bulkhead doctor --format json | jq -r 'first(.features[] | select(.good | not) | .name)')
    if [ -n "$missing" ]; then
        run bulkhead doctor --require "$missing"
        expect_status 1
        expect_output "bulkhead doctor: $missing is "
    fi
    run bulkhead doctor --require landlok
    expect_status 2
    expect_output 'no feature is named "landlok"; did you mean landlock?'
}

@test "an ordinary user gets an answer of his own" {
    require_tool jq
    require_jail
    run as_user "$BULKHEAD" doctor --format json
    expect_status 0
    [ "$(jq -r .uid <<<"$output")" != 0 ]
    [ "$(jq -r '.features[] | select(.name == "openat2") | .state' <<<"$output")" = yes ]
}

@test "nothing is left mounted and nothing is changed" {
    local before after
    before=$(cat /proc/self/mounts)
    bulkhead doctor >/dev/null
    after=$(cat /proc/self/mounts)
    [ "$before" = "$after" ]
}
