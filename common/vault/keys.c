/* The epoch keys that a device holds: sealed in the store, cached sorted in guarded memory. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/proof/hash.h"
#include "common/vault/epoch.h"

enum { NONCE_BYTES = 24, TAG_BYTES = 16, SEALED_BYTES = NONCE_BYTES + 32 + TAG_BYTES, CACHE_FIRST = 32 };

struct cached {
    struct sat_space_id space;
    uint32_t epoch;
    struct sat_epoch_key key;
};

struct sat_keys {
    struct sat_store *store;
    const struct sat_keyring *keyring;
    const struct sat_entropy *entropy;
    struct cached *cache; /* guarded memory; ascending by space, epoch */
    size_t cache_n, cache_cap;
};

enum sat_err sat_keys_new(struct sat_store *store, const struct sat_keyring *keyring, const struct sat_entropy *entropy,
                          struct sat_keys **out)
{
    struct sat_keys *keys = malloc(sizeof *keys);
    *out = keys;
    if (!keys) return SAT_ERR_NO_MEMORY;
    *keys = (struct sat_keys){.store = store, .keyring = keyring, .entropy = entropy};
    return SAT_OK;
}

void sat_keys_free(struct sat_keys *keys)
{
    if (!keys) return;
    sodium_free(keys->cache); /* wipes; NULL is fine */
    free(keys);
}

