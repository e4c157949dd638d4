#include "common/sync/brake.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"

enum slot_state { SLOT_EMPTY, SLOT_TODO, SLOT_FINE, SLOT_HARMED };
enum { SLOTS_MIN = 256 };

void sat_brake_clear(struct sat_brake *brake)
{
    free(brake->slots);
    free(brake->authors);
    *brake = (struct sat_brake){0};
}

/* ---- The records ---- */

/* Ids may be anybody's choice: every byte counts. */
static uint32_t hash_of(const struct sat_record_id *record)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < sizeof record->b; i++) hash = (hash ^ record->b[i]) * 16777619u;
    return hash;
}

static struct sat_brake_slot *find(struct sat_brake_slot *slots, uint32_t cap, const struct sat_record_id *record)
{
    uint32_t at = hash_of(record) & (cap - 1);
    while (slots[at].state != SLOT_EMPTY && memcmp(&slots[at].record, record, sizeof *record) != 0)
        at = (at + 1) & (cap - 1);
    return &slots[at];
}

static void make_room(struct sat_brake *brake)
{
    if (brake->n < brake->cap / 4 * 3) return;
    uint32_t cap = brake->cap ? 2 * brake->cap : SLOTS_MIN;
    struct sat_brake_slot *slots = calloc(cap, sizeof *slots);
    sat_check(slots != NULL);
    for (uint32_t i = 0; i < brake->cap; i++)
        if (brake->slots[i].state != SLOT_EMPTY) *find(slots, cap, &brake->slots[i].record) = brake->slots[i];
    free(brake->slots);
    brake->slots = slots;
    brake->cap = cap;
}

void sat_brake_touch(struct sat_brake *brake, const struct sat_record_id *record)
{
    make_room(brake);
    struct sat_brake_slot *slot = find(brake->slots, brake->cap, record);
    if (slot->state == SLOT_TODO || slot->state == SLOT_HARMED) return;
    if (slot->state == SLOT_EMPTY) {
        slot->record = *record;
        brake->n++;
    }
    slot->state = SLOT_TODO;
    brake->todo++;
}

/* ---- Who ---- */

static void blame(struct sat_brake *brake, struct sat_dot dot)
{
    uint32_t at = 0;
    while (at < brake->authors_n && brake->authors[at].device != dot.device) at++;
    if (at == brake->authors_n) {
        brake->authors = realloc(brake->authors, (brake->authors_n + 1) * sizeof *brake->authors);
        sat_check(brake->authors != NULL);
        brake->authors[brake->authors_n++] = (struct sat_brake_author){dot.device, dot.counter, dot.counter, 0};
    }
    struct sat_brake_author *author = &brake->authors[at];
    if (dot.counter < author->first) author->first = dot.counter;
    if (dot.counter > author->last) author->last = dot.counter;
    author->records++;
}

static int compare_authors(const void *a, const void *b)
{
    const struct sat_brake_author *x = a, *y = b;
    if (x->records != y->records) return x->records > y->records ? -1 : 1;
    return x->device < y->device ? -1 : x->device > y->device;
}

void sat_brake_report(struct sat_brake *brake, uint64_t of, struct sat_brake_report *out)
{
    if (brake->authors_n) qsort(brake->authors, brake->authors_n, sizeof *brake->authors, compare_authors);
    *out = (struct sat_brake_report){brake->archived, brake->overwritten, of, brake->authors, brake->authors_n};
}

/* ---- How much ---- */

static enum sat_err look_at(struct sat_brake *brake, const struct sat_brake_question *question)
{
    enum sat_err err = SAT_OK;
    for (uint32_t i = 0; i < brake->cap && brake->todo && !err; i++) {
        struct sat_brake_slot *slot = &brake->slots[i];
        struct sat_harm harm = {0};
        if (slot->state != SLOT_TODO) continue;
        err = question->ask(question->context, &slot->record, &harm);
        if (err) break;
        brake->todo--;
        slot->state = harm.kind == SAT_HARM_NONE ? SLOT_FINE : SLOT_HARMED;
        if (harm.kind == SAT_HARM_NONE) continue;
        if (harm.kind == SAT_HARM_ARCHIVED)
            brake->archived++;
        else
            brake->overwritten++;
        blame(brake, harm.dot);
    }
    return err;
}

enum sat_err sat_brake_look(struct sat_brake *brake, const struct sat_brake_question *question, bool *too_much,
                            uint64_t *of)
{
    uint64_t percent = sat_directory_policy(question->directory, SAT_POLICY_BRAKE_PERCENT);
    uint64_t records = sat_directory_policy(question->directory, SAT_POLICY_BRAKE_RECORDS);
    *too_much = false;
    *of = 0;
    if (percent == 0 || brake->n <= records) return SAT_OK;
    enum sat_err err = look_at(brake, question);
    uint64_t harmed = brake->archived + brake->overwritten;
    if (err || harmed <= records) return err;
    err = question->count(question->context, of);
    if (*of < harmed) *of = harmed;
    *too_much = !err && harmed * 100 > *of * percent;
    return err;
}
