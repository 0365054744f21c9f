#include "http/auth_file.h"

#include "base/json.h"
#include "base/mem.h"
#include "http/base64.h"
#include "sys/fd.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DOCKER_HUB_KEY "https://index.docker.io/v1/"

static void wipe(char **text)
{
    if (*text)
        explicit_bzero(*text, strlen(*text));
    free(*text);
    *text = NULL;
}

void bh_credential_done(struct bh_credential *c)
{
    wipe(&c->username);
    wipe(&c->password);
    wipe(&c->identity_token);
}

static void wipe_buf(struct bh_buf *b)
{
    if (b->data)
        explicit_bzero(b->data, b->cap);
    bh_buf_done(b);
}

/* "base64(user:password)" */
static int decode_pair(const char *text, struct bh_credential *c, struct bh_error *err)
{
    BH_AUTO(wipe_buf) struct bh_buf pair = BH_BUF_INIT(16384);
    const char *colon;
    int r = bh_base64_decode(text, strlen(text), &pair, err);

    if (r)
        return bh_wrap(err, "\"auth\"");
    colon = strchr(bh_buf_text(&pair), ':');
    if (!colon || strlen(bh_buf_text(&pair)) != pair.len)
        return bh_fail(err, BH_INVALID, "\"auth\" is not the base64 of user:password");
    c->username = bh_strndup(pair.data, (size_t)(colon - pair.data));
    c->password = bh_strdup(colon + 1);
    return 0;
}

static int read_entry(const struct bh_node *entry, struct bh_credential *c, struct bh_error *err)
{
    const char *auth = bh_node_string_or(bh_node_get(entry, "auth"), "");
    const char *token = bh_node_string_or(bh_node_get(entry, "identitytoken"), "");
    const char *user = bh_node_string_or(bh_node_get(entry, "username"), "");
    const char *password = bh_node_string_or(bh_node_get(entry, "password"), "");

    if (*token) {
        c->identity_token = bh_strdup(token);
        return 0;
    }
    if (*auth)
        return decode_pair(auth, c, err);
    if (*user) {
        c->username = bh_strdup(user);
        c->password = bh_strdup(password);
    }
    return 0;
}

/* "https://host/v1/" and "host" are the same key to Docker. */
static bool key_is(const char *key, const char *wanted)
{
    size_t len;

    if (strncmp(key, "https://", 8) == 0 || strncmp(key, "http://", 7) == 0) {
        key = strchr(key, '/') + 2;
        len = strcspn(key, "/");
    } else {
        len = strlen(key);
        if (len > 0 && key[len - 1] == '/')
            len--;
    }
    return strlen(wanted) == len && strncmp(key, wanted, len) == 0;
}

static const struct bh_node *find_key(const struct bh_node *object, const char *wanted)
{
    for (const struct bh_node *n = bh_node_first(object); n; n = n->next)
        if (n->key && key_is(n->key, wanted))
            return n;
    return NULL;
}

/* registry/a/b, registry/a, registry; then Docker's name of its own registry. */
static const struct bh_node *find_entry(const struct bh_node *auths, const char *registry,
                                        const char *repository)
{
    BH_AUTO(bh_freep) char *key = bh_format("%s/%s", registry, repository ? repository : "");
    const struct bh_node *found = NULL;

    if (!bh_node_is(auths, BH_NODE_OBJECT))
        return NULL;
    for (char *slash = key + strlen(key); slash && !found; slash = strrchr(key, '/')) {
        *slash = '\0';
        found = find_key(auths, key);
        if (strcmp(key, registry) == 0)
            break;
    }
    if (!found && strcmp(registry, "docker.io") == 0)
        found = find_key(auths, "index.docker.io");
    return found;
}

static int refuse_helper(const struct bh_node *root, const struct bh_node *entry,
                         const char *registry, struct bh_error *err)
{
    const char *helper =
        bh_node_string(find_entry(bh_node_get(root, "credHelpers"), registry, NULL));

    if (!helper && entry)
        helper = bh_node_string(bh_node_get(root, "credsStore"));
    if (!helper)
        return 0;
    return bh_fail(err, BH_UNSUPPORTED,
                   "the credentials of %s are kept by the helper docker-credential-%.64s, which "
                   "Bulkhead does not run; give --auth-file, or BULKHEAD_REGISTRY_USER and "
                   "BULKHEAD_REGISTRY_PASSWORD",
                   registry, helper);
}

