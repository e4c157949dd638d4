/* Prints the golden vectors of the engine and the wire: the set digest, what travels inside SUBSCRIBE, ENTRIES, LINKS,
 * ESCROW and DEVICES, and one message of each kind. The output is committed as sync.json; the build compares the two,
 * check_sync.py computes the same by its own means. */
#include <sodium.h>
#include <string.h>

#include "common/base/check.h"
#include "common/proof/link_short.h"
#include "common/sync/admin_items.h"
#include "common/sync/digest.h"
#include "common/sync/ranges.h"
#include "common/sync/subscription.h"
#include "common/wire/message.h"
#include "tests/vectors/emit.h"

static void digests(struct emit *emit)
{
    struct sat_space_row space = {0};
    emit_fill(space.id.b, sizeof space.id.b, 9);
    for (unsigned n = 0; n <= 3; n++) {
        emit_begin(emit, "digest",
                   n == 0   ? "nothing is live"
                   : n == 1 ? "one change"
                   : n == 2 ? "two changes"
                            : "three changes");
        emit_hex(emit, "space", SAT_SPAN(space.id.b));
        emit_list(emit, "live");
        struct sat_space_row row = space;
        for (unsigned i = 0; i < n; i++) {
            struct sat_record_id record;
            struct sat_hash rest = emit_some_hash(60 + i);
            struct sat_dot dot = {i + 1, ((uint64_t)1 << 40) + i};
            emit_fill(record.b, sizeof record.b, 30 + i);
            sat_digest_add(&row, &record, dot, &rest);
            struct sat_buf item;
            sat_buf_init(&item);
            sat_put_bytes(&item, record.b, sizeof record.b);
            sat_put_u32(&item, dot.device);
            sat_put_u64(&item, dot.counter);
            sat_put_bytes(&item, rest.b, sizeof rest.b);
            emit_item_hex(emit, sat_buf_span(&item));
            sat_buf_deinit(&item);
        }
        emit_list_end(emit);
        emit_outputs(emit);
        struct sat_hash state = {{0}}, digest = sat_digest_of(&row);
        crypto_generichash(state.b, sizeof state.b, row.digest, sizeof row.digest, NULL, 0);
        emit_hash(emit, "blake2b_of_state", &state);
        emit_hash(emit, "digest", &digest);
        emit_end(emit);
    }
}

static void subscription(struct emit *emit)
{
    struct sat_subscription wish = {.sub = 300, .cursor = 70000};
    emit_fill(wish.space.b, sizeof wish.space.b, 9);
    emit_fill(wish.log_epoch, sizeof wish.log_epoch, 40);
    emit_fill(wish.root, sizeof wish.root, 50);
    struct sat_buf out;
    sat_buf_init(&out);
    sat_subscription_encode(&wish, &out);
    emit_begin(emit, "subscription", "a cursor at 70000");
    emit_number(emit, "sub", wish.sub);
    emit_hex(emit, "space", SAT_SPAN(wish.space.b));
    emit_hex(emit, "log_epoch", SAT_SPAN(wish.log_epoch));
    emit_number(emit, "cursor", wish.cursor);
    emit_hex(emit, "root", SAT_SPAN(wish.root));
    emit_outputs(emit);
    emit_hex(emit, "bytes", sat_buf_span(&out));
    emit_end(emit);
    sat_buf_deinit(&out);
}

static void entry(struct emit *emit, bool own)
{
    static const uint8_t bundle[] = {1, 2, 3};
    struct sat_entry_wire wire = {.kind = 1, .own = own, .recv_ms = 1767225600000, .dir_at = 17};
    emit_fill(wire.id_prefix, sizeof wire.id_prefix, 70);
    if (!own) wire.bundle = SAT_SPAN(bundle);
    struct sat_buf out;
    sat_buf_init(&out);
    sat_entry_wire_encode(&wire, &out);
    emit_begin(emit, "entry", own ? "to its own author" : "to another");
    emit_number(emit, "kind", wire.kind);
    emit_number(emit, "own", own);
    emit_number(emit, "recv_ms", wire.recv_ms);
    emit_number(emit, "dir_at", wire.dir_at);
    emit_hex(emit, "rest", own ? SAT_SPAN(wire.id_prefix) : wire.bundle);
    emit_outputs(emit);
    emit_hex(emit, "bytes", sat_buf_span(&out));
    emit_end(emit);
    sat_buf_deinit(&out);
}

