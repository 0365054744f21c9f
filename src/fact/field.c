#include "fact/field.h"

#include "base/time.h"
#include "fact/derived.h"

#include <string.h>

const char *bh_record_class_subject(enum bh_record_class c)
{
    switch (c) {
    case BH_RECORD_PACKAGE:
        return BH_SUBJECT_PACKAGES;
    case BH_RECORD_VULN:
        return BH_SUBJECT_VULNERABILITIES;
    case BH_RECORD_FINDING:
        return BH_SUBJECT_FINDINGS;
    case BH_RECORD_IMAGE:
        break;
    }
    return NULL;
}

const char *bh_record_class_name(enum bh_record_class c)
{
    static const char *const names[] = {
        [BH_RECORD_IMAGE] = "image",
        [BH_RECORD_PACKAGE] = "package",
        [BH_RECORD_VULN] = "vuln",
        [BH_RECORD_FINDING] = "finding",
    };

    return names[c];
}

const char *bh_value_kind_name(enum bh_value_kind k)
{
    static const char *const names[] = {
        [BH_VALUE_BOOL] = "bool", [BH_VALUE_INT] = "int",           [BH_VALUE_STRING] = "string",
        [BH_VALUE_LIST] = "list", [BH_VALUE_SEVERITY] = "severity",
    };

    return names[k];
}

/* What the getters below answer with. */

static enum bh_known give_string(struct bh_value *ret, const char *text)
{
    if (!text || !*text)
        return BH_ABSENT;
    ret->kind = BH_VALUE_STRING;
    ret->string = text;
    return BH_KNOWN;
}

static enum bh_known give_int(struct bh_value *ret, int64_t value)
{
    ret->kind = BH_VALUE_INT;
    ret->integer = value;
    return BH_KNOWN;
}

static enum bh_known give_bool(struct bh_value *ret, bool value)
{
    ret->kind = BH_VALUE_BOOL;
    ret->boolean = value;
    return BH_KNOWN;
}

static enum bh_known give_list(struct bh_value *ret, const char *const *items)
{
    ret->kind = BH_VALUE_LIST;
    ret->list = items;
    return BH_KNOWN;
}

static enum bh_known give_severity(struct bh_value *ret, enum bh_severity s)
{
    if (s == BH_SEVERITY_UNKNOWN)
        return BH_UNKNOWN;
    ret->kind = BH_VALUE_SEVERITY;
    ret->severity = s;
    return BH_KNOWN;
}

static enum bh_known give_layer(struct bh_value *ret, uint32_t layer)
{
    return layer == BH_LAYER_NONE ? BH_ABSENT : give_int(ret, layer);
}

/* Builders that make the same bytes each time write the epoch, or a day or two behind it: no date.
 */
#define NO_DATE_BEFORE (365 * BH_SECONDS_PER_DAY)

static enum bh_known give_age_days(struct bh_value *ret, const char *rfc3339, int64_t now)
{
    int64_t then;

    if (!rfc3339 || !*rfc3339)
        return BH_ABSENT;
    if (bh_time_parse(rfc3339, &then, NULL) < 0 && bh_date_parse(rfc3339, &then, NULL) < 0)
        return BH_UNKNOWN;
    return then < NO_DATE_BEFORE ? BH_ABSENT : give_int(ret, bh_days_between(then, now));
}

/* A configuration that could not be read is unknown; an image without one has none. */
static enum bh_known config_seen(const struct bh_record *r, enum bh_known known)
{
    if (bh_facts_is_blind(r->facts, BH_SUBJECT_CONFIG))
        return BH_UNKNOWN;
    return r->facts->config.known ? known : BH_ABSENT;
}

/* No os-release proves nothing when files were not seen. */
static enum bh_known distribution_seen(const struct bh_record *r, enum bh_known known)
{
    if (known == BH_ABSENT && bh_facts_is_blind(r->facts, BH_SUBJECT_PACKAGES))
        return BH_UNKNOWN;
    return known;
}

/* A count or list of what may lack entries is unknown. */
static enum bh_known counted(const struct bh_record *r, const char *subject, struct bh_value *ret,
                             int64_t count)
{
    return bh_facts_is_blind(r->facts, subject) ? BH_UNKNOWN : give_int(ret, count);
}

