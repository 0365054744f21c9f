#!/usr/bin/env bats
# What `make install` brings, seen from the installed program.
load lib

setup() {
    PREFIX=${BULKHEAD%/bin/bulkhead}
    [ "$PREFIX" != "$BULKHEAD" ] || skip "runs against an installed Bulkhead only"
}

@test "the executables are where the front looks for them" {
    local name
    for name in main decode fetch; do
        [ -x "$PREFIX/libexec/bulkhead/bulkhead-$name" ] || { echo "no bulkhead-$name"; false; }
    done
    run bulkhead --version
    expect_status 0
}

@test "the tree can stand anywhere, and a part that is missing is named" {
    mkdir -p "$WORK/elsewhere/bin" "$WORK/elsewhere/libexec/bulkhead"
    cp "$PREFIX/bin/bulkhead" "$WORK/elsewhere/bin/"
    run "$WORK/elsewhere/bin/bulkhead" --version
    expect_status 1
    expect_output "bulkhead-main is neither in $WORK/elsewhere/bin/ nor in"
    cp "$PREFIX/libexec/bulkhead/bulkhead-main" "$WORK/elsewhere/libexec/bulkhead/"
    run "$WORK/elsewhere/bin/bulkhead" --version
    expect_status 0
}

@test "manual pages, completion, policy, schemas and units are installed" {
    local file
    for file in share/man/man1/bulkhead.1 share/man/man1/bulkhead-doctor.1 share/man/man5/bulkhead-config.5 \
        share/bash-completion/completions/bulkhead share/zsh/site-functions/_bulkhead \
        share/bulkhead/rules/default.yaml share/bulkhead/schema/doctor.schema.json \
        share/doc/bulkhead/config.yaml.example lib/systemd/system/bulkhead-db-update.service \
        lib/systemd/system/bulkhead-db-update.timer; do
        [ -s "$PREFIX/$file" ] || { echo "$file is missing"; false; }
    done
}

@test "what is installed says what the program says" {
    cmp "$PREFIX/share/bash-completion/completions/bulkhead" <(bulkhead completion bash)
    cmp "$PREFIX/share/zsh/site-functions/_bulkhead" <(bulkhead completion zsh)
}

@test "the unit calls the installed program with a command that exists" {
    local words
    words=$(sed -n 's/^ExecStart=//p' "$PREFIX/lib/systemd/system/bulkhead-db-update.service")
    [[ "$PREFIX/bin/bulkhead" == *"${words%% *}" ]]
    # shellcheck disable=SC2086 # a command line is words
    run bulkhead ${words#* } --help
    expect_status 0
}

@test "the installed policy is the one that is built in" {
    run bulkhead policy check "$PREFIX/share/bulkhead/rules/default.yaml"
    expect_status 0
}
