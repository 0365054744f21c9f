#include "image/registry.h"

#include "http/retry.h"
#include "http/url.h"
#include "image/registry_impl.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#define AUTHORIZATIONS_MAX 2u /* in a row for one request: a token may have run out meanwhile */
#define SMALL_TIMEOUT_MS 120000u

static const char accept_manifests[] = "Accept: " BH_MEDIA_OCI_MANIFEST ", " BH_MEDIA_OCI_INDEX
                                       ", " BH_MEDIA_DOCKER_MANIFEST ", " BH_MEDIA_DOCKER_LIST;

void bh_registry_sleep(uint32_t ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

    while (nanosleep(&t, &t) != 0)
        ;
}

uint32_t bh_registry_random(void)
{
    uint32_t value = 0;

    if (getrandom(&value, sizeof value, GRND_NONBLOCK) != (ssize_t)sizeof value)
        value = (uint32_t)bh_registry_now_ms();
    return value;
}

uint64_t bh_registry_now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* Docker's own registry answers under another name than the one it is called by. */
static const char *host_of(const char *name)
{
    return strcmp(name, "docker.io") == 0 ? "registry-1.docker.io" : name;
}

/* "host" of "host:port", "[v6]:port" and the like. */
static char *host_without_port(const char *name)
{
    size_t len = strcspn(name, ":");

    if (name[0] == '[') {
        name++;
        len = strcspn(name, "]");
    }
    return bh_strndup(name, len);
}

/* Issuers for one registry, where Docker and Podman look for them (containers-certs.d(5)); then
 * OpenSSL's variable for all. NULL: the system's. */
static char *find_ca_file(const char *name)
{
    const char *config = secure_getenv("XDG_CONFIG_HOME"), *home = secure_getenv("HOME");
    const char *variable = secure_getenv("SSL_CERT_FILE");
    char *places[] = {
        config ? bh_format("%s/containers/certs.d/%s/ca.crt", config, name)
               : bh_format("%s/.config/containers/certs.d/%s/ca.crt", home ? home : "", name),
        bh_format("/etc/containers/certs.d/%s/ca.crt", name),
        bh_format("/etc/docker/certs.d/%s/ca.crt", name),
        variable && *variable ? bh_strdup(variable) : NULL,
    };
    char *found = NULL;

    for (size_t i = 0; i < BH_COUNT_OF(places); i++) {
        if (!found && places[i] && access(places[i], R_OK) == 0)
            found = BH_TAKE(places[i]);
        free(places[i]);
    }
    return found;
}

int bh_registry_open(const struct bh_reference *reference, const struct bh_registry_options *o,
                     struct bh_registry **ret, struct bh_error *err)
{
    BH_AUTO(bh_registry_closep) struct bh_registry *r = bh_new0(sizeof *r);
    const char *name = bh_reference_registry(reference);
    BH_AUTO(bh_freep) char *host = NULL;
    int e;

    if (!name)
        return bh_fail(err, BH_USAGE, "%s names no registry", bh_reference_text(reference));
    host = host_without_port(host_of(name));
    r->o = *o;
    r->name = bh_strdup(name);
    r->repository = bh_strdup(bh_reference_repository(reference));
    r->origin = bh_format("%s://%s", o->plain_http && bh_host_is_loopback(host) ? "http" : "https",
                          host_of(name));
    r->ca_file = find_ca_file(name);
    e = bh_http_client_open(&(struct bh_http_options){.worker_path = o->fetch_program,
                                                      .environment = bh_http_environment},
                            &r->client, err);
    if (e)
        return e;
    *ret = BH_TAKE(r);
    return 0;
}

void bh_registry_close(struct bh_registry *r)
{
    if (!r)
        return;
    bh_http_client_close(r->client);
    bh_credential_done(&r->credential);
    if (r->authorization)
        explicit_bzero(r->authorization, strlen(r->authorization));
    free(r->authorization);
    free(r->name);
    free(r->repository);
    free(r->origin);
    free(r->ca_file);
    free(r);
}

char *bh_registry_url(const struct bh_registry *r, const char *path)
{
    return bh_format("%s/v2/%s/%s", r->origin, r->repository, path);
}

/* One attempt, with the authorization there is. */
static int get_once(struct bh_registry *r, const char *url, struct bh_buf *body,
                    struct bh_http_response *response, struct bh_error *err)
{
    const char *headers[] = {accept_manifests, r->authorization};

    body->len = 0;
    return bh_http_perform(r->client,
                           &(struct bh_http_request){.url = url,
                                                     .headers = headers,
                                                     .header_count = r->authorization ? 2 : 1,
                                                     .plain_http = r->o.plain_http,
                                                     .ca_file = r->ca_file,
                                                     .buffer = body,
                                                     .bytes_max = BH_MANIFEST_MAX,
                                                     .total_timeout_ms = SMALL_TIMEOUT_MS},
                           response, err);
}