/* Eight leaves, as two runs of four joined: what travels in their place. */
static void run(struct emit *emit)
{
    struct sat_hash leaves[8];
    emit_begin(emit, "run", "of eight entries");
    emit_list(emit, "leaves");
    for (uint32_t i = 0; i < 8; i++) {
        leaves[i] = emit_some_hash(i);
        emit_item_hex(emit, SAT_SPAN(leaves[i].b));
    }
    emit_list_end(emit);
    struct sat_hash left = sat_merkle_root(leaves, 4), right = sat_merkle_root(leaves + 4, 4);
    struct sat_entry_wire wire = {.kind = SAT_ENTRY_RUN, .level = 3, .root = sat_merkle_join(&left, &right)};
    struct sat_entry lost = {.kind = SAT_ENTRY_RUN, .id = wire.root, .recv_ms = 3};
    struct sat_buf item, receipt;
    sat_buf_init(&item);
    sat_buf_init(&receipt);
    sat_entry_wire_encode(&wire, &item);
    sat_lost_encode(&lost, &receipt);
    emit_outputs(emit);
    emit_hex(emit, "item", sat_buf_span(&item));
    emit_hex(emit, "receipt", sat_buf_span(&receipt));
    emit_end(emit);
    sat_buf_deinit(&receipt);
    sat_buf_deinit(&item);
}

static void set_back(struct emit *emit)
{
    static const uint8_t bundle[] = {1, 2, 3};
    struct sat_entry_wire wire = {.kind = 4,
                                  .recv_ms = 1767225600000,
                                  .dir_at = 17,
                                  .receipt_ms = 1767225500000,
                                  .receipt_dir = 16,
                                  .bundle = SAT_SPAN(bundle)};
    struct sat_entry lost = {.kind = 4,
                             .id = emit_some_hash(60),
                             .recv_ms = 1767225600000,
                             .dir_at = 17,
                             .receipt_ms = 1767225500000,
                             .receipt_dir = 16};
    struct sat_root_item root = {.size = 70000};
    struct sat_buf out;
    sat_buf_init(&out);
    sat_entry_wire_encode(&wire, &out);
    emit_begin(emit, "entry", "one that came back");
    emit_number(emit, "kind", wire.kind);
    emit_number(emit, "own", 0);
    emit_number(emit, "recv_ms", wire.recv_ms);
    emit_number(emit, "dir_at", wire.dir_at);
    emit_number(emit, "receipt_ms", wire.receipt_ms);
    emit_number(emit, "receipt_dir", wire.receipt_dir);
    emit_hex(emit, "rest", wire.bundle);
    emit_outputs(emit);
    emit_hex(emit, "bytes", sat_buf_span(&out));
    emit_end(emit);
    for (uint8_t kind = 1; kind <= 4; kind = (uint8_t)(kind + 3)) {
        sat_buf_clear(&out);
        lost.kind = kind;
        sat_lost_encode(&lost, &out);
        emit_begin(emit, "lost entry", kind == 4 ? "lost for the second time" : "lost");
        emit_number(emit, "kind", lost.kind);
        emit_hash(emit, "id", &lost.id);
        emit_number(emit, "recv_ms", lost.recv_ms);
        emit_number(emit, "dir_at", lost.dir_at);
        if (kind == 4) emit_number(emit, "receipt_ms", lost.receipt_ms);
        if (kind == 4) emit_number(emit, "receipt_dir", lost.receipt_dir);
        emit_outputs(emit);
        emit_hex(emit, "bytes", sat_buf_span(&out));
        emit_end(emit);
    }
    sat_buf_clear(&out);
    emit_fill(root.root, sizeof root.root, 61);
    sat_root_item_encode(&root, &out);
    emit_begin(emit, "root item", "at 70000");
    emit_number(emit, "size", root.size);
    emit_hex(emit, "root", SAT_SPAN(root.root));
    emit_outputs(emit);
    emit_hex(emit, "bytes", sat_buf_span(&out));
    emit_end(emit);
    sat_buf_deinit(&out);
}

