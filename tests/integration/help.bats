#!/usr/bin/env bats
# The command line itself: help, manual pages, mistakes, exit status.
load lib

# Every command that help shows, one per line.
commands() {
    bulkhead --help | awk '/^[A-Z].*:$/ { inside = !/^(Usage|Global options):/ } /^  [a-z]/ && inside' |
        sed -E 's/^  ([a-z]+( [a-z]+)*).*/\1/; s/  .*//'
}

@test "without a command the overview goes to standard error and the status is 2" {
    run bulkhead
    expect_status 2
    expect_output "Usage: bulkhead"
    [ -z "$(bulkhead 2>/dev/null)" ]
}

@test "--help and help show every group of commands on standard output" {
    run bulkhead --help
    expect_status 0
    expect_output "Run it guarded:"
    expect_output "Know this host:"
    [ "$(bulkhead --help)" = "$(bulkhead help)" ]
}

@test "every command explains itself, three ways alike" {
    local name count=0
    while read -r name; do
        # shellcheck disable=SC2086 # two-word names are two words
        run bulkhead help $name
        expect_status 0
        expect_output "Usage: bulkhead $name"
        # shellcheck disable=SC2086
        [ "$(bulkhead $name --help)" = "$output" ]
        # shellcheck disable=SC2086
        [ "$(bulkhead --help $name)" != "" ]
        count=$((count + 1))
    done < <(commands)
    [ "$count" -ge 8 ]
}

@test "--version prints the version alone" {
    run bulkhead --version
    expect_status 0
    [[ "$output" =~ ^bulkhead\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
}

@test "a mistyped command gets the nearest one" {
    run bulkhead docotr
    expect_status 2
    expect_output 'unknown command "docotr"; did you mean "doctor"?'
    run bulkhead db imprt
    expect_status 2
    expect_output 'did you mean "db import"?'
    run bulkhead zzzzzz
    expect_status 2
    refute_output "did you mean"
}

@test "a family without a member lists its members" {
    run bulkhead db
    expect_status 2
    expect_output "db what? One of: "
    run bulkhead db --help
    expect_status 0
    expect_output "db import"
    run bulkhead help db
    expect_status 0
    expect_output "db import"
}

@test "a mistyped option gets the nearest one, before and behind the command" {
    run bulkhead doctor --fromat json
    expect_status 2
    expect_output "unknown option --fromat; did you mean --format?"
    run bulkhead --colr never doctor
    expect_status 2
    expect_output "unknown option --colr; did you mean --color?"
}

@test "a mistyped value gets the nearest one" {
    run bulkhead doctor --format jsno
    expect_status 2
    expect_output 'option --format: "jsno" is not one of table, json; did you mean json?'
}

@test "operands too many or too few are refused with what is wanted" {
    run bulkhead completion
    expect_status 2
    expect_output "needs bash|zsh"
    run bulkhead completion bash zsh
    expect_status 2
    expect_output '"zsh" is one operand too many'
}

@test "messages escape control characters of what they quote" {
    run bulkhead $'doc\e[31mtor'
    expect_status 2
    expect_output 'doc\x1b[31mtor'
    refute_output $'\e[31mtor'
}

@test "a result that cannot be written is a failure" {
    [ -c /dev/full ] || skip "no /dev/full"
    run bash -c '"$BULKHEAD" completion bash >/dev/full'
    expect_status 1
    expect_output "standard output: No space left on device"
}

@test "colours appear on order, never unasked where there is no terminal" {
    run bulkhead help doctor
    refute_output $'\e['
    run bulkhead --color always help doctor
    expect_output $'\e['
    run env BULKHEAD_COLOR=always "$BULKHEAD" help doctor
    expect_output $'\e['
    run env BULKHEAD_COLOR=always "$BULKHEAD" --color never help doctor
    refute_output $'\e['
}

@test "on a terminal NO_COLOR and TERM=dumb take the colours away" {
    require_tool script
    run env -u NO_COLOR TERM=xterm script -qec "'$BULKHEAD' help doctor" /dev/null
    expect_output $'\e['
    run env NO_COLOR=1 TERM=xterm script -qec "'$BULKHEAD' help doctor" /dev/null
    refute_output $'\e['
    run env -u NO_COLOR TERM=dumb script -qec "'$BULKHEAD' help doctor" /dev/null
    refute_output $'\e['
}

@test "every command has a manual page that man accepts without a warning" {
    require_tool man
    local name page count=0
    bulkhead manual "$WORK/man"
    [ -f "$WORK/man/bulkhead.1" ]
    [ -f "$WORK/man/bulkhead-config.5" ]
    while read -r name; do
        [ -f "$WORK/man/bulkhead-${name// /-}.1" ] || { echo "no page for $name"; false; }
    done < <(commands)
    for page in "$WORK"/man/*; do
        # -Tutf8: what is meant for a terminal; groff then warns of what it cannot show.
        run env LC_ALL=C.UTF-8 MANROFFSEQ='' MANWIDTH=80 man --warnings -E UTF-8 -l -Tutf8 -Z "$page"
        expect_status 0
        run bash -c 'LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings -E UTF-8 -l -Tutf8 -Z "$1" 2>&1 >/dev/null' - "$page"
        [ -z "$output" ] || { echo "$page: $output"; false; }
        count=$((count + 1))
    done
    [ "$count" -ge 10 ]
}

@test "the manual page says what help says" {
    require_tool man
    bulkhead manual "$WORK/man2"
    run bash -c 'LC_ALL=C.UTF-8 MANWIDTH=200 man -l "$1" | col -bx' - "$WORK/man2/bulkhead-doctor.1"
    expect_output "--require NAME"
    expect_output "EXIT STATUS"
    expect_output "bulkhead doctor --format json"
}

@test "no option of the table is missing from the manual" {
    local name option page
    bulkhead manual "$WORK/man3"
    while read -r name; do
        page=$WORK/man3/bulkhead-${name// /-}.1
        # shellcheck disable=SC2086 # two-word names are two words
        while read -r option; do
            grep -qF -- "\\-\\-${option//-/\\-}\\fR" "$page" || { echo "$page lacks --$option"; false; }
        done < <(bulkhead help $name | sed -nE 's/^  (-., |    )--([a-z0-9-]+).*/\2/p')
    done < <(commands)
}
