#!/usr/bin/env bats
# Configuration files: precedence, unknown keys, who may have written them.
load lib

setup() {
    CONFIG=$BATS_TEST_TMPDIR/config.yaml
    export XDG_CONFIG_HOME=$BATS_TEST_TMPDIR/xdg
    mkdir -p "$XDG_CONFIG_HOME/bulkhead"
    unset BULKHEAD_CONFIG BULKHEAD_LOG_LEVEL
}
write() { cat >"$CONFIG"; }
is_json() { [[ "$1" == "{"* ]]; }

@test "an option's default comes from the file named, the variable or the user's file" {
    printf 'doctor:\n  format: json\n' | tee "$CONFIG" >"$XDG_CONFIG_HOME/bulkhead/config.yaml"
    is_json "$(bulkhead --config "$CONFIG" doctor)"
    is_json "$(BULKHEAD_CONFIG=$CONFIG bulkhead doctor)"
    is_json "$(bulkhead doctor)"
}

@test "an option beats the file, and the file named replaces the user's" {
    printf 'doctor:\n  format: json\n' >"$XDG_CONFIG_HOME/bulkhead/config.yaml"
    ! is_json "$(bulkhead doctor --format table)"
    write <<<'color: never'
    ! is_json "$(bulkhead --config "$CONFIG" doctor)"
}

@test "a variable beats the file" {
    write <<<'log-level: debug'
    run env BULKHEAD_LOG_LEVEL=wrong "$BULKHEAD" --config "$CONFIG" doctor
    expect_status 2
    expect_output 'environment variable BULKHEAD_LOG_LEVEL: "wrong" is not one of error, warn, info, debug'
}

@test "an unknown key is an error with file, line, column and the nearest known key" {
    write <<<$'color: never\ndocter: {}'
    run bulkhead --config "$CONFIG" doctor
    expect_status 2
    expect_output "$CONFIG:2:1: unknown key \"docter\"; did you mean \"doctor\"?"
    write <<<$'doctor:\n  fromat: json'
    run bulkhead --config "$CONFIG" doctor
    expect_status 2
    expect_output "$CONFIG:2:3: unknown key \"fromat\" in doctor; did you mean \"format\"?"
}

@test "unknown keys are found whatever command runs" {
    write <<<$'doctor:\n  fromat: json'
    run bulkhead --config "$CONFIG" db status
    expect_status 2
    expect_output "unknown key"
}

@test "a wrong value is named with its place" {
    write <<<$'doctor:\n  format: xml'
    run bulkhead --config "$CONFIG" doctor
    expect_status 2
    expect_output "$CONFIG:2:11: format: \"xml\" is not one of table, json"
}

@test "broken YAML, duplicate keys and two documents are refused" {
    local text
    for text in $'a: [1' $'color: never\ncolor: auto' $'color: never\n---\ncolor: auto' $'color: !!str never'; do
        write <<<"$text"
        run bulkhead --config "$CONFIG" doctor
        expect_status 2
        expect_output "$CONFIG: "
    done
}

@test "a file that everybody can write to is refused with the remedy" {
    write <<<'color: never'
    chmod 666 "$CONFIG"
    run bulkhead --config "$CONFIG" doctor
    expect_status 5
    expect_output "everybody can write to it; run: chmod o-w $CONFIG"
}

@test "a file that belongs to another user is refused" {
    require_root
    write <<<'color: never'
    chown 12345 "$CONFIG"
    run bulkhead --config "$CONFIG" doctor
    expect_status 5
    expect_output "belongs to user 12345"
}

@test "a file that was named must exist; help works whatever the files say" {
    run bulkhead --config "$BATS_TEST_TMPDIR/none.yaml" doctor
    expect_status 1
    expect_output "none.yaml: No such file or directory"
    write <<<'nonsense: 1'
    run bulkhead --config "$CONFIG" help doctor
    expect_status 0
    run bulkhead --config "$CONFIG" doctor --help
    expect_status 0
}

@test "the example that is installed is valid" {
    install -m 644 "$TREE/packaging/config.yaml.example" "$CONFIG"
    run bulkhead --config "$CONFIG" doctor
    expect_status 0
}
