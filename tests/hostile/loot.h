/* What an attacker has got hold of, and what can be made of it. Everything is read as it lies there, by its layout
 * alone, and nothing is believed: a bundle without a valid signature is tried as well as any other.
 *
 *   gathered  sealed changes, key boxes, the epochs' back-chains, sealed keys at rest, secrets
 *   made      every key that any of the secrets opens, and every key that those open, until there are no more
 *
 * For one organisation. All sizes are those of tests: nothing here is bounded, and memory is never given back. */
#ifndef TESTS_HOSTILE_LOOT_H
#define TESTS_HOSTILE_LOOT_H

#include "common/proof/bundle.h"
#include "common/proof/link.h"
#include "common/vault/epoch.h"

struct loot_sealed { /* a change that somebody sealed */
    struct sat_manifest manifest;
    bool space_known; /* a bundle on the wire does not name its space */
    uint32_t index;
    struct sat_record_id record;
    struct sat_span header, body;
    bool open;
};

struct loot_draft { /* of a device's store: sealed under that device's own key */
    uint64_t counter;
    struct sat_record_id record;
    struct sat_span header, body;
    bool open;
};

struct loot_rest { /* a space's key at rest */
    struct sat_space_id space;
    uint32_t epoch;
    struct sat_span sealed;
};

struct loot_secret { /* whatever opens boxes: a device's, an invite's, a kit's key */
    struct sat_public_key box_public;
    struct sat_box_secret box;
};

struct loot_store_key {
    uint8_t b[32];
};

struct loot {
    struct sat_arena arena;
    struct sat_hash org; /* of the genesis that was found */
    struct loot_sealed *sealed;
    struct loot_draft *drafts;
    struct loot_rest *rests;
    struct loot_secret *secrets;
    struct loot_store_key *store_keys;
    struct sat_body_epoch *epochs;
    struct sat_space_id *spaces;
    uint8_t (*boxes)[SAT_BOX_BYTES];
    struct sat_epoch_key *keys;
    struct sat_span *texts; /* files as they are, and whatever was opened */
    size_t sealed_n, drafts_n, rests_n, secrets_n, store_keys_n, epochs_n, spaces_n, boxes_n, keys_n, texts_n, opened_n;
};

/* Both end the program when something cannot be read that should be. */
void loot_fail(const char *what, const char *name) __attribute__((noreturn));
struct sat_span loot_read_file(struct loot *loot, const char *path);
/* Makes room for one more element of an array with *n of them, and counts it. */
void *loot_grow(void *array, size_t *n, size_t item_size);

/* A directory with all that is below it: files as they are, and what databases hold. */
void loot_take_directory(struct loot *loot, const char *path);
/* A home: the directory, and its keyring opened by the passphrase. `keys_alone`: of the secrets only the epochs' keys
 * that it holds, as of somebody who saw those and not the device's own. */
void loot_take_home(struct loot *loot, const char *path, const char *passphrase, bool keys_alone);
void loot_take_invite(struct loot *loot, const char *code);
void loot_take_kit(struct loot *loot, const char *path);
/* Frames u8 direction (0 from a client, 1 from the server, 2 else) ‖ u32 len ‖ bytes. After the directories. */
void loot_take_traffic(struct loot *loot, const char *path);

/* Opens whatever can be. What was opened is among the texts. */
void loot_open(struct loot *loot);

#endif