static enum bh_known listed(const struct bh_record *r, const char *subject, struct bh_value *ret,
                            const char *const *items)
{
    return bh_facts_is_blind(r->facts, subject) ? BH_UNKNOWN : give_list(ret, items);
}

static bool any_blind(const struct bh_facts *f)
{
    for (size_t i = 0; i < f->coverage_count; i++)
        if (f->coverage[i].blind)
            return true;
    return false;
}

static int64_t count_severity(const struct bh_facts *f, enum bh_severity s)
{
    int64_t n = 0;

    for (size_t i = 0; i < f->vulnerability_count; i++)
        n += f->vulnerabilities[i].severity == s;
    return n;
}

static int64_t count_fixable(const struct bh_facts *f)
{
    int64_t n = 0;

    for (size_t i = 0; i < f->vulnerability_count; i++)
        n += f->vulnerabilities[i].fixed != NULL;
    return n;
}

static const char *image_name(const struct bh_facts *f)
{
    return f->target.name ? f->target.name : f->target.reference;
}

static enum bh_known oldest_source(const struct bh_record *r, struct bh_value *ret)
{
    int64_t oldest = -1;

    for (size_t i = 0; i < r->facts->source_count; i++) {
        struct bh_value age;

        if (give_age_days(&age, r->facts->sources[i].date, r->now) == BH_KNOWN &&
            age.integer > oldest)
            oldest = age.integer;
    }
    return oldest < 0 ? BH_UNKNOWN : give_int(ret, oldest);
}

static enum bh_known give_ids(const struct bh_record *r, struct bh_value *ret)
{
    const struct bh_vulnerability *v = r->vulnerability;
    const char **list;

    if (!v->aliases[0]) {
        list = bh_derived_list(r->facts, 1);
        list[0] = v->id;
        return give_list(ret, list);
    }
    list = bh_derived_list(r->facts, bh_list_length(v->aliases) + 1);
    list[0] = v->id;
    for (size_t i = 0; v->aliases[i]; i++)
        list[i + 1] = v->aliases[i];
    return give_list(ret, list);
}

/* The getters, one per field, in the table's order. */

static enum bh_known get_config_cmd(const struct bh_record *r, struct bh_value *ret)
{
    return config_seen(r, give_list(ret, r->facts->config.cmd));
}

static enum bh_known get_config_entrypoint(const struct bh_record *r, struct bh_value *ret)
{
    return config_seen(r, give_list(ret, r->facts->config.entrypoint));
}

static enum bh_known get_config_env(const struct bh_record *r, struct bh_value *ret)
{
    return config_seen(r, give_list(ret, r->facts->config.env));
}

static enum bh_known get_config_env_names(const struct bh_record *r, struct bh_value *ret)
{
    return config_seen(r, give_list(ret, bh_derived_env_names(r->facts)));
}

static enum bh_known get_config_healthcheck(const struct bh_record *r, struct bh_value *ret)
{
    return config_seen(r, give_bool(ret, r->facts->config.has_healthcheck));
}

static enum bh_known get_config_history(const struct bh_record *r, struct bh_value *ret)
{
    return config_seen(r, give_list(ret, r->facts->config.history));
}

static enum bh_known get_config_label_names(const struct bh_record *r, struct bh_value *ret)
{
    return config_seen(r, give_list(ret, r->facts->config.label_names));
}

static enum bh_known get_config_labels(const struct bh_record *r, struct bh_value *ret)
{
    return config_seen(r, give_list(ret, bh_derived_labels(r->facts)));
}

static enum bh_known get_config_ports(const struct bh_record *r, struct bh_value *ret)
{
    return config_seen(r, give_list(ret, r->facts->config.exposed_ports));
}

static enum bh_known get_config_runs_as_root(const struct bh_record *r, struct bh_value *ret)
{
    if (bh_facts_is_blind(r->facts, BH_SUBJECT_CONFIG))
        return BH_UNKNOWN;
    return give_bool(ret, bh_image_config_is_root(&r->facts->config));
}

static enum bh_known get_config_stop_signal(const struct bh_record *r, struct bh_value *ret)
{
    return config_seen(r, give_string(ret, r->facts->config.stop_signal));
}

