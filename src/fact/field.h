/* fact/field.h - the fields a condition may name, and how each is read from a record.
 *
 * One table per record class. policy/ reads the tables; no room calls into policy/. A field's name
 * always carries its class: "vuln.severity", never "severity".
 * Evaluation at the build, push, admit and run gates is three-valued (docs/design): a field that
 * was not looked at is unknown, one that was looked at and is not there is absent. */
#pragma once
#include "fact/facts.h"

enum bh_value_kind {
    BH_VALUE_BOOL,
    BH_VALUE_INT, /* int64_t: counts, bytes, seconds, days as the field's text says */
    BH_VALUE_STRING,
    BH_VALUE_LIST,     /* of strings */
    BH_VALUE_SEVERITY, /* ordered: unknown < negligible < low < medium < high < critical;
                        * an unrated severity reads as unknown (three-valued), not as the lowest */
};

enum bh_known {
    BH_KNOWN,   /* *value is filled */
    BH_ABSENT,  /* looked at, has no value: comparisons are false, `exists` is false */
    BH_UNKNOWN, /* not looked at: spreads through and, or, not */
};

struct bh_value {
    enum bh_value_kind kind;
    union {
        bool boolean;
        int64_t integer;
        const char *string;
        const char *const *list; /* NULL terminated */
        enum bh_severity severity;
    };
};

enum bh_record_class {
    BH_RECORD_IMAGE,   /* once per image: image.*, config.* */
    BH_RECORD_PACKAGE, /* once per package: package.*, with the image as context */
    BH_RECORD_VULN,    /* once per vulnerability: vuln.*, package.* of its package */
    BH_RECORD_FINDING, /* once per finding: finding.* */
};

/* What a getter looks at: the image always, the record of the class being walked when there is one.
 * For BH_RECORD_VULN both vulnerability and package are set. */
struct bh_record {
    const struct bh_facts *facts;
    const struct bh_package *package;
    const struct bh_vulnerability *vulnerability;
    const struct bh_finding *finding;
    int64_t now; /* seconds since the epoch, for ages */
};

struct bh_field {
    const char *name;
    enum bh_record_class record;
    enum bh_value_kind kind;
    const char *text; /* one line for `bulkhead policy fields` */
    enum bh_known (*get)(const struct bh_record *r, struct bh_value *ret);
};

/* The BH_SUBJECT_* whose blindness makes a walk over records of this class inconclusive: a rule
 * that held for none of them ends unknown, not false. NULL for BH_RECORD_IMAGE, whose fields answer
 * BH_UNKNOWN themselves. */
const char *bh_record_class_subject(enum bh_record_class c);
/* "image", "package", "vuln", "finding". */
const char *bh_record_class_name(enum bh_record_class c) BH_RETURNS_NONNULL;
/* "bool", "int", "string", "list", "severity". */
const char *bh_value_kind_name(enum bh_value_kind k) BH_RETURNS_NONNULL;

/* Every field there is, sorted by name; *count is set. */
const struct bh_field *bh_fields(size_t *count) BH_NONNULL BH_RETURNS_NONNULL;
/* NULL when there is none of that name. */
const struct bh_field *bh_field_find(const char *name, size_t len) BH_NONNULL;
