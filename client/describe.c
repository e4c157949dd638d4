#include "client/describe.h"

#include "client/act.h"
#include "client/calendar.h"
#include "client/kit.h"
#include "client/names.h"
#include "common/proof/directory_index.h"

struct describing {
    struct satchel *satchel;
    const struct sat_directory *before;
    const struct sat_link *link;
    const char *name;
    struct sat_arena *arena;
};

static const char *user_of(const struct describing *it, uint32_t user)
{
    return client_act_user(it->satchel, user, it->arena);
}

static const char *space_of(const struct describing *it, const struct sat_space_id *space)
{
    return client_space_name(it->satchel, space, it->arena);
}

/* The device itself may be too new for the directory that is asked. */
static const char *describe_device(struct satchel *satchel, const struct sat_directory *directory, uint32_t device,
                                   struct sat_arena *arena)
{
    const struct sat_device *known = sat_directory_device(directory, device);
    if (!known) return sat_arena_format(arena, "device %u", (unsigned)device);
    return sat_arena_format(arena, "%s (device %u)", client_act_user(satchel, known->user, arena), (unsigned)device);
}

const char *client_describe_device(struct satchel *satchel, uint32_t device, struct sat_arena *arena)
{
    return describe_device(satchel, &satchel->directory, device, arena);
}

static const char *device_of(const struct describing *it, uint32_t device)
{
    return describe_device(it->satchel, it->before, device, it->arena);
}

static const char *describe_user(const struct describing *it)
{
    struct sat_body_user body;
    if (sat_body_user_decode(it->link->body, &body)) return NULL;
    const struct sat_user *known = sat_directory_user(it->before, body.user);
    const char *who = it->name ? it->name : user_of(it, body.user);
    const char *role = sat_role_name(body.role);
    if (!known) return sat_arena_format(it->arena, "adds %s as %s", who, role);
    bool suspended = body.state == SAT_USER_SUSPENDED;
    if (known->role == body.role)
        return sat_arena_format(it->arena, "%s %s", suspended ? "suspends" : "lets back in", who);
    return sat_arena_format(it->arena, "makes %s %s%s", who, role, suspended ? ", suspended" : "");
}

static const char *describe_role(const struct describing *it)
{
    struct sat_body_role body;
    if (sat_body_role_decode(it->link->body, &body)) return NULL;
    return sat_arena_format(it->arena, "makes %s %s", user_of(it, body.user), sat_role_name(body.role));
}

static const char *describe_space(const struct describing *it)
{
    struct sat_body_space body;
    if (sat_body_space_decode(it->link->body, &body)) return NULL;
    bool own = body.kind == SAT_SPACE_ORG || body.kind == SAT_SPACE_PEOPLE;
    return sat_arena_format(it->arena, "adds the %s %s", own ? "space" : "territory",
                            body.kind == SAT_SPACE_ORG      ? "org"
                            : body.kind == SAT_SPACE_PEOPLE ? "people"
                                                            : space_of(it, &body.space));
}

const char *client_describe_rights(uint8_t rights)
{
    if (rights & SAT_RIGHT_MANAGE) return rights & SAT_RIGHT_WRITE ? "read, write and manage" : "read and manage";
    return rights & SAT_RIGHT_WRITE ? "read and write" : "read";
}

static const char *describe_grant(const struct describing *it)
{
    struct sat_body_grant body;
    if (sat_body_grant_decode(it->link->body, &body)) return NULL;
    const char *who = user_of(it, body.user), *where = space_of(it, &body.space);
    if (body.rights == 0) return sat_arena_format(it->arena, "takes %s from %s", where, who);
    return sat_arena_format(it->arena, "lets %s %s %s", who, client_describe_rights(body.rights), where);
}

static const char *describe_epoch(const struct describing *it)
{
    struct sat_body_epoch body;
    if (sat_body_epoch_decode(it->link->body, &body)) return NULL;
    return sat_arena_format(it->arena, "gives %s %s key (epoch %u, for %u)", space_of(it, &body.space),
                            body.epoch == 1 ? "its first" : "a new", (unsigned)body.epoch, (unsigned)body.boxes.count);
}

static const char *describe_invite(const struct describing *it)
{
    struct sat_body_invite body;
    char until[CLIENT_TIME_TEXT_SIZE];
    if (sat_body_invite_decode(it->link->body, &body)) return NULL;
    client_time_format((int64_t)body.expires_ms, 0, until);
    return sat_arena_format(it->arena, "invites a device of %s as %s, until %s", user_of(it, body.user),
                            sat_role_name(body.role), until);
}

