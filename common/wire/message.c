#include "common/wire/message.h"

#include "common/base/check.h"
#include "common/wire/pack.h"

const char *sat_message_name(enum sat_message_type type)
{
    switch (type) {
#define MESSAGE(NAME, number, sender)                                                                                  \
    case SAT_MESSAGE_##NAME:                                                                                           \
        return #NAME;
#define FIELD(NAME, kind, field, bound)
#define END(NAME)
#include "common/wire/messages.def"
#undef MESSAGE
#undef FIELD
#undef END
    }
    return "unknown";
}

enum sat_message_sender sat_message_sender(enum sat_message_type type)
{
    switch (type) {
#define MESSAGE(NAME, number, sender)                                                                                  \
    case SAT_MESSAGE_##NAME:                                                                                           \
        return SAT_SENDER_##sender;
#define FIELD(NAME, kind, field, bound)
#define END(NAME)
#include "common/wire/messages.def"
#undef MESSAGE
#undef FIELD
#undef END
    }
    return SAT_SENDER_BOTH;
}

static uint32_t field_count(uint64_t number)
{
    switch (number) {
#define MESSAGE(NAME, number, sender)                                                                                  \
    case SAT_MESSAGE_##NAME:                                                                                           \
        return 0
#define FIELD(NAME, kind, field, bound) +1
#define END(NAME) ;
#include "common/wire/messages.def"
#undef MESSAGE
#undef FIELD
#undef END
    default:
        return 0;
    }
}

static void put_list(struct sat_buf *out, struct sat_list list, uint64_t max)
{
    sat_check(list.n <= max);
    sat_pack_array(out, list.n);
    for (uint32_t i = 0; i < list.n; i++) sat_pack_bin(out, list.at[i]);
}

static struct sat_list take_list(struct sat_unpack *in, struct sat_arena *arena, uint32_t max)
{
    uint32_t n = sat_unpack_array(in, max);
    struct sat_span *items = sat_arena_array(arena, n, sizeof *items);
    for (uint32_t i = 0; i < n; i++) items[i] = sat_unpack_bin(in, SAT_MESSAGE_BYTES_MAX);
    return (struct sat_list){items, n};
}

#define PUT_U64(value, bound) (sat_check((value) <= (bound)), sat_pack_u64(out, value));
#define PUT_BIN(value, bound) (sat_check((value).len <= (bound)), sat_pack_bin(out, value));
#define PUT_TEXT(value, bound) (sat_check((value).len <= (bound)), sat_pack_text(out, value));
#define PUT_BYTES(value, bound) sat_pack_bin(out, sat_span(value, bound));
#define PUT_LIST(value, bound) put_list(out, value, bound);

#define TAKE_U64(value, bound) (value) = sat_unpack_u64(&in, bound);
#define TAKE_BIN(value, bound) (value) = sat_unpack_bin(&in, bound);
#define TAKE_TEXT(value, bound) (value) = sat_unpack_text(&in, bound);
#define TAKE_BYTES(value, bound) sat_unpack_bytes(&in, value, bound);
#define TAKE_LIST(value, bound) (value) = take_list(&in, arena, bound);

void sat_message_encode(const struct sat_message *message, struct sat_buf *out)
{
    sat_pack_array(out, 1 + field_count(message->type));
    sat_pack_u64(out, message->type);
    switch (message->type) {
#define MESSAGE(NAME, number, sender) case SAT_MESSAGE_##NAME: {
#define FIELD(NAME, kind, field, bound) PUT_##kind(message->as.NAME.field, bound)
#define END(NAME)                                                                                                      \
    break;                                                                                                             \
    }
#include "common/wire/messages.def"
#undef MESSAGE
#undef FIELD
#undef END
    }
}

enum sat_err sat_message_decode(struct sat_span bytes, enum sat_message_sender sender, struct sat_arena *arena,
                                struct sat_message *out)
{
    struct sat_unpack in;
    sat_unpack_init(&in, bytes);
    uint32_t n = sat_unpack_array(&in, 16);
    uint64_t number = sat_unpack_u64(&in, UINT16_MAX);
    if (in.err) return in.err;
    if (field_count(number) == 0) return SAT_ERR_PROTOCOL;
    *out = (struct sat_message){.type = (enum sat_message_type)number};
    if (!(sat_message_sender(out->type) & sender)) return SAT_ERR_PROTOCOL;
    if (n != 1 + field_count(number)) return SAT_ERR_MALFORMED;
    switch (out->type) {
#define MESSAGE(NAME, number, sender) case SAT_MESSAGE_##NAME: {
#define FIELD(NAME, kind, field, bound) TAKE_##kind(out->as.NAME.field, bound)
#define END(NAME)                                                                                                      \
    break;                                                                                                             \
    }
#include "common/wire/messages.def"
#undef MESSAGE
#undef FIELD
#undef END
    }
    return sat_unpack_end(&in);
}
