#include "common/sync/taken.h"

#include "common/sync/void.h"

void sat_taken_encode(const struct sat_bundle_row *row, struct sat_buf *out)
{
    sat_put_bytes(out, row->manifest, sizeof row->manifest);
    sat_put_bytes(out, row->signature.b, sizeof row->signature.b);
}

static bool is_signed(const struct sat_bundle_row *shown, const struct sat_bundle *bundle, const struct sat_hash *org,
                      const struct sat_public_key *key)
{
    if (!sat_void_is_row(shown)) return sat_bundle_verify(bundle, key) == SAT_OK;
    struct sat_signed_void empty = sat_void_of_row(shown);
    return sat_void_verify(&empty.statement, org, key, &empty.signature) == SAT_OK;
}

static struct sat_hash id_of(const struct sat_bundle_row *row)
{
    struct sat_manifest manifest;
    sat_manifest_decode(row->manifest, &manifest);
    if (manifest.suite) return sat_bundle_id(&manifest);
    struct sat_signed_void empty = sat_void_of_row(row);
    return sat_void_id(&empty.statement);
}

/* What an own statement calls empty is none: this home signed both. */
static bool is_other_work(const struct sat_hash *id, const struct sat_bundle_row *own)
{
    if (sat_hash_equal(id, &own->id)) return false;
    if (!sat_void_is_row(own)) return true;
    struct sat_signed_void empty = sat_void_of_row(own);
    return !sat_hash_equal(id, &empty.statement.refused);
}

bool sat_taken_is_proven(struct sat_span proof, const struct sat_hash *org, const struct sat_public_key *key,
                         const struct sat_bundle_row *own)
{
    struct sat_bundle_row shown = {0};
    struct sat_bundle bundle = {.form = SAT_BUNDLE_FULL};
    struct sat_reader reader;
    sat_reader_init(&reader, proof);
    sat_take_bytes(&reader, shown.manifest, sizeof shown.manifest);
    sat_take_bytes(&reader, shown.signature.b, sizeof shown.signature.b);
    if (sat_reader_end(&reader)) return false;
    const struct sat_manifest *m = &bundle.manifest;
    sat_manifest_decode(shown.manifest, &bundle.manifest);
    bundle.signature = shown.signature;
    bundle.id = id_of(&shown);
    bool overlaps = m->count && m->first < own->first + own->count && own->first < m->first + m->count;
    return overlaps && m->device == own->device && sat_hash_equal(&m->org, org) && is_other_work(&bundle.id, own) &&
           is_signed(&shown, &bundle, org, key);
}