static void cursor_item(struct emit *emit)
{
    struct sat_cursor cursor = {
        .device = 300, .size = 70000, .ack = 69999, .dir_seq = 17, .digest = emit_some_hash(64)};
    struct sat_signature signature;
    struct sat_buf out;
    emit_fill(cursor.log_epoch.b, sizeof cursor.log_epoch.b, 65);
    emit_fill(signature.b, sizeof signature.b, 66);
    sat_buf_init(&out);
    sat_cursor_item_encode(&cursor, &signature, &out);
    emit_begin(emit, "cursor item", "of device 300 at 70000");
    emit_number(emit, "device", cursor.device);
    emit_number(emit, "size", cursor.size);
    emit_number(emit, "ack", cursor.ack);
    emit_number(emit, "dir_seq", cursor.dir_seq);
    emit_hex(emit, "log_epoch", SAT_SPAN(cursor.log_epoch.b));
    emit_hash(emit, "digest", &cursor.digest);
    emit_hex(emit, "signature", SAT_SPAN(signature.b));
    emit_outputs(emit);
    emit_hex(emit, "bytes", sat_buf_span(&out));
    emit_end(emit);
    sat_buf_deinit(&out);
}

/* What stands in a refused bundle's place, as it is pushed and as it comes in the log. */
static void void_statements(struct emit *emit)
{
    struct sat_void statement = {
        .device = 300, .first = 70000, .count = 3, .refused = emit_some_hash(62), .prev = emit_some_hash(63)};
    struct sat_signature signature;
    struct sat_buf body, out;
    emit_fill(signature.b, sizeof signature.b, 64);
    sat_buf_init(&body);
    sat_buf_init(&out);
    sat_void_encode(&statement, &signature, &body);
    for (unsigned push = 0; push <= 1; push++) {
        struct sat_entry_wire wire = {
            .kind = SAT_ENTRY_VOID, .recv_ms = 1767225600000, .dir_at = 17, .bundle = sat_buf_span(&body)};
        sat_buf_clear(&out);
        if (push) sat_put_u8(&out, SAT_VOID_FORM);
        if (push) sat_put_span(&out, sat_buf_span(&body));
        if (!push) sat_entry_wire_encode(&wire, &out);
        emit_begin(emit, push ? "void push" : "void entry", "of three refused changes");
        emit_number(emit, "device", statement.device);
        emit_number(emit, "first", statement.first);
        emit_number(emit, "count", statement.count);
        emit_hash(emit, "refused", &statement.refused);
        emit_hash(emit, "prev", &statement.prev);
        emit_hex(emit, "signature", SAT_SPAN(signature.b));
        if (!push) emit_number(emit, "recv_ms", wire.recv_ms);
        if (!push) emit_number(emit, "dir_at", wire.dir_at);
        emit_outputs(emit);
        emit_hex(emit, "bytes", sat_buf_span(&out));
        emit_end(emit);
    }
    sat_buf_deinit(&out);
    sat_buf_deinit(&body);
}

static struct sat_range some_range(unsigned start)
{
    struct sat_range range;
    emit_fill(range.first.b, sizeof range.first.b, start);
    emit_fill(range.last.b, sizeof range.last.b, start + 1);
    emit_fill(range.digest, sizeof range.digest, start + 2);
    return range;
}

