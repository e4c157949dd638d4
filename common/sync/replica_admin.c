/* The client asks for what admins and managers are shown, page by page. */
#include "common/sync/replica_state.h"

/* One at a time of each kind. */
static bool is_due(struct replica_question *question)
{
    if (!question->wanted || question->asked) return false;
    question->asked = true;
    return true;
}

enum sat_err replica_ask(struct replica_step *step)
{
    struct sat_replica *replica = step->replica;
    if (replica->config.mode != SAT_REPLICA_DEVICE) return SAT_OK;
    if (is_due(&replica->escrow)) {
        struct sat_message message = {.type = SAT_MESSAGE_ESCROW_GET};
        message.as.ESCROW_GET.after = replica->escrow.after;
        replica_send(step, &message);
    }
    if (is_due(&replica->devices)) {
        struct sat_message message = {.type = SAT_MESSAGE_DEVICES_GET};
        message.as.DEVICES_GET.after = replica->devices.after;
        replica_send(step, &message);
    }
    return SAT_OK;
}

/* A page has come, whose items are numbered from behind the last one up to `last`. */
static enum sat_err turn_page(struct replica_step *step, struct replica_question *question, uint32_t n, uint64_t last,
                              bool more)
{
    if (more && n == 0) return sat_fail(&step->fault, SAT_ERR_PROTOCOL, "a page without items that is not the last");
    question->asked = false;
    question->wanted = more;
    if (n) question->after = last;
    return SAT_OK;
}

enum sat_err replica_escrow(struct replica_step *step, const struct sat_message_ESCROW *message)
{
    struct sat_replica *replica = step->replica;
    const struct sat_replica_hooks *hooks = &replica->config.hooks;
    uint32_t n = message->items.n;
    if (!replica->escrow.asked || !hooks->escrow)
        return sat_fail(&step->fault, SAT_ERR_PROTOCOL, "the escrow was not asked for");
    struct sat_escrow_item *items = sat_arena_array(step->arena, n, sizeof *items);
    uint64_t last = replica->escrow.after;
    for (uint32_t i = 0; i < n; i++) {
        enum sat_err err = sat_escrow_item_decode(message->items.at[i], &items[i]);
        if (err || items[i].number <= last)
            return sat_fail(&step->fault, SAT_ERR_MALFORMED, "an item of the escrow cannot be read");
        last = items[i].number;
    }
    enum sat_err err = turn_page(step, &replica->escrow, n, last, message->more);
    return err ? err : hooks->escrow(hooks->context, items, n, message->more);
}

enum sat_err replica_devices(struct replica_step *step, const struct sat_message_DEVICES *message)
{
    struct sat_replica *replica = step->replica;
    const struct sat_replica_hooks *hooks = &replica->config.hooks;
    uint32_t n = message->items.n;
    if (!replica->devices.asked || !hooks->devices)
        return sat_fail(&step->fault, SAT_ERR_PROTOCOL, "the devices were not asked for");
    struct sat_device_item *items = sat_arena_array(step->arena, n, sizeof *items);
    uint64_t last = replica->devices.after;
    for (uint32_t i = 0; i < n; i++) {
        enum sat_err err = sat_device_item_decode(message->items.at[i], &items[i]);
        if (err || items[i].device <= last)
            return sat_fail(&step->fault, SAT_ERR_MALFORMED, "what the server says of a device cannot be read");
        last = items[i].device;
    }
    enum sat_err err = turn_page(step, &replica->devices, n, last, message->more);
    return err ? err : hooks->devices(hooks->context, items, n, message->more);
}

/* A question that is under way is answered first. */
static void want(struct sat_replica *replica, struct replica_question *question, uint64_t after)
{
    if (!question->wanted) question->after = after;
    question->wanted = true;
    replica->told_idle = false;
}

enum sat_err sat_replica_ask_escrow(struct sat_replica *replica, uint64_t now_ms, uint64_t after,
                                    struct sat_actions *out)
{
    want(replica, &replica->escrow, after);
    return sat_replica_step(replica, now_ms, NULL, 0, out);
}

enum sat_err sat_replica_ask_devices(struct sat_replica *replica, uint64_t now_ms, uint32_t after,
                                     struct sat_actions *out)
{
    want(replica, &replica->devices, after);
    return sat_replica_step(replica, now_ms, NULL, 0, out);
}
