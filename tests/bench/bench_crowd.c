/* An org of thousands in seconds: what its directory would be after so many joins, written into the server's store
 * with the server's key, while the server is down. Every link is signed as it would have been; who joins throws its
 * keys away. What comes after is done by the real programs.
 *
 *   bench_crowd HOME ORG.db IDENTITY.key DEVICES    by the admin of HOME, which is in sync; reps with two devices each
 */
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/links.h"
#include "common/base/check.h"
#include "tests/bench/fleet.h"
#include "tests/bench/measure.h"

enum { DEVICES_A_PERSON = 2, IDENTITY_LINE_BYTES = 23, DAY_MS = 24 * 3600 * 1000 };

static void must(enum sat_err err, const char *what)
{
    if (!err) return;
    fprintf(stderr, "%s: ", sat_err_text(err));
    bench_require(false, what);
}

struct crowd {
    struct client_links links; /* as the admin's device makes them; emptied after each */
    struct sat_arena arena;    /* of one link */
    struct sat_fault fault;
    struct sat_store *store; /* the server's */
    struct sat_sign_key server;
    uint64_t now_ms;
};

/* server/identity.h: a line that says what it is, then the seed in hex. */
static void read_identity(const char *path, struct sat_sign_key *out)
{
    char text[IDENTITY_LINE_BYTES + 65] = {0};
    uint8_t seed[32];
    struct sat_public_key public_key;
    FILE *file = fopen(path, "re");
    bench_require(file && fread(text, 1, sizeof text - 1, file) == sizeof text - 1, "reading the server's identity");
    (void)fclose(file);
    char *hex = strchr(text, '\n');
    bench_require(hex && sodium_hex2bin(seed, sizeof seed, hex + 1, 64, NULL, NULL, NULL) == 0, "an identity key");
    sat_sign_keypair(seed, &public_key, out);
}

/* The link that is in the batch goes into the server's directory. */
static void put(struct crowd *crowd, const struct sat_link *link)
{
    struct sat_link_row row = {.seq = link->seq};
    struct sat_buf bytes;
    sat_buf_init(&bytes);
    sat_link_encode(link, &bytes);
    row.bytes = sat_buf_span(&bytes);
    sat_countersign(link, crowd->now_ms, &crowd->links.ahead.org, &crowd->server, &row.sign);
    must(sat_store_link_append(crowd->store, &row), "appending a link");
    sat_buf_deinit(&bytes);
    crowd->links.n = 0;
    sat_arena_reset(&crowd->arena);
}

static void add(struct crowd *crowd, enum sat_link_type type, struct sat_buf *body)
{
    must(client_links_add(&crowd->links, type, body), crowd->fault.text);
    put(crowd, &crowd->links.links[0]);
    sat_buf_deinit(body);
}

static void add_person(struct crowd *crowd)
{
    struct sat_buf body;
    sat_buf_init(&body);
    sat_body_user_encode(
        &(struct sat_body_user){.user = crowd->links.ahead.users_n + 1, .role = SAT_ROLE_REP, .state = 1}, &body);
    add(crowd, SAT_LINK_USER, &body);
}

static struct sat_sign_key sign_key(struct sat_public_key *public_key)
{
    uint8_t seed[32];
    struct sat_sign_key key;
    randombytes_buf(seed, sizeof seed);
    sat_sign_keypair(seed, public_key, &key);
    return key;
}

static struct sat_public_key box_key(void)
{
    struct sat_public_key public_key;
    uint8_t secret[32];
    bench_require(crypto_box_keypair(public_key.b, secret) == 0, "a key pair");
    return public_key;
}

static void add_join(struct crowd *crowd, const struct sat_hash *invite, const struct sat_sign_key *invite_key)
{
    const struct sat_directory *ahead = &crowd->links.ahead;
    struct sat_body_join join = {.invite = *invite, .box = box_key()};
    struct sat_sign_key key = sign_key(&join.sign);
    struct sat_buf body;
    sat_buf_init(&body);
    sat_body_join_encode(&join, &body);
    struct sat_link link = {
        .seq = ahead->seq + 1,
        .prev = sat_directory_hash_at(ahead, ahead->seq),
        .author = ahead->devices_n + 1,
        .type = SAT_LINK_JOIN,
        .critical = 1,
        .suite = 1,
        .body = sat_buf_span(&body),
    };
    sat_link_finish(&link, &crowd->arena);
    sat_link_sign(&link, SAT_SIGNER_INVITE, (uint32_t)sat_directory_invite(ahead, invite)->seq, &ahead->org,
                  invite_key);
    sat_link_sign(&link, SAT_SIGNER_DEVICE, link.author, &ahead->org, &key);
    /* Whoever pulls it checks the signatures. */
    must(sat_directory_apply(&crowd->links.ahead, &link, NULL, crowd->now_ms, SAT_DIRECTORY_STORED, &crowd->fault),
         "a join");
    put(crowd, &link);
    sat_buf_deinit(&body);
}

static void add_device(struct crowd *crowd)
{
    struct sat_body_invite *invite = calloc(1, sizeof *invite);
    bench_require(invite != NULL, "memory");
    struct sat_sign_key key = sign_key(&invite->sign);
    invite->box = box_key();
    invite->user = crowd->links.ahead.users_n;
    invite->role = SAT_ROLE_REP;
    invite->expires_ms = crowd->now_ms + DAY_MS;
    struct sat_hash id = sat_invite_id(&invite->sign, &invite->box);
    struct sat_buf body;
    sat_buf_init(&body);
    sat_body_invite_encode(invite, &body);
    free(invite);
    add(crowd, SAT_LINK_INVITE, &body);
    add_join(crowd, &id, &key);
}

static void fill(struct crowd *crowd, uint32_t devices)
{
    must(sat_store_begin(crowd->store), "beginning");
    for (uint32_t i = 0; crowd->links.ahead.devices_n < devices; i++) {
        if (i % DEVICES_A_PERSON == 0) add_person(crowd);
        add_device(crowd);
    }
    must(sat_store_commit(crowd->store), "committing");
}

int main(int argc, char **argv)
{
    static struct crowd crowd; /* too large for a stack */
    bench_require(argc == 5, "bench_crowd HOME ORG.db IDENTITY.key DEVICES");
    bench_require(sodium_init() >= 0, "starting libsodium");
    struct satchel *admin = fleet_open(argv[1]);
    read_identity(argv[3], &crowd.server);
    must(sat_store_open(argv[2], SAT_STORE_OPEN, &crowd.store, &crowd.fault), argv[2]);
    sat_arena_init(&crowd.arena);
    crowd.now_ms = client_now_ms();
    must(client_links_begin(&crowd.links, admin, crowd.now_ms, &crowd.arena, &crowd.fault), "reading the directory");
    fill(&crowd, (uint32_t)strtoul(argv[4], NULL, 10));
    printf("{\"devices\":%" PRIu32 ",\"links\":%" PRIu64 "}\n", crowd.links.ahead.devices_n, crowd.links.ahead.seq);
    client_links_end(&crowd.links);
    sat_arena_deinit(&crowd.arena);
    sat_store_close(crowd.store);
    satchel_close(admin);
    return 0;
}
