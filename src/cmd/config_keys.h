/* cmd/config_keys.h - the keys a configuration file may hold: the options of the command table. */
#pragma once
#include "base/config.h"

int bh_config_keys_check(const struct bh_config *config, struct bh_error *err) BH_CHECKED;
