load lib

# One rehearsal as root and one as a user are looked at by all tests: each is hundreds of starts.
prepare_file() {
    [ -n "${BULKHEAD_IN_JAIL:-}" ] || return 0
    "$BULKHEAD" rehearse --format json >"$WORK/root.json" 2>"$WORK/root.log" || echo $? >"$WORK/root.failed"
    as_user bash -c '"$0" rehearse --format json' "$BULKHEAD" >"$WORK/user.json" 2>"$WORK/user.log" ||
        echo $? >"$WORK/user.failed"
}

setup() {
    require_jail
    require_tool jq
}

by() { jq -r --arg name "$1" '.attempts[] | select(.attempt == $name) | .stopped_by | join(",")' "$WORK/root.json"; }

# A stopped attempt is one that went through with everything switched off, so each line here is both
# the test and the proof that it can fail.
@test "every attack from inside is stopped, and by what is found out" {
    [ ! -e "$WORK/root.failed" ] || { cat "$WORK/root.log"; false; }
    [ "$(jq .escaped "$WORK/root.json")" = 0 ]
    [ "$(jq .stopped "$WORK/root.json")" -ge 20 ]
    [[ "$(by write-root)" == *"read-only root"* ]]
    [[ "$(by mount)" == *seccomp*capabilities*Landlock* ]]
    [[ "$(by host-port)" == "network namespace" ]]
    [[ "$(by fork-bomb)" == "process limit" ]]
    [[ "$(by memory)" == "memory limit" ]]
    [[ "$(by host-file)" == "private root" ]]
    [[ "$(by core-pattern)" == *"kernel path masks"* ]]
}

@test "where one protection alone stops an attack, switching it off lets it through" {
    [ "$(jq '[.attempts[] | select((.stopped_by | length) == 1 and .confirmed == false)] | length' "$WORK/root.json")" = 0 ]
    [ "$(jq '[.attempts[] | select(.confirmed)] | length' "$WORK/root.json")" -ge 5 ]
}

@test "an ordinary user's containers stop every attack too" {
    [ ! -e "$WORK/user.failed" ] || { cat "$WORK/user.log"; false; }
    [ "$(jq .escaped "$WORK/user.json")" = 0 ]
    [ "$(jq .stopped "$WORK/user.json")" -ge 10 ]
}

@test "a rehearsal leaves nothing behind" {
    run find /sys/fs/cgroup -name 'bulkhead-*' -type d ! -name 'bulkhead-jail*'
    [ -z "$output" ] || { echo "left: $output"; false; }
    run pgrep -f bulkhead-attacker
    [ -z "$output" ] || { echo "left: $output"; false; }
    [ "$(ls "$BULKHEAD_ROOT/rehearsal")" = empty ]
    [ -z "$(ipcs -m | grep 0x4248 || true)" ]
}
