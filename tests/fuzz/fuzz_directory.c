/* The reducer: a sequence of links, some of them trusted as stored ones are, some verified. The first byte says whether
 * it begins with the org's directory or with none; then for each link a byte that says how it is mended and judged, and
 * a piece. */
#include <string.h>

#include "common/proof/hash.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/mend.h"

static void add_key(struct sat_hasher *hasher, const struct sat_public_key *key)
{
    sat_hash_add(hasher, key->b, sizeof key->b);
}

static void add_members(struct sat_hasher *hasher, const struct sat_directory *directory)
{
    for (uint32_t i = 0; i < directory->users_n; i++) {
        const struct sat_user *user = &directory->users[i];
        sat_check(user->number == i + 1);
        sat_hash_add_u8(hasher, user->role);
        sat_hash_add_u8(hasher, user->state);
        sat_hash_add_u64(hasher, user->since_seq);
        add_key(hasher, &user->admin_sign);
    }
    for (uint32_t i = 0; i < directory->devices_n; i++) {
        const struct sat_device *device = &directory->devices[i];
        sat_check(device->number == i + 1 && device->user >= 1 && device->user <= directory->users_n);
        sat_hash_add_u32(hasher, device->user);
        sat_hash_add_u64(hasher, device->since_seq);
        sat_hash_add_u64(hasher, device->joined_ms);
        add_key(hasher, &device->sign);
        add_key(hasher, &device->box);
    }
    for (uint32_t i = 0; i < directory->invites_n; i++) {
        const struct sat_invite *invite = &directory->invites[i];
        sat_hash_add(hasher, invite->id.b, sizeof invite->id.b);
        sat_hash_add_u8(hasher, invite->state);
        sat_hash_add_u32(hasher, invite->device);
    }
}

static void add_spaces(struct sat_hasher *hasher, const struct sat_directory *directory)
{
    for (uint32_t i = 0; i < directory->spaces_n; i++) {
        const struct sat_space *space = &directory->spaces[i];
        sat_check(sat_directory_space(directory, &space->id) == space);
        sat_hash_add(hasher, space->id.b, sizeof space->id.b);
        sat_hash_add_u8(hasher, space->kind);
        sat_hash_add_u32(hasher, space->epoch);
        sat_check(sat_directory_epoch_at(directory, &space->id, directory->seq) == space->epoch);
        for (uint32_t user = 1; user <= directory->users_n; user++)
            sat_hash_add_u8(hasher, sat_directory_rights(directory, &space->id, user, directory->seq));
    }
    for (uint32_t i = 0; i < directory->epochs_n; i++) {
        const struct sat_epoch *epoch = &directory->epochs[i];
        sat_check(sat_directory_epoch(directory, &epoch->space, epoch->number) == epoch);
        sat_hash_add(hasher, epoch->kc.b, sizeof epoch->kc.b);
    }
    sat_hash_add_u32(hasher, directory->grants_n);
}

/* All that one can ask, in one hash. */
static struct sat_hash fingerprint(const struct sat_directory *directory)
{
    struct sat_hasher hasher;
    sat_hash_begin(&hasher, "fingerprint");
    sat_hash_add(&hasher, directory->org.b, sizeof directory->org.b);
    add_key(&hasher, &directory->server);
    sat_hash_add(&hasher, (const uint8_t *)directory->server_url, strlen(directory->server_url));
    sat_hash_add_u64(&hasher, directory->seq);
    sat_hash_add_u64(&hasher, directory->time_ms);
    for (uint64_t seq = 1; seq <= directory->seq; seq++) {
        struct sat_hash id = sat_directory_hash_at(directory, seq);
        sat_hash_add(&hasher, id.b, sizeof id.b);
    }
    add_members(&hasher, directory);
    add_spaces(&hasher, directory);
    return sat_hash_end(&hasher);
}

struct history { /* what was applied, to be applied once more to another directory */
    struct sat_arena arena;
    struct sat_directory directory, again;
    uint64_t time_ms;
};

/* A refused link leaves no trace, with a sentence why; a good one is the new head. */
static void apply(struct history *history, const struct sat_link *link, enum sat_directory_trust trust, bool counter)
{
    struct sat_directory *directory = &history->directory;
    struct sat_countersign sign;
    struct sat_fault fault = {0};
    struct sat_hash before = fingerprint(directory), id = sat_link_id(link);
    struct sat_hash org = link->type == SAT_LINK_GENESIS ? sat_link_org(link) : directory->org;
    uint64_t seq = directory->seq;
    sat_countersign(link, history->time_ms, &org, &fuzz_org()->server, &sign);
    enum sat_err err = sat_directory_apply(directory, link, counter ? &sign : NULL, history->time_ms, trust, &fault);
    if (err) {
        struct sat_hash after = fingerprint(directory);
        sat_check(fault.err == err && sat_hash_equal(&before, &after));
        fuzz_check_sentence(fault.text);
        return;
    }
    struct sat_hash head = sat_directory_hash_at(directory, seq + 1);
    sat_check(directory->seq == seq + 1 && sat_hash_equal(&head, &id));
    fuzz_must(sat_directory_apply(&history->again, link, counter ? &sign : NULL, history->time_ms, SAT_DIRECTORY_STORED,
                                  &fault));
}

static void begin(struct history *history, bool founded)
{
    const struct fuzz_org *org = fuzz_org();
    sat_arena_init(&history->arena);
    sat_directory_init(&history->directory);
    sat_directory_init(&history->again);
    history->time_ms = org->now_ms;
    for (uint32_t i = 0; founded && i < org->links_n; i++) {
        struct sat_link link;
        struct sat_fault fault = {0};
        fuzz_must(sat_link_decode(org->links[i].bytes, &link));
        fuzz_must(
            sat_directory_apply(&history->directory, &link, &org->links[i].sign, 0, SAT_DIRECTORY_STORED, &fault));
        fuzz_must(sat_directory_apply(&history->again, &link, &org->links[i].sign, 0, SAT_DIRECTORY_STORED, &fault));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sat_span input = sat_span(data, size);
    struct history history;
    begin(&history, fuzz_byte(&input) & 1);
    while (input.len) {
        uint8_t how = fuzz_byte(&input);
        struct sat_span bytes = fuzz_piece(&input);
        struct sat_link link;
        history.time_ms += (uint64_t)(how >> 4) * 1000;
        bytes = fuzz_mend_link(bytes, &history.directory, how % 3, &history.arena);
        if (sat_link_decode(bytes, &link)) continue;
        apply(&history, &link, how & 4 ? SAT_DIRECTORY_STORED : SAT_DIRECTORY_VERIFY, how & 8);
    }
    struct sat_hash once = fingerprint(&history.directory), twice = fingerprint(&history.again);
    sat_check(sat_hash_equal(&once, &twice));
    sat_directory_deinit(&history.again);
    sat_directory_deinit(&history.directory);
    sat_arena_deinit(&history.arena);
    return 0;
}
