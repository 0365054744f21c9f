#include "base/json.h"
#include "http/auth.h"
#include "http/url.h"
#include "image/registry_impl.h"
#include "sys/sandbox.h"

#include <stdlib.h>
#include <string.h>

#define TOKEN_ANSWER_MAX (128u * 1024u)
#define TOKEN_MAX 16384u
#define TOKEN_TIMEOUT_MS 30000

static void wipe_buf(struct bh_buf *b)
{
    if (b->data)
        explicit_bzero(b->data, b->cap);
    bh_buf_done(b);
}

struct answer {
    const char *json;
    size_t len;
};

/* In the child: the bytes are a stranger's. */
static int find_token(void *arg, struct bh_buf *out, struct bh_error *err)
{
    const struct answer *a = arg;
    BH_AUTO(bh_tree_freep) struct bh_tree *tree = NULL;
    const char *token;
    int r = bh_json_parse(a->json, a->len, NULL, &tree, err);

    if (r)
        return r;
    token = bh_node_string(bh_node_get(bh_tree_root(tree), "token"));
    if (!token || !*token)
        token = bh_node_string(bh_node_get(bh_tree_root(tree), "access_token"));
    if (!token || !*token)
        return bh_fail(err, BH_INVALID, "neither \"token\" nor \"access_token\" in it");
    return bh_buf_append(out, token, strlen(token), err);
}

int bh_registry_read_token(const char *json, size_t len, char **ret, struct bh_error *err)
{
    BH_AUTO(wipe_buf) struct bh_buf token = BH_BUF_INIT(TOKEN_MAX);
    struct answer a = {.json = json, .len = len};
    int r = bh_sandbox_run(&(struct bh_sandbox){.cpu_seconds = 5}, find_token, &a, TOKEN_TIMEOUT_MS,
                           &token, err);

    if (r)
        return bh_wrap(err, "answer of the token server");
    *ret = bh_strdup(bh_buf_text(&token));
    return 0;
}

static void add_parameter(struct bh_buf *b, const char *name, const char *value)
{
    if (b->len)
        bh_buf_putc(b, '&');
    bh_buf_puts(b, name);
    bh_buf_putc(b, '=');
    bh_url_escape(b, value);
}

/* Only reading, only here; and what the registry itself says it wants, when that is another. */
static void add_scopes(const struct bh_registry *r, const struct bh_auth_challenge *c,
                       struct bh_buf *b)
{
    BH_AUTO(bh_freep) char *own = bh_format("repository:%s:pull", r->repository);

    add_parameter(b, "scope", own);
    if (c->scope[0] && strcmp(c->scope, own) != 0)
        add_parameter(b, "scope", c->scope);
}

static void add_form(const struct bh_registry *r, const struct bh_auth_challenge *c,
                     struct bh_buf *b)
{
    BH_AUTO(bh_freep) char *own = bh_format("repository:%s:pull", r->repository);

    add_parameter(b, "grant_type", "refresh_token");
    add_parameter(b, "refresh_token", r->credential.identity_token);
    add_parameter(b, "client_id", "bulkhead");
    add_parameter(b, "service", c->service);
    add_parameter(b, "scope", own);
}

/* GET realm?service=..&scope=.. with Basic credentials when there are any, or the OAuth form with a
 * refresh token. */
static int ask_token(struct bh_registry *r, const struct bh_auth_challenge *c,
                     struct bh_buf *answer, struct bh_http_response *response, struct bh_error *err)
{
    BH_AUTO(wipe_buf) struct bh_buf query = BH_BUF_INIT(0), header = BH_BUF_INIT(0);
    BH_AUTO(bh_freep) char *url = NULL;
    const char *headers[2] = {"Accept: application/json", NULL};
    struct bh_http_request q = {.headers = headers,
                                .header_count = 1,
                                .plain_http = r->o.plain_http,
                                .ca_file = r->ca_file,
                                .buffer = answer,
                                .total_timeout_ms = TOKEN_TIMEOUT_MS};
    int e = 0;

