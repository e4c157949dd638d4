/* What the server was asked and does not answer, while it says other things. While nothing at all comes it is the
 * connection's patience that ends, but a session in which something moves would never be over, and never in sync. */
#include "common/sync/replica_state.h"

/* An answer comes before what the server says to whatever is asked later, and behind what is on its way already.
 * Entries and links do not count: of those there may be a whole log on its way. The others are short, and few. */
enum { UNANSWERED_MAX = 4096 };

static enum sat_err fail(struct replica_step *step, const char *what)
{
    return sat_fail(&step->fault, SAT_ERR_PROTOCOL, "the server goes on without answering %s", what);
}

enum sat_err replica_count_unanswered(struct replica_step *step, enum sat_message_type type)
{
    struct sat_replica *replica = step->replica;
    if (type == SAT_MESSAGE_ENTRIES || type == SAT_MESSAGE_LINKS) return SAT_OK;
    for (uint32_t i = 0; i < replica->subs_n; i++) {
        struct replica_sub *sub = &replica->subs[i];
        if (replica_is_deaf(sub) || !(sub->doubted || sub->fill.asked) || ++sub->unanswered <= UNANSWERED_MAX) continue;
        return fail(step, sub->doubted ? "which work has numbers that it calls taken" : "what stands in its log");
    }
    for (uint32_t i = 0; i < replica->leaving_n; i++) {
        struct replica_leaving *leaving = &replica->leaving[i];
        if (!replica_awaits_held(leaving) || ++leaving->unanswered <= UNANSWERED_MAX) continue;
        return fail(step, "whether it still has what this device handed in");
    }
    return SAT_OK;
}
