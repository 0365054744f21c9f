/* policy/program_private.h - what check.c makes and evaluate.c walks. Only policy/ includes this.
 */
#pragma once
#include "policy/checked.h"
#include "policy/program.h"

struct bh_program {
    const struct bh_checked *root;
    uint32_t slots; /* of macros it may reach */
};