    if (r->credential.identity_token) {
        add_form(r, c, &query);
        headers[q.header_count++] = "Content-Type: application/x-www-form-urlencoded";
        q.method = BH_HTTP_POST;
        q.body = query.data;
        q.body_len = query.len;
        q.url = c->realm;
        return bh_http_perform(r->client, &q, response, err);
    }
    if (r->credential.username) {
        add_parameter(&query, "account", r->credential.username);
        e = bh_auth_basic_header(r->credential.username, r->credential.password, &header, err);
        headers[q.header_count++] = bh_buf_text(&header);
    }
    if (c->service[0])
        add_parameter(&query, "service", c->service);
    add_scopes(r, c, &query);
    url = bh_format("%s%c%s", c->realm, strchr(c->realm, '?') ? '&' : '?', bh_buf_text(&query));
    q.url = url;
    return e ? e : bh_http_perform(r->client, &q, response, err);
}

int bh_registry_deny(const struct bh_registry *r, struct bh_error *err)
{
    if (bh_credential_is_set(&r->credential))
        return bh_fail(err, BH_DENIED,
                       "%s does not accept the credentials%s%s for %s: log in again, or give "
                       "others with --auth-file FILE",
                       r->name, r->credential.username ? " of user " : "",
                       r->credential.username ? r->credential.username : "", r->repository);
    return bh_fail(err, BH_DENIED,
                   "%s wants credentials for %s (or there is no such repository): log in with "
                   "podman or docker, or give --auth-file FILE",
                   r->name, r->repository);
}

static int get_token(struct bh_registry *r, const struct bh_auth_challenge *c,
                     struct bh_buf *ret_header, struct bh_error *err)
{
    BH_AUTO(wipe_buf) struct bh_buf answer = BH_BUF_INIT(TOKEN_ANSWER_MAX);
    BH_AUTO(bh_freep) struct bh_http_response *response = bh_new0(sizeof *response);
    char *token = NULL;
    int e = ask_token(r, c, &answer, response, err);

    if (!e && (response->status == 401 || response->status == 403))
        return bh_registry_deny(r, err);
    if (!e)
        e = bh_http_check_status(response, err);
    if (!e)
        e = bh_registry_read_token(bh_buf_text(&answer), answer.len, &token, err);
    if (e)
        return bh_wrap(err, "token from %.200s", c->realm);
    e = bh_auth_bearer_header(token, ret_header, err);
    explicit_bzero(token, strlen(token));
    free(token);
    return e;
}

static int find_credential(struct bh_registry *r, struct bh_error *err)
{
    int e;

    if (r->credential_known)
        return 0;
    e = bh_credential_find(r->o.auth_file, r->name, r->repository, bh_http_environment,
                           &r->credential, err);
    r->credential_known = e == 0;
    return e;
}

int bh_registry_authorize(struct bh_registry *r, const char *authenticate, struct bh_error *err)
{
    BH_AUTO(bh_freep) struct bh_auth_challenge *c = bh_new0(sizeof *c);
    BH_AUTO(wipe_buf) struct bh_buf header = BH_BUF_INIT(0);
    int e = bh_auth_challenge_parse(authenticate, c, err);

    if (!e)
        e = find_credential(r, err);
    if (e)
        return e;
    if (c->scheme == BH_AUTH_BEARER)
        e = get_token(r, c, &header, err);
    else if (c->scheme == BH_AUTH_BASIC && r->credential.username && !r->authorization)
        e = bh_auth_basic_header(r->credential.username, r->credential.password, &header, err);
    else
        e = bh_registry_deny(r, err);
    if (e)
        return e;
    if (r->authorization)
        explicit_bzero(r->authorization, strlen(r->authorization));
    free(r->authorization);
    r->authorization = bh_strdup(bh_buf_text(&header));
    r->generation++;
    return 0;
}