static void emit_ends(struct emit *emit, const struct sat_range *range)
{
    emit_hex(emit, "first", SAT_SPAN(range->first.b));
    emit_hex(emit, "last", SAT_SPAN(range->last.b));
}

static void ranges(struct emit *emit)
{
    struct sat_range range = some_range(20);
    struct sat_live_change changes[2] = {{.dot = {300, 70000}, .rest = emit_some_hash(65)},
                                         {.dot = {1, 1}, .rest = emit_some_hash(66)}};
    struct sat_difference part = {.is_part = true, .range = some_range(23)};
    struct sat_difference contents = {.range = some_range(26), .changes = changes, .n = 2};
    struct sat_buf out;
    sat_buf_init(&out);
    sat_range_encode(&range, &out);
    emit_begin(emit, "range item", "of RANGES");
    emit_ends(emit, &range);
    emit_hex(emit, "digest", SAT_SPAN(range.digest));
    emit_outputs(emit);
    emit_hex(emit, "bytes", sat_buf_span(&out));
    emit_end(emit);
    sat_buf_clear(&out);
    sat_difference_encode(&part, &out);
    emit_begin(emit, "difference", "a part");
    emit_ends(emit, &part.range);
    emit_hex(emit, "digest", SAT_SPAN(part.range.digest));
    emit_outputs(emit);
    emit_hex(emit, "bytes", sat_buf_span(&out));
    emit_end(emit);
    for (unsigned i = 0; i < 2; i++) emit_fill(changes[i].record.b, sizeof changes[i].record.b, 27 + i);
    sat_buf_clear(&out);
    sat_difference_encode(&contents, &out);
    emit_begin(emit, "difference", "contents");
    emit_ends(emit, &contents.range);
    emit_list(emit, "live");
    for (unsigned i = 0; i < 2; i++) {
        struct sat_buf item;
        sat_buf_init(&item);
        sat_put_bytes(&item, changes[i].record.b, sizeof changes[i].record.b);
        sat_put_u32(&item, changes[i].dot.device);
        sat_put_u64(&item, changes[i].dot.counter);
        sat_put_bytes(&item, changes[i].rest.b, sizeof changes[i].rest.b);
        emit_item_hex(emit, sat_buf_span(&item));
        sat_buf_deinit(&item);
    }
    emit_list_end(emit);
    emit_outputs(emit);
    emit_hex(emit, "bytes", sat_buf_span(&out));
    emit_end(emit);
    sat_buf_deinit(&out);
}

static struct sat_signature some_signature(unsigned start)
{
    struct sat_signature signature;
    emit_fill(signature.b, sizeof signature.b, start);
    return signature;
}

static struct sat_space_id some_space(uint32_t place)
{
    struct sat_space_id id;
    emit_fill(id.b, sizeof id.b, 40 + place);
    return id;
}

/* Links as an admin's, with made up signatures. */
static void extend(struct sat_directory *directory, enum sat_link_type type, struct sat_buf *body)
{
    struct sat_fault fault = {0};
    struct sat_arena arena;
    struct sat_link link = {.seq = directory->seq + 1,
                            .prev = sat_directory_hash_at(directory, directory->seq),
                            .author = 1,
                            .type = (uint16_t)type,
                            .critical = 1,
                            .suite = 1,
                            .body = sat_buf_span(body),
                            .signatures = {{SAT_SIGNER_DEVICE, 1, {{0}}}, {SAT_SIGNER_ADMIN, 1, {{0}}}},
                            .signatures_n = 2};
    sat_arena_init(&arena);
    sat_link_finish(&link, &arena);
    sat_check(sat_directory_apply(directory, &link, NULL, 0, SAT_DIRECTORY_STORED, &fault) == SAT_OK);
    sat_arena_deinit(&arena);
    sat_buf_clear(body);
}