static enum bh_known get_config_user(const struct bh_record *r, struct bh_value *ret)
{
    return config_seen(r, give_string(ret, r->facts->config.user));
}

static enum bh_known get_config_volumes(const struct bh_record *r, struct bh_value *ret)
{
    return config_seen(r, give_list(ret, r->facts->config.volumes));
}

static enum bh_known get_config_working_dir(const struct bh_record *r, struct bh_value *ret)
{
    return config_seen(r, give_string(ret, r->facts->config.working_dir));
}

static enum bh_known get_finding_layer(const struct bh_record *r, struct bh_value *ret)
{
    return give_layer(ret, r->finding->layer);
}

static enum bh_known get_finding_message(const struct bh_record *r, struct bh_value *ret)
{
    return give_string(ret, r->finding->message);
}

static enum bh_known get_finding_path(const struct bh_record *r, struct bh_value *ret)
{
    return give_string(ret, r->finding->path);
}

static enum bh_known get_finding_rule(const struct bh_record *r, struct bh_value *ret)
{
    return give_string(ret, r->finding->rule);
}

static enum bh_known get_finding_severity(const struct bh_record *r, struct bh_value *ret)
{
    return give_severity(ret, r->finding->severity);
}

static enum bh_known get_image_advisory_age_days(const struct bh_record *r, struct bh_value *ret)
{
    return oldest_source(r, ret);
}

static enum bh_known get_image_age_days(const struct bh_record *r, struct bh_value *ret)
{
    return config_seen(r, give_age_days(ret, r->facts->config.created, r->now));
}

static enum bh_known get_image_architecture(const struct bh_record *r, struct bh_value *ret)
{
    return config_seen(r, give_string(ret, r->facts->config.architecture));
}

static enum bh_known get_image_author(const struct bh_record *r, struct bh_value *ret)
{
    return config_seen(r, give_string(ret, r->facts->config.author));
}

static enum bh_known get_image_complete(const struct bh_record *r, struct bh_value *ret)
{
    return give_bool(ret, !any_blind(r->facts));
}

static enum bh_known get_image_created(const struct bh_record *r, struct bh_value *ret)
{
    return config_seen(r, give_string(ret, r->facts->config.created));
}

static enum bh_known get_image_digest(const struct bh_record *r, struct bh_value *ret)
{
    return give_string(ret, r->facts->target.digest);
}

static enum bh_known get_image_distribution(const struct bh_record *r, struct bh_value *ret)
{
    return distribution_seen(r, give_string(ret, r->facts->distribution.id));
}

static enum bh_known get_image_distribution_codename(const struct bh_record *r,
                                                     struct bh_value *ret)
{
    return distribution_seen(r, give_string(ret, r->facts->distribution.codename));
}

static enum bh_known get_image_distribution_name(const struct bh_record *r, struct bh_value *ret)
{
    return distribution_seen(r, give_string(ret, r->facts->distribution.pretty_name));
}

static enum bh_known get_image_distribution_version(const struct bh_record *r, struct bh_value *ret)
{
    return distribution_seen(r, give_string(ret, r->facts->distribution.version_id));
}

static enum bh_known get_image_file_count(const struct bh_record *r, struct bh_value *ret)
{
    return counted(r, BH_SUBJECT_FILES, ret, (int64_t)r->facts->file_count);
}

static enum bh_known get_image_finding_count(const struct bh_record *r, struct bh_value *ret)
{
    return counted(r, BH_SUBJECT_FINDINGS, ret, (int64_t)r->facts->finding_count);
}

static enum bh_known get_image_kind(const struct bh_record *r, struct bh_value *ret)
{
    return give_string(ret, r->facts->target.kind);
}

static enum bh_known get_image_layer_count(const struct bh_record *r, struct bh_value *ret)
{
    return give_int(ret, (int64_t)r->facts->layer_count);
}

static enum bh_known get_image_layers(const struct bh_record *r, struct bh_value *ret)
{
    return give_list(ret, bh_derived_layers(r->facts));
}

static enum bh_known get_image_name(const struct bh_record *r, struct bh_value *ret)
{
    return give_string(ret, image_name(r->facts));
}

