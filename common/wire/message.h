/* Messages: structs, encoder and decoder, all made from the list in messages.def. */
#ifndef SAT_WIRE_MESSAGE_H
#define SAT_WIRE_MESSAGE_H

#include "common/base/bytes.h"
#include "common/base/id.h"
#include "common/base/limits.h"

#define SAT_PROTOCOL_VERSION 1
#define SAT_SUBPROTOCOL "satchel.1"

struct sat_list { /* byte strings, borrowed */
    const struct sat_span *at;
    uint32_t n;
};

enum sat_message_type {
#define MESSAGE(NAME, number, sender) SAT_MESSAGE_##NAME = number,
#define FIELD(NAME, kind, field, bound)
#define END(NAME)
#include "common/wire/messages.def"
#undef MESSAGE
#undef FIELD
#undef END
};

enum sat_message_sender { SAT_SENDER_SERVER = 1, SAT_SENDER_CLIENT = 2, SAT_SENDER_BOTH = 3 };

#define SAT_MEMBER_U64(field, bound) uint64_t field;
#define SAT_MEMBER_BIN(field, bound) struct sat_span field;
#define SAT_MEMBER_TEXT(field, bound) struct sat_span field;
#define SAT_MEMBER_BYTES(field, bound) uint8_t field[bound];
#define SAT_MEMBER_LIST(field, bound) struct sat_list field;

/* clang-format off */
#define MESSAGE(NAME, number, sender) struct sat_message_##NAME {
#define FIELD(NAME, kind, field, bound) SAT_MEMBER_##kind(field, bound)
#define END(NAME) };
/* clang-format on */
#include "common/wire/messages.def"
#undef MESSAGE
#undef FIELD
#undef END

struct sat_message {
    enum sat_message_type type;
    union {
#define MESSAGE(NAME, number, sender) struct sat_message_##NAME NAME;
#define FIELD(NAME, kind, field, bound)
#define END(NAME)
#include "common/wire/messages.def"
#undef MESSAGE
#undef FIELD
#undef END
    } as;
};

const char *sat_message_name(enum sat_message_type type); /* "HELLO" */
enum sat_message_sender sat_message_sender(enum sat_message_type type);
/* Appends the encoding. The fields must be within their bounds (checked). */
void sat_message_encode(const struct sat_message *message, struct sat_buf *out);
/* Decodes one whole message from `bytes`, which the result borrows; the arena owns the lists. SAT_ERR_MALFORMED,
 * SAT_ERR_TOO_LARGE, SAT_ERR_PROTOCOL (a number that is not in the list, or not `sender`'s to send). */
enum sat_err sat_message_decode(struct sat_span bytes, enum sat_message_sender sender, struct sat_arena *arena,
                                struct sat_message *out) SAT_MUST_CHECK;

#endif
