/* Making the most of it: every key from every other, then every change and draft with every key. */
#include <sodium.h>
#include <string.h>

#include "common/base/check.h"
#include "common/proof/hash.h"
#include "common/vault/seal.h"
#include "tests/hostile/loot.h"

static void add_text(struct loot *loot, struct sat_buf *plain)
{
    struct sat_span text = sat_span(sat_arena_copy(&loot->arena, plain->at, plain->len), plain->len);
    loot->texts = loot_grow(loot->texts, &loot->texts_n, sizeof *loot->texts);
    loot->texts[loot->texts_n - 1] = text;
    loot->opened_n++;
    sat_buf_clear(plain);
}

static void add_key(struct loot *loot, const struct sat_epoch_key *key)
{
    for (size_t i = 0; i < loot->keys_n; i++)
        if (memcmp(loot->keys[i].b, key->b, sizeof key->b) == 0) return;
    loot->keys = loot_grow(loot->keys, &loot->keys_n, sizeof *loot->keys);
    loot->keys[loot->keys_n - 1] = *key;
}

/* Whatever opens is a key, committed or not. */
static void open_boxes(struct loot *loot)
{
    struct sat_epoch_key key;
    for (size_t i = 0; i < loot->boxes_n; i++)
        for (size_t j = 0; j < loot->secrets_n; j++)
            if (crypto_box_seal_open(key.b, loot->boxes[i], SAT_BOX_BYTES, loot->secrets[j].box_public.b,
                                     loot->secrets[j].box.b) == 0)
                add_key(loot, &key);
}

/* As common/vault/keys.c puts them to rest. */
static void open_rests(struct loot *loot)
{
    for (size_t i = 0; i < loot->rests_n; i++) {
        const struct loot_rest *rest = &loot->rests[i];
        uint8_t associated[32 + 16 + 4];
        memcpy(associated, loot->org.b, 32);
        memcpy(associated + 32, rest->space.b, 16);
        for (size_t k = 0; k < 4; k++) associated[48 + k] = (uint8_t)(rest->epoch >> (8 * k));
        for (size_t j = 0; j < loot->store_keys_n; j++) {
            struct sat_hash derived = sat_hash_keyed(loot->store_keys[j].b, "key", sat_span(associated + 32, 20));
            struct sat_epoch_key key;
            if (crypto_aead_xchacha20poly1305_ietf_decrypt(key.b, NULL, NULL, rest->sealed.at + 24,
                                                           rest->sealed.len - 24, associated, sizeof associated,
                                                           rest->sealed.at, derived.b) == 0)
                add_key(loot, &key);
        }
    }
}

/* From every epoch that any key fits to those before it: one that its chain seals, and its twin. */
static void follow_chains(struct loot *loot)
{
    size_t before;
    do {
        before = loot->keys_n;
        for (size_t i = 0; i < loot->epochs_n; i++) {
            const struct sat_body_epoch *later = &loot->epochs[i];
            struct sat_epoch_ctx ctx = {loot->org, later->space, later->epoch, later->suite};
            for (size_t j = 0; j < loot->epochs_n; j++) {
                const struct sat_body_epoch *earlier = &loot->epochs[j];
                struct sat_epoch_ctx earlier_ctx = {loot->org, earlier->space, earlier->epoch, earlier->suite};
                struct sat_epoch_key found;
                if (earlier->epoch >= later->epoch || !sat_space_equal(&earlier->space, &later->space)) continue;
                for (size_t k = 0; k < loot->keys_n; k++) {
                    if (!sat_epoch_chain_open(later->chain, &loot->keys[k], &ctx, &earlier_ctx, &earlier->kc, &found))
                        add_key(loot, &found);
                    found = sat_epoch_twin(&loot->keys[k], &earlier_ctx);
                    if (sat_epoch_committed(&found, &earlier_ctx, &earlier->kc)) add_key(loot, &found);
                }
            }
        }
    } while (loot->keys_n > before);
}

static bool open_under(const struct loot *loot, const struct loot_sealed *sealed, const struct sat_space_id *space,
                       struct sat_squeezer *squeezer, struct sat_buf *plain)
{
    struct sat_manifest manifest = sealed->manifest;
    manifest.space = *space;
    for (size_t i = 0; i < loot->keys_n; i++) {
        struct sat_bundle_key key;
        sat_bundle_key_derive(&loot->keys[i], &manifest, &key);
        if (!sat_unseal_change(squeezer, &key, &manifest, sealed->index, &sealed->record, sealed->header, sealed->body,
                               plain))
            return true;
    }
    return false;
}

static void open_changes(struct loot *loot)
{
    struct sat_squeezer *squeezer;
    struct sat_buf plain;
    sat_buf_init(&plain);
    sat_check(sat_squeezer_new(&squeezer) == SAT_OK);
    for (size_t i = 0; i < loot->sealed_n; i++) {
        struct loot_sealed *sealed = &loot->sealed[i];
        if (sealed->space_known) sealed->open = open_under(loot, sealed, &sealed->manifest.space, squeezer, &plain);
        for (size_t j = 0; !sealed->space_known && !sealed->open && j < loot->spaces_n; j++)
            sealed->open = open_under(loot, sealed, &loot->spaces[j], squeezer, &plain);
        if (sealed->open) add_text(loot, &plain);
    }
    sat_squeezer_free(squeezer);
    sat_buf_wipe(&plain);
}

static void open_drafts(struct loot *loot)
{
    struct sat_buf plain;
    sat_buf_init(&plain);
    for (size_t i = 0; i < loot->drafts_n; i++) {
        struct loot_draft *draft = &loot->drafts[i];
        for (size_t j = 0; !draft->open && j < loot->store_keys_n; j++)
            draft->open = !sat_unseal_draft(loot->store_keys[j].b, draft->counter, &draft->record, draft->header,
                                            draft->body, &plain);
        if (draft->open) add_text(loot, &plain);
    }
    sat_buf_wipe(&plain);
}

void loot_open(struct loot *loot)
{
    open_boxes(loot);
    open_rests(loot);
    follow_chains(loot);
    open_changes(loot);
    open_drafts(loot);
}
