/* Leads: what the answers about them come to, and what they become. */
#include <string.h>

#include "client/book/ask.h"
#include "client/book/step.h"
#include "client/copied.h"
#include "client/fits.h"
#include "client/tx.h"
#include "common/base/utf8.h"
#include "common/vault/derived.h"

/* ---- The score ---- */

enum { QUESTIONS = 4, WEIGHT_MAX = 1000 };

static const char *const questions[QUESTIONS] = {"budget", "authority", "need", "timeline"};

struct score {
    int64_t weights[QUESTIONS], needed; /* in points */
    struct sat_span answers[QUESTIONS]; /* len 0: none */
    int64_t halves, most;               /* what they come to, in half points; in points */
};

static void take_weight(const json_t *body, const char *name, int64_t *out)
{
    const json_t *given = json_object_get(body, name);
    if (json_is_integer(given) && json_integer_value(given) >= 0 && json_integer_value(given) <= WEIGHT_MAX)
        *out = json_integer_value(given);
}

static enum sat_err find_weights(struct satchel *satchel, struct sat_arena *arena, struct score *score)
{
    static const struct score usual = {.weights = {25, 30, 25, 20}, .needed = 60};
    struct client_published published;
    *score = usual;
    enum sat_err err = client_published_get(satchel, "policy", "bant", arena, &published);
    for (size_t i = 0; i < QUESTIONS && !err; i++) take_weight(published.body, questions[i], &score->weights[i]);
    if (!err) take_weight(published.body, "needed", &score->needed);
    json_decref(published.body);
    return err;
}

static void take_answer(struct score *score, struct sat_span question, const struct sat_value *answer)
{
    for (size_t i = 0; i < QUESTIONS; i++)
        if (sat_span_equal(question, sat_span_text(questions[i])))
            score->answers[i] = answer->kind == SAT_VALUE_TEXT ? answer->text : (struct sat_span){0};
}

/* The answers that are here, and over them the transaction's. */
static void find_answers(const struct satchel_tx *tx, const struct client_standing *lead, struct score *score)
{
    uint16_t bant = sat_field_by_name(lead->type, "bant")->number;
    const struct sat_merged_record *merged = &lead->view.merged;
    for (uint32_t i = 0; i < merged->cells_n; i++)
        if (merged->cells[i].field == bant) take_answer(score, merged->cells[i].element, &merged->cells[i].value);
    for (uint32_t i = 0; i < tx->n; i++)
        for (uint32_t k = 0; k < tx->edits[i].cells_n && sat_record_equal(&tx->edits[i].record, &lead->record); k++)
            if (tx->edits[i].cells[k].field == bant)
                take_answer(score, tx->edits[i].cells[k].element, &tx->edits[i].cells[k].value);
}

static enum sat_err find_score(struct satchel_tx *tx, const struct client_standing *lead, struct sat_arena *arena,
                               struct score *score)
{
    enum sat_err err = find_weights(tx->satchel, arena, score);
    find_answers(tx, lead, score);
    for (size_t i = 0; i < QUESTIONS; i++) {
        score->most += score->weights[i];
        if (sat_span_equal(score->answers[i], sat_span_text("yes"))) score->halves += 2 * score->weights[i];
        if (sat_span_equal(score->answers[i], sat_span_text("partial"))) score->halves += score->weights[i];
    }
    return err;
}

static bool is_enough(const struct score *score)
{
    return score->halves >= 2 * score->needed;
}

static json_t *points(int64_t halves)
{
    return halves % 2 ? json_real((double)halves / 2) : json_integer(halves / 2);
}

static bool is_open(const struct client_standing *lead)
{
    const char *state = lead->machine->states[lead->state.state];
    return !lead->state.disputed && (strcmp(state, "new") == 0 || strcmp(state, "contacted") == 0);
}

static bool is_converted(const struct client_standing *lead)
{
    return !lead->state.disputed && strcmp(lead->machine->states[lead->state.state], "converted") == 0;
}

/* A lead whose answers are enough is qualified by them. */
static int qualify(struct satchel_tx *tx, const char *id, const struct client_standing *lead, const struct score *score,
                   struct sat_arena *arena)
{
    if (!is_open(lead) || !is_enough(score)) return 0;
    const char *half = score->halves % 2 ? ".5" : "";
    const char *reason =
        sat_arena_format(arena, "BANT %lld%s of %lld", (long long)(score->halves / 2), half, (long long)score->most);
    return satchel_step(tx, "lead", id, "qualified", reason, NULL);
}

