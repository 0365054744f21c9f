/* docker-daemon:NAME: an image a running Docker or Podman holds, asked for over its unix socket.
 *
 * The engine writes the image as `docker save` does; the stream goes into a file without a name
 * below the store's tmp/ and is read from there like any other archive. */
#include "http/client.h"
#include "image/engine.h"
#include "image/reference.h"
#include "image/source_impl.h"
#include "sys/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ARCHIVE_MAX (64ull << 30)           /* bytes */
#define ANSWER_TIMEOUT_MS 30000u            /* whether it has the image */
#define EXPORT_STALL_MS (10u * 60u * 1000u) /* engines gather all layers before the first byte */

struct engine {
    const struct bh_open_options *o;
    struct bh_http_client *client;
    const struct bh_reference *reference;
    int file;
};

static void on_progress(void *context, uint64_t received, uint64_t total)
{
    const struct engine *e = context;

    if (e->o->progress)
        e->o->progress(e->o->progress_data, "export", received, total);
}

/* GET /images/NAME/<what> into the file, or nowhere. */
static int ask(const struct engine *e, const char *socket, const char *what, bool keep,
               struct bh_http_response *response, struct bh_error *err)
{
    /* A reference has no character that a URL would have to escape. */
    BH_AUTO(bh_freep)
    char *url = bh_format("http://engine/images/%s/%s", bh_reference_text(e->reference), what);
    const struct bh_http_request q = {
        .url = url,
        .unix_socket = socket,
        .redirects_max = BH_HTTP_NO_REDIRECTS,
        .bytes_max = keep ? ARCHIVE_MAX : 0,
        .total_timeout_ms = keep ? 0 : ANSWER_TIMEOUT_MS,
        .stall_timeout_ms = keep ? EXPORT_STALL_MS : ANSWER_TIMEOUT_MS,
        .sink_fd = keep ? e->file : -1,
        .progress = keep ? on_progress : NULL,
        .context = (void *)(uintptr_t)e, /* on_progress only reads it */
    };
    int r = bh_http_perform(e->client, &q, response, err);

    return r ? r : bh_http_check_status(response, err);
}

/* From one engine. BH_NOT_FOUND: it does not have the image, or is not there. */
static int export_from(const struct engine *e, const char *socket, struct bh_error *err)
{
    BH_AUTO(bh_freep) struct bh_http_response *response = bh_new0(sizeof *response);
    int r = ask(e, socket, "json", false, response, err);

    if (!r)
        r = ask(e, socket, "get", true, response, err);
    if (r == -BH_DENIED && response->status == 0)
        return bh_fail(err, BH_DENIED,
                       "%s may not be used by this user: run as root, or as a member of the "
                       "socket's group",
                       socket);
    return r ? bh_wrap(err, "engine at %s", socket) : 0;
}

static int export_image(const struct engine *e, struct bh_error *err)
{
    struct bh_engine_sockets sockets;
    BH_AUTO(bh_buf_done) struct bh_buf asked = BH_BUF_INIT(0);
    struct bh_error first = BH_ERROR_INIT;
    int r = bh_engine_sockets_find(bh_http_environment, &sockets, err);

    if (r)
        return r;
    r = -BH_NOT_FOUND;
    for (size_t i = 0; r && i < sockets.count; i++) {
        struct bh_error own = BH_ERROR_INIT;

        r = export_from(e, sockets.paths[i], &own);
        if (r == -BH_NOT_FOUND)
            bh_buf_printf(&asked, "%s%s", asked.len ? ", " : "", sockets.paths[i]);
        else if (r && !first.code)
            first = own;
    }
    bh_engine_sockets_done(&sockets);
    if (!r)
        return 0;
    if (first.code) {
        *err = first;
        return -first.code;
    }
    return bh_fail(
        err, BH_NOT_FOUND,
        "no running Docker or Podman has this image (asked: %s); DOCKER_HOST=unix:///PATH "
        "names another socket",
        bh_buf_text(&asked));
}

static int open_temporary(struct bh_store *s, struct bh_error *err)
{
    int fd = openat(bh_store_root_fd(s), "tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    return fd < 0 ? bh_fail_errno(err, "make a temporary file in %s/tmp", bh_store_root_path(s))
                  : fd;
}

static int open_engine(const struct bh_open_options *o, const char *rest, struct bh_image **ret,
                       struct bh_error *err)
{
    BH_AUTO(bh_reference_freep) struct bh_reference *reference = NULL;
    BH_AUTO(bh_http_client_closep) struct bh_http_client *client = NULL;
    BH_AUTO(bh_closep) int file = -1;
    struct bh_image *image = NULL;
    struct engine e = {.o = o};
    char path[64];
    int r = bh_reference_parse(rest, strlen(rest), &reference, err);

    if (!r)
        r = file = open_temporary(o->store, err);
    if (r >= 0)
        r = bh_http_client_open(NULL, &client, err);
    if (r < 0)
        return r;
    e.client = client;
    e.reference = reference;
    e.file = file;
    r = export_image(&e, err);
    if (r)
        return r;
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    r = bh_source_docker_archive.open(o, path, &image, err);
    if (r)
        return r;
    image->kind = "docker-daemon";
    image->suggested_name = bh_arena_strdup(image->arena, bh_reference_store_name(reference));
    *ret = image;
    return 0;
}

const struct bh_source bh_source_engine = {
    .kind = "docker-daemon",
    .prefix = "docker-daemon:",
    .usage = "docker-daemon:NAME[:TAG]",
    .text = "An image of a running Docker or Podman, over its unix socket",
    .open = open_engine,
    .needs_store = true,
};