/* GET into body, with what it takes: credentials when asked for them, more attempts when it may
 * help. 0 with a 2xx status only. */
static int get(struct bh_registry *r, const char *url, struct bh_buf *body,
               struct bh_http_response *response, struct bh_error *err)
{
    struct bh_retry retry = {0};
    unsigned authorizations = 0;

    for (;;) {
        uint32_t delay_ms = 0;
        int e = get_once(r, url, body, response, err);

        if (!e && response->status == 401 && authorizations++ < AUTHORIZATIONS_MAX) {
            e = bh_registry_authorize(r, response->authenticate, err);
            if (e)
                return e;
            continue;
        }
        if (!e && response->status / 100 == 2)
            return 0;
        if (!e && response->status == 401)
            return bh_registry_deny(r, err);
        if (!bh_retry_next(&retry, e, e ? 0 : response->status, e ? "" : response->retry_after,
                           false, time(NULL), bh_registry_random(), &delay_ms))
            return e ? e : bh_http_check_status(response, err);
        bh_registry_sleep(delay_ms);
    }
}

/* Says whether the server is a registry at all, when it does not know an image. */
static int explain_missing(struct bh_registry *r, const char *what, struct bh_error *err)
{
    BH_AUTO(bh_freep) struct bh_http_response *response = bh_new0(sizeof *response);
    BH_AUTO(bh_freep) char *url = bh_format("%s/v2/", r->origin);
    BH_AUTO(bh_buf_done) struct bh_buf body = BH_BUF_INIT(BH_MANIFEST_MAX);
    struct bh_error ping = BH_ERROR_INIT;

    if (get_once(r, url, &body, response, &ping) == 0 && response->status == 404)
        return bh_fail(err, BH_NOT_FOUND, "%s does not answer as a registry (no /v2/ there)",
                       r->name);
    return bh_fail(err, BH_NOT_FOUND, "%s has no image %s with %s", r->name, r->repository, what);
}

static int check_digest(const struct bh_buf *bytes, const struct bh_digest *expected,
                        const char *stated_text, struct bh_digest *ret, struct bh_error *err)
{
    char want[BH_DIGEST_TEXT_SIZE], got[BH_DIGEST_TEXT_SIZE];
    struct bh_digest stated = {0}, found;

    if (expected) {
        bh_digest_of(expected->algorithm, bytes->data, bytes->len, &found);
        if (!bh_digest_equal(&found, expected))
            return bh_fail(err, BH_CORRUPT, "manifest has digest %s, not %s",
                           bh_digest_format(&found, got), bh_digest_format(expected, want));
        *ret = found;
        return 0;
    }
    bh_digest_of(BH_SHA256, bytes->data, bytes->len, ret);
    if (!*stated_text)
        return 0;
    if (bh_digest_parse(stated_text, &stated, err) != 0)
        return bh_wrap(err, "Docker-Content-Digest");
    bh_digest_of(stated.algorithm, bytes->data, bytes->len, &found);
    if (!bh_digest_equal(&found, &stated))
        return bh_fail(err, BH_CORRUPT, "manifest has digest %s, the registry says %s",
                       bh_digest_format(&found, got), bh_digest_format(&stated, want));
    return 0;
}

int bh_registry_manifest(struct bh_registry *r, const char *tag, const struct bh_digest *expected,
                         struct bh_buf *bytes, char *media_type, struct bh_digest *ret_digest,
                         struct bh_error *err)
{
    BH_AUTO(bh_freep) struct bh_http_response *response = bh_new0(sizeof *response);
    char text[BH_DIGEST_TEXT_SIZE];
    const char *name = expected ? bh_digest_format(expected, text) : tag;
    BH_AUTO(bh_freep) char *path = bh_format("manifests/%s", name);
    BH_AUTO(bh_freep) char *what = bh_format("%s %s", expected ? "digest" : "tag", name);
    BH_AUTO(bh_freep) char *url = bh_registry_url(r, path);
    struct bh_digest digest;
    int e = get(r, url, bytes, response, err);

    if (e == -BH_NOT_FOUND && response->status == 404)
        e = explain_missing(r, what, err);
    if (!e)
        e = check_digest(bytes, expected, response->content_digest, &digest, err);
    if (e)
        return e;
    /* "type/subtype; charset=..." */
    response->content_type[strcspn(response->content_type, "; ")] = '\0';
    memcpy(media_type, response->content_type, sizeof response->content_type);
    *ret_digest = digest;
    return 0;
}