/* How it stands in the transaction, and what the answers come to. */
static int look(struct satchel_tx *tx, const char *id, struct sat_arena *arena, struct client_standing *lead,
                struct score *score)
{
    client_begin(tx->satchel);
    enum sat_err err = client_standing_get(tx->satchel, tx, "lead", id, arena, lead);
    if (!err) err = find_score(tx, lead, arena, score);
    return client_end(tx->satchel, err);
}

static json_t *told(const struct client_standing *lead, const struct score *score)
{
    char text[SAT_UUID_TEXT_SIZE];
    json_t *json = json_object(), *answers = json_object();
    sat_uuid_format(lead->record.b, text);
    (void)json_object_set_new(json, "lead", json_string(text));
    (void)json_object_set_new(json, "state", json_string(lead->machine->states[lead->state.state]));
    (void)json_object_set_new(json, "score", points(score->halves));
    (void)json_object_set_new(json, "most", json_integer(score->most));
    (void)json_object_set_new(json, "needed", json_integer(score->needed));
    (void)json_object_set_new(json, "enough", json_boolean(is_enough(score)));
    for (size_t i = 0; i < QUESTIONS; i++) {
        const struct sat_span *answer = &score->answers[i];
        (void)json_object_set_new(answers, questions[i],
                                  answer->len ? json_stringn((const char *)answer->at, answer->len)
                                              : json_string("unknown"));
    }
    (void)json_object_set_new(json, "answers", answers);
    return json;
}

/* Puts the answers; a question that there is not is refused. */
static int answer(struct satchel_tx *tx, const char *id, const char *answers)
{
    json_t *given = json_loads(answers, JSON_REJECT_DUPLICATES, NULL), *value;
    const char *unknown = json_is_object(given) ? NULL : "", *question;
    json_object_foreach(given, question, value)
    {
        bool known = false;
        for (size_t i = 0; i < QUESTIONS; i++) known = known || strcmp(questions[i], question) == 0;
        if (!known) unknown = question;
    }
    int failed = 0;
    if (unknown) {
        client_begin(tx->satchel);
        failed = client_end(
            tx->satchel, sat_fail(&tx->satchel->fault, SAT_ERR_INVALID,
                                  "a lead is asked for budget, authority, need and timeline, not \"%.40s\"", unknown));
    } else {
        char *fields = client_json_text(json_pack("{s:O}", "bant", given));
        failed = satchel_put(tx, "lead", id, NULL, fields, NULL);
        satchel_free(fields);
    }
    json_decref(given);
    return failed;
}

int satchel_lead_score(struct satchel_tx *tx, const char *id, const char *answers, char **json)
{
    struct sat_arena arena;
    struct client_standing lead;
    struct score score;
    *json = NULL;
    sat_arena_init(&arena);
    int failed = look(tx, id, &arena, &lead, &score); /* first: a put of what is not here would make it */
    if (!failed && answers) {
        failed = answer(tx, id, answers);
        if (!failed) failed = look(tx, id, &arena, &lead, &score);
        if (!failed) failed = qualify(tx, id, &lead, &score, &arena);
        if (!failed) failed = look(tx, id, &arena, &lead, &score);
    }
    if (!failed) *json = client_json_text(told(&lead, &score));
    sat_arena_deinit(&arena);
    return failed;
}

/* ---- Conversion ---- */

struct conversion {
    struct satchel_tx *tx;
    struct client_standing lead;
    struct sat_arena arena;
    const char *territory; /* the lead's; NULL: as the transaction decides */
    const char *company, *person, *phone;
    char id[SATCHEL_ID_SIZE], account[SATCHEL_ID_SIZE], contact[SATCHEL_ID_SIZE], opportunity[SATCHEL_ID_SIZE];
    json_t *given; /* fields of the opportunity */
};

