/* inspect/worker.h - what the parts of the inspector in the worker share. */
#pragma once
#include "inspect/layer_sink.h"

/* Something that was not looked at. path may be NULL. */
void bh_inspector_gap(struct bh_inspector *i, bool blind, const char *subject, const char *path,
                      const char *reason);
