/* A host with a founded org and one peer who talks to it: what the target's acts are made of. */
#ifndef TESTS_FUZZ_HOST_TALK_H
#define TESTS_FUZZ_HOST_TALK_H

#include "common/sync/host.h"
#include "common/wire/message.h"
#include "tests/fuzz/org.h"

enum { SUBS_MAX = 16 };

struct talk { /* one host and whom it talks to */
    const struct fuzz_org *org;
    struct sat_store *store;
    struct sat_host *host;
    struct sat_entropy_stream stream;
    uint64_t now_ms, peer;
    uint32_t device; /* 0: a stranger */
    bool open;
    struct sat_space_id subs[SUBS_MAX]; /* by the peer's own numbers */
};

void talk_check_sent(struct sat_span bytes);
void talk_step(struct talk *talk, const struct sat_event *event, struct sat_actions *actions);
void talk_say(struct talk *talk, struct sat_span message);
void talk_say_message(struct talk *talk, const struct sat_message *message);
/* Leaves, and comes again as a device, or as a stranger (0). */
void talk_come(struct talk *talk, uint32_t device);
/* To the org's spaces by their places in it, as a device does that has seen nothing yet. */
void talk_subscribe(struct talk *talk, struct sat_arena *arena);
/* The territory, to which it is subscribed from here on. */
struct sat_space_row talk_subscribed(struct talk *talk, struct sat_arena *arena);
/* The next link, by the device that talks; by its admin key as well where it has one and one is due. */
void talk_append(struct talk *talk, enum sat_link_type type, bool admin, const struct sat_buf *body);
/* How far it says that it is: evidence against it when it comes back behind that. */
void talk_sign_cursor(struct talk *talk, struct sat_span *input, struct sat_arena *arena);

/* host_forget.c: what a server forgets (sync/collect.h, sync/compact.h), and what devices do for that. */
void talk_forget(struct talk *talk, struct sat_span *input);

#endif