static const struct sat_value *value_of(const struct conversion *it, const char *name)
{
    uint16_t field = sat_field_by_name(it->lead.type, name)->number;
    const struct sat_merged *cell = sat_merged_cell(&it->lead.view.merged, field, (struct sat_span){0});
    const struct sat_value *value = cell ? &cell->value : NULL;
    for (uint32_t i = 0; i < it->tx->n; i++)
        for (uint32_t k = 0;
             k < it->tx->edits[i].cells_n && sat_record_equal(&it->tx->edits[i].record, &it->lead.record); k++)
            if (it->tx->edits[i].cells[k].field == field) value = &it->tx->edits[i].cells[k].value;
    return value && value->kind != SAT_VALUE_NIL ? value : NULL;
}

static const char *text_of(struct conversion *it, const char *field)
{
    const struct sat_value *value = value_of(it, field);
    if (!value || value->kind != SAT_VALUE_TEXT || !value->text.len) return NULL;
    return sat_arena_text(&it->arena, (const char *)value->text.at, value->text.len);
}

static void follow(const struct conversion *it, const char *what, char out[SATCHEL_ID_SIZE])
{
    struct sat_record_id id = sat_record_id_following(&it->tx->satchel->directory.org, &it->lead.record, what, 0);
    sat_uuid_format(id.b, out);
}

/* An account that was named is one that is here: what is not would be made under its id, a twin of the one that is
 * meant, which comes later, or is where this person does not read. */
static enum sat_err check_account(struct conversion *it)
{
    struct satchel *satchel = it->tx->satchel;
    struct sat_record_id account;
    struct client_known *known = NULL;
    enum sat_err err = client_parse_id(satchel, it->account, &account);
    if (!err) err = client_tx_known(it->tx, &account, &known);
    if (!err) err = client_check_moved(satchel, "the account is gone: ", &account, &known->place);
    if (err) return err;
    const struct sat_type *type = sat_type_by_number(known->place.type);
    if (!known->place.here)
        return sat_fail(&satchel->fault, SAT_ERR_NOT_FOUND,
                        "account %s is not on this device: sync first, or let somebody convert the lead who has it",
                        it->account);
    if (type && strcmp(type->name, "account") != 0)
        return sat_fail(&satchel->fault, SAT_ERR_INVALID, "%s is of type %s, not an account", it->account, type->name);
    return SAT_OK;
}

/* Which account it becomes part of: the lead's, else the one that is given, else one that follows from the lead. */
static enum sat_err find_account(struct conversion *it)
{
    struct satchel *satchel = it->tx->satchel;
    const json_t *given = json_object_get(it->given, "account");
    const struct sat_value *account = value_of(it, "account");
    char follows[SATCHEL_ID_SIZE];
    enum sat_err err = SAT_OK;
    follow(it, "account", follows);
    memcpy(it->account, follows, sizeof follows);
    if (account && account->kind == SAT_VALUE_REF)
        sat_uuid_format(account->ref.b, it->account);
    else if (json_is_string(given))
        err = client_book_find(satchel, "account", json_string_value(given), it->account);
    else if (given)
        err = sat_fail(&satchel->fault, SAT_ERR_INVALID, "the opportunity's account is named by its id or its name");
    if (err || strcmp(it->account, follows) == 0) return err;
    return is_converted(&it->lead) ? SAT_OK : check_account(it);
}

/* What is known, and which ids follow. */
static enum sat_err gather(struct conversion *it)
{
    struct satchel *satchel = it->tx->satchel;
    struct sat_space_id space;
    char text[SAT_UUID_TEXT_SIZE];
    enum sat_err err = it->lead.sid ? client_space_of_sid(satchel, it->lead.sid, &space) : SAT_OK;
    if (err) return err;
    if (it->lead.sid) {
        sat_uuid_format(space.b, text);
        it->territory = sat_arena_text(&it->arena, text, sizeof text - 1);
    }
    sat_uuid_format(it->lead.record.b, it->id);
    it->person = text_of(it, "person_name");
    it->company = text_of(it, "company");
    it->phone = text_of(it, "phone");
    if (!it->company) it->company = it->person;
    follow(it, "contact", it->contact);
    follow(it, "opportunity", it->opportunity);
    err = find_account(it);
    if (!err && !it->company && !value_of(it, "account") && !json_object_get(it->given, "account"))
        err = sat_fail(&satchel->fault, SAT_ERR_INVALID, "lead %s names neither a company nor a person", it->id);
    return err;
}

/* Puts a record unless it is there: what was changed of it since stays. One whose id follows from the lead is there
 * beside it. */