static const char *describe_cancel(const struct describing *it)
{
    struct sat_body_invite_cancel body;
    if (sat_body_invite_cancel_decode(it->link->body, &body)) return NULL;
    const struct sat_invite *invite = sat_directory_invite(it->before, &body.invite);
    if (!invite) return "cancels an invite";
    return sat_arena_format(it->arena, "cancels the invite of %s (link %llu)", user_of(it, invite->user),
                            (unsigned long long)invite->seq);
}

static const char *describe_join(const struct describing *it)
{
    struct sat_body_join body;
    if (sat_body_join_decode(it->link->body, &body)) return NULL;
    const struct sat_invite *invite = sat_directory_invite(it->before, &body.invite);
    if (!invite) return "joins by an unknown invite";
    return sat_arena_format(it->arena, "joins as a device of %s by the invite of link %llu", user_of(it, invite->user),
                            (unsigned long long)invite->seq);
}

static const char *describe_reindex(const struct describing *it)
{
    return sat_arena_format(it->arena, "goes on as device %u: its home was copied, or set back",
                            (unsigned)(it->before->devices_n + 1));
}

static const char *describe_revoke(const struct describing *it)
{
    struct sat_body_revoke body;
    if (sat_body_revoke_decode(it->link->body, &body)) return NULL;
    if (body.device == it->link->author) return "leaves";
    return sat_arena_format(it->arena, "puts %s out", device_of(it, body.device));
}

static const char *describe_wipe(const struct describing *it)
{
    struct sat_body_wipe body;
    if (sat_body_wipe_decode(it->link->body, &body)) return NULL;
    return sat_arena_format(it->arena, "has %s wiped", device_of(it, body.device));
}

static const char *describe_accept(const struct describing *it)
{
    struct sat_body_accept body;
    if (sat_body_accept_decode(it->link->body, &body)) return NULL;
    const char *device = device_of(it, body.device);
    const struct sat_device *approved = sat_directory_device(it->before, body.device);
    if (body.what == SAT_ACCEPT_DEVICE && approved && approved->approved_seq)
        return sat_arena_format(it->arena, "finds it right that %s was copied", device);
    if (body.what == SAT_ACCEPT_DEVICE) return sat_arena_format(it->arena, "approves %s", device);
    char id[2 * 8 + 1];
    sat_hex_format(body.bundle.b, 8, id);
    return sat_arena_format(it->arena, "%s late work of %s in %s (bundle %s)",
                            body.what == SAT_ACCEPT_BUNDLE ? "lets in" : "rejects", device, space_of(it, &body.space),
                            id);
}

const char *client_describe_policy(uint16_t key, struct sat_arena *arena)
{
    switch (key) {
#define X(id, name, number, absent, most)                                                                              \
    case number:                                                                                                       \
        return name;
#include "common/proof/policies.def"
#undef X
    default:
        return sat_arena_format(arena, "policy %u", (unsigned)key);
    }
}

static const char *describe_policy(const struct describing *it)
{
    struct sat_body_policy body;
    if (sat_body_policy_decode(it->link->body, &body)) return NULL;
    const char *text = "sets";
    for (uint16_t i = 0; i < body.values_n; i++)
        text = sat_arena_format(it->arena, "%s%s %s to %llu", text, i ? "," : "",
                                client_describe_policy(body.values[i].key, it->arena),
                                (unsigned long long)body.values[i].value);
    return text;
}

static const char *describe_kit(const struct describing *it)
{
    struct sat_body_kit body;
    if (sat_body_kit_decode(it->link->body, &body)) return NULL;
    if (!body.user) return "replaces the recovery kit";
    return sat_arena_format(it->arena, "comes back as a device of %s by the recovery kit, which is replaced",
                            user_of(it, body.user));
}

const char *client_describe_kit(const struct sat_link *link, struct sat_arena *arena)
{
    struct sat_body_genesis genesis;
    struct sat_body_kit kit;
    struct sat_body_repudiate repudiate;
    char mark[CLIENT_KIT_MARK_SIZE] = "";
    if (link->type == SAT_LINK_GENESIS && !sat_body_genesis_decode(link->body, &genesis))
        client_kit_mark(&genesis.kit_sign, mark);
    if (link->type == SAT_LINK_KIT && !sat_body_kit_decode(link->body, &kit)) client_kit_mark(&kit.kit_sign, mark);
    if (link->type == SAT_LINK_REPUDIATE && !sat_body_repudiate_decode(link->body, &repudiate))
        client_kit_mark(&repudiate.kit.kit_sign, mark);
    return mark[0] ? sat_arena_text(arena, mark, CLIENT_KIT_MARK_SIZE - 1) : NULL;
}

