#!/bin/sh
# Writes the table of system call names and numbers for one compiler's target, sorted by name.
# usage: gen_syscalls.sh OUTPUT COMPILER...
# The numbers come from the system's own <asm/unistd.h>, expanded by the preprocessor because arm64
# defines some of them through other macros. Debian 12's header ends at Linux 6.1; calls that came
# later have the same number on every architecture and are appended when missing, so that policies
# can name them.
set -eu
out=$1
shift
later="cachestat=451 fchmodat2=452 map_shadow_stack=453 futex_wake=454 futex_wait=455
futex_requeue=456 statmount=457 listmount=458 lsm_get_self_attr=459 lsm_set_self_attr=460
lsm_list_modules=461 mseal=462 setxattrat=463 getxattrat=464 listxattrat=465 removexattrat=466
open_tree_attr=467 file_getattr=468 file_setattr=469"
names=$(printf '#include <asm/unistd.h>\n' | "$@" -dM -E - |
    sed -n 's/^#define __NR_\([a-z0-9_]*\) .*$/\1/p' |
    grep -v -x -e syscalls -e arch_specific_syscall)
{
    {
        printf '#include <asm/unistd.h>\n'
        for name in $names; do
            printf 'BH_CALL %s __NR_%s\n' "bh_name_$name" "$name"
        done
    } | "$@" -E -P - | sed -n 's/^BH_CALL bh_name_\([a-z0-9_]*\) \([0-9][0-9]*\)$/\1 \2/p'
    for pair in $later; do
        printf '%s %s later\n' "${pair%=*}" "${pair#*=}"
    done
} | LC_ALL=C sort -k1,1 -k3,3 | awk '
    !seen[$1]++ { printf "    {\"%s\", %s},\n", $1, $2 }' >"$out.part"
[ "$(wc -l <"$out.part")" -gt 250 ] || {
    echo "gen_syscalls.sh: no system call numbers found" >&2
    exit 1
}
mv "$out.part" "$out"
