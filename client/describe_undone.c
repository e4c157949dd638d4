/* What a repudiation changed, as sentences. The directory says which of its events it made. */
#include "client/act.h"
#include "client/describe.h"
#include "client/names.h"
#include "common/proof/directory_index.h"

struct undone {
    struct satchel *satchel;
    const struct sat_directory *directory;
    uint64_t seq;
    struct sat_arena *arena;
    json_t *list;
};

static void say(const struct undone *it, const char *text)
{
    (void)json_array_append_new(it->list, json_string(text));
}

static const char *user_of(const struct undone *it, uint32_t user)
{
    return client_act_user(it->satchel, user, it->arena);
}

static const char *device_of(const struct undone *it, const struct sat_device *device)
{
    return sat_arena_format(it->arena, "%s (device %u)", user_of(it, device->user), (unsigned)device->number);
}

static bool is_voided(const struct undone *it, uint64_t seq)
{
    return it->directory->index->notes[seq - 1].voided == it->seq;
}

static void say_devices(const struct undone *it)
{
    for (uint32_t i = 0; i < it->directory->devices_n; i++) {
        const struct sat_device *device = &it->directory->devices[i];
        const struct sat_device_past *past = &it->directory->index->devices_past[i];
        if (past->outs_n == 0) continue;
        const struct sat_out *last = &past->outs[past->outs_n - 1];
        const char *name = device_of(it, device);
        if (last->back_seq == it->seq) say(it, sat_arena_format(it->arena, "lets %s back in", name));
        if (last->revoked_seq == it->seq) say(it, sat_arena_format(it->arena, "puts %s out", name));
        if (device->revoked_seq && last->wiped_seq && !device->wiped_seq && is_voided(it, last->wiped_seq))
            say(it, sat_arena_format(it->arena, "calls the wipe of %s off", name));
    }
}

static void say_users(const struct undone *it)
{
    for (uint32_t user = 1; user <= it->directory->users_n; user++) {
        const struct sat_user_past *past = &it->directory->index->users[user - 1];
        for (uint32_t i = 1; i < past->standings_n; i++) {
            const struct sat_standing *now = &past->standings[i], *before = now - 1;
            if (!now->restored || now->seq != it->seq) continue;
            const char *name = user_of(it, user);
            if (now->role != before->role)
                say(it, sat_arena_format(it->arena, "makes %s %s again", name, sat_role_name(now->role)));
            if (now->state != before->state)
                say(it, sat_arena_format(it->arena, now->state == SAT_USER_ACTIVE ? "lets %s back in" : "suspends %s",
                                         name));
        }
    }
}

static void say_grants(const struct undone *it)
{
    for (uint32_t i = 0; i < it->directory->grants_n; i++) {
        const struct sat_grant *grant = &it->directory->grants[i];
        if (grant->source != SAT_GRANT_RESTORED || grant->seq != it->seq) continue;
        const char *who = user_of(it, grant->user), *where = client_space_name(it->satchel, &grant->space, it->arena);
        if (grant->rights == 0)
            say(it, sat_arena_format(it->arena, "takes %s from %s", where, who));
        else
            say(it,
                sat_arena_format(it->arena, "lets %s %s %s again", who, client_describe_rights(grant->rights), where));
    }
}

static void say_rest(const struct undone *it)
{
    const struct sat_directory *directory = it->directory;
    for (uint32_t i = 0; i < directory->index->said_n; i++) {
        const struct sat_policy_said *said = &directory->index->said[i];
        if (!said->restored || said->seq != it->seq) continue;
        const char *name = client_describe_policy(said->value.key, it->arena);
        say(it, said->absent
                    ? sat_arena_format(it->arena, "sets %s back to what it is by itself", name)
                    : sat_arena_format(it->arena, "sets %s back to %llu", name, (unsigned long long)said->value.value));
    }
    for (uint32_t i = 0; i < directory->invites_n; i++) {
        const struct sat_invite *invite = &directory->invites[i];
        if (invite->state == SAT_INVITE_CANCELLED && is_voided(it, invite->seq))
            say(it, sat_arena_format(it->arena, "makes the invite of %s (link %llu) worthless",
                                     user_of(it, invite->user), (unsigned long long)invite->seq));
    }
    for (uint32_t i = 0; i < directory->kits_n; i++)
        if (is_voided(it, directory->kits[i].seq))
            say(it, sat_arena_format(it->arena, "makes the recovery kit of link %llu worthless",
                                     (unsigned long long)directory->kits[i].seq));
}

static bool is_reopened(const struct undone *it, const struct sat_decision *decision)
{
    return decision->restored && decision->seq == it->seq && decision->what == 0;
}

/* Late work that a thief left out: one sentence for each device and space. */
static void say_decisions(const struct undone *it)
{
    const struct sat_directory_index *index = it->directory->index;
    for (uint32_t i = 0; i < index->decisions_n; i++) {
        const struct sat_decision *decision = &index->decisions[i], *other = index->decisions;
        if (!is_reopened(it, decision)) continue;
        uint32_t n = 0;
        bool said = false;
        for (; other < index->decisions + index->decisions_n; other++) {
            bool same = is_reopened(it, other) && other->device == decision->device && other->space == decision->space;
            if (same && other < decision) said = true;
            n += same;
        }
        const struct sat_space_id *space = &it->directory->spaces[decision->space].id;
        if (!said)
            say(it, sat_arena_format(it->arena,
                                     "brings late work of %s in %s that was rejected (%u bundle%s) back before the "
                                     "admins: see `satchel escrow list`",
                                     device_of(it, &it->directory->devices[decision->device - 1]),
                                     client_space_name(it->satchel, space, it->arena), (unsigned)n, n == 1 ? "" : "s"));
    }
}

json_t *client_describe_undone(struct satchel *satchel, const struct sat_directory *after, uint64_t seq,
                               struct sat_arena *arena)
{
    const struct undone it = {satchel, after, seq, arena, json_array()};
    say_devices(&it);
    say_users(&it);
    say_grants(&it);
    say_rest(&it);
    say_decisions(&it);
    return it.list;
}
