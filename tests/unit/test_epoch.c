#include "common/store/store.h"
#include "common/vault/epoch.h"
#include "tests/unit/directory_world.h"

enum { CHAIN = 200 };

/* A directory with one territory whose epochs have real commitments, boxes and a real chain, and a device's store. */
struct setting {
    struct world world;
    struct sat_epoch_key key[CHAIN + 1]; /* key[0] is not used */
    uint32_t epochs;
    struct sat_store *store;
    struct sat_entropy_stream stream;
    struct sat_entropy entropy;
    struct sat_keyring *keyring;
    struct sat_keys *keys;
    struct sat_space_id space;
};

static struct sat_epoch_key some_key(uint32_t n)
{
    struct sat_epoch_key key;
    memset(key.b, 0x30, sizeof key.b);
    memcpy(key.b, &n, sizeof n);
    return key;
}

static struct sat_epoch_ctx ctx_of(const struct setting *setting, uint32_t epoch)
{
    return (struct sat_epoch_ctx){
        .org = setting->world.directory.org, .space = setting->space, .epoch = epoch, .suite = 1};
}

/* Adds the next epoch; `lie` puts a commitment or a chain into the link that does not hold. */
enum lie { HONEST, WRONG_COMMITMENT, WRONG_CHAIN };

/* With this key, and a chain that seals the one of epoch `back`. */
static void add_epoch_back_to(struct setting *setting, struct sat_epoch_key key, uint32_t back)
{
    uint32_t number = ++setting->epochs;
    setting->key[number] = key;
    struct sat_epoch_ctx ctx = ctx_of(setting, number), previous = ctx_of(setting, back);
    struct sat_body_epoch body = {.space = setting->space, .epoch = number, .suite = 1};
    body.kc = sat_epoch_commitment(&key, &ctx);
    uint8_t nonce[24];
    sat_epoch_chain_nonce(number, back, nonce);
    sat_epoch_chain_seal(&key, &ctx, &setting->key[back], &previous, nonce, body.chain);
    must(&setting->world, epoch_link_of(&setting->world, &body));
}

static void add_epoch(struct setting *setting, enum lie lie)
{
    uint32_t number = ++setting->epochs;
    struct sat_epoch_key *key = &setting->key[number];
    *key = some_key(number);
    struct sat_epoch_ctx ctx = ctx_of(setting, number), previous = ctx_of(setting, number - 1);
    struct sat_body_epoch body = {.space = setting->space, .epoch = number, .suite = 1};
    body.kc = sat_epoch_commitment(key, &ctx);
    uint8_t nonce[24];
    sat_entropy_fill(&setting->entropy, nonce, sizeof nonce);
    if (number > 1) sat_epoch_chain_seal(key, &ctx, key - 1, &previous, nonce, body.chain);
    if (lie == WRONG_COMMITMENT) body.kc.b[0] ^= 1;
    if (lie == WRONG_CHAIN) body.chain[40] ^= 1;
    must(&setting->world, epoch_link_of(&setting->world, &body));
}

static void new_keys(struct setting *setting)
{
    sat_keys_free(setting->keys);
    assert_int_equal(sat_keys_new(setting->store, setting->keyring, &setting->entropy, &setting->keys), SAT_OK);
}

static void start(struct setting *setting, uint32_t epochs)
{
    *setting = (struct setting){.space = space_id(EAST)};
    struct sat_fault fault;
    setting->entropy = sat_entropy_seeded(&setting->stream, 42);
    world_init_empty(&setting->world);
    struct sat_body_genesis genesis = genesis_body();
    must(&setting->world, genesis_link(&setting->world, &genesis));
    must(&setting->world, space_link(&setting->world, EAST, SAT_SPACE_TERRITORY));
    must(&setting->world, space_link(&setting->world, WEST, SAT_SPACE_TERRITORY));
    while (setting->epochs < epochs) add_epoch(setting, HONEST);
    assert_int_equal(sat_store_open(":memory:", SAT_STORE_CREATE, &setting->store, &fault), SAT_OK);
    assert_int_equal(sat_keyring_new(&setting->entropy, &setting->keyring), SAT_OK);
    sat_keyring_set_member(setting->keyring, &setting->world.directory.org, 1);
    new_keys(setting);
}

