/* What waits to be written to one peer: whole messages, in order, bounded. Frames of bundles never wait here; they are
 * built when the socket is writable. Each message has room for libwebsockets in front, so that it is written from where
 * it lies. */
#ifndef SATD_OUTBOX_H
#define SATD_OUTBOX_H

#include "common/base/bytes.h"

struct satd_letter {
    struct satd_letter *next;
    size_t len;
    uint8_t bytes[]; /* LWS_PRE bytes of room, then the message */
};

struct satd_outbox {
    struct satd_letter *first, *last;
    size_t bytes; /* with what each letter costs besides */
};

enum {
    SATD_OUTBOX_BYTES_MAX = 64 * 1024,    /* no single message that waits here is larger */
    SATD_OUTBOX_BYTES_ENOUGH = 24 * 1024, /* with this much waiting its peer is not heard: no new answers arise */
};

/* Copies the message in; false, and nothing kept, when the outbox is full. */
bool satd_outbox_put(struct satd_outbox *outbox, struct sat_span message);
/* The oldest message, taken out; the caller frees it with free(). NULL when there is none. */
struct satd_letter *satd_outbox_take(struct satd_outbox *outbox);
uint8_t *satd_letter_message(struct satd_letter *letter);
void satd_outbox_deinit(struct satd_outbox *outbox);

#endif
