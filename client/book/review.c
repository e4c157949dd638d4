#include "client/book/review.h"

#include <stdio.h>
#include <string.h>

#include "client/book/approval.h"
#include "client/book/template.h"
#include "client/book/trade.h"
#include "common/base/utf8.h"

enum { TOLD_BYTES = 200 }; /* of what is not answered, in a sentence */

void client_review_drop(struct client_review *review)
{
    json_decref(review->answers);
    review->answers = NULL;
}

static enum sat_err check_discount(struct satchel *satchel, const struct client_order *order, struct sat_arena *arena)
{
    struct client_approval approval;
    const char *called = client_order_called(order->row, arena), *how = "not asked for";
    if (!order->submitted_at)
        return sat_fail(&satchel->fault, SAT_ERR_INVALID,
                        "order %s is not submitted: what is reviewed is submitted first (rule M10-3, order %s)", called,
                        order->id);
    enum sat_err err = client_approval_of(satchel, order, arena, &approval);
    if (err || approval.final) return err;
    if (approval.other) how = "for another version";
    if (approval.state) how = approval.state;
    return sat_fail(&satchel->fault, SAT_ERR_INVALID,
                    "order %s is not reviewed before its discount is approved, which is %s (rule M08-6, order %s)",
                    called, how, order->id);
}

/* What is answered: by now, and before. */
static enum sat_err all_answers(struct satchel *satchel, const struct client_order *order,
                                const struct client_review *review, json_t **out)
{
    static const char sql[] = "SELECT answers FROM checklist_run WHERE about = ?1 AND template = ?2";
    const char *const values[] = {order->id, review->template};
    json_t *row = NULL;
    *out = json_object();
    enum sat_err err = client_book_ask_one(satchel, sql, values, 2, &row);
    (void)json_object_update(*out, json_object_get(row, "answers"));
    (void)json_object_update(*out, review->answers);
    json_decref(row);
    return err;
}

static enum sat_err check_answers(struct satchel *satchel, const struct client_order *order,
                                  const struct client_template *checklist, const json_t *answers,
                                  struct sat_arena *arena)
{
    json_t *missing = client_template_missing(checklist, answers), *item;
    size_t index, asked = json_array_size(client_template_items(checklist)), lacks = json_array_size(missing);
    const char *list = "";
    json_array_foreach(missing, index, item)
    {
        const char *key = client_book_text(item, "key");
        list =
            sat_arena_format(arena, "%s%s%s", list, *list ? ", " : "", sat_utf8_beginning(arena, key ? key : "?", 40));
        if (strlen(list) > TOLD_BYTES) break; /* more is not told */
    }
    json_decref(missing);
    if (!lacks) return SAT_OK;
    return sat_fail(&satchel->fault, SAT_ERR_INVALID,
                    "order %s stays %s: %zu of %zu of the checklist order_review, %.200s is not answered with yes"
                    " (rule M10-3, order %s)",
                    client_order_called(order->row, arena), client_order_state(order), asked - lacks, asked, list,
                    order->id);
}

enum sat_err client_review_check(struct satchel *satchel, const struct client_order *order, const char *answers,
                                 struct sat_arena *arena, struct client_review *out)
{
    char today[CLIENT_BOOK_DAY_SIZE];
    struct client_template checklist = {0};
    json_t *all = NULL;
    client_book_today(today);
    *out =
        (struct client_review){.answers = answers ? json_loads(answers, JSON_REJECT_DUPLICATES, NULL) : json_object()};
    if (!json_is_object(out->answers))
        return sat_fail(&satchel->fault, SAT_ERR_INVALID, "answers are a JSON object: an item's key and what is said");
    enum sat_err err = check_discount(satchel, order, arena);
    if (!err) err = client_template_newest(satchel, "checklist", "order_review", today, &checklist);
    if (!err && json_object_size(out->answers) && !checklist.id[0])
        err = sat_fail(&satchel->fault, SAT_ERR_INVALID,
                       "nobody has published a checklist order_review that could be answered");
    (void)snprintf(out->template, sizeof out->template, "%s", checklist.id);
    if (!err && checklist.id[0]) err = all_answers(satchel, order, out, &all);
    if (!err && checklist.id[0]) err = check_answers(satchel, order, &checklist, all, arena);
    json_decref(all);
    client_template_drop(&checklist);
    return err;
}

enum sat_err client_review_put(struct satchel_tx *tx, const struct client_order *order,
                               const struct client_review *review)
{
    if (!json_object_size(review->answers)) return SAT_OK;
    json_t *fields = json_object();
    client_book_set(fields, "about", order->id);
    client_book_set(fields, "template", review->template);
    (void)json_object_set(fields, "answers", review->answers);
    return client_book_put(tx, "checklist_run", NULL, fields, NULL);
}
