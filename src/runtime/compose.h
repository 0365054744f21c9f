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
    const char *verdict;         /* "allow" or "warn" */
    const char *const *warnings; /* NULL terminated; NULL is none */
};

/* Fills *ret, all of it owned by a; confinement is the default one (profile/confinement.h), which a
 * profile may narrow afterwards. */
int bh_compose(const struct bh_composition *c, struct bh_arena *a, struct bh_launch *ret,
               struct bh_error *err) BH_CHECKED;