static enum bh_known get_image_os(const struct bh_record *r, struct bh_value *ret)
{
    return config_seen(r, give_string(ret, r->facts->config.os));
}

static enum bh_known get_image_package_count(const struct bh_record *r, struct bh_value *ret)
{
    return counted(r, BH_SUBJECT_PACKAGES, ret, (int64_t)r->facts->package_count);
}

static enum bh_known get_image_packages(const struct bh_record *r, struct bh_value *ret)
{
    return listed(r, BH_SUBJECT_PACKAGES, ret, bh_derived_packages(r->facts));
}

static enum bh_known get_image_reference(const struct bh_record *r, struct bh_value *ret)
{
    return give_string(ret, r->facts->target.reference);
}

static enum bh_known get_image_registry(const struct bh_record *r, struct bh_value *ret)
{
    return give_string(ret, bh_facts_name_parts(r->facts)->registry);
}

static enum bh_known get_image_repository(const struct bh_record *r, struct bh_value *ret)
{
    return give_string(ret, bh_facts_name_parts(r->facts)->repository);
}

static enum bh_known get_image_size_bytes(const struct bh_record *r, struct bh_value *ret)
{
    return counted(r, BH_SUBJECT_FILES, ret, (int64_t)r->facts->size_bytes);
}

static enum bh_known get_image_tag(const struct bh_record *r, struct bh_value *ret)
{
    return give_string(ret, bh_facts_name_parts(r->facts)->tag);
}

static enum bh_known get_image_vuln_count(const struct bh_record *r, struct bh_value *ret)
{
    return counted(r, BH_SUBJECT_VULNERABILITIES, ret, (int64_t)r->facts->vulnerability_count);
}

static enum bh_known get_image_vuln_critical(const struct bh_record *r, struct bh_value *ret)
{
    return counted(r, BH_SUBJECT_VULNERABILITIES, ret,
                   count_severity(r->facts, BH_SEVERITY_CRITICAL));
}

static enum bh_known get_image_vuln_fixable(const struct bh_record *r, struct bh_value *ret)
{
    return counted(r, BH_SUBJECT_VULNERABILITIES, ret, count_fixable(r->facts));
}

static enum bh_known get_image_vuln_high(const struct bh_record *r, struct bh_value *ret)
{
    return counted(r, BH_SUBJECT_VULNERABILITIES, ret, count_severity(r->facts, BH_SEVERITY_HIGH));
}

static enum bh_known get_image_vulns(const struct bh_record *r, struct bh_value *ret)
{
    return listed(r, BH_SUBJECT_VULNERABILITIES, ret, bh_derived_vulns(r->facts));
}

static enum bh_known get_image_vulns_checked(const struct bh_record *r, struct bh_value *ret)
{
    return give_bool(ret, !bh_facts_is_blind(r->facts, BH_SUBJECT_VULNERABILITIES));
}

static enum bh_known get_package_architecture(const struct bh_record *r, struct bh_value *ret)
{
    return give_string(ret, r->package->architecture);
}

static enum bh_known get_package_layer(const struct bh_record *r, struct bh_value *ret)
{
    return give_layer(ret, r->package->layer);
}

static enum bh_known get_package_license(const struct bh_record *r, struct bh_value *ret)
{
    return give_string(ret, r->package->license);
}

static enum bh_known get_package_name(const struct bh_record *r, struct bh_value *ret)
{
    return give_string(ret, r->package->name);
}

static enum bh_known get_package_path(const struct bh_record *r, struct bh_value *ret)
{
    return give_string(ret, r->package->path);
}

static enum bh_known get_package_purl(const struct bh_record *r, struct bh_value *ret)
{
    return give_string(ret, r->package->purl);
}

static enum bh_known get_package_source(const struct bh_record *r, struct bh_value *ret)
{
    return give_string(ret, r->package->source_name);
}

static enum bh_known get_package_source_version(const struct bh_record *r, struct bh_value *ret)
{
    return give_string(ret, r->package->source_version);
}

static enum bh_known get_package_type(const struct bh_record *r, struct bh_value *ret)
{
    return give_string(ret, r->package->type);
}

static enum bh_known get_package_version(const struct bh_record *r, struct bh_value *ret)
{
    return give_string(ret, r->package->version);
}