static void stop(struct setting *setting)
{
    sat_keys_free(setting->keys);
    sat_keyring_free(setting->keyring);
    sat_store_close(setting->store);
    world_deinit(&setting->world);
}

/* Another device's store from here on, which has nothing. */
static void stop_holding(struct setting *setting)
{
    struct sat_fault fault;
    sat_store_close(setting->store);
    assert_int_equal(sat_store_open(":memory:", SAT_STORE_CREATE, &setting->store, &fault), SAT_OK);
    new_keys(setting);
}

static struct sat_box box_for(const struct setting *setting, uint32_t epoch, const struct sat_public_key *recipient)
{
    struct sat_box box = {.space = setting->space, .epoch = epoch, .kind = SAT_BOX_DEVICE, .number = 1};
    sat_epoch_box_seal(&setting->key[epoch], recipient, box.bytes);
    return box;
}

static struct sat_box own_box(const struct setting *setting, uint32_t epoch)
{
    struct sat_public_key own = sat_keyring_box_public(setting->keyring);
    return box_for(setting, epoch, &own);
}

static enum sat_err open_box(struct setting *setting, const struct sat_box *box)
{
    assert_int_equal(sat_store_begin(setting->store), SAT_OK);
    enum sat_err err = sat_keys_open_box(setting->keys, &setting->world.directory, box, NULL, NULL);
    if (err)
        sat_store_rollback(setting->store);
    else
        assert_int_equal(sat_store_commit(setting->store), SAT_OK);
    return err;
}

static enum sat_err get(struct setting *setting, uint32_t epoch, const struct sat_epoch_key **out)
{
    return sat_keys_get(setting->keys, &setting->world.directory, &setting->space, epoch, out);
}

static void assert_have(struct setting *setting, uint32_t epoch)
{
    const struct sat_epoch_key *key;
    assert_int_equal(get(setting, epoch, &key), SAT_OK);
    assert_memory_equal(key->b, setting->key[epoch].b, 32);
}

/* ---- Constructions ---- */

static void a_commitment_depends_on_the_key_and_all_of_its_context(void **state)
{
    (void)state;
    struct sat_epoch_key key = some_key(1), other = some_key(2);
    struct sat_epoch_ctx ctx = {.org = {{1}}, .space = {{2}}, .epoch = 3, .suite = 1},
                         changed[4] = {ctx, ctx, ctx, ctx};
    struct sat_hash kc = sat_epoch_commitment(&key, &ctx), again;
    changed[0].org.b[31] = 1;
    changed[1].space.b[15] = 1;
    changed[2].epoch = 4;
    changed[3].suite = 2;
    for (int i = 0; i < 4; i++) {
        again = sat_epoch_commitment(&key, &changed[i]);
        assert_false(sat_hash_equal(&kc, &again));
    }
    again = sat_epoch_commitment(&other, &ctx);
    assert_false(sat_hash_equal(&kc, &again));
    again = sat_epoch_commitment(&key, &ctx);
    assert_true(sat_hash_equal(&kc, &again));
}

static void a_box_opens_for_its_recipient_alone(void **state)
{
    (void)state;
    struct sat_epoch_key key = some_key(1), out;
    struct sat_epoch_ctx ctx = {.epoch = 1, .suite = 1};
    struct sat_hash kc = sat_epoch_commitment(&key, &ctx);
    struct sat_public_key mine = box_public('d', 1), theirs = box_public('d', 2);
    struct sat_box_secret my_secret, their_secret;
    key_seed('d', 1, my_secret.b);
    key_seed('d', 2, their_secret.b);
    uint8_t box[SAT_BOX_BYTES], twice[SAT_BOX_BYTES];
    sat_epoch_box_seal(&key, &mine, box);
    sat_epoch_box_seal(&key, &mine, twice);
    assert_memory_not_equal(box, twice, sizeof box);
    assert_int_equal(sat_epoch_box_open(box, &mine, &my_secret, &ctx, &kc, &out), SAT_OK);
    assert_memory_equal(out.b, key.b, 32);
    assert_int_equal(sat_epoch_box_open(box, &theirs, &their_secret, &ctx, &kc, &out), SAT_ERR_UNDECRYPTABLE);
    assert_true(sodium_is_zero(out.b, 32));
    for (size_t at = 0; at < sizeof box; at++) {
        box[at] ^= 1;
        assert_int_equal(sat_epoch_box_open(box, &mine, &my_secret, &ctx, &kc, &out), SAT_ERR_UNDECRYPTABLE);
        box[at] ^= 1;
    }
}

