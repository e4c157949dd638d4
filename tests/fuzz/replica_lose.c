/* What the device has lost when it meets the server: by links of the admin's. */
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/replica_talk.h"

#define HALF_A_YEAR_MS (UINT64_C(181) * 24 * 3600 * 1000)

/* A link of the admin's that the device has had from the server before. */
static enum sat_err order(struct talk *talk, enum sat_link_type type, bool admin, const struct sat_buf *body)
{
    struct sat_directory *directory = &talk->device.directory;
    struct sat_countersign sign;
    struct sat_arena arena;
    struct sat_buf bytes;
    sat_arena_init(&arena);
    sat_buf_init(&bytes);
    struct sat_link link = {.seq = directory->seq + 1,
                            .prev = sat_directory_hash_at(directory, directory->seq),
                            .author = 1,
                            .type = (uint16_t)type,
                            .critical = 1,
                            .suite = 1,
                            .body = sat_buf_span(body)};
    sat_link_finish(&link, &arena);
    sat_link_sign(&link, SAT_SIGNER_DEVICE, 1, &directory->org, talk->org->signing[0]);
    if (admin) sat_link_sign(&link, SAT_SIGNER_ADMIN, 1, &directory->org, talk->org->admin);
    sat_countersign(&link, talk->now_ms, &directory->org, &talk->org->server, &sign);
    sat_link_encode(&link, &bytes);
    enum sat_err err = sat_directory_apply(directory, &link, &sign, 0, SAT_DIRECTORY_VERIFY, NULL);
    fuzz_must(sat_store_begin(talk->device.store));
    struct sat_link_row row = {link.seq, sat_buf_span(&bytes), sign};
    if (!err) fuzz_must(sat_store_link_append(talk->device.store, &row));
    fuzz_must(sat_store_commit(talk->device.store));
    sat_buf_deinit(&bytes);
    sat_arena_deinit(&arena);
    return err;
}

void loses(struct talk *talk, uint8_t met)
{
    struct sat_buf body;
    sat_buf_init(&body);
    if (met & TERRITORY) {
        uint32_t user = sat_directory_device(&talk->device.directory, DEVICE)->user;
        struct sat_body_grant grant = {.space = talk->org->spaces[FUZZ_SPACES - 1], .user = user};
        sat_body_grant_encode(&grant, &body);
        fuzz_must(order(talk, SAT_LINK_GRANT, true, &body));
    }
    if (met & REVOKED) {
        sat_buf_clear(&body);
        sat_body_revoke_encode(&(struct sat_body_revoke){.device = DEVICE}, &body);
        fuzz_must(order(talk, SAT_LINK_REVOKE, true, &body));
    }
    if (met & FORGETS) {
        struct sat_body_policy policy = {.values = {{SAT_POLICY_HISTORY_VERSIONS, 1}}, .values_n = 1};
        sat_buf_clear(&body);
        sat_body_policy_encode(&policy, &body);
        fuzz_must(order(talk, SAT_LINK_POLICY, true, &body));
    }
    if (met & GIVEN_UP && !(met & REVOKED)) {
        talk->now_ms += HALF_A_YEAR_MS;
        sat_buf_clear(&body);
        sat_body_expel_encode(&(struct sat_body_expel){.device = DEVICE}, &body);
        fuzz_must(order(talk, SAT_LINK_EXPEL, false, &body));
    }
    sat_buf_deinit(&body);
}

static enum sat_err grant(struct talk *talk, const struct sat_space_id *space, uint8_t rights)
{
    struct sat_buf body;
    sat_buf_init(&body);
    struct sat_body_grant granted = {
        .space = *space, .user = sat_directory_device(&talk->device.directory, DEVICE)->user, .rights = rights};
    sat_body_grant_encode(&granted, &body);
    enum sat_err err = order(talk, SAT_LINK_GRANT, true, &body);
    sat_buf_deinit(&body);
    return err;
}

/* What the server's links have made of the admin may keep him from it. */
void loses_another(struct talk *talk)
{
    static const struct sat_body_space another = {.space = {{0xa0}}, .kind = SAT_SPACE_TERRITORY};
    struct sat_buf body;
    sat_buf_init(&body);
    sat_body_space_encode(&another, &body);
    enum sat_err err = order(talk, SAT_LINK_SPACE, true, &body);
    if (!err) err = grant(talk, &another.space, SAT_RIGHT_READ | SAT_RIGHT_WRITE);
    if (!err) (void)grant(talk, &another.space, 0);
    sat_buf_deinit(&body);
}