static enum bh_known get_vuln_age_days(const struct bh_record *r, struct bh_value *ret)
{
    return give_age_days(ret, r->vulnerability->published, r->now);
}

static enum bh_known get_vuln_aliases(const struct bh_record *r, struct bh_value *ret)
{
    return give_list(ret, r->vulnerability->aliases);
}

static enum bh_known get_vuln_fix(const struct bh_record *r, struct bh_value *ret)
{
    return give_string(ret, r->vulnerability->fixed);
}

static enum bh_known get_vuln_fixed(const struct bh_record *r, struct bh_value *ret)
{
    return give_bool(ret, r->vulnerability->fixed != NULL);
}

static enum bh_known get_vuln_id(const struct bh_record *r, struct bh_value *ret)
{
    return give_string(ret, r->vulnerability->id);
}

static enum bh_known get_vuln_ids(const struct bh_record *r, struct bh_value *ret)
{
    return give_ids(r, ret);
}

static enum bh_known get_vuln_installed(const struct bh_record *r, struct bh_value *ret)
{
    return give_string(ret, r->vulnerability->installed);
}

static enum bh_known get_vuln_package(const struct bh_record *r, struct bh_value *ret)
{
    return give_string(ret, r->package->name);
}

static enum bh_known get_vuln_published(const struct bh_record *r, struct bh_value *ret)
{
    return give_string(ret, r->vulnerability->published);
}

static enum bh_known get_vuln_severity(const struct bh_record *r, struct bh_value *ret)
{
    return give_severity(ret, r->vulnerability->severity);
}

static enum bh_known get_vuln_source(const struct bh_record *r, struct bh_value *ret)
{
    return give_string(ret, r->vulnerability->source);
}

static enum bh_known get_vuln_summary(const struct bh_record *r, struct bh_value *ret)
{
    return give_string(ret, r->vulnerability->summary);
}