static void a_box_with_another_key_than_the_committed_one_is_refused(void **state)
{
    (void)state;
    struct sat_epoch_key key = some_key(1), other = some_key(2), out;
    struct sat_epoch_ctx ctx = {.epoch = 1, .suite = 1}, elsewhere = {.epoch = 2, .suite = 1};
    struct sat_hash kc = sat_epoch_commitment(&key, &ctx);
    struct sat_public_key mine = box_public('d', 1);
    struct sat_box_secret my_secret;
    key_seed('d', 1, my_secret.b);
    uint8_t box[SAT_BOX_BYTES];
    sat_epoch_box_seal(&other, &mine, box);
    assert_int_equal(sat_epoch_box_open(box, &mine, &my_secret, &ctx, &kc, &out), SAT_ERR_UNDECRYPTABLE);
    assert_true(sodium_is_zero(out.b, 32));
    sat_epoch_box_seal(&key, &mine, box);
    assert_int_equal(sat_epoch_box_open(box, &mine, &my_secret, &elsewhere, &kc, &out), SAT_ERR_UNDECRYPTABLE);
}

static void a_box_for_a_key_of_small_order_opens_for_nobody(void **state)
{
    (void)state;
    struct sat_epoch_key key = some_key(1);
    struct sat_public_key zero = {{0}};
    uint8_t box[SAT_BOX_BYTES];
    sat_epoch_box_seal(&key, &zero, box);
    assert_true(sodium_is_zero(box, sizeof box));
}

static void a_step_of_the_chain_holds_only_where_it_was_made(void **state)
{
    (void)state;
    struct sat_epoch_key key = some_key(2), previous = some_key(1), out;
    struct sat_epoch_ctx ctx = {.org = {{1}}, .epoch = 2, .suite = 1}, before = {.org = {{1}}, .epoch = 1, .suite = 1};
    struct sat_epoch_ctx other = {.org = {{1}}, .space = {{9}}, .epoch = 2, .suite = 1};
    struct sat_hash kc = sat_epoch_commitment(&previous, &before), wrong = kc;
    uint8_t nonce[24] = {5}, chain[SAT_CHAIN_BYTES];
    sat_epoch_chain_seal(&key, &ctx, &previous, &before, nonce, chain);
    assert_int_equal(sat_epoch_chain_open(chain, &key, &ctx, &before, &kc, &out), SAT_OK);
    assert_memory_equal(out.b, previous.b, 32);
    assert_int_equal(sat_epoch_chain_open(chain, &previous, &ctx, &before, &kc, &out), SAT_ERR_UNDECRYPTABLE);
    assert_int_equal(sat_epoch_chain_open(chain, &key, &other, &before, &kc, &out), SAT_ERR_UNDECRYPTABLE);
    assert_int_equal(sat_epoch_chain_open(chain, &key, &ctx, &other, &kc, &out), SAT_ERR_UNDECRYPTABLE);
    wrong.b[31] ^= 0x80;
    assert_int_equal(sat_epoch_chain_open(chain, &key, &ctx, &before, &wrong, &out), SAT_ERR_UNDECRYPTABLE);
    assert_true(sodium_is_zero(out.b, 32));
    for (size_t at = 0; at < sizeof chain; at++) {
        chain[at] ^= 1;
        assert_int_equal(sat_epoch_chain_open(chain, &key, &ctx, &before, &kc, &out), SAT_ERR_UNDECRYPTABLE);
        chain[at] ^= 1;
    }
}

/* ---- The key store ---- */

static void a_box_brings_a_key_that_survives_a_restart(void **state)
{
    (void)state;
    struct setting setting;
    start(&setting, 1);
    struct sat_box box = own_box(&setting, 1);
    const struct sat_epoch_key *key;
    assert_false(sat_keys_have(setting.keys, &setting.space, 1));
    assert_int_equal(get(&setting, 1, &key), SAT_ERR_DEBT);
    assert_null(key);
    assert_int_equal(open_box(&setting, &box), SAT_OK);
    assert_true(sat_keys_have(setting.keys, &setting.space, 1));
    assert_have(&setting, 1);
    new_keys(&setting);
    assert_true(sat_keys_have(setting.keys, &setting.space, 1));
    assert_have(&setting, 1);
    stop(&setting);
}

