#!/usr/bin/env bats
# profile

load lib

prepare_file() {
    mkdir -p "$WORK/layer/etc"
    printf 'ID=debian\nVERSION_ID="12"\n' >"$WORK/layer/etc/os-release"
    printf 'app:x:1000:1000::/:/bin/false\n' >"$WORK/layer/etc/passwd"
    "$TREE/tests/lib/make-image" oci "$WORK/image" --top "{\"created\": \"$(date -u +%Y-%m-%dT%H:%M:%SZ)\"}" \
        --config '{"User": "app", "ExposedPorts": {"80/tcp": {}}, "Entrypoint": ["/app"]}' "$WORK/layer" >/dev/null
}

@test "profile shows user, calls, limits and ports without running anything" {
    run bulkhead profile "oci:$WORK/image"
    expect_status 0
    jq -e '.schema == "bulkhead/profile/1" and .command == ["/app"] and .user.uid == 1000 and
        .capabilities == [] and .network == {"mode": "none", "ports": ["80/tcp"]} and
        .limits.pids > 0 and .files.root_read_only and
        (.system_calls.allow | index("read")) and (.system_calls.by_argument | index("socket")) and
        ((.system_calls.allow + .system_calls.by_argument) | index("bpf") | not)' <<<"$output"
}

@test "a rule of the policy narrows the profile, and is named" {
    cat >"$WORK/small.yaml" <<'YAML'
- rule: Small services
  desc: d
  condition: config.ports intersects ("80/tcp")
  gate: run
  action: allow
  profile: {memory: 64M, pids: 7, deny_syscalls: [rename]}
YAML
    run bulkhead profile --policy "$WORK/small.yaml" "oci:$WORK/image"
    expect_status 0
    jq -e '.limits.memory_bytes == 67108864 and .limits.pids == 7 and
        .policy.narrowed_by == ["Small services"] and
        (.system_calls.allow | index("rename") | not)' <<<"$output"
}

@test "what the policy denies has no profile" {
    printf -- '- rule: No\n  desc: d\n  condition: image.layer_count > 0\n  gate: run\n  action: deny\n' \
        >"$WORK/deny.yaml"
    run bulkhead profile --policy "$WORK/deny.yaml" "oci:$WORK/image"
    expect_status 3
    expect_output "the policy denies"
}
