#include "server/outbox.h"

#include <libwebsockets.h>
#include <stdlib.h>
#include <string.h>

/* What a letter costs: many small ones are as good a way to fill memory as a large one. */
static size_t cost_of(size_t len)
{
    return sizeof(struct satd_letter) + LWS_PRE + len;
}

bool satd_outbox_put(struct satd_outbox *outbox, struct sat_span message)
{
    if (outbox->bytes + cost_of(message.len) > SATD_OUTBOX_BYTES_MAX) return false;
    struct satd_letter *letter = malloc(cost_of(message.len));
    if (!letter) return false;
    letter->next = NULL;
    letter->len = message.len;
    if (message.len) memcpy(letter->bytes + LWS_PRE, message.at, message.len);
    if (outbox->last)
        outbox->last->next = letter;
    else
        outbox->first = letter;
    outbox->last = letter;
    outbox->bytes += cost_of(message.len);
    return true;
}

struct satd_letter *satd_outbox_take(struct satd_outbox *outbox)
{
    struct satd_letter *letter = outbox->first;
    if (!letter) return NULL;
    outbox->first = letter->next;
    if (!outbox->first) outbox->last = NULL;
    outbox->bytes -= cost_of(letter->len);
    return letter;
}

uint8_t *satd_letter_message(struct satd_letter *letter)
{
    return letter->bytes + LWS_PRE;
}

void satd_outbox_deinit(struct satd_outbox *outbox)
{
    for (struct satd_letter *letter; (letter = satd_outbox_take(outbox));) free(letter);
}
