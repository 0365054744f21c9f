/* http/auth.h - what a server asks for in WWW-Authenticate, and the header lines that answer it.
 *
 * The text comes from a server; every field is bounded.
 * Source: RFC 9110 section 11 (challenges), RFC 7617 (Basic), RFC 6750 and the distribution token
 * specification (Bearer: realm, service, scope, error). */
#pragma once
#include "base/buf.h"
#include "base/error.h"

enum bh_auth_scheme { BH_AUTH_NONE = 0, BH_AUTH_BASIC = 1, BH_AUTH_BEARER = 2 };

struct bh_auth_challenge {
    enum bh_auth_scheme scheme;
    char realm[2048]; /* of a bearer challenge: the URL of the token server */
    char service[512];
    char scope[2048];
    char error[128]; /* "insufficient_scope", "invalid_token" ... */
};

/* Picks what can be answered from text (all WWW-Authenticate values, joined with ", "): the first
 * Bearer challenge with a realm, else the first Basic one. scheme is BH_AUTH_NONE when there is
 * neither; schemes nobody here knows are passed over.
 * Errors: BH_INVALID breaks the grammar or names a parameter twice; BH_LIMIT a field is too long */
int bh_auth_challenge_parse(const char *text, struct bh_auth_challenge *ret, struct bh_error *err)
    BH_CHECKED BH_NONNULL_ARGS(1, 2);

/* Appends "Authorization: Basic ...".  Errors: BH_INVALID for a colon in the user name, or a
 * control character in either (RFC 7617 section 2). */
int bh_auth_basic_header(const char *username, const char *password, struct bh_buf *out,
                         struct bh_error *err) BH_CHECKED;
/* Appends "Authorization: Bearer ...".  Errors: BH_INVALID for bytes a token may not have. */
int bh_auth_bearer_header(const char *token, struct bh_buf *out, struct bh_error *err) BH_CHECKED;
