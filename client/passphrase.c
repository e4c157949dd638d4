/* Passphrases: changing one wraps the keyring anew and nothing else, and an admin's key is unlocked when it is needed.
 */
#include "client/home.h"
#include "client/keyfile.h"

static struct sat_span span_of(struct satchel_bytes bytes)
{
    return sat_span(bytes.at, bytes.len);
}

/* ---- Changing one ---- */

struct change {
    struct satchel *satchel; /* with the keyring alone: the store stays as it is */
    const struct satchel_open_options *open_options;
    const struct satchel_passphrase_options *options;
    unsigned sections; /* what the new one will open */
};

static enum sat_err check_new(const struct satchel_passphrase_options *options, struct sat_fault *fault)
{
    size_t len = options->new_passphrase.len;
    if (options->only_check || (len > 0 && len <= SATCHEL_PASSPHRASE_BYTES_MAX)) return SAT_OK;
    if (len == 0) return sat_fail(fault, SAT_ERR_INVALID, "the new passphrase is empty");
    return sat_fail(fault, SAT_ERR_TOO_LARGE, "the new passphrase is longer than %d bytes",
                    SATCHEL_PASSPHRASE_BYTES_MAX);
}

/* Opens the admin's section by its own passphrase or the home's. */
static enum sat_err open_admin(const struct change *change, struct sat_fault *fault)
{
    struct sat_keyring *keyring = change->satchel->keyring;
    struct sat_span own = span_of(change->open_options->admin_passphrase);
    enum sat_err err = own.len ? sat_keyring_open_admin(keyring, own) : SAT_ERR_WRONG_PASSPHRASE;
    if (err == SAT_ERR_WRONG_PASSPHRASE)
        err = sat_keyring_open_admin(keyring, span_of(change->open_options->passphrase));
    if (err == SAT_ERR_NOT_FOUND) return sat_fail(fault, err, "there is no admin's key in %s", change->satchel->home);
    if (err == SAT_ERR_WRONG_PASSPHRASE && own.len)
        return sat_fail(fault, err, "wrong passphrase for the admin key in %s", change->satchel->home);
    if (err == SAT_ERR_WRONG_PASSPHRASE)
        return sat_fail(fault, SAT_ERR_LOCKED,
                        "the admin key in %s has a passphrase of its own: that is needed to give it another",
                        change->satchel->home);
    return err;
}

/* What the new passphrase is for. That of the home goes for the admin's key too as long as one opens both. */
static enum sat_err choose_sections(struct change *change, struct sat_fault *fault)
{
    if (change->options->admin) {
        change->sections = SAT_KEYRING_ADMIN;
        return open_admin(change, fault);
    }
    struct sat_span passphrase = span_of(change->open_options->passphrase);
    enum sat_err err = sat_keyring_open_admin(change->satchel->keyring, passphrase);
    change->sections = SAT_KEYRING_DEVICE | (err ? 0u : SAT_KEYRING_ADMIN);
    return err == SAT_ERR_NOT_FOUND || err == SAT_ERR_WRONG_PASSPHRASE ? SAT_OK : err;
}

/* Today's cost, or what it has been if that is more: it never becomes easier to guess. */
static struct sat_keyring_cost cost_of(const struct change *change)
{
    if (change->open_options->weak_kdf) return sat_keyring_cost_minimum();
    struct sat_keyring_cost cost = sat_keyring_cost_default(),
                            before = sat_keyring_cost_of(change->satchel->keyring, change->sections);
    if (before.ops > cost.ops) cost.ops = before.ops;
    if (before.mem_bytes > cost.mem_bytes) cost.mem_bytes = before.mem_bytes;
    return cost;
}

static enum sat_err rewrap(const struct change *change, struct sat_fault *fault)
{
    struct satchel *satchel = change->satchel;
    struct sat_buf file;
    sat_buf_init(&file);
    enum sat_err err = sat_keyring_reseal(satchel->keyring, change->sections, span_of(change->options->new_passphrase),
                                          cost_of(change), &satchel->entropy, &file);
    if (!err) err = client_home_write(satchel->home, "keyring", sat_buf_span(&file), fault);
    sat_buf_deinit(&file);
    return err;
}

static enum sat_err change_passphrase(struct change *change, struct sat_fault *fault)
{
    struct satchel *satchel = change->satchel;
    struct satchel_open_options everyday = *change->open_options;
    everyday.everyday = 1;
    enum sat_err err = client_home_check(satchel->home, fault);
    if (!err) err = client_home_lock(satchel->home, everyday.wait_ms, &satchel->lock, fault);
    if (!err) err = client_keyfile_open(satchel, &everyday, fault);
    if (!err) err = choose_sections(change, fault);
    if (!err && !change->options->only_check) err = rewrap(change, fault);
    return err;
}

int satchel_passphrase_set(const char *home, const struct satchel_open_options *open_options,
                           const struct satchel_passphrase_options *options, struct satchel_error *error)
{
    struct sat_fault fault = {0};
    struct change change = {.open_options = open_options, .options = options};
    enum sat_err err = check_new(options, &fault);
    if (!err) err = client_new(home, &change.satchel, &fault);
    if (!err) err = change_passphrase(&change, &fault);
    satchel_close(change.satchel);
    return client_end_error(error, &fault, err);
}

/* ---- The admin's key of an open home ---- */

int satchel_admin_locked(const struct satchel *satchel)
{
    return sat_keyring_has_admin(satchel->keyring) && !sat_keyring_admin_is_open(satchel->keyring);
}

int satchel_admin_unlock(struct satchel *satchel, struct satchel_bytes passphrase)
{
    client_begin(satchel);
    enum sat_err err = sat_keyring_open_admin(satchel->keyring, span_of(passphrase));
    if (err == SAT_ERR_NOT_FOUND) (void)sat_fail(&satchel->fault, err, "there is no admin's key in %s", satchel->home);
    if (err == SAT_ERR_WRONG_PASSPHRASE)
        (void)sat_fail(&satchel->fault, err, "wrong passphrase for the admin key in %s", satchel->home);
    return client_end(satchel, err);
}
