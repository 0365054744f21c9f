#include "fact/report.h"

/* The digest of the layer a record came from; left out when the image has none. */
static void write_layer(struct bh_json_writer *w, const struct bh_facts *f, uint32_t layer)
{
    const struct bh_layer_fact *l = layer < f->layer_count ? &f->layers[layer] : NULL;

    if (!l)
        bh_json_null(w, "layer");
    else
        bh_json_string(w, "layer", *l->digest ? l->digest : l->diff_id);
}

static void write_target(struct bh_json_writer *w, const struct bh_facts *f)
{
    bh_json_object(w, "target");
    bh_json_string(w, "kind", f->target.kind);
    bh_json_string(w, "reference", f->target.reference);
    bh_json_string_opt(w, "name", f->target.name);
    bh_json_string(w, "digest", *f->target.digest ? f->target.digest : NULL);
    bh_json_int(w, "size_bytes", (int64_t)f->size_bytes);
    bh_json_int(w, "files", (int64_t)f->file_count);
    bh_json_string_opt(w, "architecture", f->config.architecture);
    bh_json_string_opt(w, "os", f->config.os);
    bh_json_string_opt(w, "created", f->config.created);
    bh_json_end_object(w);
}

static void write_distribution(struct bh_json_writer *w, const struct bh_distribution *d)
{
    if (!d->id) {
        bh_json_null(w, "distribution");
        return;
    }
    bh_json_object(w, "distribution");
    bh_json_string(w, "id", d->id);
    bh_json_string(w, "version", d->version_id);
    bh_json_string_opt(w, "codename", d->codename);
    bh_json_string_opt(w, "name", d->pretty_name);
    bh_json_end_object(w);
}

static void write_layers(struct bh_json_writer *w, const struct bh_facts *f)
{
    bh_json_array(w, "layers");
    for (size_t i = 0; i < f->layer_count; i++) {
        const struct bh_layer_fact *l = &f->layers[i];

        bh_json_object(w, NULL);
        bh_json_string(w, "digest", *l->digest ? l->digest : NULL);
        bh_json_string(w, "diff_id", *l->diff_id ? l->diff_id : NULL);
        bh_json_int(w, "size_bytes", (int64_t)l->size_bytes);
        bh_json_string_opt(w, "created_by", l->created_by);
        bh_json_end_object(w);
    }
    bh_json_end_array(w);
}

static void write_packages(struct bh_json_writer *w, const struct bh_facts *f)
{
    bh_json_array(w, "packages");
    for (size_t i = 0; i < f->package_count; i++) {
        const struct bh_package *p = &f->packages[i];

        bh_json_object(w, NULL);
        bh_json_string(w, "name", p->name);
        bh_json_string(w, "version", p->version);
        bh_json_string(w, "type", p->type);
        bh_json_string(w, "source_name", p->source_name);
        bh_json_string(w, "source_version", p->source_version);
        bh_json_string(w, "architecture", p->architecture);
        bh_json_string(w, "purl", p->purl);
        bh_json_string_opt(w, "license", p->license);
        bh_json_string_opt(w, "path", p->path);
        write_layer(w, f, p->layer);
        bh_json_end_object(w);
    }
    bh_json_end_array(w);
}

static void write_vulnerabilities(struct bh_json_writer *w, const struct bh_facts *f)
{
    bh_json_array(w, "vulnerabilities");
    for (size_t i = 0; i < f->vulnerability_count; i++) {
        const struct bh_vulnerability *v = &f->vulnerabilities[i];
        const struct bh_package *p = &f->packages[v->package];

        bh_json_object(w, NULL);
        bh_json_string(w, "id", v->id);
        bh_json_array(w, "aliases");
        for (size_t k = 0; v->aliases[k]; k++)
            bh_json_string(w, NULL, v->aliases[k]);
        bh_json_end_array(w);
        bh_json_string(w, "package", p->name);
        bh_json_string(w, "installed", v->installed);
        bh_json_string(w, "fixed", v->fixed);
        bh_json_string(w, "severity", bh_severity_name(v->severity));
        bh_json_string(w, "source", v->source);
        bh_json_string_opt(w, "summary", v->summary);
        bh_json_string_opt(w, "published", v->published);
        bh_json_string_opt(w, "purl", p->purl);
        bh_json_end_object(w);
    }
    bh_json_end_array(w);
}

static void write_findings(struct bh_json_writer *w, const struct bh_facts *f)
{
    bh_json_array(w, "findings");
    for (size_t i = 0; i < f->finding_count; i++) {
        const struct bh_finding *x = &f->findings[i];

        bh_json_object(w, NULL);
        bh_json_string(w, "rule", x->rule);
        bh_json_string(w, "severity", bh_severity_name(x->severity));
        bh_json_string(w, "path", x->path);
        write_layer(w, f, x->layer);
        bh_json_string(w, "message", x->message);
        bh_json_end_object(w);
    }
    bh_json_end_array(w);
}

static void write_coverage(struct bh_json_writer *w, const struct bh_facts *f)
{
    bh_json_array(w, "coverage");
    for (size_t i = 0; i < f->coverage_count; i++) {
        const struct bh_coverage *c = &f->coverage[i];

        bh_json_object(w, NULL);
        bh_json_string(w, "subject", c->subject);
        bh_json_string(w, "path", c->path);
        write_layer(w, f, c->layer);
        bh_json_string(w, "reason", c->reason);
        bh_json_bool(w, "blind", c->blind);
        bh_json_end_object(w);
    }
    bh_json_end_array(w);
}

static void write_sources(struct bh_json_writer *w, const struct bh_facts *f)
{
    bh_json_array(w, "sources");
    for (size_t i = 0; i < f->source_count; i++) {
        const struct bh_advisory_source *s = &f->sources[i];

        bh_json_object(w, NULL);
        bh_json_string(w, "name", s->name);
        bh_json_string(w, "date", s->date);
        bh_json_string(w, "imported", s->imported);
        bh_json_int(w, "count", (int64_t)s->count);
        bh_json_end_object(w);
    }
    bh_json_end_array(w);
}

void bh_report_json(struct bh_json_writer *w, const struct bh_facts *f)
{
    bh_json_object(w, NULL);
    bh_json_string(w, "schema", BH_REPORT_SCHEMA);
    write_target(w, f);
    write_distribution(w, &f->distribution);
    bh_json_bool(w, "vulnerabilities_checked", !bh_facts_is_blind(f, BH_SUBJECT_VULNERABILITIES));
    write_layers(w, f);
    write_packages(w, f);
    write_vulnerabilities(w, f);
    write_findings(w, f);
    write_coverage(w, f);
    write_sources(w, f);
    bh_json_end_object(w);
}