static void a_box_for_another_device_is_refused(void **state)
{
    (void)state;
    struct setting setting;
    start(&setting, 1);
    struct sat_public_key other = box_public('d', 9);
    struct sat_box box = box_for(&setting, 1, &other);
    assert_int_equal(open_box(&setting, &box), SAT_ERR_UNDECRYPTABLE);
    assert_false(sat_keys_have(setting.keys, &setting.space, 1));
    stop(&setting);
}

static void a_box_that_the_directory_does_not_commit_to_is_refused(void **state)
{
    (void)state;
    struct setting setting;
    start(&setting, 1);
    add_epoch(&setting, WRONG_COMMITMENT);
    struct sat_box box = own_box(&setting, 2), unknown = own_box(&setting, 1);
    assert_int_equal(open_box(&setting, &box), SAT_ERR_UNDECRYPTABLE);
    unknown.epoch = 3;
    assert_int_equal(open_box(&setting, &unknown), SAT_ERR_PROTOCOL);
    struct sat_box moved = own_box(&setting, 1);
    moved.space = space_id(WEST);
    assert_int_equal(open_box(&setting, &moved), SAT_ERR_PROTOCOL);
    stop(&setting);
}

static void a_box_made_out_to_an_invite_opens_with_the_invites_key(void **state)
{
    (void)state;
    struct setting setting;
    start(&setting, 1);
    struct sat_public_key invite = box_public('i', 5);
    struct sat_box_secret secret;
    key_seed('i', 5, secret.b);
    struct sat_box box = box_for(&setting, 1, &invite);
    box.kind = SAT_BOX_INVITE;
    assert_int_equal(open_box(&setting, &box), SAT_ERR_UNDECRYPTABLE);
    assert_int_equal(sat_store_begin(setting.store), SAT_OK);
    assert_int_equal(sat_keys_open_box(setting.keys, &setting.world.directory, &box, &invite, &secret), SAT_OK);
    assert_int_equal(sat_store_commit(setting.store), SAT_OK);
    assert_have(&setting, 1);
    stop(&setting);
}

static void one_box_opens_a_history_of_two_hundred_epochs(void **state)
{
    (void)state;
    struct setting setting;
    start(&setting, CHAIN);
    struct sat_box box = own_box(&setting, CHAIN);
    assert_int_equal(open_box(&setting, &box), SAT_OK);
    assert_false(sat_keys_have(setting.keys, &setting.space, 1));
    for (uint32_t epoch = 1; epoch <= CHAIN; epoch++) assert_have(&setting, epoch);
    stop(&setting);
}

static void what_the_chain_gave_is_stored_only_inside_a_transaction(void **state)
{
    (void)state;
    struct setting setting;
    start(&setting, 4);
    struct sat_box box = own_box(&setting, 4);
    assert_int_equal(open_box(&setting, &box), SAT_OK);
    assert_have(&setting, 3);
    assert_false(sat_keys_have(setting.keys, &setting.space, 3));
    new_keys(&setting);
    assert_int_equal(sat_store_begin(setting.store), SAT_OK);
    assert_have(&setting, 2);
    assert_int_equal(sat_store_commit(setting.store), SAT_OK);
    assert_true(sat_keys_have(setting.keys, &setting.space, 3));
    assert_true(sat_keys_have(setting.keys, &setting.space, 2));
    assert_false(sat_keys_have(setting.keys, &setting.space, 1));
    assert_have(&setting, 1);
    stop(&setting);
}

static void a_broken_step_owes_the_epochs_before_it_and_no_other(void **state)
{
    (void)state;
    const enum lie lies[] = {WRONG_CHAIN, WRONG_COMMITMENT};
    for (size_t i = 0; i < 2; i++) {
        struct setting setting;
        const struct sat_epoch_key *key;
        start(&setting, 3);
        add_epoch(&setting, lies[i]); /* epoch 4 */
        add_epoch(&setting, HONEST);
        struct sat_box last = own_box(&setting, 5), early = own_box(&setting, 2);
        assert_int_equal(open_box(&setting, &last), SAT_OK);
        assert_have(&setting, 5);
        if (lies[i] == WRONG_CHAIN) assert_have(&setting, 4); /* its own commitment holds, its chain does not */
        assert_int_equal(get(&setting, 3, &key), SAT_ERR_DEBT);
        assert_int_equal(get(&setting, 1, &key), SAT_ERR_DEBT);
        assert_int_equal(open_box(&setting, &early), SAT_OK);
        assert_have(&setting, 1);
        assert_int_equal(get(&setting, 3, &key), SAT_ERR_DEBT);
        stop(&setting);
    }
}