/* What the reader of a short link has: an org with some spaces. */
static void make_directory(struct sat_directory *directory, uint32_t spaces)
{
    struct sat_body_genesis genesis = {.version = 1};
    struct sat_public_key *keys[] = {&genesis.device_sign, &genesis.device_box, &genesis.admin_sign,
                                     &genesis.kit_sign,    &genesis.kit_box,    &genesis.server};
    struct sat_buf body;
    sat_buf_init(&body);
    sat_directory_init(directory);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) emit_fill(keys[i]->b, 32, 200 + (unsigned)i);
    sat_body_genesis_encode(&genesis, &body);
    extend(directory, SAT_LINK_GENESIS, &body);
    for (uint32_t place = 0; place < spaces; place++) {
        uint8_t kind = place < 2 ? (uint8_t)(SAT_SPACE_ORG + place) : SAT_SPACE_TERRITORY;
        sat_body_space_encode(&(struct sat_body_space){some_space(place), kind}, &body);
        extend(directory, SAT_LINK_SPACE, &body);
    }
    sat_buf_deinit(&body);
}

static void short_link(struct emit *emit, const char *name, struct sat_link *link, uint32_t spaces)
{
    struct sat_countersign sign = {1767225600000, some_signature(90)};
    uint8_t body[40];
    struct sat_arena arena;
    struct sat_buf out;
    struct sat_directory directory;
    sat_arena_init(&arena);
    sat_buf_init(&out);
    make_directory(&directory, spaces);
    emit_fill(body, sizeof body, 80);
    link->seq = 300;
    link->prev = emit_some_hash(85);
    if (!spaces) link->body = SAT_SPAN(body);
    for (uint8_t i = 0; i < link->signatures_n; i++) link->signatures[i].signature = some_signature(100u + i);
    sat_link_finish(link, &arena);
    sat_link_encode(link, &out);
    emit_begin(emit, "short link", name);
    emit_hex(emit, "link", sat_buf_span(&out));
    emit_number(emit, "time_ms", sign.time_ms);
    emit_hex(emit, "countersignature", SAT_SPAN(sign.signature.b));
    if (spaces) emit_list(emit, "spaces");
    for (uint32_t i = 0; i < spaces; i++) emit_item_hex(emit, SAT_SPAN(directory.spaces[i].id.b));
    if (spaces) emit_list_end(emit);
    emit_outputs(emit);
    sat_buf_clear(&out);
    sat_link_encode_short(link, &sign, &directory, &out);
    emit_hex(emit, "bytes", sat_buf_span(&out));
    emit_end(emit);
    sat_directory_deinit(&directory);
    sat_buf_deinit(&out);
    sat_arena_deinit(&arena);
}

/* The bodies that name spaces by their places. */
static void short_bodies(struct emit *emit, struct sat_link *epoch)
{
    enum { SPACES = 3 };
    struct sat_body_epoch body = {
        .space = some_space(0), .epoch = 2, .suite = 1, .kc = emit_some_hash(50), .boxes = {emit_some_hash(51), 5000}};
    struct sat_buf buf;
    sat_buf_init(&buf);
    emit_fill(body.chain + 24, sizeof body.chain - 24, 52);
    sat_body_epoch_encode(&body, &buf);
    epoch->body = sat_buf_span(&buf);
    short_link(emit, "a new epoch of the first space", epoch, 1);
    body.space = some_space(SPACES - 1);
    body.epoch = 200;
    emit_fill(body.chain, sizeof body.chain, 53);
    sat_buf_clear(&buf);
    sat_body_epoch_encode(&body, &buf);
    epoch->body = sat_buf_span(&buf);
    short_link(emit, "a new epoch of the third space, with a nonce", epoch, SPACES);
    body.suite = 2;
    sat_buf_clear(&buf);
    sat_body_epoch_encode(&body, &buf);
    epoch->body = sat_buf_span(&buf);
    short_link(emit, "an epoch of another suite", epoch, SPACES);
    static struct sat_body_revoke revoke = {.device = 5000, .cuts_n = 2};
    revoke.cuts[0] = (struct sat_cut){some_space(1), 1, emit_some_hash(54)};
    revoke.cuts[1] = (struct sat_cut){some_space(SPACES - 1), 300, emit_some_hash(55)};
    sat_buf_clear(&buf);
    sat_body_revoke_encode(&revoke, &buf);
    struct sat_link link = {.author = 1, .type = SAT_LINK_REVOKE, .critical = 1, .suite = 1, .signatures_n = 2};
    link.signatures[0] = (struct sat_link_signature){.kind = SAT_SIGNER_DEVICE, .number = 1};
    link.signatures[1] = (struct sat_link_signature){.kind = SAT_SIGNER_ADMIN, .number = 1};
    link.body = sat_buf_span(&buf);
    short_link(emit, "a revocation", &link, SPACES);
    sat_buf_deinit(&buf);
}

