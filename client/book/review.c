#include "client/book/review.h"

#include <stdio.h>
#include <string.h>

#include "client/book/approval.h"
#include "client/book/template.h"
#include "client/book/trade.h"
#include "client/json.h"
#include "client/locate.h"
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

/* May who wrote it review? */
static enum sat_err may_review(struct satchel *satchel, const struct sat_source *source, uint32_t duties,
                               struct sat_arena *arena, bool *may)
{
    uint32_t given = 0;
    enum sat_err err =
        source ? client_duties_given(satchel, client_source_user(satchel, source), arena, &given) : SAT_OK;
    *may = source && ((given | sat_duties_of_role(source->role)) & duties);
    return err;
}

/* Of the answers that are here those of people who may review: anybody who writes in the territory can answer. */
static enum sat_err take_answers(struct satchel *satchel, const struct client_order *order, const char *id,
                                 struct sat_arena *arena, json_t *out)
{
    const struct sat_machine *machine = order->standing.machine;
    const struct sat_state_move *move = sat_machine_move(machine, sat_machine_state(machine, sat_span_text("received")),
                                                         sat_machine_state(machine, sat_span_text("reviewed")));
    const struct sat_type *type = sat_type_by_name("checklist_run");
    uint16_t answers = sat_field_by_name(type, "answers")->number;
    struct sat_record_id record;
    struct sat_record_view view;
    enum sat_err err = client_parse_id(satchel, id, &record);
    if (!err) err = client_locate_in(satchel, order->territory, &record, arena, &view);
    for (uint32_t i = 0; !err && move && i < view.merged.cells_n; i++) {
        const struct sat_merged *cell = &view.merged.cells[i];
        bool may = false;
        if (cell->field != answers || !cell->in_set || cell->value.kind != SAT_VALUE_TEXT) continue;
        err = may_review(satchel, cell->source, move->duties, arena, &may);
        if (may)
            (void)json_object_setn_new(out, (const char *)cell->element.at, cell->element.len,
                                       client_json_of_value(&cell->value));
    }
    return err;
}

/* What is answered: by now, and before. */
static enum sat_err all_answers(struct satchel *satchel, const struct client_order *order,
                                const struct client_review *review, struct sat_arena *arena, json_t **out)
{
    static const char sql[] = "SELECT id FROM checklist_run WHERE about = ?1 AND template = ?2 AND territory = ?3 ORDER"
                              " BY id";
    const char *const values[] = {order->id, review->template, order->territory};
    json_t *rows, *row;
    size_t index;
    *out = json_object();
    enum sat_err err = client_book_ask(satchel, sql, values, 3, &rows);
    json_array_foreach(rows, index, row)
    {
        if (!err) err = take_answers(satchel, order, client_book_text(row, "id"), arena, *out);
    }
    (void)json_object_update(*out, review->answers);
    json_decref(rows);
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
    if (!err && checklist.id[0]) err = all_answers(satchel, order, out, arena, &all);
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