static void the_chain_says_which_epoch_it_goes_back_to(void **state)
{
    (void)state;
    uint8_t chain[SAT_CHAIN_BYTES] = {0};
    sat_epoch_chain_nonce(9, 8, chain);
    assert_true(sodium_is_zero(chain, 24)); /* which does not travel */
    for (uint32_t back = 1; back < 9; back++) {
        sat_epoch_chain_nonce(9, back, chain);
        assert_int_equal(sat_epoch_chain_back(chain, 9), back);
    }
    sat_epoch_chain_nonce(UINT32_MAX, 1, chain);
    assert_int_equal(sat_epoch_chain_back(chain, UINT32_MAX), 1);
    assert_int_equal(sat_epoch_chain_back(chain, 9), 8); /* further back than there is anything */
    sat_epoch_chain_nonce(9, 1, chain);
    assert_int_equal(sat_epoch_chain_back(chain, 8), 7);
    chain[23] = 1; /* a nonce of another kind names nothing */
    assert_int_equal(sat_epoch_chain_back(chain, 9), 8);
    assert_int_equal(sat_epoch_chain_back(chain, 1), 0);
}

static void assert_owes(struct setting *setting, uint32_t epoch)
{
    const struct sat_epoch_key *key;
    assert_int_equal(get(setting, epoch, &key), SAT_ERR_DEBT);
}

static void assert_heads(struct setting *setting, uint32_t want_n, const uint32_t *want)
{
    struct sat_keys_head heads[8];
    uint32_t n;
    assert_int_equal(
        sat_keys_heads(setting->keys, &setting->world.directory, &setting->space, heads, want_n ? want_n : 1, &n),
        SAT_OK);
    assert_int_equal(n, want_n);
    for (uint32_t i = 0; i < n; i++) assert_int_equal(heads[i].epoch, want[i]);
}

static void a_chain_steps_over_epochs_that_nobody_has(void **state)
{
    (void)state;
    struct setting setting;
    start(&setting, 3);
    while (setting.epochs < 30) add_epoch(&setting, WRONG_COMMITMENT);
    add_epoch_back_to(&setting, some_key(31), 3);
    add_epoch(&setting, HONEST);
    struct sat_box box = own_box(&setting, 32);
    assert_int_equal(open_box(&setting, &box), SAT_OK);
    for (uint32_t epoch = 4; epoch <= 30; epoch++) assert_owes(&setting, epoch);
    for (uint32_t epoch = 1; epoch <= 3; epoch++) assert_have(&setting, epoch);
    assert_have(&setting, 31);
    assert_heads(&setting, 1, (uint32_t[]){32});
    stop(&setting);
}

static void a_step_that_claims_another_epoch_than_it_seals_does_not_hold(void **state)
{
    (void)state;
    struct setting setting;
    start(&setting, 4);
    struct sat_epoch_key two = setting.key[2];
    setting.key[2] = setting.key[3]; /* the key of epoch 3 sealed as if it were that of epoch 2 */
    add_epoch_back_to(&setting, some_key(5), 2);
    setting.key[2] = two;
    struct sat_box box = own_box(&setting, 5);
    assert_int_equal(open_box(&setting, &box), SAT_OK);
    for (uint32_t epoch = 1; epoch <= 4; epoch++) assert_owes(&setting, epoch);
    stop(&setting);
}

