#include "client/held_up.h"

#include <inttypes.h>

#include "client/names.h"

enum client_held client_held_up(const struct satchel *satchel, const struct sat_space_id *space,
                                const struct client_waiting *waiting)
{
    if (!(client_rights(satchel, space) & SAT_RIGHT_WRITE)) return CLIENT_HELD_NOT;
    if (waiting->refused) return CLIENT_HELD_REFUSED;
    if (waiting->rejected) return CLIENT_HELD_REJECTED;
    return waiting->escrowed ? CLIENT_HELD_ESCROWED : CLIENT_HELD_NOT;
}

const char *client_held_name(enum client_held held)
{
    switch (held) {
    case CLIENT_HELD_NOT:
        return NULL;
    case CLIENT_HELD_REFUSED:
        return "refused";
    case CLIENT_HELD_ESCROWED:
        return "escrowed";
    case CLIENT_HELD_REJECTED:
        return "rejected";
    }
    return NULL;
}

static const char *sentence(enum client_held held, const struct client_waiting *waiting, const char *space,
                            struct sat_arena *arena)
{
    switch (held) {
    case CLIENT_HELD_NOT:
        return NULL;
    case CLIENT_HELD_REFUSED:
        return sat_arena_format(arena,
                                "what is written in %.100s stays here: it continues work that the server refused (see "
                                "`satchel refused`)",
                                space);
    case CLIENT_HELD_ESCROWED:
        return sat_arena_format(arena,
                                "what is written in %.100s stays here: it continues work that came while this device "
                                "was out (%" PRIu64 " changes), which an admin has to let in (`satchel escrow`)",
                                space, waiting->escrowed);
    case CLIENT_HELD_REJECTED:
        return sat_arena_format(arena,
                                "what is written in %.100s stays here: it continues work that an admin has rejected "
                                "(%" PRIu64 " changes): ask for it to be let in (`satchel escrow accept`)",
                                space, waiting->rejected);
    }
    return NULL;
}

enum sat_err client_tell_held(struct satchel *satchel, void (*tell)(void *context, const char *text), void *context)
{
    struct sat_arena arena;
    sat_arena_init(&arena);
    struct sat_space_row *spaces;
    uint32_t n = 0;
    enum sat_err err = sat_store_spaces(satchel->store, &arena, &spaces, &n);
    for (uint32_t i = 0; i < n && !err; i++) {
        struct client_waiting waiting = {0};
        err = client_count_waiting(satchel, spaces[i].sid, &waiting);
        enum client_held held = err ? CLIENT_HELD_NOT : client_held_up(satchel, &spaces[i].id, &waiting);
        if (held) tell(context, sentence(held, &waiting, client_space_name(satchel, &spaces[i].id, &arena), &arena));
    }
    sat_arena_deinit(&arena);
    return err;
}
