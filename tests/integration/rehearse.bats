load lib

setup() {
    require_jail
    require_tool jq
}

# A stopped attempt is one that went through with everything switched off, so each line here is both
# the test and the proof that it can fail.
@test "every attack from inside is stopped, and by what is found out" {
    run bash -c '"$0" rehearse --format json 2>/dev/null' "$BULKHEAD"
    expect_status 0
    [ "$(jq .escaped <<<"$output")" = 0 ]
    [ "$(jq .stopped <<<"$output")" -ge 20 ]
    by() { jq -r --arg name "$1" '.attempts[] | select(.attempt == $name) | .stopped_by | join(",")' <<<"$output"; }
    [[ "$(by write-root)" == *"read-only root"* ]]
    [[ "$(by mount)" == *seccomp*capabilities*Landlock* ]]
    [[ "$(by host-port)" == "network namespace" ]]
    [[ "$(by fork-bomb)" == "process limit" ]]
    [[ "$(by memory)" == "memory limit" ]]
    [[ "$(by host-file)" == "private root" ]]
    [[ "$(by core-pattern)" == *"kernel path masks"* ]]
}

@test "where one protection alone stops an attack, switching it off lets it through" {
    run bash -c '"$0" rehearse --format json 2>/dev/null' "$BULKHEAD"
    [ "$(jq '[.attempts[] | select((.stopped_by | length) == 1 and .confirmed == false)] | length' <<<"$output")" = 0 ]
    [ "$(jq '[.attempts[] | select(.confirmed)] | length' <<<"$output")" -ge 5 ]
}

@test "an ordinary user's containers stop every attack too" {
    run as_user bash -c '"$0" rehearse --format json 2>/dev/null' "$BULKHEAD"
    expect_status 0
    [ "$(jq .escaped <<<"$output")" = 0 ]
}

@test "a rehearsal leaves nothing behind" {
    bulkhead rehearse >/dev/null 2>&1
    run find /sys/fs/cgroup -name 'bulkhead-*' -type d
    [ -z "$output" ]
    run pgrep -f bulkhead-attacker
    [ -z "$output" ]
    [ ! -e "$BULKHEAD_ROOT/rehearsal" ] || [ "$(ls "$BULKHEAD_ROOT/rehearsal")" = empty ]
    [ -z "$(ipcs -m | grep 0x4248 || true)" ]
}
