/* image/reference.h - parsed image references such as "quay.io:5000/a/b:1.2@sha256:..."
 *
 * Immutable once parsed; owns its strings.
 * No registry is assumed: "nginx" has none, and stays different from "docker.io/library/nginx".
 * A first component is a registry when it has a '.' or ':', or is "localhost", and more follows.
 * bh_reference_for_docker is the one place where Docker's defaults are applied; only the source
 * "docker://" uses it.
 * Source: OCI distribution-spec 1.1, grammar of <name> and <reference>; the registry part follows
 * distribution's reference grammar (host names, IPv4, IPv6 in brackets, port). */
#pragma once
#include "base/error.h"
#include "sys/digest.h"

#include <stddef.h>

#define BH_REFERENCE_MAX 1024u /* bytes, without the terminating NUL */
#define BH_TAG_MAX 128u        /* bytes */

struct bh_reference; /* opaque: the fields live in reference.c */

/* Parses text[0..len), which need not be NUL terminated.
 * Owner:  on success *ret is the caller's (bh_reference_free); on failure *ret is untouched.
 * Errors: BH_LIMIT    longer than BH_REFERENCE_MAX
 *         BH_INVALID  breaks the grammar; the message has the byte offset, from 0 */
int bh_reference_parse(const char *text, size_t len, struct bh_reference **ret,
                       struct bh_error *err) BH_CHECKED BH_NONNULL_ARGS(1, 3);

void bh_reference_free(struct bh_reference *r); /* NULL is allowed */
static inline void bh_reference_freep(struct bh_reference **r)
{
    bh_reference_free(*r);
}

/* All borrowed until bh_reference_free(r). */
const char *bh_reference_registry(const struct bh_reference *r) BH_NONNULL;   /* NULL: none */
const char *bh_reference_repository(const struct bh_reference *r) BH_NONNULL; /* never NULL */
const char *bh_reference_tag(const struct bh_reference *r) BH_NONNULL;        /* NULL: none */
const struct bh_digest *bh_reference_digest(const struct bh_reference *r) BH_NONNULL; /* or NULL */
/* The whole reference as it was given. */
const char *bh_reference_text(const struct bh_reference *r) BH_NONNULL;
/* The name under which the store keeps it: the text, with ":latest" when it has neither tag nor
 * digest. */
const char *bh_reference_store_name(const struct bh_reference *r) BH_NONNULL;

/* A copy with Docker's defaults: registry "docker.io" when there is none, repository prefix
 * "library/" for one-component names there, tag "latest" when there is neither tag nor digest. */
struct bh_reference *bh_reference_for_docker(const struct bh_reference *r)
    BH_NONNULL BH_RETURNS_NONNULL;

/* true when text[0..len) is a tag: [A-Za-z0-9_][A-Za-z0-9._-]{0,127}. */
bool bh_tag_is_valid(const char *text, size_t len) BH_NONNULL;