static void short_links(struct emit *emit)
{
    struct sat_link epoch = {.author = 700, .type = SAT_LINK_EPOCH, .critical = 1, .suite = 1, .signatures_n = 1};
    epoch.signatures[0] = (struct sat_link_signature){.kind = SAT_SIGNER_DEVICE, .number = 700};
    short_link(emit, "a new epoch, by any member", &epoch, 0);
    struct sat_link grant = {.author = 1, .type = SAT_LINK_GRANT, .critical = 1, .suite = 1, .signatures_n = 3};
    grant.signatures[0] = epoch.signatures[0];
    grant.signatures[0].number = 1;
    grant.signatures[1] = (struct sat_link_signature){.kind = SAT_SIGNER_ADMIN, .number = 1};
    grant.signatures[2] = (struct sat_link_signature){.kind = SAT_SIGNER_ADMIN, .number = 200};
    short_link(emit, "by two admins", &grant, 0);
    struct sat_link join = {.author = 9, .type = SAT_LINK_JOIN, .suite = 2, .signatures_n = 2};
    join.signatures[0] = (struct sat_link_signature){.kind = SAT_SIGNER_INVITE, .number = 299};
    join.signatures[1] = (struct sat_link_signature){.kind = SAT_SIGNER_DEVICE, .number = 9};
    short_link(emit, "the invite's signature first, not critical, of another suite", &join, 0);
    short_bodies(emit, &epoch);
}

static void admin_items(struct emit *emit)
{
    static const uint8_t bundle[] = {1, 2, 3};
    struct sat_escrow_item escrow = {
        .number = 70000, .state = 1, .recv_ms = 1767225600000, .reason = 40, .bundle = SAT_SPAN(bundle)};
    struct sat_device_item device = {
        .device = 300, .seen_ms = 1767225600000, .lag = 70000, .version = 1, .wiped_ms = 1767225600001};
    struct sat_buf out;
    sat_buf_init(&out);
    emit_fill(escrow.space.b, sizeof escrow.space.b, 9);
    sat_escrow_item_encode(&escrow, &out);
    emit_begin(emit, "escrow item", "a bundle that was let in");
    emit_number(emit, "number", escrow.number);
    emit_number(emit, "state", escrow.state);
    emit_hex(emit, "space", SAT_SPAN(escrow.space.b));
    emit_number(emit, "recv_ms", escrow.recv_ms);
    emit_number(emit, "reason", escrow.reason);
    emit_hex(emit, "bundle", escrow.bundle);
    emit_outputs(emit);
    emit_hex(emit, "bytes", sat_buf_span(&out));
    emit_end(emit);
    sat_buf_clear(&out);
    sat_device_item_encode(&device, &out);
    emit_begin(emit, "device item", "a device that was wiped");
    emit_number(emit, "device", device.device);
    emit_number(emit, "seen_ms", device.seen_ms);
    emit_number(emit, "lag", device.lag);
    emit_number(emit, "version", device.version);
    emit_number(emit, "wiped_ms", device.wiped_ms);
    emit_outputs(emit);
    emit_hex(emit, "bytes", sat_buf_span(&out));
    emit_end(emit);
    sat_buf_deinit(&out);
}

