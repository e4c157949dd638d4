/* Dividing a target into parts. All parts of one division bear its name, and the target says which division is in
 * force: two people who divide one side by side make two, of which the later is in force and the other stands beside
 * it, with its parts, until somebody settles it. */
#include <string.h>

#include "client/book/ask.h"
#include "client/book/writing.h"
#include "client/names.h"
#include "client/tx.h"

static enum sat_err find_target(struct satchel *satchel, const char *named, char id[SATCHEL_ID_SIZE], json_t **row)
{
    const char *values[] = {id};
    enum sat_err err = client_book_find(satchel, "target", named, id);
    if (!err)
        err =
            client_book_ask_one(satchel,
                                "SELECT t.metric, t.period_from, t.period_to, (SELECT j.key FROM json_each(t.\"values"
                                "\") AS j ORDER BY length(j.key) DESC, j.key DESC LIMIT 1) AS version FROM target AS t"
                                " WHERE t.id = ?1",
                                values, 1, row);
    if (!err && !*row) err = sat_fail(&satchel->fault, SAT_ERR_NOT_FOUND, "there is no target %s here", id);
    if (!err && !client_book_text(*row, "version"))
        err = sat_fail(&satchel->fault, SAT_ERR_INVALID, "target %s has no value to divide", id);
    return err;
}

static enum sat_err write_part(struct satchel_tx *tx, const char *whole, const json_t *row, const char *division,
                               const struct satchel_target_part *part)
{
    struct satchel *satchel = tx->satchel;
    uint32_t user;
    char person[SATCHEL_ID_SIZE];
    enum sat_err err = client_find_user(satchel, part->owner ? part->owner : "", &user, &satchel->fault);
    if (err) return err;
    struct sat_record_id id = sat_name_record_user(&satchel->directory.org, user);
    sat_uuid_format(id.b, person);
    json_t *fields = json_pack("{s:s, s:s, s:s, s:{s:I}}", "parent", whole, "division", division, "owner", person,
                               "values", client_book_text(row, "version"), (json_int_t)part->value);
    const char *const same[] = {"metric", "period_from", "period_to"};
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++)
        client_book_set(fields, same[i], client_book_text(row, same[i]));
    return client_book_put(tx, "target", NULL, fields, NULL);
}

static enum sat_err divide(struct satchel_tx *tx, const char *target, const struct satchel_target_part *parts, size_t n)
{
    char id[SATCHEL_ID_SIZE], division[SATCHEL_ID_SIZE];
    uint8_t random[10], uuid[16];
    json_t *row = NULL;
    enum sat_err err = find_target(tx->satchel, target, id, &row);
    sat_entropy_fill(&tx->satchel->entropy, random, sizeof random);
    sat_uuid_v7(client_now_ms(), random, uuid);
    sat_uuid_format(uuid, division);
    for (size_t i = 0; i < n && !err; i++) err = write_part(tx, id, row, division, &parts[i]);
    if (!err) err = client_book_put(tx, "target", id, json_pack("{s:s}", "divided", division), NULL);
    json_decref(row);
    return err;
}

int satchel_target_divide(struct satchel_tx *tx, const char *target, const struct satchel_target_part *parts, size_t n)
{
    client_begin(tx->satchel);
    return client_end(tx->satchel, divide(tx, target, parts, n));
}
