#!/usr/bin/env bats
# policy parse, policy check, policy fields

load lib

@test "policy parse answers ok or the column of the fault, a line each" {
    run bash -c 'printf "%s\n" "a and b" "proc.name in (sh, bash)" "a andb" "" "fd.name = (x)" |
        "$BULKHEAD" policy parse'
    expect_status 0
    [ "${lines[0]}" = ok ]
    [ "${lines[1]}" = ok ]
    [[ "${lines[2]}" == "error 6 "* ]]
    [[ "${lines[3]}" == "error 1 "* ]]
    [[ "${lines[4]}" == "error 11 "* ]]
}

@test "policy parse takes a last line without a newline, and none at all" {
    run bash -c 'printf "a or b" | "$BULKHEAD" policy parse'
    expect_status 0
    [ "$output" = ok ]
    run bash -c '"$BULKHEAD" policy parse </dev/null'
    expect_status 0
    [ -z "$output" ]
}

@test "policy parse answers into a file too" {
    printf "a and b\nx y\n" >"$WORK/in"
    "$BULKHEAD" policy parse <"$WORK/in" >"$WORK/out"
    [ "$(head -1 "$WORK/out")" = ok ]
    [ "$(wc -l <"$WORK/out")" = 2 ]
}

@test "the policy that ships is good" {
    run bulkhead policy check
    expect_status 0
    expect_output "good"
}

@test "policy check loads Falco's rule files and says which fields nothing provides" {
    require_data falco-rules/falco_rules.yaml
    local f
    for f in "$DATA"/falco-rules/*.yaml; do
        run bulkhead policy check "$f"
        expect_status 0
        expect_output "good"
        expect_output "nothing provides yet"
    done
    run bulkhead policy check "$DATA/falco-rules/falco_rules.yaml"
    expect_output "good: 25 rules (0 for gates, 25 for events, 0 switched off), 87 macros, 49 lists"
    expect_output "falco_rules.yaml:249:15: proc.name, used"
}

@test "policy check names file, line, column and the nearest word" {
    cat >"$WORK/bad.yaml" <<'YAML'
- list: shells
  items: [sh, bash]
- rule: one
  desc: d
  condition: >
    vuln.severity >= high
    and package.nam in (shells)
  gate: run
  action: denny
YAML
    run bulkhead policy check "$WORK/bad.yaml"
    expect_status 2
    expect_output "bad.yaml:7:9: error: unknown field 'package.nam'; did you mean 'package.name'?"
    expect_output "bad.yaml:9:11: error: 'denny' is no action"
    run bulkhead policy check --format json "$WORK/bad.yaml"
    expect_status 2
    [ "$(jq -r '.good, .notes[0].line, .notes[0].column' <<<"$output" | tr '\n' ' ')" = "false 7 9 " ]
}

@test "policy check refuses what is no rule file, and a file that is not there" {
    printf '\tnot: [yaml' >"$WORK/no.yaml"
    run bulkhead policy check "$WORK/no.yaml"
    expect_status 2
    expect_output "no.yaml"
    run bulkhead policy check "$WORK/absent.yaml"
    expect_status 1
    expect_output "absent.yaml"
    head -c 2000000 /dev/zero | tr '\0' ' ' >"$WORK/large.yaml"
    run bulkhead policy check "$WORK/large.yaml"
    expect_status 2
    expect_output "more than 1048576 bytes"
}

@test "policy fields lists classes and refuses unknown ones" {
    run bulkhead policy fields vuln
    expect_status 0
    expect_output "vuln.severity"
    refute_output "image.name"
    run bulkhead policy fields --format json
    [ "$(jq -r '.fields[] | select(.name == "vuln.severity") | .type' <<<"$output")" = severity ]
    run bulkhead policy fields nothing
    expect_status 2
}
