/* The second signature: another admin's, or the recovery kit's. */
#include <sodium.h>
#include <string.h>

#include "client/act.h"
#include "client/describe.h"
#include "client/kit.h"
#include "client/names.h"
#include "client/proposal.h"
#include "client/sync.h"
#include "common/base/check.h"
#include "common/proof/directory_index.h"

struct cosigning {
    struct satchel *satchel;
    struct sat_arena arena;
    struct client_proposal proposal;
    uint32_t new_user; /* that the link makes; 0: none */
};

const char *satchel_proposal(const struct satchel *satchel)
{
    return satchel->proposal;
}

int satchel_use_kit(struct satchel *satchel, const char *page)
{
    struct client_kit kit;
    uint8_t seed[SAT_KIT_SEED_BYTES];
    struct sat_arena arena;
    sat_arena_init(&arena);
    client_begin(satchel);
    enum sat_err err = client_kit_parse(page, &arena, &kit, seed, &satchel->fault);
    if (!err && !sat_hash_is_zero(&kit.org) && !sat_hash_equal(&kit.org, &satchel->directory.org))
        err = sat_fail(&satchel->fault, SAT_ERR_DENIED, "that is another organisation's recovery kit");
    if (!err && !satchel->kit) {
        satchel->kit = sodium_malloc(sizeof *satchel->kit);
        sat_check_memory(satchel->kit);
    }
    if (!err) sat_kit_keys_derive(seed, satchel->kit);
    sodium_memzero(seed, sizeof seed);
    sat_arena_deinit(&arena);
    return client_end(satchel, err);
}

/* ---- Another admin's proposal ---- */

int satchel_cosign_about(struct satchel *satchel, const char *proposal, char **about)
{
    struct client_proposal parsed;
    struct sat_arena arena;
    sat_arena_init(&arena);
    client_begin(satchel);
    *about = NULL;
    enum sat_err err = client_proposal_parse(proposal ? proposal : "", &arena, &parsed, &satchel->fault);
    /* What it is about may be news here. */
    bool behind = !err && !satchel->tx && parsed.link.seq > satchel->directory.seq + 1;
    if (behind) (void)client_sync_quietly(satchel);
    if (!err)
        *about = client_text(
            sat_arena_format(&arena, "%s %s", client_describe_device(satchel, parsed.link.author, &arena),
                             client_describe_link(satchel, &satchel->directory, &parsed.link, parsed.name, &arena)));
    sat_arena_deinit(&arena);
    return client_end(satchel, err);
}

static enum sat_err check_current(const struct client_links *links, const struct sat_link *link)
{
    struct sat_hash head = sat_directory_hash_at(&links->ahead, links->ahead.seq);
    if (link->seq == links->ahead.seq + 1 && sat_hash_equal(&link->prev, &head)) return SAT_OK;
    return sat_fail(links->fault, SAT_ERR_INVALID,
                    "something else has come into the directory since this was proposed: it has to be proposed anew");
}

static enum sat_err build_cosigned(void *context, struct client_links *links)
{
    const struct cosigning *it = context;
    const struct client_proposal *proposal = &it->proposal;
    struct sat_link link = proposal->link;
    uint32_t own = client_device(it->satchel);
    enum sat_err err = check_current(links, &link);
    if (err) return err;
    if (link.signatures_n >= SAT_LINK_SIGNATURES_MAX)
        return sat_fail(links->fault, SAT_ERR_INVALID, "the proposal has all the signatures that it can have");
    if (links->kit)
        sat_link_sign(&link, SAT_SIGNER_KIT, (uint32_t)links->ahead.kit_seq, &links->ahead.org, &links->kit->sign);
    else
        sat_link_sign(&link, SAT_SIGNER_ADMIN, own, &links->ahead.org,
                      &sat_keyring_secrets(it->satchel->keyring)->admin);
    return client_links_add_signed(links, &link, proposal->boxes, proposal->boxes_n);
}

/* What the proposer's own act would have had to do besides. */
static void look_at_user(struct cosigning *it, struct client_act *act)
{
    struct sat_body_user body;
    struct sat_body_role role;
    const struct sat_link *link = &it->proposal.link;
    if (link->type == SAT_LINK_ROLE && !sat_body_role_decode(link->body, &role)) act->rekey_for = role.user;
    if (link->type != SAT_LINK_USER || sat_body_user_decode(link->body, &body)) return;
    const struct sat_user *user = sat_directory_user(&it->satchel->directory, body.user);
    if (!user)
        it->new_user = body.user;
    else if (body.state == SAT_USER_ACTIVE)
        act->rekey_for = body.user;
}

static enum sat_err name_user(void *context)
{
    const struct cosigning *it = context;
    if (!it->new_user || !it->proposal.name) return SAT_OK;
    return client_write_user_name(it->satchel, it->new_user, it->proposal.name);
}

static enum sat_err check_other(struct cosigning *it)
{
    const struct sat_device *author = sat_directory_device(&it->satchel->directory, it->proposal.link.author);
    if (it->satchel->kit || !author || author->user != client_user(it->satchel)) return SAT_OK;
    return sat_fail(&it->satchel->fault, SAT_ERR_DENIED,
                    "this was proposed by one of your own devices: another admin has to sign it");
}

int satchel_cosign(struct satchel *satchel, const char *proposal)
{
    struct cosigning it = {.satchel = satchel};
    struct client_act act = {.satchel = satchel, .context = &it, .build = build_cosigned, .after = name_user};
    sat_arena_init(&it.arena);
    enum sat_err err = client_act_begin(satchel, CLIENT_BY_ADMIN);
    if (!err) err = client_proposal_parse(proposal ? proposal : "", &it.arena, &it.proposal, &satchel->fault);
    if (!err) err = check_other(&it);
    if (!err) look_at_user(&it, &act);
    if (!err) err = client_act_run(&act);
    sat_arena_deinit(&it.arena);
    return client_end(satchel, err);
}