static void a_key_that_leads_nowhere_does_not_hide_one_that_does(void **state)
{
    (void)state;
    struct setting setting;
    start(&setting, 4);
    struct sat_box four = own_box(&setting, 4);
    assert_int_equal(open_box(&setting, &four), SAT_OK);
    add_epoch(&setting, WRONG_CHAIN); /* epoch 5 */
    struct sat_box five = own_box(&setting, 5);
    assert_int_equal(open_box(&setting, &five), SAT_OK);
    assert_have(&setting, 2);
    new_keys(&setting);
    assert_heads(&setting, 2, (uint32_t[]){5, 4});
    /* A device that comes with the next epoch reaches 4 by one that leads round 5. */
    add_epoch_back_to(&setting, some_key(6), 5);
    add_epoch_back_to(&setting, some_key(7), 4);
    struct sat_box six = own_box(&setting, 6), seven = own_box(&setting, 7);
    assert_int_equal(open_box(&setting, &six), SAT_OK);
    assert_int_equal(open_box(&setting, &seven), SAT_OK);
    for (uint32_t epoch = 1; epoch <= 7; epoch++) assert_have(&setting, epoch);
    stop(&setting);
}

/* What the author of a new epoch does who holds keys that no single one leads to. */
static void twins_bring_together_what_a_downgraded_chain_tore_apart(void **state)
{
    (void)state;
    struct setting setting;
    start(&setting, 6);
    struct sat_box six = own_box(&setting, 6);
    assert_int_equal(open_box(&setting, &six), SAT_OK);
    add_epoch_back_to(&setting, some_key(7), 1); /* hostile: cuts newcomers off from 2 to 6 */
    struct sat_box seven = own_box(&setting, 7);
    assert_int_equal(open_box(&setting, &seven), SAT_OK);
    assert_heads(&setting, 2, (uint32_t[]){7, 6});
    struct sat_epoch_key last = some_key(9);
    struct sat_epoch_ctx ctx = ctx_of(&setting, 8);
    add_epoch_back_to(&setting, sat_epoch_twin(&last, &ctx), 6);
    add_epoch_back_to(&setting, last, 7);
    stop_holding(&setting);
    struct sat_box nine = own_box(&setting, 9);
    assert_int_equal(open_box(&setting, &nine), SAT_OK);
    assert_heads(&setting, 1, (uint32_t[]){9});
    new_keys(&setting);
    for (uint32_t epoch = 1; epoch <= 9; epoch++) assert_have(&setting, epoch);
    stop(&setting);
}

static void a_twin_that_was_not_committed_to_is_no_key(void **state)
{
    (void)state;
    struct setting setting;
    start(&setting, 2);
    add_epoch(&setting, WRONG_COMMITMENT); /* 3 */
    add_epoch_back_to(&setting, some_key(4), 2);
    struct sat_box box = own_box(&setting, 4);
    assert_int_equal(open_box(&setting, &box), SAT_OK);
    assert_owes(&setting, 3);
    assert_have(&setting, 1);
    stop(&setting);
}

static void of_many_heads_the_newest_comes_first_and_then_those_that_lead_to_most(void **state)
{
    (void)state;
    struct setting setting;
    start(&setting, 5); /* 5 leads to five */
    assert_heads(&setting, 0, NULL);
    struct sat_box box = own_box(&setting, 5);
    assert_int_equal(open_box(&setting, &box), SAT_OK);
    for (uint32_t number = 6; number <= 10; number++) { /* 6 and 7, 8, 9, 10 */
        add_epoch(&setting, number == 7 ? HONEST : WRONG_CHAIN);
        box = own_box(&setting, number);
        assert_int_equal(open_box(&setting, &box), SAT_OK);
    }
    assert_heads(&setting, 5, (uint32_t[]){10, 5, 7, 9, 8});
    assert_heads(&setting, 3, (uint32_t[]){10, 5, 7});
    assert_heads(&setting, 1, (uint32_t[]){10});
    stop(&setting);
}

static void a_later_epoch_and_an_unknown_space_are_debts(void **state)
{
    (void)state;
    struct setting setting;
    start(&setting, 2);
    struct sat_space_id unknown = space_id(77);
    const struct sat_epoch_key *key;
    struct sat_box box = own_box(&setting, 1);
    assert_int_equal(open_box(&setting, &box), SAT_OK);
    assert_int_equal(get(&setting, 2, &key), SAT_ERR_DEBT); /* the chain leads back, not forth */
    assert_int_equal(get(&setting, 3, &key), SAT_ERR_DEBT);
    assert_int_equal(get(&setting, 0, &key), SAT_ERR_DEBT);
    assert_int_equal(sat_keys_get(setting.keys, &setting.world.directory, &unknown, 1, &key), SAT_ERR_DEBT);
    stop(&setting);
}

