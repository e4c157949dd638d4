#include "client/keyfile.h"

#include "client/home.h"

enum { KEYRING_BYTES_MAX = 64 * 1024 };

static struct sat_span passphrase_of(const struct satchel_open_options *options)
{
    return sat_span(options->passphrase.at, options->passphrase.len);
}

static enum sat_err check_given(const struct satchel_open_options *options, const char *home, struct sat_fault *fault)
{
    if (options->passphrase.len) return SAT_OK;
    return sat_fail(fault, SAT_ERR_LOCKED, "%s is locked: no passphrase was given", home);
}

static enum sat_err open_admin(struct satchel *satchel, const struct satchel_open_options *options,
                               struct sat_fault *fault)
{
    if (options->everyday || !sat_keyring_has_admin(satchel->keyring)) return SAT_OK;
    bool own = options->admin_passphrase.len > 0;
    enum sat_err err = own ? sat_keyring_open_admin(satchel->keyring, sat_span(options->admin_passphrase.at,
                                                                               options->admin_passphrase.len))
                           : SAT_ERR_WRONG_PASSPHRASE;
    /* Also where one is given: it may not have been set yet. */
    if (err == SAT_ERR_WRONG_PASSPHRASE) err = sat_keyring_open_admin(satchel->keyring, passphrase_of(options));
    if (err == SAT_ERR_WRONG_PASSPHRASE && !own) return SAT_OK; /* stays wrapped; what needs it says so */
    if (err == SAT_ERR_WRONG_PASSPHRASE)
        return sat_fail(fault, err, "wrong passphrase for the admin key in %s", satchel->home);
    return err;
}

enum sat_err client_keyfile_open(struct satchel *satchel, const struct satchel_open_options *options,
                                 struct sat_fault *fault)
{
    struct sat_buf file;
    sat_buf_init(&file);
    /* Before anybody is asked for a passphrase: there is nothing that it would open. */
    enum sat_err err = client_home_read(satchel->home, "keyring", KEYRING_BYTES_MAX, &file, fault);
    if (err == SAT_ERR_NOT_FOUND)
        err =
            sat_fail(fault, SAT_ERR_CORRUPT,
                     "the keyring is missing in %.150s, and without it nobody can read the store that is there: "
                     "restore the file keyring from a backup of this home, or join again in another directory by a new "
                     "invite; what was synced is on the server",
                     satchel->home);
    if (!err) err = check_given(options, satchel->home, fault);
    if (!err) {
        err = sat_keyring_open(sat_buf_span(&file), passphrase_of(options), &satchel->keyring);
        if (err == SAT_ERR_WRONG_PASSPHRASE) (void)sat_fail(fault, err, "wrong passphrase for %s", satchel->home);
        if (err == SAT_ERR_CORRUPT) (void)sat_fail(fault, err, "the keyring in %s is damaged", satchel->home);
    }
    if (!err) err = open_admin(satchel, options, fault);
    sat_buf_deinit(&file);
    return err;
}

enum sat_err client_keyfile_save(struct satchel *satchel, const struct satchel_open_options *options,
                                 struct sat_fault *fault)
{
    struct sat_buf file;
    sat_buf_init(&file);
    struct sat_keyring_cost cost = options->weak_kdf ? sat_keyring_cost_minimum() : sat_keyring_cost_default();
    enum sat_err err = check_given(options, satchel->home, fault);
    if (!err) err = sat_keyring_seal(satchel->keyring, passphrase_of(options), cost, &satchel->entropy, &file);
    if (!err) err = client_home_write(satchel->home, "keyring", sat_buf_span(&file), fault);
    sat_buf_deinit(&file);
    return err;
}
