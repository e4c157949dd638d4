/* A directory link and its body, or a body alone: the first byte says which. */
#include "common/proof/link.h"
#include "tests/fuzz/fuzz.h"

/* What decodes encodes to the very same bytes. */
#define BODY(name)                                                                                                     \
    static void check_##name(struct sat_span bytes)                                                                    \
    {                                                                                                                  \
        struct sat_body_##name body;                                                                                   \
        struct sat_buf again;                                                                                          \
        if (sat_body_##name##_decode(bytes, &body)) return;                                                            \
        sat_buf_init(&again);                                                                                          \
        sat_body_##name##_encode(&body, &again);                                                                       \
        sat_check(sat_span_equal(bytes, sat_buf_span(&again)));                                                        \
        sat_buf_deinit(&again);                                                                                        \
    }
BODY(genesis)
BODY(user)
BODY(role)
BODY(space)
BODY(grant)
BODY(epoch)
BODY(invite)
BODY(invite_cancel)
BODY(join)
BODY(revoke)
BODY(wipe)
BODY(accept)
BODY(policy)
BODY(kit)
BODY(server_key)
BODY(mass_change)
BODY(expel)

static void check_body(unsigned type, struct sat_span bytes)
{
    static const struct {
        unsigned type;
        void (*check)(struct sat_span bytes);
    } bodies[] = {
        {SAT_LINK_GENESIS, check_genesis},
        {SAT_LINK_USER, check_user},
        {SAT_LINK_ROLE, check_role},
        {SAT_LINK_SPACE, check_space},
        {SAT_LINK_GRANT, check_grant},
        {SAT_LINK_EPOCH, check_epoch},
        {SAT_LINK_INVITE, check_invite},
        {SAT_LINK_INVITE_CANCEL, check_invite_cancel},
        {SAT_LINK_JOIN, check_join},
        {SAT_LINK_REVOKE, check_revoke},
        {SAT_LINK_WIPE, check_wipe},
        {SAT_LINK_ACCEPT, check_accept},
        {SAT_LINK_POLICY, check_policy},
        {SAT_LINK_KIT, check_kit},
        {SAT_LINK_SERVER_KEY, check_server_key},
        {SAT_LINK_MASS_CHANGE, check_mass_change},
        {SAT_LINK_EXPEL, check_expel},
    };
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++)
        if (bodies[i].type == type) bodies[i].check(bytes);
}

/* The encoder makes room for every signature that a link may get, so that not all that decodes can be made anew. */
static bool fits_with_all_signatures(const struct sat_link *link)
{
    return link->message.len + 5 + (size_t)SAT_LINK_SIGNATURES_MAX * 69 <= SAT_LINK_BYTES_MAX;
}

static void check_link(struct sat_span bytes)
{
    struct sat_link link;
    struct sat_buf again;
    struct sat_arena arena;
    if (sat_link_decode(bytes, &link)) return;
    sat_arena_init(&arena);
    sat_buf_init(&again);
    struct sat_span message = link.message;
    if (fits_with_all_signatures(&link)) sat_link_finish(&link, &arena);
    sat_check(sat_span_equal(link.message, message));
    sat_link_encode(&link, &again);
    sat_check(sat_span_equal(bytes, sat_buf_span(&again)));
    check_body(link.type, link.body);
    sat_buf_deinit(&again);
    sat_arena_deinit(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sat_span input = sat_span(data, size);
    uint8_t which = fuzz_byte(&input);
    if (which == 0)
        check_link(input);
    else
        check_body(which, input);
    return 0;
}