static const struct bh_field fields[] = {
    {"config.cmd", BH_RECORD_IMAGE, BH_VALUE_LIST, "default arguments", get_config_cmd},
    {"config.entrypoint", BH_RECORD_IMAGE, BH_VALUE_LIST, "program and arguments the image starts",
     get_config_entrypoint},
    {"config.env", BH_RECORD_IMAGE, BH_VALUE_LIST, "environment, \"NAME=value\"", get_config_env},
    {"config.env_names", BH_RECORD_IMAGE, BH_VALUE_LIST, "names of the environment variables",
     get_config_env_names},
    {"config.healthcheck", BH_RECORD_IMAGE, BH_VALUE_BOOL, "a HEALTHCHECK is set",
     get_config_healthcheck},
    {"config.history", BH_RECORD_IMAGE, BH_VALUE_LIST,
     "the command that made each layer, oldest first", get_config_history},
    {"config.label_names", BH_RECORD_IMAGE, BH_VALUE_LIST, "names of the labels",
     get_config_label_names},
    {"config.labels", BH_RECORD_IMAGE, BH_VALUE_LIST, "labels, \"name=value\"", get_config_labels},
    {"config.ports", BH_RECORD_IMAGE, BH_VALUE_LIST, "exposed ports, \"80/tcp\"", get_config_ports},
    {"config.runs_as_root", BH_RECORD_IMAGE, BH_VALUE_BOOL,
     "starts as user 0; true without a user or a configuration", get_config_runs_as_root},
    {"config.stop_signal", BH_RECORD_IMAGE, BH_VALUE_STRING, "signal that asks it to stop",
     get_config_stop_signal},
    {"config.user", BH_RECORD_IMAGE, BH_VALUE_STRING, "user it starts as, absent when not set",
     get_config_user},
    {"config.volumes", BH_RECORD_IMAGE, BH_VALUE_LIST, "declared volumes", get_config_volumes},
    {"config.working_dir", BH_RECORD_IMAGE, BH_VALUE_STRING, "working directory",
     get_config_working_dir},
    {"finding.layer", BH_RECORD_FINDING, BH_VALUE_INT, "index of the layer, from 0",
     get_finding_layer},
    {"finding.message", BH_RECORD_FINDING, BH_VALUE_STRING, "what was found, in words",
     get_finding_message},
    {"finding.path", BH_RECORD_FINDING, BH_VALUE_STRING, "path inside the image", get_finding_path},
    {"finding.rule", BH_RECORD_FINDING, BH_VALUE_STRING,
     "stable rule identifier (docs/findings.md)", get_finding_rule},
    {"finding.severity", BH_RECORD_FINDING, BH_VALUE_SEVERITY, "severity", get_finding_severity},
    {"image.advisory_age_days", BH_RECORD_IMAGE, BH_VALUE_INT,
     "days since the oldest advisory source used was published", get_image_advisory_age_days},
    {"image.age_days", BH_RECORD_IMAGE, BH_VALUE_INT, "days since the image was built",
     get_image_age_days},
    {"image.architecture", BH_RECORD_IMAGE, BH_VALUE_STRING, "processor architecture, \"amd64\"",
     get_image_architecture},
    {"image.author", BH_RECORD_IMAGE, BH_VALUE_STRING, "author", get_image_author},
    {"image.complete", BH_RECORD_IMAGE, BH_VALUE_BOOL,
     "everything was looked at: no coverage record says otherwise", get_image_complete},
    {"image.created", BH_RECORD_IMAGE, BH_VALUE_STRING, "when it was built, RFC 3339",
     get_image_created},
    {"image.digest", BH_RECORD_IMAGE, BH_VALUE_STRING, "digest of the manifest", get_image_digest},
    {"image.distribution", BH_RECORD_IMAGE, BH_VALUE_STRING, "os-release ID, \"debian\"",
     get_image_distribution},
    {"image.distribution_codename", BH_RECORD_IMAGE, BH_VALUE_STRING,
     "os-release VERSION_CODENAME, \"bookworm\"", get_image_distribution_codename},
    {"image.distribution_name", BH_RECORD_IMAGE, BH_VALUE_STRING, "os-release PRETTY_NAME",
     get_image_distribution_name},
    {"image.distribution_version", BH_RECORD_IMAGE, BH_VALUE_STRING,
     "os-release VERSION_ID, \"12\"", get_image_distribution_version},
    {"image.file_count", BH_RECORD_IMAGE, BH_VALUE_INT, "files in all layers",
     get_image_file_count},
    {"image.finding_count", BH_RECORD_IMAGE, BH_VALUE_INT, "configuration and file findings",
     get_image_finding_count},
    {"image.kind", BH_RECORD_IMAGE, BH_VALUE_STRING,
     "where it came from: \"oci\", \"docker-archive\", \"dir\", \"store\" ...", get_image_kind},
    {"image.layer_count", BH_RECORD_IMAGE, BH_VALUE_INT, "number of layers", get_image_layer_count},
    {"image.layers", BH_RECORD_IMAGE, BH_VALUE_LIST, "digests of the layers, lowest first",
     get_image_layers},
    {"image.name", BH_RECORD_IMAGE, BH_VALUE_STRING,
     "the image's own name, or the reference it was asked for by", get_image_name},
    {"image.os", BH_RECORD_IMAGE, BH_VALUE_STRING, "operating system, \"linux\"", get_image_os},
    {"image.package_count", BH_RECORD_IMAGE, BH_VALUE_INT, "installed packages",
     get_image_package_count},
    {"image.packages", BH_RECORD_IMAGE, BH_VALUE_LIST, "names of the installed packages",
     get_image_packages},
    {"image.reference", BH_RECORD_IMAGE, BH_VALUE_STRING, "the target as the user named it",
     get_image_reference},
    {"image.registry", BH_RECORD_IMAGE, BH_VALUE_STRING, "registry host, absent for a path",
     get_image_registry},
    {"image.repository", BH_RECORD_IMAGE, BH_VALUE_STRING, "name without registry, tag and digest",
     get_image_repository},
    {"image.size_bytes", BH_RECORD_IMAGE, BH_VALUE_INT, "bytes of all layers, uncompressed",
     get_image_size_bytes},
    {"image.tag", BH_RECORD_IMAGE, BH_VALUE_STRING,
     "tag; \"latest\" when neither tag nor digest is given", get_image_tag},
    {"image.vuln_count", BH_RECORD_IMAGE, BH_VALUE_INT, "vulnerabilities", get_image_vuln_count},
    {"image.vuln_critical", BH_RECORD_IMAGE, BH_VALUE_INT, "vulnerabilities rated critical",
     get_image_vuln_critical},
    {"image.vuln_fixable", BH_RECORD_IMAGE, BH_VALUE_INT, "vulnerabilities with a fixed version",
     get_image_vuln_fixable},
    {"image.vuln_high", BH_RECORD_IMAGE, BH_VALUE_INT, "vulnerabilities rated high",
     get_image_vuln_high},
    {"image.vulns", BH_RECORD_IMAGE, BH_VALUE_LIST, "identifiers of the vulnerabilities",
     get_image_vulns},
    {"image.vulns_checked", BH_RECORD_IMAGE, BH_VALUE_BOOL,
     "vulnerabilities were looked for with advisories", get_image_vulns_checked},
    {"package.architecture", BH_RECORD_PACKAGE, BH_VALUE_STRING, "architecture",
     get_package_architecture},
    {"package.layer", BH_RECORD_PACKAGE, BH_VALUE_INT,
     "index of the layer that brought this version, from 0", get_package_layer},
    {"package.license", BH_RECORD_PACKAGE, BH_VALUE_STRING, "licence as the database says it",
     get_package_license},
    {"package.name", BH_RECORD_PACKAGE, BH_VALUE_STRING, "name", get_package_name},
    {"package.path", BH_RECORD_PACKAGE, BH_VALUE_STRING, "database file that lists it",
     get_package_path},
    {"package.purl", BH_RECORD_PACKAGE, BH_VALUE_STRING, "package URL", get_package_purl},
    {"package.source", BH_RECORD_PACKAGE, BH_VALUE_STRING, "source package", get_package_source},
    {"package.source_version", BH_RECORD_PACKAGE, BH_VALUE_STRING, "version of the source package",
     get_package_source_version},
    {"package.type", BH_RECORD_PACKAGE, BH_VALUE_STRING, "\"deb\", \"apk\", \"rpm\"",
     get_package_type},
    {"package.version", BH_RECORD_PACKAGE, BH_VALUE_STRING,
     "version as the package manager writes it", get_package_version},
    {"vuln.age_days", BH_RECORD_VULN, BH_VALUE_INT, "days since it was published",
     get_vuln_age_days},
    {"vuln.aliases", BH_RECORD_VULN, BH_VALUE_LIST, "other identifiers of the same vulnerability",
     get_vuln_aliases},
    {"vuln.fix", BH_RECORD_VULN, BH_VALUE_STRING, "first fixed version", get_vuln_fix},
    {"vuln.fixed", BH_RECORD_VULN, BH_VALUE_BOOL, "a fixed version exists", get_vuln_fixed},
    {"vuln.id", BH_RECORD_VULN, BH_VALUE_STRING, "identifier, \"CVE-2024-1234\"", get_vuln_id},
    {"vuln.ids", BH_RECORD_VULN, BH_VALUE_LIST, "identifier and aliases", get_vuln_ids},
    {"vuln.installed", BH_RECORD_VULN, BH_VALUE_STRING, "installed version", get_vuln_installed},
    {"vuln.package", BH_RECORD_VULN, BH_VALUE_STRING, "name of the vulnerable package",
     get_vuln_package},
    {"vuln.published", BH_RECORD_VULN, BH_VALUE_STRING, "when it was published, RFC 3339",
     get_vuln_published},
    {"vuln.severity", BH_RECORD_VULN, BH_VALUE_SEVERITY, "severity; unknown when nobody rated it",
     get_vuln_severity},
    {"vuln.source", BH_RECORD_VULN, BH_VALUE_STRING, "feed that says so", get_vuln_source},
    {"vuln.summary", BH_RECORD_VULN, BH_VALUE_STRING, "one line of description", get_vuln_summary},
};

const struct bh_field *bh_fields(size_t *count)
{
    *count = BH_COUNT_OF(fields);
    return fields;
}

const struct bh_field *bh_field_find(const char *name, size_t len)
{
    size_t low = 0, high = BH_COUNT_OF(fields);

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int order = strncmp(fields[mid].name, name, len);

        if (order == 0)
            order = fields[mid].name[len] != '\0';
        if (order == 0)
            return &fields[mid];
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}