static void a_key_of_a_transaction_rolled_back_is_not_held(void **state)
{
    (void)state;
    struct setting setting;
    start(&setting, 1);
    assert_int_equal(sat_store_begin(setting.store), SAT_OK);
    assert_int_equal(sat_keys_add(setting.keys, &setting.space, 1, &setting.key[1]), SAT_OK);
    assert_true(sat_keys_have(setting.keys, &setting.space, 1));
    sat_store_rollback(setting.store);
    assert_false(sat_keys_have(setting.keys, &setting.space, 1));
    stop(&setting);
}

static void keys_rest_sealed_and_bound_to_their_place(void **state)
{
    (void)state;
    struct setting setting;
    start(&setting, 2);
    struct sat_arena *arena = &setting.world.arena;
    struct sat_space_id west = space_id(WEST);
    struct sat_span sealed;
    bool found;
    const struct sat_epoch_key *key;
    assert_int_equal(sat_store_begin(setting.store), SAT_OK);
    assert_int_equal(sat_keys_add(setting.keys, &setting.space, 2, &setting.key[2]), SAT_OK);
    assert_int_equal(sat_store_key_get(setting.store, &setting.space, 2, arena, &sealed, &found), SAT_OK);
    assert_true(found);
    assert_int_equal(sealed.len, 72);
    for (size_t at = 0; at + 8 <= sealed.len; at++) assert_memory_not_equal(sealed.at + at, setting.key[2].b, 8);

    /* The same bytes under another epoch or space, or damaged, do not open. */
    assert_int_equal(sat_store_key_put(setting.store, &setting.space, 1, sealed), SAT_OK);
    assert_int_equal(sat_store_key_put(setting.store, &west, 2, sealed), SAT_OK);
    new_keys(&setting);
    assert_int_equal(get(&setting, 1, &key), SAT_ERR_CORRUPT);
    assert_int_equal(sat_keys_get(setting.keys, &setting.world.directory, &west, 2, &key), SAT_ERR_CORRUPT);
    assert_have(&setting, 2);
    for (size_t at = 0; at < sealed.len; at++) {
        uint8_t *bytes = sat_arena_copy(arena, sealed.at, sealed.len);
        bytes[at] ^= 1;
        assert_int_equal(sat_store_key_put(setting.store, &setting.space, 2, sat_span(bytes, sealed.len)), SAT_OK);
        new_keys(&setting);
        assert_int_equal(get(&setting, 2, &key), SAT_ERR_CORRUPT);
    }
    assert_int_equal(sat_store_key_put(setting.store, &setting.space, 2, sat_span(sealed.at, 40)), SAT_OK);
    new_keys(&setting);
    assert_int_equal(get(&setting, 2, &key), SAT_ERR_CORRUPT);
    sat_store_rollback(setting.store);
    stop(&setting);
}

static void another_orgs_keyring_does_not_open_the_keys(void **state)
{
    (void)state;
    struct setting setting;
    start(&setting, 1);
    struct sat_box box = own_box(&setting, 1);
    struct sat_hash other = {{0xee}};
    const struct sat_epoch_key *key;
    assert_int_equal(open_box(&setting, &box), SAT_OK);
    sat_keyring_set_member(setting.keyring, &other, 1);
    new_keys(&setting);
    assert_int_equal(get(&setting, 1, &key), SAT_ERR_CORRUPT);
    stop(&setting);
}

static void many_spaces_and_epochs_are_kept_apart(void **state)
{
    (void)state;
    struct setting setting;
    start(&setting, 1);
    assert_int_equal(sat_store_begin(setting.store), SAT_OK);
    for (uint32_t i = 0; i < 600; i++) { /* an order that is neither ascending nor descending */
        uint32_t n = i * 7919 % 600;
        struct sat_space_id space = space_id((uint8_t)(n % 20));
        struct sat_epoch_key key = some_key(n);
        assert_int_equal(sat_keys_add(setting.keys, &space, n / 20 + 1, &key), SAT_OK);
    }
    for (uint32_t n = 0; n < 600; n++) {
        struct sat_space_id space = space_id((uint8_t)(n % 20));
        struct sat_epoch_key key = some_key(n);
        const struct sat_epoch_key *found;
        assert_int_equal(sat_keys_get(setting.keys, &setting.world.directory, &space, n / 20 + 1, &found), SAT_OK);
        assert_memory_equal(found->b, key.b, 32);
    }
    stop(&setting);
}

