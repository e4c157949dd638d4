#include "common/sync/step.h"

void sat_actions_init(struct sat_actions *actions, struct sat_arena *arena)
{
    *actions = (struct sat_actions){.arena = arena};
}

struct sat_action *sat_actions_add(struct sat_actions *actions, enum sat_action_kind kind, uint64_t peer)
{
    struct sat_action *action = sat_arena_alloc(actions->arena, sizeof *action);
    action->kind = kind;
    action->peer = peer;
    if (actions->last)
        actions->last->next = action;
    else
        actions->first = action;
    actions->last = action;
    return action;
}