/* The place of a key in the cache, or where it would go. */
static size_t cache_place(const struct sat_keys *keys, const struct sat_space_id *space, uint32_t epoch)
{
    size_t low = 0, high = keys->cache_n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct cached *at = &keys->cache[middle];
        int order = memcmp(at->space.b, space->b, sizeof space->b);
        if (order < 0 || (order == 0 && at->epoch < epoch))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static const struct sat_epoch_key *cache_find(const struct sat_keys *keys, const struct sat_space_id *space,
                                              uint32_t epoch)
{
    size_t place = cache_place(keys, space, epoch);
    if (place == keys->cache_n) return NULL;
    const struct cached *at = &keys->cache[place];
    return at->epoch == epoch && sat_space_equal(&at->space, space) ? &at->key : NULL;
}

static enum sat_err cache_grow(struct sat_keys *keys)
{
    if (keys->cache_n < keys->cache_cap) return SAT_OK;
    size_t cap = keys->cache_cap ? keys->cache_cap * 2 : CACHE_FIRST;
    struct cached *cache = sodium_allocarray(cap, sizeof *cache);
    if (!cache) return SAT_ERR_NO_MEMORY;
    if (keys->cache_n) memcpy(cache, keys->cache, keys->cache_n * sizeof *cache);
    sodium_free(keys->cache);
    keys->cache = cache;
    keys->cache_cap = cap;
    return SAT_OK;
}

static enum sat_err cache_put(struct sat_keys *keys, const struct sat_space_id *space, uint32_t epoch,
                              const struct sat_epoch_key *key)
{
    size_t place = cache_place(keys, space, epoch);
    if (cache_find(keys, space, epoch)) {
        keys->cache[place].key = *key;
        return SAT_OK;
    }
    enum sat_err err = cache_grow(keys);
    if (err) return err;
    struct cached *at = keys->cache + place;
    memmove(at + 1, at, (keys->cache_n - place) * sizeof *at);
    *at = (struct cached){.space = *space, .epoch = epoch, .key = *key};
    keys->cache_n++;
    return SAT_OK;
}

/* How a key rests in the store: key HK(store key, "key", space ‖ u32 epoch), ad org ‖ space ‖ u32 epoch. */
struct rest {
    uint8_t key[32];
    uint8_t associated[32 + 16 + 4];
};

static void derive_rest(const struct sat_keyring_secrets *secrets, const struct sat_space_id *space, uint32_t epoch,
                        struct rest *out)
{
    memcpy(out->associated, secrets->org.b, 32);
    memcpy(out->associated + 32, space->b, 16);
    for (size_t i = 0; i < 4; i++) out->associated[48 + i] = (uint8_t)(epoch >> (8 * i));
    struct sat_hash derived = sat_hash_keyed(secrets->store_key, "key", sat_span(out->associated + 32, 20));
    memcpy(out->key, derived.b, sizeof out->key);
    sodium_memzero(&derived, sizeof derived);
}

static enum sat_err store_put(struct sat_keys *keys, const struct sat_space_id *space, uint32_t epoch,
                              const struct sat_epoch_key *key)
{
    uint8_t sealed[SEALED_BYTES];
    struct rest rest;
    derive_rest(sat_keyring_secrets(keys->keyring), space, epoch, &rest);
    sat_entropy_fill(keys->entropy, sealed, NONCE_BYTES);
    crypto_aead_xchacha20poly1305_ietf_encrypt(sealed + NONCE_BYTES, NULL, key->b, sizeof key->b, rest.associated,
                                               sizeof rest.associated, NULL, sealed, rest.key);
    sodium_memzero(&rest, sizeof rest);
    return sat_store_key_put(keys->store, space, epoch, SAT_SPAN(sealed));
}

static enum sat_err store_get(struct sat_keys *keys, const struct sat_space_id *space, uint32_t epoch,
                              struct sat_epoch_key *out, bool *found)
{
    struct sat_arena arena;
    struct sat_span sealed;
    struct rest rest;
    sat_arena_init(&arena);
    enum sat_err err = sat_store_key_get(keys->store, space, epoch, &arena, &sealed, found);
    if (err || !*found) goto out;
    derive_rest(sat_keyring_secrets(keys->keyring), space, epoch, &rest);
    if (sealed.len != SEALED_BYTES || crypto_aead_xchacha20poly1305_ietf_decrypt(
                                          out->b, NULL, NULL, sealed.at + NONCE_BYTES, sealed.len - NONCE_BYTES,
                                          rest.associated, sizeof rest.associated, sealed.at, rest.key) != 0)
        err = SAT_ERR_CORRUPT;
    sodium_memzero(&rest, sizeof rest);
out:
    sat_arena_deinit(&arena);
    return err;
}

enum sat_err sat_keys_add(struct sat_keys *keys, const struct sat_space_id *space, uint32_t epoch,
                          const struct sat_epoch_key *key)
{
    enum sat_err err = store_put(keys, space, epoch, key);
    return err ? err : cache_put(keys, space, epoch, key);
}

void sat_keys_forget(struct sat_keys *keys, const struct sat_space_id *space)
{
    size_t first = cache_place(keys, space, 0), end = first;
    while (end < keys->cache_n && sat_space_equal(&keys->cache[end].space, space)) end++;
    if (first == end) return;
    size_t gone = end - first;
    memmove(keys->cache + first, keys->cache + end, (keys->cache_n - end) * sizeof *keys->cache);
    keys->cache_n -= gone;
    sodium_memzero(keys->cache + keys->cache_n, gone * sizeof *keys->cache);
}

bool sat_keys_have(struct sat_keys *keys, const struct sat_space_id *space, uint32_t epoch)
{
    /* The store's word, not the cache's: a key that was added in a transaction rolled back since is still cached. */
    struct sat_arena arena;
    struct sat_span sealed;
    bool found = false;
    sat_arena_init(&arena);
    enum sat_err err = sat_store_key_get(keys->store, space, epoch, &arena, &sealed, &found);
    sat_arena_deinit(&arena);
    return !err && found;
}

/* The key of an epoch from the cache or the store. */
static enum sat_err held(struct sat_keys *keys, const struct sat_space_id *space, uint32_t epoch,
                         struct sat_epoch_key *out, bool *found)
{
    const struct sat_epoch_key *cached = cache_find(keys, space, epoch);
    *found = cached != NULL;
    if (cached) {
        *out = *cached;
        return SAT_OK;
    }
    enum sat_err err = store_get(keys, space, epoch, out, found);
    return err || !*found ? err : cache_put(keys, space, epoch, out);
}

static struct sat_epoch_ctx context(const struct sat_directory *directory, const struct sat_epoch *epoch)
{
    return (struct sat_epoch_ctx){
        .org = directory->org, .space = epoch->space, .epoch = epoch->number, .suite = epoch->suite};
}

/* ---- Back to earlier epochs ---- */

/* The epochs that a key leads to. Two ways: what its chain seals, and its twin. */
struct ways {
    uint32_t epoch[2];
    uint32_t n;
};

static enum sat_err learn(struct sat_keys *keys, const struct sat_epoch *epoch, const struct sat_epoch_key *key)
{
    if (sat_store_in_transaction(keys->store)) return sat_keys_add(keys, &epoch->space, epoch->number, key);
    return cache_put(keys, &epoch->space, epoch->number, key);
}

/* One of the ways from the key of `later`, if it is one. A step that does not hold is none. */
static enum sat_err try_way(struct sat_keys *keys, const struct sat_directory *directory, const struct sat_epoch *later,
                            const struct sat_epoch_key *key, bool by_chain, struct ways *ways)
{
    uint32_t number = by_chain ? sat_epoch_chain_back(later->chain, later->number) : later->number - 1;
    const struct sat_epoch *earlier = sat_directory_epoch(directory, &later->space, number);
    if (!earlier) return SAT_OK;
    struct sat_epoch_ctx ctx = context(directory, later), earlier_ctx = context(directory, earlier);
    struct sat_epoch_key found, known;
    bool leads, held_already;
    if (by_chain) {
        leads = sat_epoch_chain_open(later->chain, key, &ctx, &earlier_ctx, &earlier->kc, &found) == SAT_OK;
    } else {
        found = sat_epoch_twin(key, &earlier_ctx);
        leads = sat_epoch_committed(&found, &earlier_ctx, &earlier->kc);
    }
    enum sat_err err = SAT_OK;
    if (leads) {
        ways->epoch[ways->n++] = number;
        err = held(keys, &later->space, number, &known, &held_already);
        if (!err && !held_already) err = learn(keys, earlier, &found);
        sodium_memzero(&known, sizeof known);
    }
    sodium_memzero(&found, sizeof found);
    return err;
}

static enum sat_err find_ways(struct sat_keys *keys, const struct sat_directory *directory,
                              const struct sat_epoch *later, const struct sat_epoch_key *key, struct ways *out)
{
    *out = (struct ways){.n = 0};
    enum sat_err err = try_way(keys, directory, later, key, true, out);
    if (!err && !(out->n && out->epoch[0] == later->number - 1)) err = try_way(keys, directory, later, key, false, out);
    return err;
}

/* Nothing down to `lowest` is to be learned from this one. */
static bool is_exhausted(struct sat_keys *keys, const struct sat_epoch *later, uint32_t lowest)
{
    uint32_t by_chain = sat_epoch_chain_back(later->chain, later->number);
    return cache_find(keys, &later->space, later->number - 1) &&
           (by_chain < lowest || cache_find(keys, &later->space, by_chain));
}

/* Every way from every key that is held, from the last epoch down: one that leads nowhere hides none that does. */
static enum sat_err walk_back(struct sat_keys *keys, const struct sat_directory *directory,
                              const struct sat_space_id *space, uint32_t last, uint32_t lowest)
{
    bool damaged = false;
    enum sat_err err = SAT_OK;
    for (uint32_t number = last; number > lowest && !err; number--) {
        const struct sat_epoch *later = sat_directory_epoch(directory, space, number);
        struct sat_epoch_key key;
        struct ways ways;
        bool found = false;
        if (!later) continue;
        err = held(keys, space, number, &key, &found);
        if (!err && found && !is_exhausted(keys, later, lowest)) err = find_ways(keys, directory, later, &key, &ways);
        sodium_memzero(&key, sizeof key);
        if (err == SAT_ERR_CORRUPT) {
            damaged = true;
            err = SAT_OK;
        }
    }
    if (err || cache_find(keys, space, lowest)) return err;
    return damaged ? SAT_ERR_CORRUPT : SAT_ERR_DEBT;
}

enum sat_err sat_keys_get(struct sat_keys *keys, const struct sat_directory *directory,
                          const struct sat_space_id *space, uint32_t epoch, const struct sat_epoch_key **out)
{
    *out = cache_find(keys, space, epoch);
    if (*out) return SAT_OK;
    const struct sat_space *row = sat_directory_space(directory, space);
    struct sat_epoch_key key;
    bool found = false;
    uint32_t last = row ? row->epoch : epoch; /* a directory that lags behind knows no later epoch */
    enum sat_err err = held(keys, space, epoch, &key, &found);
    sodium_memzero(&key, sizeof key);
    if (!err && !found) err = walk_back(keys, directory, space, last, epoch);
    if (!err) *out = cache_find(keys, space, epoch);
    return err;
}

/* Which keys lead where: by[n] is the head that leads to epoch n, 0 if none of those held does. */
static enum sat_err find_heads(struct sat_keys *keys, const struct sat_directory *directory,
                               const struct sat_space_id *space, uint32_t last, uint32_t *by, uint32_t *reach)
{
    enum sat_err err = SAT_OK;
    for (uint32_t number = last; number && !err; number--) {
        const struct sat_epoch *later = sat_directory_epoch(directory, space, number);
        struct sat_epoch_key key;
        struct ways ways = {.n = 0};
        bool found = false;
        if (!later) continue;
        err = held(keys, space, number, &key, &found);
        if (!err && found) {
            if (!by[number]) by[number] = number;
            reach[by[number]]++;
            err = find_ways(keys, directory, later, &key, &ways);
        }
        sodium_memzero(&key, sizeof key);
        for (uint32_t i = 0; i < ways.n; i++)
            if (!by[ways.epoch[i]]) by[ways.epoch[i]] = by[number];
    }
    return err;
}

/* Into the list behind its first, which is the newest, so that those that lead to most stay. */
static void add_head(struct sat_keys_head head, struct sat_keys_head *out, uint32_t max, uint32_t *n)
{
    uint32_t place = *n;
    while (place > 1 && out[place - 1].reach < head.reach) place--;
    if (place == max) return;
    if (*n < max) ++*n;
    memmove(out + place + 1, out + place, (*n - 1 - place) * sizeof *out);
    out[place] = head;
}

enum sat_err sat_keys_heads(struct sat_keys *keys, const struct sat_directory *directory,
                            const struct sat_space_id *space, struct sat_keys_head *out, uint32_t max, uint32_t *n)
{
    const struct sat_space *row = sat_directory_space(directory, space);
    uint32_t last = row ? row->epoch : 0;
    *n = 0;
    uint32_t *by = calloc((size_t)last + 1, sizeof *by), *reach = calloc((size_t)last + 1, sizeof *reach);
    enum sat_err err = by && reach ? SAT_OK : SAT_ERR_NO_MEMORY;
    if (!err) err = find_heads(keys, directory, space, last, by, reach);
    for (uint32_t number = last; number && !err; number--)
        if (by[number] == number) add_head((struct sat_keys_head){number, reach[number]}, out, max, n);
    free(by);
    free(reach);
    return err;
}

enum sat_err sat_keys_open_box(struct sat_keys *keys, const struct sat_directory *directory, const struct sat_box *box,
                               const struct sat_public_key *other_public, const struct sat_box_secret *other_secret)
{
    const struct sat_epoch *epoch = sat_directory_epoch(directory, &box->space, box->epoch);
    if (!epoch) return SAT_ERR_PROTOCOL;
    struct sat_epoch_ctx ctx = context(directory, epoch);
    struct sat_public_key own;
    struct sat_epoch_key key;
    if (!other_secret) {
        own = sat_keyring_box_public(keys->keyring);
        other_public = &own;
        other_secret = &sat_keyring_secrets(keys->keyring)->box;
    }
    enum sat_err err = sat_epoch_box_open(box->bytes, other_public, other_secret, &ctx, &epoch->kc, &key);
    if (!err) err = sat_keys_add(keys, &box->space, box->epoch, &key);
    sodium_memzero(&key, sizeof key);
    return err;
}
