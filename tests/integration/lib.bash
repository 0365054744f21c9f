# shellcheck shell=bash disable=SC2154 # bats sets status and output
# Shared by every bats file:  load lib
#
# bulkhead          the program under test (BULKHEAD, set by tests/check)
# $WORK             a directory of the test file's own, removed afterwards; users may read it
# $BULKHEAD_ROOT    a state root below $WORK
# as_user CMD...    runs CMD as an ordinary user without subordinate ids
# as_ids_user       the same with a range of subordinate ids
# $DATA             real advisories and vectors, or empty (BULKHEAD_TEST_DATA)

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export TREE=${here%/tests/integration}
: "${BULKHEAD:=$TREE/build/src/cmd/bulkhead}"
: "${BULKHEAD_TEST_DATA:=$TREE/../shared/data}"
[ -d "$BULKHEAD_TEST_DATA" ] && DATA=$(cd "$BULKHEAD_TEST_DATA" && pwd) || DATA=
export BULKHEAD DATA

bulkhead() { "$BULKHEAD" "$@"; }

setup_file() {
    WORK=$(mktemp -d "${TMPDIR:-/tmp}/bulkhead-bats-XXXXXX")
    chmod 755 "$WORK"
    export WORK BULKHEAD_ROOT=$WORK/root
    if declare -F prepare_file >/dev/null; then prepare_file; fi
}

teardown_file() {
    if declare -F cleanup_file >/dev/null; then cleanup_file; fi
    chmod -R u+rwX "$WORK" 2>/dev/null || true
    rm -rf "$WORK"
}

require_root() { [ "$(id -u)" = 0 ] || skip "needs root"; }
require_jail() { [ -n "${BULKHEAD_IN_JAIL:-}" ] || skip "runs inside tests/jail only"; }
require_data() { [ -n "$DATA" ] && [ -e "$DATA/$1" ] || skip "no test data: $1"; }
require_tool() { command -v "$1" >/dev/null || skip "$1 is not installed"; }

# A home and a state root that belong to the user.
user_home() {
    local home=$WORK/home-$1
    [ -d "$home" ] || install -d -o "$1" -g "$1" -m 700 "$home"
    echo "$home"
}
run_as() {
    local user=$1 home; shift
    home=$(user_home "$user")
    env -u XDG_DATA_HOME -u XDG_RUNTIME_DIR -u XDG_CONFIG_HOME HOME="$home" \
        BULKHEAD_ROOT="${USER_ROOT:-$home/root}" \
        setpriv --reuid "$user" --regid "$user" --clear-groups "$@"
}
as_user() { require_jail; run_as bulkhead-test "$@"; }
as_ids_user() { require_jail; run_as bulkhead-ids "$@"; }

# The last command (bats' run) must have this status; shows what it printed when not.
expect_status() {
    [ "$status" = "$1" ] || { echo "status $status, expected $1"; echo "$output"; return 1; }
}
expect_output() {
    [[ "$output" == *"$1"* ]] || { echo "expected: $1"; echo "printed:  $output"; return 1; }
}
refute_output() {
    [[ "$output" != *"$1"* ]] || { echo "not expected: $1"; echo "printed:  $output"; return 1; }
}
