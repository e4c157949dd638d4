#include "common/sync/void.h"

#include <string.h>

#include "common/sync/base.h"

bool sat_is_final_refusal(enum sat_err why)
{
    bool waits = why == SAT_ERR_ESCROWED || why == SAT_ERR_EXISTS || why == SAT_ERR_FORK;
    return !waits && why != SAT_ERR_UPGRADE_NEEDED;
}

bool sat_is_refused_for_good(const struct sat_bundle_row *row)
{
    return row->state == SAT_BUNDLE_REFUSED && sat_is_final_refusal((enum sat_err)row->refused);
}

bool sat_is_in_log(const struct sat_bundle_row *row)
{
    return row->state == SAT_BUNDLE_REFUSED && row->refused == SAT_ERR_EXISTS;
}

enum sat_err sat_judge_void(const struct sat_judge *judge, const struct sat_signed_void *empty, struct sat_fault *fault)
{
    const struct sat_void *s = &empty->statement;
    const struct sat_directory *directory = judge->directory;
    const struct sat_device *author = sat_directory_device(directory, s->device);
    uint8_t rights = sat_directory_device_rights(directory, &s->space, s->device, judge->dir_at);
    bool may_be_back = sat_lives_later(judge->lives, judge->space->log.size + 1);
    if (!author || (!may_be_back && !(rights & (SAT_RIGHT_READ | SAT_RIGHT_WRITE))))
        return sat_fail(fault, SAT_ERR_DENIED, "device %u may not write here", s->device);
    if (sat_void_verify(s, &directory->org, &author->sign, &empty->signature))
        return sat_fail(fault, SAT_ERR_TAMPERED, "the signature of device %u does not hold", s->device);
    struct sat_bundle_row row;
    bool found;
    enum sat_err err = sat_store_bundle_overlapping(judge->store, s->device, s->first, s->count, &row, &found);
    if (err) return err;
    if (found)
        return sat_fail(fault, SAT_ERR_FORK, "device %u calls change %llu empty, which is there", s->device,
                        (unsigned long long)s->first);
    err = sat_store_bundle_tip(judge->store, judge->space->sid, s->device, false, &row, &found);
    if (err) return err;
    static const struct sat_hash none;
    bool follows = sat_hash_equal(found ? &row.id : &none, &s->prev);
    bool behind = found && s->first < row.first + row.count; /* the one before it would come too late as well */
    if (!follows && !behind && may_be_back) err = sat_judge_is_gone(judge, &s->prev, &follows);
    if (err) return err;
    if (!follows && !behind && !sat_judge_trusts(judge, judge->space->log.size + 1))
        return sat_fail(fault, SAT_ERR_STALE, "a bundle of device %u before change %llu is missing", s->device,
                        (unsigned long long)s->first);
    if (behind)
        return sat_fail(fault, SAT_ERR_BAD_CHAIN, "device %u steps back at change %llu", s->device,
                        (unsigned long long)s->first);
    return SAT_OK;
}

struct sat_bundle_row sat_void_row(int64_t sid, const struct sat_hash *org, const struct sat_signed_void *empty,
                                   const struct sat_bundle_row *before)
{
    const struct sat_void *s = &empty->statement;
    struct sat_bundle_row row = {.sid = sid,
                                 .device = s->device,
                                 .first = s->first,
                                 .count = s->count,
                                 .id = sat_void_id(s),
                                 .signature = empty->signature,
                                 .state = SAT_BUNDLE_VOID};
    struct sat_manifest manifest = {.org = *org,
                                    .space = s->space,
                                    .device = s->device,
                                    .first = s->first,
                                    .count = s->count,
                                    .prev = s->prev,
                                    .changes_root = s->refused};
    if (before) {
        struct sat_manifest last;
        sat_manifest_decode(before->manifest, &last);
        manifest.dir_seq = last.dir_seq;
    }
    sat_manifest_encode(&manifest, row.manifest);
    return row;
}

bool sat_void_is_row(const struct sat_bundle_row *row)
{
    struct sat_manifest manifest;
    sat_manifest_decode(row->manifest, &manifest);
    return manifest.suite == 0;
}

struct sat_signed_void sat_void_of_row(const struct sat_bundle_row *row)
{
    struct sat_manifest manifest;
    sat_manifest_decode(row->manifest, &manifest);
    return (struct sat_signed_void){.statement = {.space = manifest.space,
                                                  .device = manifest.device,
                                                  .first = manifest.first,
                                                  .count = manifest.count,
                                                  .refused = manifest.changes_root,
                                                  .prev = manifest.prev},
                                    .signature = row->signature};
}

enum sat_err sat_base_void(struct sat_store *store, struct sat_space_row *space, const struct sat_hash *org,
                           const struct sat_signed_void *empty, uint64_t recv_ms, uint64_t dir_at, int64_t pending_bid)
{
    struct sat_entry entry = {
        .kind = SAT_ENTRY_VOID, .id = sat_void_id(&empty->statement), .recv_ms = recv_ms, .dir_at = dir_at};
    uint64_t seq = space->log.size + 1;
    enum sat_err err;
    if (pending_bid) {
        err = sat_store_bundle_set_seq(store, pending_bid, seq);
    } else {
        struct sat_bundle_row before, row;
        bool found;
        err = sat_store_bundle_tip(store, space->sid, empty->statement.device, false, &before, &found);
        if (err) return err;
        row = sat_void_row(space->sid, org, empty, found ? &before : NULL);
        row.seq = seq;
        err = sat_store_bundle_insert(store, &row);
        pending_bid = row.bid;
    }
    return err ? err : sat_base_append(store, space, &entry, pending_bid);
}
