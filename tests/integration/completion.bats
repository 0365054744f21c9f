#!/usr/bin/env bats
# Completion in real shells: what would be offered for a line that is being typed.
load lib

prepare_file() {
    bulkhead completion bash >"$WORK/bulkhead.bash"
    bulkhead completion zsh >"$WORK/_bulkhead"
}

# in_bash WORD...: the offers for the last word, one a line. The script of bash-completion is not needed.
in_bash() {
    bash --norc --noprofile -c '
        compopt() { :; }            # only inside a real completion
        bulkhead() { :; }           # no stored images
        source "$1"; shift
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _bulkhead
        printf "%s\n" "${COMPREPLY[@]}"' - "$WORK/bulkhead.bash" "$@"
}

@test "both scripts are sound in their shells" {
    bash -n "$WORK/bulkhead.bash"
    require_tool zsh
    zsh -n "$WORK/_bulkhead"
}

@test "no other shell is promised" {
    run bulkhead completion fish
    expect_status 2
    expect_output 'no completion for shell "fish"'
}

@test "bash offers commands, members of families and nothing hidden" {
    run in_bash bulkhead ""
    expect_output "doctor"
    expect_output "db"
    refute_output "manual"
    [ "$(in_bash bulkhead doc)" = doctor ]
    run in_bash bulkhead db ""
    expect_output "import"
    expect_output "status"
    refute_output "doctor"
    [ "$(in_bash bulkhead db imp)" = import ]
}

@test "bash offers options of the command and the global ones" {
    run in_bash bulkhead doctor --
    expect_output "--format"
    expect_output "--require"
    expect_output "--color"
    [ "$(in_bash bulkhead doctor --req)" = --require ]
    run in_bash bulkhead --
    expect_output "--root"
    refute_output "--require"
}

@test "bash offers the choices of a value, also behind a global option" {
    [ "$(in_bash bulkhead doctor --format j)" = json ]
    [ "$(in_bash bulkhead doctor -f t)" = table ]
    [ "$(in_bash bulkhead --color n)" = never ]
    [ "$(in_bash bulkhead --color never doc)" = doctor ]
    [ "$(in_bash bulkhead --color never doctor --format j)" = json ]
    [ "$(in_bash bulkhead completion z)" = zsh ]
}

@test "bash offers files and directories where a value is one" {
    mkdir -p "$WORK/place/inner"
    touch "$WORK/place/file.yaml"
    cd "$WORK/place"
    [ "$(in_bash bulkhead --config fi)" = file.yaml ]
    [ "$(in_bash bulkhead --root in)" = inner ]
    [ "$(in_bash bulkhead --root fi)" = "" ]
}

@test "bash offers the kinds of a target and paths behind them" {
    mkdir -p "$WORK/targets/layout"
    cd "$WORK/targets"
    [ "$(in_bash bulkhead run oci-a)" = "oci-archive:" ]
    [ "$(in_bash bulkhead run lay)" = layout ]
}

# in_zsh LINE: types LINE and the tab key into a real zsh and prints what it would run.
in_zsh() {
    cat >"$WORK/type.zsh" <<'ZSH'
zmodload zsh/zpty
zpty z zsh -f -i
setup="PS1=; unset zle_bracketed_paste; fpath=($1 \$fpath); autoload -Uz compinit; compinit -u -D"
zpty -w z "$setup; bulkhead() { print -r -- \"got\"\"<\$*>\" }; print -r -- re\"\"ady"
zpty -r -m z out "*ready*" || exit 1
zpty -w -n z "$2"$'\t'
sleep 0.7
zpty -w -n z $'\r'
zpty -r -m z out "*got<*>*" || exit 1
print -r -- "${${out##*got<}%%>*}"
ZSH
    timeout 30 zsh -f "$WORK/type.zsh" "$WORK" "$1"
}

@test "zsh completes commands, members, options and values" {
    require_tool zsh
    [ "$(in_zsh 'bulkhead doct' | sed 's/ *$//')" = "doctor" ]
    [ "$(in_zsh 'bulkhead db imp' | sed 's/ *$//')" = "db import" ]
    [ "$(in_zsh 'bulkhead doctor --req' | sed 's/[ =]*$//')" = "doctor --require" ]
    [ "$(in_zsh 'bulkhead doctor --format j' | sed 's/ *$//')" = "doctor --format json" ]
    [ "$(in_zsh 'bulkhead --color nev' | sed 's/ *$//')" = "--color never" ]
    [ "$(in_zsh 'bulkhead completion z' | sed 's/ *$//')" = "completion zsh" ]
}
