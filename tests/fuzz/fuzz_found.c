/* Founding an org on a server: what a stranger sends who has a token. The first byte says how the links are mended; the
 * rest is the message. Nothing is written of what is refused; what is founded can be served, and loaded again. */
#include <string.h>

#include "common/sync/host.h"
#include "common/sync/replica.h"
#include "common/wire/message.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/mend.h"

/* Every link upon those before it, as far as they hold. */
static void mend_links(struct sat_list *list, enum fuzz_mending how, struct sat_arena *arena)
{
    struct sat_directory directory;
    struct sat_span *links = sat_arena_array(arena, list->n, sizeof *links);
    sat_directory_init(&directory);
    for (uint32_t i = 0; i < list->n; i++) {
        struct sat_link link;
        struct sat_countersign sign;
        struct sat_fault fault = {0};
        links[i] = fuzz_mend_link(list->at[i], &directory, how, arena);
        if (sat_link_decode(links[i], &link)) continue;
        struct sat_hash org = link.type == SAT_LINK_GENESIS ? sat_link_org(&link) : directory.org;
        sat_countersign(&link, fuzz_org()->now_ms, &org, &fuzz_org()->server, &sign);
        (void)!sat_directory_apply(&directory, &link, &sign, fuzz_org()->now_ms, SAT_DIRECTORY_STORED, &fault);
    }
    list->at = links;
    sat_directory_deinit(&directory);
}

static struct sat_span mend(struct sat_span bytes, enum fuzz_mending how, struct sat_arena *arena)
{
    struct sat_message message;
    struct sat_buf buf;
    if (how == FUZZ_AS_IT_IS || sat_message_decode(bytes, SAT_SENDER_CLIENT, arena, &message)) return bytes;
    if (message.type != SAT_MESSAGE_CREATE) return bytes;
    mend_links(&message.as.CREATE.links, how, arena);
    sat_buf_init(&buf);
    sat_message_encode(&message, &buf);
    bytes = sat_span_copy(arena, sat_buf_span(&buf));
    sat_buf_deinit(&buf);
    return bytes;
}

/* What the reader said beforehand is what was founded, and a server can go on with it. */
static void check_founded(struct sat_store *store, const struct sat_hash *org, struct sat_span reply)
{
    struct sat_arena arena;
    struct sat_message answer;
    struct sat_host *host;
    struct sat_fault fault = {0};
    struct sat_entropy_stream stream;
    struct sat_host_config config = {
        .store = store, .server = &fuzz_org()->server, .entropy = sat_entropy_seeded(&stream, 2)};
    sat_arena_init(&arena);
    fuzz_must(sat_message_decode(reply, SAT_SENDER_SERVER, &arena, &answer));
    sat_check(answer.type == SAT_MESSAGE_APPENDED);
    fuzz_must(sat_host_new(&config, &host, &fault));
    sat_check(sat_hash_equal(&sat_host_directory(host)->org, org));
    sat_check(sat_host_directory(host)->seq == answer.as.APPENDED.signs.n);
    fuzz_check_store(store, sat_host_directory(host));
    sat_host_free(host);
    sat_arena_deinit(&arena);
}

static void check_refused(struct sat_store *store, enum sat_err err, const struct sat_fault *fault)
{
    struct sat_directory directory;
    struct sat_fault trouble = {0};
    sat_check(!sat_err_is_local(err));
    if (fault->err) fuzz_check_sentence(fault->text);
    sat_directory_init(&directory);
    fuzz_must(sat_directory_load(store, &directory, &trouble));
    sat_check(directory.seq == 0 && !sat_store_in_transaction(store));
    sat_directory_deinit(&directory);
}

/* A store into which nothing was written is as good as a fresh one. */
static struct sat_store **spare_store(void)
{
    static struct sat_store *store;
    struct sat_fault fault = {0};
    if (!store) fuzz_must(sat_store_open(":memory:", SAT_STORE_CREATE, &store, &fault));
    return &store;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sat_span input = sat_span(data, size), token;
    struct sat_store **store = spare_store();
    struct sat_fault fault = {0}, read_fault = {0};
    struct sat_hash org;
    struct sat_arena arena;
    struct sat_buf reply;
    sat_arena_init(&arena);
    sat_buf_init(&reply);
    uint8_t how = fuzz_byte(&input);
    struct sat_span message = mend(input, how % 3, &arena);
    enum sat_err read = sat_host_read_create(message, &token, &org, &read_fault);
    if (!read)
        sat_check(token.len == 0 || (token.at >= message.at && token.at + token.len <= message.at + message.len));
    enum sat_err err = sat_host_found(*store, &fuzz_org()->server, message, fuzz_org()->now_ms, &reply, &fault);
    if (err) {
        check_refused(*store, err, &fault);
    } else {
        fuzz_must(read);
        check_founded(*store, &org, sat_buf_span(&reply));
        sat_store_close(*store);
        *store = NULL;
    }
    sat_buf_deinit(&reply);
    sat_arena_deinit(&arena);
    return 0;
}
