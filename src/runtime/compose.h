/* runtime/compose.h - a launch record from what was asked for, the image and its layers. */
#pragma once
#include "fact/facts.h"
#include "profile/launch.h"
#include "runtime/request.h"

struct bh_composition {
    const struct bh_run_request *request;
    const struct bh_image_config *config; /* known false: a plain root file system */
    const struct bh_launch_layer *layers; /* the uppermost first */
    size_t layer_count;
    const char *root_path; /* of the state */
    const char *image_digest;
    /* Told of choices the user should know, one line each; may be NULL. */
    struct bh_launch_input *inputs;
    size_t input_count;
};

/* Fills *ret, all of it owned by a; confinement is the default one (profile/confinement.h), which a
 * profile may narrow afterwards. */
int bh_compose(const struct bh_composition *c, struct bh_arena *a, struct bh_launch *ret,
               struct bh_error *err) BH_CHECKED;
