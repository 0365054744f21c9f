load lib

# Every command that is there for everybody, as an ordinary user with a state root of their own; root's
# side of each is in the command's own file.

prepare_file() {
    mkdir -p "$WORK/rootfs"/{bin,etc,var/lib/dpkg}
    cp /bin/busybox "$WORK/rootfs/bin/busybox"
    ln -s busybox "$WORK/rootfs/bin/sh"
    printf 'ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\n' >"$WORK/rootfs/etc/os-release"
    printf 'root:x:0:0::/:/bin/sh\nweb:x:1000:1000::/:/bin/sh\n' >"$WORK/rootfs/etc/passwd"
    printf 'Package: hello\nStatus: install ok installed\nVersion: 2.10-3\nArchitecture: all\nMaintainer: x\n\n' \
        >"$WORK/rootfs/var/lib/dpkg/status"
    "$TREE/tests/lib/make-image" oci "$WORK/image" --config '{"User": "web", "Cmd": ["/bin/sh", "-c", "echo inside"]}' "$WORK/rootfs" >/dev/null
    printf '{"id": "CVE-2024-0001", "modified": "2024-01-01T00:00:00Z", "affected": [{"package": {"ecosystem": "Debian:12", "name": "hello"}, "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.10-4"}]}]}]}' \
        >"$WORK/advisory.json"
    printf -- '- rule: No hello\n  gate: run\n  action: warn\n  condition: package.name = hello\n  output: has %%package.name\n' >"$WORK/policy.yaml"
    chmod -R a+rX "$WORK"
}

@test "a user asks what the host offers" {
    run as_user "$BULKHEAD" doctor --format json
    [ "$(jq -r .schema <<<"$output")" = bulkhead/doctor/1 ]
}

@test "a user imports advisories, sees them and compares versions" {
    run as_user "$BULKHEAD" db import "$WORK/advisory.json"
    expect_status 0
    run as_user "$BULKHEAD" db status
    expect_status 0
    expect_output debian-12
    run as_user bash -c "echo 1.0 1.0~rc1 | '$BULKHEAD' db compare debian"
    expect_status 0
    [ "$output" = ">" ]
}

@test "a user scans an image and is told of the vulnerability" {
    as_user "$BULKHEAD" db import "$WORK/advisory.json"
    run as_user "$BULKHEAD" scan "oci:$WORK/image" --format json
    expect_status 0
    [ "$(jq -r '.vulnerabilities[0].id' <<<"$output")" = CVE-2024-0001 ]
}

@test "a user reads, checks and applies policies" {
    run as_user "$BULKHEAD" policy fields
    expect_status 0
    expect_output vuln.severity
    run as_user bash -c "echo 'package.name = hello' | '$BULKHEAD' policy parse"
    [ "$output" = ok ]
    run as_user "$BULKHEAD" policy check "$WORK/policy.yaml"
    expect_status 0
    run as_user "$BULKHEAD" check --policy "$WORK/policy.yaml" "oci:$WORK/image"
    expect_status 0
    expect_output "has hello"
    run as_user "$BULKHEAD" policy explain --policy "$WORK/policy.yaml" "oci:$WORK/image"
    expect_status 0
    expect_output "No hello"
}

@test "a user keeps images in a store of their own" {
    run as_user "$BULKHEAD" pull "oci:$WORK/image"
    expect_status 0
    run as_user "$BULKHEAD" images --quiet
    expect_output image:latest
    run as_user "$BULKHEAD" rmi image:latest
    expect_status 0
    run as_user "$BULKHEAD" gc
    expect_status 0
}

@test "a user sees the profile of an image and runs it" {
    run as_user "$BULKHEAD" profile "oci:$WORK/image"
    expect_status 0
    [ "$(jq -r .schema <<<"$output")" = bulkhead/profile/1 ]
    run as_user "$BULKHEAD" run "oci:$WORK/image"
    expect_status 0
    expect_output inside
}

@test "a user reads help and completions" {
    run as_user "$BULKHEAD" help run
    expect_status 0
    run as_user "$BULKHEAD" completion bash
    expect_status 0
}
