#include "advisory/import.h"

#include "http/client.h"
#include "image/store.h"
#include "sys/fd.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

void bh_import_result_done(struct bh_import_result *r)
{
    for (size_t i = 0; i < r->database_count; i++)
        bh_db_info_done(&r->databases[i]);
    free(r->databases);
    *r = (struct bh_import_result){0};
}

static bool is_url(const char *input)
{
    return strncmp(input, "https://", 8) == 0 || strncmp(input, "http://", 7) == 0;
}

struct download {
    const struct bh_import *import;
    const char *url;
};

static void on_progress(void *context, uint64_t received, uint64_t total)
{
    const struct download *d = context;

    if (d->import->progress)
        d->import->progress(d->import->context, d->url, received, total);
}

static int check_status(const char *url, const struct bh_http_response *response,
                        struct bh_error *err)
{
    if (response->status / 100 == 2)
        return 0;
    return bh_fail(err,
                   response->status == 404   ? BH_NOT_FOUND
                   : response->status >= 500 ? BH_UNAVAILABLE
                                             : BH_DENIED,
                   "%s: the server answered %d", url, response->status);
}

int bh_import_fetch(const struct bh_import *i, const char *url, uint64_t bytes_max, int *ret_fd,
                    struct bh_error *err)
{
    BH_AUTO(bh_freep) char *directory = bh_format("%s/tmp", i->root);
    BH_AUTO(bh_http_client_closep) struct bh_http_client *client = NULL;
    BH_AUTO(bh_closep) int fd = -1;
    struct download download = {.import = i, .url = url};
    struct bh_http_response response = {0};
    struct bh_http_request request = {.url = url,
                                      .plain_http = true,
                                      .bytes_max = bytes_max,
                                      .progress = on_progress,
                                      .context = &download};
    int r;

    fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0)
        return bh_fail_errno(err, "open a file in %s", directory);
    request.sink_fd = fd;
    r = bh_http_client_open(NULL, &client, err);
    if (r == 0)
        r = bh_http_perform(client, &request, &response, err);
    if (r < 0)
        return bh_wrap(err, "fetch %s", url);
    r = check_status(url, &response, err);
    if (r < 0)
        return r;
    if (lseek(fd, 0, SEEK_SET) < 0)
        return bh_fail_errno(err, "seek");
    *ret_fd = BH_TAKE_FD(fd);
    return 0;
}

static int add_record(void *context, const struct bh_osv_record *record, struct bh_error *err)
{
    return bh_db_set_add(context, record, err);
}

static int read_input(const struct bh_import *i, const char *input, struct bh_db_set *set,
                      struct bh_feed_result *result, struct bh_error *err)
{
    BH_AUTO(bh_closep) int fd = -1;
    int r;

    if (!is_url(input))
        return bh_feed_read_path(input, add_record, set, result, err);
    r = bh_import_fetch(i, input, BH_IMPORT_DOWNLOAD_MAX, &fd, err);
    return r < 0 ? r : bh_feed_read(fd, input, add_record, set, result, err);
}

int bh_import_run(const struct bh_import *i, struct bh_import_result *ret, struct bh_error *err)
{
    BH_AUTO(bh_db_set_freep) struct bh_db_set *set = NULL;
    BH_AUTO(bh_closep) int root = -1;
    struct bh_db_commit commit = {.source = "OSV", .force = i->force};
    struct bh_import_result result = {0};
    int r = bh_root_open(i->root, true, &root, err);

    if (r == 0)
        r = bh_db_set_new(i->root, &set, err);
    for (size_t n = 0; n < i->input_count && r == 0; n++)
        r = read_input(i, i->inputs[n], set, &result.feed, err);
    if (r == 0 && i->merge)
        r = bh_db_set_keep_old(set, err);
    if (r == 0)
        r = bh_db_set_commit(set, &commit, &result.databases, &result.database_count, err);
    if (r < 0)
        return r;
    result.withdrawn = bh_db_set_withdrawn(set);
    *ret = result;
    return 0;
}