int bh_auth_file_parse(const char *text, size_t len, const char *registry, const char *repository,
                       struct bh_credential *ret, struct bh_error *err)
{
    static const struct bh_json_limits limits = {.bytes = BH_AUTH_FILE_MAX,
                                                 .depth = 16,
                                                 .nodes = 100000};
    BH_AUTO(bh_tree_freep) struct bh_tree *tree = NULL;
    struct bh_credential found = {0};
    const struct bh_node *root, *entry;
    int r = bh_json_parse(text, len, &limits, &tree, err);

    if (r)
        return r;
    root = bh_tree_root(tree);
    if (!bh_node_is(root, BH_NODE_OBJECT))
        return bh_fail(err, BH_INVALID, "not an object with \"auths\"");
    entry = find_entry(bh_node_get(root, "auths"), registry, repository);
    r = entry ? read_entry(entry, &found, err) : 0;
    if (!r && !bh_credential_is_set(&found))
        r = refuse_helper(root, entry, registry, err);
    if (r) {
        bh_credential_done(&found);
        return r;
    }
    *ret = found;
    return 0;
}

int bh_auth_file_read(const char *path, const char *registry, const char *repository,
                      struct bh_credential *ret, struct bh_error *err)
{
    BH_AUTO(wipe_buf) struct bh_buf text = BH_BUF_INIT(BH_AUTH_FILE_MAX);
    int r = bh_read_file_at(AT_FDCWD, path, &text, err);

    if (!r)
        r = bh_auth_file_parse(bh_buf_text(&text), text.len, registry, repository, ret, err);
    return r ? bh_wrap(err, "credentials in %s", path) : 0;
}

/* A place to look that need not exist. */
static int try_file(char *path, const char *registry, const char *repository,
                    struct bh_credential *ret, struct bh_error *err)
{
    BH_AUTO(bh_freep) char *owned = path;
    struct bh_error missing = BH_ERROR_INIT;
    int r = bh_auth_file_read(owned, registry, repository, ret, &missing);

    if (!r || r == -BH_NOT_FOUND)
        return 0;
    if (err)
        *err = missing;
    return r;
}

static int find_in_usual_places(const char *registry, const char *repository,
                                bh_getenv *getenv_function, struct bh_credential *ret,
                                struct bh_error *err)
{
    const char *runtime = getenv_function("XDG_RUNTIME_DIR");
    const char *config = getenv_function("XDG_CONFIG_HOME"), *home = getenv_function("HOME");
    const char *docker = getenv_function("DOCKER_CONFIG");
    char *places[3] = {NULL};
    int r = 0;

    if (runtime)
        places[0] = bh_format("%s/containers/auth.json", runtime);
    else if (geteuid() == 0)
        places[0] = bh_strdup("/run/containers/0/auth.json");
    if (config || home)
        places[1] = bh_format("%s%s/containers/auth.json", config ? config : home,
                              config ? "" : "/.config");
    if (docker || home)
        places[2] = bh_format("%s%s/config.json", docker ? docker : home, docker ? "" : "/.docker");
    for (size_t i = 0; i < BH_COUNT_OF(places); i++) {
        if (places[i] && !r && !bh_credential_is_set(ret))
            r = try_file(BH_TAKE(places[i]), registry, repository, ret, err);
        free(places[i]);
    }
    return r;
}

int bh_credential_find(const char *auth_file, const char *registry, const char *repository,
                       bh_getenv *getenv_function, struct bh_credential *ret, struct bh_error *err)
{
    const char *user = getenv_function("BULKHEAD_REGISTRY_USER");
    const char *password = getenv_function("BULKHEAD_REGISTRY_PASSWORD");
    struct bh_credential found = {0};
    int r;

    if (user && *user) {
        *ret = (struct bh_credential){.username = bh_strdup(user),
                                      .password = bh_strdup(password ? password : "")};
        return 0;
    }
    if (!auth_file)
        auth_file = getenv_function("REGISTRY_AUTH_FILE");
    if (auth_file && *auth_file)
        r = bh_auth_file_read(auth_file, registry, repository, &found, err);
    else
        r = find_in_usual_places(registry, repository, getenv_function, &found, err);
    if (!r)
        *ret = found;
    return r;
}