static const char *describe_repudiation(const struct describing *it)
{
    struct sat_body_repudiate body;
    if (sat_body_repudiate_decode(it->link->body, &body)) return NULL;
    return sat_arena_format(it->arena,
                            "comes back as a device of %s by the recovery kit, which is replaced, and repudiates what "
                            "%s did from link %llu on",
                            user_of(it, body.kit.user), device_of(it, body.device), (unsigned long long)body.from_seq);
}

static const char *describe_mass_change(const struct describing *it)
{
    struct sat_body_mass_change body;
    if (sat_body_mass_change_decode(it->link->body, &body)) return NULL;
    return sat_arena_format(it->arena, "confirms the mass change of %s in %s (changes %llu to %llu)",
                            device_of(it, body.device), space_of(it, &body.space), (unsigned long long)body.first,
                            (unsigned long long)body.last);
}

static const char *describe_expulsion(const struct describing *it)
{
    struct sat_body_expel body;
    if (sat_body_expel_decode(it->link->body, &body)) return NULL;
    if (body.device == it->link->author) return "is back, and is waited for as before";
    return sat_arena_format(it->arena, "waits no more for %s, which has been silent for more than %llu days",
                            device_of(it, body.device),
                            (unsigned long long)sat_directory_policy(it->before, SAT_POLICY_SILENT_DAYS));
}

static const char *describe_server_key(const struct describing *it)
{
    struct sat_body_server_key body;
    if (sat_body_server_key_decode(it->link->body, &body)) return NULL;
    char pin[65];
    sat_hex_format(body.server.b, sizeof body.server.b, pin);
    return sat_arena_format(it->arena, "says that the server is %s%swith the identity %s", body.url[0] ? "at " : "",
                            body.url[0] ? sat_arena_format(it->arena, "%s, ", body.url) : "", pin);
}

static const char *describe_log_epoch(const struct describing *it)
{
    struct sat_body_log_epoch body;
    if (sat_body_log_epoch_decode(it->link->body, &body)) return NULL;
    uint64_t back = it->link->seq - 1 - body.from;
    if (back == 0) return "confirms that the server was restored from a backup; no link was missing";
    return sat_arena_format(it->arena,
                            "confirms that the server was restored from a backup with %llu links; %llu were given back",
                            (unsigned long long)body.from, (unsigned long long)back);
}

static const char *describe(const struct describing *it)
{
    switch ((enum sat_link_type)it->link->type) {
    case SAT_LINK_GENESIS:
        return "founds the organisation";
    case SAT_LINK_USER:
        return describe_user(it);
    case SAT_LINK_ROLE:
        return describe_role(it);
    case SAT_LINK_SPACE:
        return describe_space(it);
    case SAT_LINK_GRANT:
        return describe_grant(it);
    case SAT_LINK_EPOCH:
        return describe_epoch(it);
    case SAT_LINK_INVITE:
        return describe_invite(it);
    case SAT_LINK_INVITE_CANCEL:
        return describe_cancel(it);
    case SAT_LINK_JOIN:
        return describe_join(it);
    case SAT_LINK_REVOKE:
        return describe_revoke(it);
    case SAT_LINK_WIPE:
        return describe_wipe(it);
    case SAT_LINK_ACCEPT:
        return describe_accept(it);
    case SAT_LINK_POLICY:
        return describe_policy(it);
    case SAT_LINK_KIT:
        return describe_kit(it);
    case SAT_LINK_REPUDIATE:
        return describe_repudiation(it);
    case SAT_LINK_MASS_CHANGE:
        return describe_mass_change(it);
    case SAT_LINK_SERVER_KEY:
        return describe_server_key(it);
    case SAT_LINK_REINDEX:
        return describe_reindex(it);
    case SAT_LINK_LOG_EPOCH:
        return describe_log_epoch(it);
    case SAT_LINK_EXPEL:
        return describe_expulsion(it);
    case SAT_LINK_GRAFT:
    case SAT_LINK_ERASE:
        break;
    }
    return "says what this version does not know";
}

const char *client_describe_link(struct satchel *satchel, const struct sat_directory *before,
                                 const struct sat_link *link, const char *name, struct sat_arena *arena)
{
    const struct describing it = {satchel, before, link, name, arena};
    const char *text = describe(&it);
    const char *kit = client_describe_kit(link, arena);
    if (text && kit) return sat_arena_format(arena, "%s (kit %s)", text, kit);
    return text ? text : "says what cannot be read";
}