/* Every field of every message gets a value by its kind: the inputs are listed in their order as "kind:value". */
struct filler {
    struct emit *emit;
    uint64_t number;
    uint8_t bytes[8][64];
    struct sat_span items[4][2]; /* of each list of the message */
    unsigned lists;
};

static void list_field(struct filler *filler, char kind, struct sat_span bytes)
{
    uint8_t item[80];
    item[0] = (uint8_t)kind;
    sat_check(bytes.len < sizeof item);
    if (bytes.len) memcpy(item + 1, bytes.at, bytes.len);
    emit_item_hex(filler->emit, sat_span(item, bytes.len + 1));
}

static void fill_u64(struct filler *filler, uint64_t *out, uint64_t max)
{
    *out = filler->number * 1000 < max ? filler->number * 1000 : filler->number;
    if (*out > max) *out = max;
    filler->number++;
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++) bytes[i] = (uint8_t)(*out >> (8 * i));
    list_field(filler, 'u', SAT_SPAN(bytes));
}

static struct sat_span fill_bin(struct filler *filler, char kind, size_t len)
{
    uint8_t *at = filler->bytes[filler->number % 8];
    emit_fill(at, len, (unsigned)filler->number++);
    if (kind == 't')
        for (size_t i = 0; i < len; i++) at[i] = (uint8_t)('a' + at[i] % 26);
    list_field(filler, kind, sat_span(at, len));
    return sat_span(at, len);
}

static void fill_list(struct filler *filler, struct sat_list *out)
{
    list_field(filler, 'l', sat_span("\x02", 1));
    struct sat_span *items = filler->items[filler->lists++];
    items[0] = fill_bin(filler, 'i', 5);
    items[1] = fill_bin(filler, 'i', 40);
    *out = (struct sat_list){items, 2};
}

#define FILL_U64(value, bound) fill_u64(&filler, &(value), bound);
#define FILL_BIN(value, bound) (value) = fill_bin(&filler, 'b', 20);
#define FILL_TEXT(value, bound) (value) = fill_bin(&filler, 't', 20);
#define FILL_BYTES(value, bound) memcpy(value, fill_bin(&filler, 'b', bound).at, bound);
#define FILL_LIST(value, bound) fill_list(&filler, &(value));

static void messages(struct emit *emit)
{
#define MESSAGE(NAME, number_, sender)                                                                                 \
    {                                                                                                                  \
        struct filler filler = {.emit = emit, .number = number_};                                                      \
        struct sat_message message = {.type = SAT_MESSAGE_##NAME};                                                     \
        emit_begin(emit, "message", #NAME);                                                                            \
        emit_number(emit, "type", number_);                                                                            \
        emit_list(emit, "fields");
#define FIELD(NAME, kind, field, bound) FILL_##kind(message.as.NAME.field, bound)
#define END(NAME)                                                                                                      \
    emit_list_end(emit);                                                                                               \
    emit_outputs(emit);                                                                                                \
    struct sat_buf out;                                                                                                \
    sat_buf_init(&out);                                                                                                \
    sat_message_encode(&message, &out);                                                                                \
    emit_hex(emit, "bytes", sat_buf_span(&out));                                                                       \
    emit_end(emit);                                                                                                    \
    sat_buf_deinit(&out);                                                                                              \
    }
#include "common/wire/messages.def"
#undef MESSAGE
#undef FIELD
#undef END
}

int main(void)
{
    if (sodium_init() < 0) return 1;
    struct emit emit;
    emit_open(&emit, stdout, "sync");
    digests(&emit);
    subscription(&emit);
    entry(&emit, false);
    entry(&emit, true);
    run(&emit);
    set_back(&emit);
    cursor_item(&emit);
    void_statements(&emit);
    ranges(&emit);
    short_links(&emit);
    admin_items(&emit);
    messages(&emit);
    emit_close(&emit);
    return 0;
}
