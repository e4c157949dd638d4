/* Gathering: databases, keyrings, codes, kits, traffic. */
#define _GNU_SOURCE
#include <dirent.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "client/kit.h"
#include "common/proof/hash.h"
#include "common/sync/admin_items.h"
#include "common/vault/invite.h"
#include "common/wire/message.h"
#include "tests/hostile/loot.h"

enum { SLOT_BYTES = 4 + SAT_BOX_BYTES, CHANGE_INDEX_BITS = 10, SEALED_KEY_BYTES = 24 + 32 + 16 };

void loot_fail(const char *what, const char *name)
{
    fprintf(stderr, "oracle: %s: %s\n", what, name);
    exit(2);
}

void *loot_grow(void *array, size_t *n, size_t item_size)
{
    if ((*n & (*n - 1)) == 0) { /* the room doubles at each power of two */
        array = realloc(array, (*n ? *n * 2 : 1) * item_size);
        if (!array) loot_fail("out of memory", "");
    }
    (*n)++;
    return array;
}

#define ADD(loot, list, ...)                                                                                           \
    do {                                                                                                               \
        (loot)->list = loot_grow((loot)->list, &(loot)->list##_n, sizeof *(loot)->list);                               \
        (loot)->list[(loot)->list##_n - 1] = __VA_ARGS__;                                                              \
    } while (0)

static struct sat_span keep(struct loot *loot, const void *bytes, size_t len)
{
    return sat_span(sat_arena_copy(&loot->arena, bytes, len), len);
}

struct sat_span loot_read_file(struct loot *loot, const char *path)
{
    FILE *file = fopen(path, "rb");
    struct stat info;
    if (!file || fstat(fileno(file), &info) != 0) loot_fail("cannot be read", path);
    uint8_t *bytes = sat_arena_alloc(&loot->arena, (size_t)info.st_size + 1);
    size_t len = fread(bytes, 1, (size_t)info.st_size, file);
    fclose(file);
    return sat_span(bytes, len);
}

static void take_space(struct loot *loot, const struct sat_space_id *space)
{
    for (size_t i = 0; i < loot->spaces_n; i++)
        if (sat_space_equal(&loot->spaces[i], space)) return;
    ADD(loot, spaces, *space);
}

static void take_box(struct loot *loot, const uint8_t *bytes)
{
    loot->boxes = loot_grow(loot->boxes, &loot->boxes_n, sizeof *loot->boxes);
    memcpy(loot->boxes[loot->boxes_n - 1], bytes, SAT_BOX_BYTES);
}

static void take_link(struct loot *loot, struct sat_span bytes)
{
    struct sat_link link;
    struct sat_body_epoch epoch;
    if (sat_link_decode(bytes, &link)) return;
    if (link.type == SAT_LINK_GENESIS) loot->org = sat_link_org(&link);
    if (link.type != SAT_LINK_EPOCH || sat_body_epoch_decode(link.body, &epoch)) return;
    ADD(loot, epochs, epoch);
    take_space(loot, &epoch.space);
}

static void take_bundle(struct loot *loot, struct sat_span bytes, const struct sat_space_id *space)
{
    static const struct sat_space_id none;
    struct sat_bundle bundle;
    bytes = keep(loot, bytes.at, bytes.len);
    if (sat_bundle_decode(bytes, &loot->org, space ? space : &none, &loot->arena, &bundle)) return;
    for (uint32_t i = 0; i < bundle.manifest.count; i++) {
        const struct sat_change *change = &bundle.changes[i];
        if (change->stub) continue;
        ADD(loot, sealed,
            (struct loot_sealed){.manifest = bundle.manifest,
                                 .space_known = space != NULL,
                                 .index = i,
                                 .record = change->record,
                                 .header = change->header,
                                 .body = change->body});
    }
}

/* ---- Databases ---- */

static struct sat_span column(struct loot *loot, sqlite3_stmt *row, int i)
{
    return keep(loot, sqlite3_column_blob(row, i), (size_t)sqlite3_column_bytes(row, i));
}

static void row_link(struct loot *loot, sqlite3_stmt *row)
{
    take_link(loot, column(loot, row, 0));
}

static void row_box(struct loot *loot, sqlite3_stmt *row)
{
    struct sat_span bytes = column(loot, row, 0);
    if (bytes.len == SAT_BOX_BYTES) take_box(loot, bytes.at);
}

static void row_box_page(struct loot *loot, sqlite3_stmt *row)
{
    struct sat_span bytes = column(loot, row, 0);
    for (size_t at = 0; at + SLOT_BYTES <= bytes.len; at += SLOT_BYTES) take_box(loot, bytes.at + at + 4);
}

static void row_change(struct loot *loot, sqlite3_stmt *row)
{
    struct sat_span manifest = column(loot, row, 0), record = column(loot, row, 2), header = column(loot, row, 3),
                    body = column(loot, row, 4);
    if (manifest.len != SAT_MANIFEST_BYTES || record.len != 16 || body.len == 0) return;
    struct loot_sealed sealed = {.space_known = true, .header = header, .body = body};
    sat_manifest_decode(manifest.at, &sealed.manifest);
    sealed.index = (uint32_t)(sqlite3_column_int64(row, 1) & ((1 << CHANGE_INDEX_BITS) - 1));
    memcpy(sealed.record.b, record.at, 16);
    ADD(loot, sealed, sealed);
}

static void row_aside(struct loot *loot, sqlite3_stmt *row)
{
    struct sat_span space = column(loot, row, 0), bytes = column(loot, row, 1);
    struct sat_space_id id;
    if (space.len != sizeof id.b) return;
    memcpy(id.b, space.at, sizeof id.b);
    take_bundle(loot, bytes, &id);
}

static void row_key(struct loot *loot, sqlite3_stmt *row)
{
    struct sat_span space = column(loot, row, 0), sealed = column(loot, row, 2);
    struct loot_rest rest = {.epoch = (uint32_t)sqlite3_column_int64(row, 1), .sealed = sealed};
    if (space.len != sizeof rest.space.b || sealed.len != SEALED_KEY_BYTES) return;
    memcpy(rest.space.b, space.at, sizeof rest.space.b);
    take_space(loot, &rest.space);
    ADD(loot, rests, rest);
}

static void row_draft(struct loot *loot, sqlite3_stmt *row)
{
    struct sat_span record = column(loot, row, 1);
    struct loot_draft draft = {.counter = (uint64_t)sqlite3_column_int64(row, 0),
                               .header = column(loot, row, 2),
                               .body = column(loot, row, 3)};
    if (record.len != sizeof draft.record.b) return;
    memcpy(draft.record.b, record.at, sizeof draft.record.b);
    ADD(loot, drafts, draft);
}

static void each_row(struct loot *loot, sqlite3 *database, const char *sql, void (*take)(struct loot *, sqlite3_stmt *))
{
    sqlite3_stmt *row;
    if (sqlite3_prepare_v2(database, sql, -1, &row, NULL) != SQLITE_OK) return; /* another kind of database */
    int step;
    while ((step = sqlite3_step(row)) == SQLITE_ROW) take(loot, row);
    if (step != SQLITE_DONE) loot_fail(sql, sqlite3_errmsg(database));
    sqlite3_finalize(row);
}

static void take_database(struct loot *loot, const char *path)
{
    sqlite3 *database;
    if (sqlite3_open_v2(path, &database, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK) loot_fail("no database", path);
    each_row(loot, database, "select bytes from link order by seq", row_link);
    each_row(loot, database, "select bytes from box", row_box);
    each_row(loot, database, "select boxes from box_page", row_box_page);
    each_row(loot, database, "select manifest, cid, record, header, body from change join bundle on bid = cid >> 10",
             row_change);
    each_row(loot, database, "select space, bytes from aside", row_aside);
    each_row(loot, database, "select space, epoch, sealed from epoch_key", row_key);
    each_row(loot, database, "select counter, record, header, body from draft", row_draft);
    sqlite3_close(database);
}

static void take_file(struct loot *loot, const char *path)
{
    static const char MAGIC[] = "SQLite format 3";
    struct sat_span bytes = loot_read_file(loot, path);
    ADD(loot, texts, bytes);
    if (bytes.len >= sizeof MAGIC && memcmp(bytes.at, MAGIC, sizeof MAGIC) == 0) take_database(loot, path);
}

void loot_take_directory(struct loot *loot, const char *path)
{
    DIR *dir = opendir(path);
    if (!dir) loot_fail("cannot be read", path);
    const struct dirent *entry;
    while ((entry = readdir(dir))) {
        char below[4096];
        struct stat info;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        snprintf(below, sizeof below, "%s/%s", path, entry->d_name);
        if (stat(below, &info) != 0) continue; /* the journal of a database that was closed meanwhile */
        if (S_ISDIR(info.st_mode))
            loot_take_directory(loot, below);
        else if (S_ISREG(info.st_mode))
            take_file(loot, below);
    }
    closedir(dir);
}

/* ---- Secrets ---- */

void loot_take_home(struct loot *loot, const char *path, const char *passphrase, bool keys_alone)
{
    char name[4096];
    struct sat_keyring *keyring;
    snprintf(name, sizeof name, "%s/keyring", path);
    loot_take_directory(loot, path);
    if (sat_keyring_open(loot_read_file(loot, name), sat_span_text(passphrase), &keyring))
        loot_fail("its keyring does not open", path);
    const struct sat_keyring_secrets *secrets = sat_keyring_secrets(keyring);
    struct loot_store_key store_key;
    memcpy(store_key.b, secrets->store_key, sizeof store_key.b);
    ADD(loot, store_keys, store_key);
    if (!keys_alone)
        ADD(loot, secrets, (struct loot_secret){.box_public = sat_keyring_box_public(keyring), .box = secrets->box});
    sat_keyring_free(keyring);
}

void loot_take_invite(struct loot *loot, const char *text)
{
    struct sat_invite_code code;
    struct sat_invite_keys keys;
    struct sat_fault fault = {0};
    if (sat_invite_code_parse(text, &code, &fault)) loot_fail("no invite code", text);
    sat_invite_keys_derive(&code, &keys);
    ADD(loot, secrets, (struct loot_secret){.box_public = keys.box_public, .box = keys.box});
}

void loot_take_kit(struct loot *loot, const char *path)
{
    struct client_kit kit;
    struct sat_kit_keys keys;
    struct sat_fault fault = {0};
    uint8_t seed[SAT_KIT_SEED_BYTES];
    const char *page = (const char *)loot_read_file(loot, path).at;
    if (client_kit_parse(page, &loot->arena, &kit, seed, &fault)) loot_fail("no recovery kit", path);
    sat_kit_keys_derive(seed, &keys);
    ADD(loot, secrets, (struct loot_secret){.box_public = keys.box_public, .box = keys.box});
}

/* ---- Traffic ---- */

static void take_boxes(struct loot *loot, const struct sat_list *boxes)
{
    struct sat_box box;
    for (uint32_t i = 0; i < boxes->n; i++) {
        if (boxes->at[i].len == SAT_BOX_BYTES) take_box(loot, boxes->at[i].at); /* an answer, which names none */
        if (!sat_box_decode(boxes->at[i], &box)) take_box(loot, box.bytes);
    }
}

/* u8 kind ‖ varint recv_ms ‖ varint dir_at ‖ bundle */
static void take_entry(struct loot *loot, struct sat_span item)
{
    struct sat_reader reader;
    sat_reader_init(&reader, item);
    uint8_t kind = sat_take_u8(&reader);
    (void)sat_take_varint(&reader, UINT64_MAX);
    (void)sat_take_varint(&reader, UINT64_MAX);
    if (kind == 1) take_bundle(loot, sat_take_span(&reader, sat_reader_left(&reader)), NULL);
}

static void take_escrow(struct loot *loot, struct sat_span bytes)
{
    struct sat_escrow_item item;
    if (!sat_escrow_item_decode(bytes, &item)) take_bundle(loot, item.bundle, &item.space);
}

static void take_message(struct loot *loot, struct sat_span bytes, enum sat_message_sender sender)
{
    struct sat_message message;
    if (sat_message_decode(bytes, sender, &loot->arena, &message)) return;
    if (message.type == SAT_MESSAGE_BOXES) take_boxes(loot, &message.as.BOXES.boxes);
    if (message.type == SAT_MESSAGE_CREATE) take_boxes(loot, &message.as.CREATE.boxes);
    if (message.type == SAT_MESSAGE_PUSH) take_bundle(loot, message.as.PUSH.bundle, NULL);
    if (message.type == SAT_MESSAGE_HAND_IN) take_bundle(loot, message.as.HAND_IN.bundle, NULL);
    for (uint32_t i = 0; message.type == SAT_MESSAGE_ENTRIES && i < message.as.ENTRIES.entries.n; i++)
        take_entry(loot, message.as.ENTRIES.entries.at[i]);
    for (uint32_t i = 0; message.type == SAT_MESSAGE_ESCROW && i < message.as.ESCROW.items.n; i++)
        take_escrow(loot, message.as.ESCROW.items.at[i]);
}

void loot_take_traffic(struct loot *loot, const char *path)
{
    struct sat_span bytes = loot_read_file(loot, path);
    struct sat_reader reader;
    ADD(loot, texts, bytes);
    sat_reader_init(&reader, bytes);
    while (sat_reader_left(&reader) > 0) {
        uint8_t direction = sat_take_u8(&reader);
        struct sat_span frame = sat_take_span(&reader, sat_take_u32(&reader));
        if (direction < 2) take_message(loot, frame, direction == 1 ? SAT_SENDER_SERVER : SAT_SENDER_CLIENT);
    }
    if (sat_reader_end(&reader)) loot_fail("is no recording", path);
}
