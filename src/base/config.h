/* base/config.h - where the state lives, and the configuration files.
 *
 * Precedence of every setting: option > environment > user file > system file. The system file is
 * /etc/bulkhead/config.yaml; the user file is $XDG_CONFIG_HOME/bulkhead/config.yaml, else
 * ~/.config/bulkhead/config.yaml. A file named by --config or BULKHEAD_CONFIG replaces both.
 *
 * A file is an object of settings (which apply to every command) and of sections, one per command,
 * whose members are that command's options:
 *     color: never
 *     scan:
 *       fail-on: high
 * The state root is not among them: the front executable must find it and reads no YAML. */
#pragma once
#include "base/error.h"
#include "base/node.h"

#include <stddef.h>

/* ---- libc only: part of base_lib ---- */

/* The state root as an absolute path (free): option when not NULL, else BULKHEAD_ROOT, else
 * /var/lib/bulkhead for root, else $XDG_DATA_HOME/bulkhead or ~/.local/share/bulkhead.
 * *ret_given says whether somebody chose it, by option or environment.
 * Errors: BH_USAGE when nothing says where a user's home is; BH_IO. */
int bh_root_path(const char *option, char **ret, bool *ret_given, struct bh_error *err) BH_CHECKED;
/* Volatile state (free): <root>/run when the root was given, else /run/bulkhead for root, else
 * $XDG_RUNTIME_DIR/bulkhead, else <root>/run. */
char *bh_run_path(const char *root, bool root_given) BH_RETURNS_NONNULL;

#define BH_CONFIG_SYSTEM_PATH "/etc/bulkhead/config.yaml"
/* Where the user's file would be (free); NULL when nothing says where a user's home is. */
char *bh_config_user_path(void);
/* Is there any file that bh_config_load(named) would read? Asks the kernel only. */
bool bh_config_exists(const char *named);

struct bh_config;
void bh_config_free(struct bh_config *c); /* NULL is allowed */
static inline void bh_config_freep(struct bh_config **c)
{
    bh_config_free(*c);
}

/* One known key: section NULL is a setting, or with name NULL the section itself. */
struct bh_config_key {
    const char *section, *name;
    bool free_form; /* a section whose members are its owner's business */
};
/* Every key of every file must be among known (ended by both NULL); else BH_INVALID with the place
 * and the nearest known one. */
int bh_config_check(const struct bh_config *c, const struct bh_config_key *known,
                    struct bh_error *err) BH_CHECKED;

/* Files in order of precedence: index 0 wins. NULL past the last. *ret_file is the path. */
const struct bh_node *bh_config_file(const struct bh_config *c, size_t index,
                                     const char **ret_file);
/* The first file's answer for section.name (section NULL: the setting name); NULL when none. */
const struct bh_node *bh_config_get(const struct bh_config *c, const char *section,
                                    const char *name, const char **ret_file);

/* ---- reads YAML: part of base_yaml_lib ---- */

/* Reads the file named, or the user's and the system's where they exist. A file that others could
 * have written is refused: it must belong to root or to the caller and not be writable by all.
 * Errors: BH_INVALID with file, line and column; BH_DENIED; BH_NOT_FOUND for a file that was named.
 */
int bh_config_load(const char *named, struct bh_config **ret, struct bh_error *err) BH_CHECKED;