static void the_keys_of_a_space_that_is_forgotten_come_from_the_store_or_not_at_all(void **state)
{
    (void)state;
    struct setting setting;
    start(&setting, 1);
    struct sat_space_id spaces[] = {space_id(4), space_id(5), space_id(6), space_id(7)};
    sat_keys_forget(setting.keys, &spaces[0]); /* nothing is there yet */
    assert_int_equal(sat_store_begin(setting.store), SAT_OK);
    for (uint32_t n = 0; n < 9; n++) {
        struct sat_epoch_key key = some_key(n);
        assert_int_equal(sat_keys_add(setting.keys, &spaces[n / 3], n % 3 + 1, &key), SAT_OK);
    }
    assert_int_equal(sat_store_commit(setting.store), SAT_OK);
    struct sat_space_row row = {.id = spaces[1]};
    assert_int_equal(sat_store_begin(setting.store), SAT_OK);
    assert_int_equal(sat_store_space_create(setting.store, &row), SAT_OK);
    assert_int_equal(sat_store_space_purge(setting.store, row.sid), SAT_OK);
    assert_int_equal(sat_store_commit(setting.store), SAT_OK);
    for (uint32_t i = 0; i < 4; i++) sat_keys_forget(setting.keys, &spaces[i]);
    for (uint32_t n = 0; n < 9; n++) {
        const struct sat_epoch_key *found;
        struct sat_epoch_key key = some_key(n);
        enum sat_err err = sat_keys_get(setting.keys, &setting.world.directory, &spaces[n / 3], n % 3 + 1, &found);
        assert_int_equal(err, n / 3 == 1 ? SAT_ERR_DEBT : SAT_OK);
        if (!err) assert_memory_equal(found->b, key.b, 32);
    }
    stop(&setting);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_keys_of_a_space_that_is_forgotten_come_from_the_store_or_not_at_all),
        cmocka_unit_test(a_commitment_depends_on_the_key_and_all_of_its_context),
        cmocka_unit_test(a_box_opens_for_its_recipient_alone),
        cmocka_unit_test(a_box_with_another_key_than_the_committed_one_is_refused),
        cmocka_unit_test(a_box_for_a_key_of_small_order_opens_for_nobody),
        cmocka_unit_test(a_step_of_the_chain_holds_only_where_it_was_made),
        cmocka_unit_test(a_box_brings_a_key_that_survives_a_restart),
        cmocka_unit_test(a_box_for_another_device_is_refused),
        cmocka_unit_test(a_box_that_the_directory_does_not_commit_to_is_refused),
        cmocka_unit_test(a_box_made_out_to_an_invite_opens_with_the_invites_key),
        cmocka_unit_test(one_box_opens_a_history_of_two_hundred_epochs),
        cmocka_unit_test(what_the_chain_gave_is_stored_only_inside_a_transaction),
        cmocka_unit_test(a_broken_step_owes_the_epochs_before_it_and_no_other),
        cmocka_unit_test(the_chain_says_which_epoch_it_goes_back_to),
        cmocka_unit_test(a_chain_steps_over_epochs_that_nobody_has),
        cmocka_unit_test(a_step_that_claims_another_epoch_than_it_seals_does_not_hold),
        cmocka_unit_test(a_key_that_leads_nowhere_does_not_hide_one_that_does),
        cmocka_unit_test(twins_bring_together_what_a_downgraded_chain_tore_apart),
        cmocka_unit_test(a_twin_that_was_not_committed_to_is_no_key),
        cmocka_unit_test(of_many_heads_the_newest_comes_first_and_then_those_that_lead_to_most),
        cmocka_unit_test(a_later_epoch_and_an_unknown_space_are_debts),
        cmocka_unit_test(a_key_of_a_transaction_rolled_back_is_not_held),
        cmocka_unit_test(keys_rest_sealed_and_bound_to_their_place),
        cmocka_unit_test(another_orgs_keyring_does_not_open_the_keys),
        cmocka_unit_test(many_spaces_and_epochs_are_kept_apart),
    };
    return cmocka_run_group_tests_name("epoch", tests, NULL, NULL);
}
