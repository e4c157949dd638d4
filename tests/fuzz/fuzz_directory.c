/* The reducer: a sequence of links, some of them trusted as stored ones are, some verified. The first byte says whether
 * it begins with the org's directory or with none; then for each link a byte that says how it is mended and judged, and
 * a piece. */
#include <string.h>

#include "common/proof/hash.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/mend.h"

#define YEAR_MS (UINT64_C(365) * 24 * 3600 * 1000)

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
        sat_hash_add_u32(hasher, user->creator);
        for (uint32_t manager = 1; manager <= directory->users_n; manager++)
            sat_hash_add_u8(hasher, sat_directory_manages(directory, manager, user->number));
    }
    for (uint32_t i = 0; i < directory->devices_n; i++) {
        const struct sat_device *device = &directory->devices[i];
        sat_check(device->number == i + 1 && device->user >= 1 && device->user <= directory->users_n);
        sat_hash_add_u32(hasher, device->user);
        sat_hash_add_u64(hasher, device->since_seq);
        sat_check(!device->wiped_seq || device->revoked_seq);
        sat_check(!device->approved_seq || device->approved_seq >= device->since_seq);
        sat_hash_add_u64(hasher, device->approved_seq);
        sat_hash_add_u64(hasher, device->revoked_seq);
        sat_hash_add_u64(hasher, device->wiped_seq);
        sat_hash_add_u64(hasher, device->joined_ms);
        uint64_t expelled;
        sat_check(sat_directory_expelled(directory, device->number, &expelled) == (expelled != 0));
        sat_check(expelled <= directory->seq);
        sat_hash_add_u64(hasher, expelled);
        add_key(hasher, &device->admin_sign);
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

/* Users who can act as admins, counted anew. */
static uint32_t count_admins(const struct sat_directory *directory)
{
    uint32_t n = 0;
    static const struct sat_public_key none;
    for (uint32_t i = 0; i < directory->users_n; i++) {
        bool acts = false;
        for (uint32_t j = 0; j < directory->devices_n; j++) {
            const struct sat_device *device = &directory->devices[j];
            acts = acts || (device->user == i + 1 && device->approved_seq && !device->revoked_seq &&
                            memcmp(device->admin_sign.b, none.b, sizeof none.b) != 0);
        }
        n += acts && directory->users[i].role == SAT_ROLE_ADMIN && directory->users[i].state == 1;
    }
    return n;
}

static void add_devices_in(struct sat_hasher *hasher, const struct sat_directory *directory,
                           const struct sat_space_id *space)
{
    for (uint32_t device = 1; device <= directory->devices_n; device++) {
        uint64_t seq;
        const struct sat_cut *cut;
        bool out = sat_directory_cut(directory, device, space, directory->seq, &seq, &cut);
        sat_check(out == (directory->devices[device - 1].revoked_seq != 0));
        sat_hash_add_u64(hasher, cut ? cut->counter : 0);
        uint8_t rights = sat_directory_device_rights(directory, space, device, directory->seq);
        sat_check(!out || rights == 0);
        sat_hash_add_u8(hasher, rights);
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
        sat_check(space->owed_seq <= directory->seq && (space->epoch || !space->owed_seq));
        sat_hash_add_u64(hasher, sat_directory_owed(directory, &space->id, directory->time_ms));
        sat_hash_add_u64(hasher, sat_directory_owed(directory, &space->id, UINT64_MAX));
        add_devices_in(hasher, directory, &space->id);
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
    sat_hash_add_u64(&hasher, directory->kit_seq);
    sat_check(directory->kits_n == 0 || directory->kits[directory->kits_n - 1].seq == directory->kit_seq);
    sat_hash_add_u32(&hasher, directory->kits_n);
    sat_hash_add_u64(&hasher, directory->repudiated_seq);
    add_key(&hasher, &directory->kit_sign);
    add_key(&hasher, &directory->kit_box);
    sat_check(sat_directory_admins(directory) == count_admins(directory));
    sat_check(directory->seq == 0 || count_admins(directory) > 0);
    sat_hash_add_u32(&hasher, sat_directory_admins(directory));
    for (int policy = 1; policy <= SAT_POLICY_SILENT_DAYS; policy++)
        sat_hash_add_u64(&hasher, sat_directory_policy(directory, (enum sat_policy)policy));
    for (uint64_t seq = 1; seq <= directory->seq; seq++) {
        struct sat_hash id = sat_directory_hash_at(directory, seq);
        sat_hash_add(&hasher, id.b, sizeof id.b);
    }
    add_members(&hasher, directory);
    add_spaces(&hasher, directory);
    return sat_hash_end(&hasher);
}

/* Who might do what at the positions that there were before `end`: nothing that comes later changes that. */
static struct sat_hash past_of(const struct sat_directory *directory, uint64_t end, uint32_t devices, uint32_t spaces)
{
    struct sat_hasher hasher;
    sat_hash_begin(&hasher, "past");
    for (uint32_t space = 0; space < spaces; space++)
        for (uint32_t device = 1; device <= devices; device++)
            for (uint64_t seq = 0; seq < end; seq++)
                sat_hash_add_u8(&hasher,
                                sat_directory_device_rights(directory, &directory->spaces[space].id, device, seq));
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
    uint32_t devices = directory->devices_n, spaces = directory->spaces_n;
    struct sat_hash past = past_of(directory, seq + 1, devices, spaces);
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
    struct sat_hash past_now = past_of(directory, seq + 1, devices, spaces);
    sat_check(sat_hash_equal(&past, &past_now));
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
        if (link.type == SAT_LINK_EXPEL && how & 128)
            history.time_ms += YEAR_MS; /* nobody was silent for so long yet */
        apply(&history, &link, how & 4 ? SAT_DIRECTORY_STORED : SAT_DIRECTORY_VERIFY, how & 8);
    }
    struct sat_hash once = fingerprint(&history.directory), twice = fingerprint(&history.again);
    sat_check(sat_hash_equal(&once, &twice));
    sat_directory_deinit(&history.again);
    sat_directory_deinit(&history.directory);
    sat_arena_deinit(&history.arena);
    return 0;
}
