/* Accounts that somebody else has from a moment on: a record says so, which decides who has the credit for what is done
 * around that moment (the reports), and the accounts' owner follows. */
#include <string.h>

#include "client/book/ask.h"
#include "client/book/writing.h"
#include "client/names.h"
#include "client/tx.h"

static enum sat_err find_person(struct satchel *satchel, const char *name, char out[SATCHEL_ID_SIZE])
{
    uint32_t user;
    enum sat_err err = client_find_user(satchel, name ? name : "", &user, &satchel->fault);
    struct sat_record_id id = sat_name_record_user(&satchel->directory.org, user);
    if (!err) sat_uuid_format(id.b, out);
    return err;
}

/* The accounts' ids by the owner that they have, "" for none. */
static enum sat_err by_owner(struct satchel *satchel, const char *const *accounts, size_t n, const char *to,
                             json_t *out)
{
    enum sat_err err = SAT_OK;
    for (size_t i = 0; i < n && !err; i++) {
        char id[SATCHEL_ID_SIZE];
        const char *values[] = {id};
        json_t *row = NULL;
        err = client_book_find(satchel, "account", accounts[i], id);
        if (!err)
            err = client_book_ask_one(satchel,
                                      "SELECT s.account AS id, a.owner FROM survivor AS s JOIN account AS a ON a.id ="
                                      " s.account WHERE s.id = ?1",
                                      values, 1, &row);
        if (!err && !row) err = sat_fail(&satchel->fault, SAT_ERR_NOT_FOUND, "there is no account %s here", id);
        const char *owner = client_book_text(row, "owner");
        if (!owner) owner = "";
        if (!err && strcmp(owner, to) != 0) {
            json_t *list = json_object_get(out, owner);
            if (!list) (void)json_object_set_new(out, owner, list = json_array());
            (void)json_array_append(list, json_object_get(row, "id"));
        }
        json_decref(row);
    }
    return err;
}

static enum sat_err write(struct satchel_tx *tx, const char *from, const char *to, json_t *accounts,
                          const struct satchel_reassign_options *options)
{
    char now[CLIENT_TIME_TEXT_SIZE];
    json_t *account;
    size_t i;
    client_book_now(now);
    json_t *fields = json_pack("{s:O, s:s, s:s, s:s}", "accounts", accounts, "to_user", to, "effective_at",
                               options->at ? options->at : now, "credit_rule",
                               options->credit_rule ? options->credit_rule : "owner_then");
    client_book_set(fields, "from_user", from);
    client_book_set(fields, "reason", options->reason);
    enum sat_err err = client_book_put(tx, "reassignment", NULL, fields, NULL);
    json_array_foreach(accounts, i, account)
    {
        if (!err)
            err = client_book_put(tx, "account", json_string_value(account), json_pack("{s:s}", "owner", to), NULL);
    }
    return err;
}

static enum sat_err reassign(struct satchel_tx *tx, const char *const *accounts, size_t n, const char *to_name,
                             const struct satchel_reassign_options *options, uint32_t *changed)
{
    char to[SATCHEL_ID_SIZE];
    json_t *owners = json_object(), *list;
    const char *from;
    enum sat_err err = find_person(tx->satchel, to_name, to);
    if (!err) err = by_owner(tx->satchel, accounts, n, to, owners);
    json_object_foreach(owners, from, list)
    {
        *changed += (uint32_t)json_array_size(list);
        if (!err) err = write(tx, from, to, list, options);
    }
    json_decref(owners);
    return err;
}

int satchel_reassign(struct satchel_tx *tx, const char *const *accounts, size_t n, const char *to,
                     const struct satchel_reassign_options *options, uint32_t *changed)
{
    static const struct satchel_reassign_options none = {0};
    client_begin(tx->satchel);
    *changed = 0;
    return client_end(tx->satchel, reassign(tx, accounts, n, to, options ? options : &none, changed));
}