static int make(struct conversion *it, const char *type, const char *id, json_t *fields)
{
    struct sat_record_id record;
    struct client_known *known = NULL;
    char follows[SATCHEL_ID_SIZE];
    bool beside = true;
    client_begin(it->tx->satchel);
    follow(it, type, follows);
    enum sat_err err = client_parse_id(it->tx->satchel, id, &record);
    if (!err && it->territory && strcmp(id, follows) == 0) err = client_tx_enter_beside(it->tx, id, it->id, &beside);
    if (!err) err = client_tx_known(it->tx, &record, &known);
    int failed = client_end(it->tx->satchel, err);
    char *text = client_json_text(fields);
    if (!failed && !known->place.here) failed = satchel_put(it->tx, type, id, it->territory, text, NULL);
    satchel_free(text);
    return failed;
}

static json_t *opportunity_of(const struct conversion *it)
{
    char today[CLIENT_BOOK_DAY_SIZE];
    client_book_today(today);
    json_t *fields = json_pack("{s:s*, s:s, s:s}", "name", it->company, "stage", "qualified", "opened_on", today);
    const struct sat_value *owner = value_of(it, "owner");
    if (owner && owner->kind == SAT_VALUE_REF)
        (void)json_object_set_new(fields, "owner", client_json_of_uuid(owner->ref.b));
    (void)json_object_update(fields, it->given);
    (void)json_object_set_new(fields, "account", json_string(it->account));
    (void)json_object_set_new(fields, "lead", json_string(it->id));
    return fields;
}

static int convert(struct conversion *it)
{
    struct satchel_tx *tx = it->tx;
    int failed = satchel_step(tx, "lead", it->id, "converted", NULL, NULL);
    json_t *account = json_pack("{s:s*}", "name", it->company);
    if (it->phone) (void)json_object_set_new(account, "phone", json_string(it->phone));
    if (!failed)
        failed = make(it, "account", it->account, account);
    else
        json_decref(account);
    if (!failed && it->person) {
        json_t *contact = json_pack("{s:s, s:s}", "account", it->account, "name", it->person);
        if (it->phone) (void)json_object_set_new(contact, "phones", json_pack("[s]", it->phone));
        failed = make(it, "contact", it->contact, contact);
    }
    if (!failed) failed = make(it, "opportunity", it->opportunity, opportunity_of(it));
    if (!failed && !value_of(it, "account")) {
        char *text = client_json_text(json_pack("{s:s}", "account", it->account));
        failed = satchel_put(tx, "lead", it->id, NULL, text, NULL);
        satchel_free(text);
    }
    return failed;
}

/* What it stands for in the end, the lead being converted already, too. */
static int convert_once(struct conversion *it, const char *id, char **json)
{
    struct satchel *satchel = it->tx->satchel;
    static const char *const copied[] = {"person_name", "company", "phone", "owner", NULL};
    struct score score;
    int failed = look(it->tx, id, &it->arena, &it->lead, &score);
    if (!failed) failed = qualify(it->tx, id, &it->lead, &score, &it->arena);
    if (failed) return failed;
    client_begin(satchel);
    enum sat_err err = gather(it);
    bool done = is_converted(&it->lead);
    if (!err && !done) err = client_copied_of_record(it->tx, &it->lead.view, copied, "converted");
    failed = client_end(satchel, err);
    if (!failed && !done) failed = convert(it);
    if (!failed)
        *json = client_json_text(json_pack("{s:s, s:s, s:s, s:s?, s:s}", "lead", it->id, "state", "converted",
                                           "account", it->account, "contact", it->person ? it->contact : NULL,
                                           "opportunity", it->opportunity));
    return failed;
}

int satchel_lead_convert(struct satchel_tx *tx, const char *id, const char *opportunity, char **json)
{
    struct conversion it = {.tx = tx};
    *json = NULL;
    if (opportunity && *opportunity) it.given = json_loads(opportunity, JSON_REJECT_DUPLICATES, NULL);
    if (opportunity && *opportunity && !json_is_object(it.given)) {
        json_decref(it.given);
        client_begin(tx->satchel);
        return client_end(
            tx->satchel, sat_fail(&tx->satchel->fault, SAT_ERR_INVALID, "the opportunity's fields are no JSON object"));
    }
    sat_arena_init(&it.arena);
    int failed = convert_once(&it, id, json);
    json_decref(it.given);
    sat_arena_deinit(&it.arena);
    return failed;
}
