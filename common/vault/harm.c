#include "common/sync/copied.h"
#include "common/vault/harm.h"

#include "common/vault/types.h"

struct comparison {
    const struct sat_vault *vault;
    const struct sat_space_id *space; /* NULL: every change counts */
    const struct sat_record_view *before, *after;
};

/* Is the change one that is asked about? */
static bool asked(const struct comparison *it, const struct sat_source *source)
{
    if (!it->space) return true;
    if (source->dot.device == sat_keyring_secrets(it->vault->keyring)->device || source->dot.device >= SAT_PROVISIONAL)
        return false;
    return !sat_directory_meant(it->vault->directory, it->space, source->dot);
}

static const struct sat_merged *same_cell(const struct sat_record_view *view, const struct sat_merged *cell)
{
    static const uint8_t no_bytes[1];
    struct sat_span element = cell->element;
    if (cell->in_set && !element.at) element.at = no_bytes;
    return sat_merged_cell(&view->merged, cell->field, cell->in_set ? element : (struct sat_span){0});
}

static bool is_blank(const struct sat_merged *cell)
{
    if (cell->value.kind == SAT_VALUE_NIL) return true;
    return cell->in_set && cell->value.kind == SAT_VALUE_BOOL && !cell->value.truth;
}

static bool is_about_the_record(uint16_t field)
{
    return field == SAT_FIELD_DELETED || field == SAT_FIELD_TYPE || field == SAT_FIELD_MOVED ||
           field == SAT_FIELD_CARRIED || field == SAT_FIELD_CAME_LATE;
}

/* The first cell that shows another value than it did. */
static bool find_overwritten(const struct comparison *it, struct sat_harm *out)
{
    for (uint32_t i = 0; i < it->before->merged.cells_n; i++) {
        const struct sat_merged *was = &it->before->merged.cells[i];
        if (is_about_the_record(was->field) || is_blank(was)) continue;
        const struct sat_merged *is = same_cell(it->after, was);
        if (!is || !is->source || sat_value_equal(&is->value, &was->value) || !asked(it, is->source)) continue;
        *out = (struct sat_harm){SAT_HARM_OVERWRITTEN, is->source->dot};
        return true;
    }
    return false;
}

static struct sat_harm compare(const struct comparison *it)
{
    struct sat_harm harm = {0};
    const struct sat_merged_record *was = &it->before->merged, *is = &it->after->merged;
    if (!was->exists || was->deleted || was->moved || is->moved) return harm;
    const struct sat_merged *deleted = sat_merged_cell(is, SAT_FIELD_DELETED, (struct sat_span){0});
    if (is->deleted && deleted && deleted->source && asked(it, deleted->source))
        return (struct sat_harm){SAT_HARM_ARCHIVED, deleted->source->dot};
    (void)find_overwritten(it, &harm);
    return harm;
}

enum sat_err sat_harm_received(const struct sat_vault *vault, int64_t sid, const struct sat_space_id *space,
                               const struct sat_record_id *record, uint64_t seq, struct sat_harm *out)
{
    struct sat_arena arena;
    struct sat_record_view before, after;
    sat_arena_init(&arena);
    *out = (struct sat_harm){0};
    enum sat_err err = sat_record_load_at(vault, sid, record, seq, true, &arena, &before);
    if (!err && before.merged.exists) err = sat_record_load(vault, sid, record, &arena, &after);
    if (!err && before.merged.exists) *out = compare(&(struct comparison){vault, space, &before, &after});
    sat_arena_deinit(&arena);
    return err;
}

enum sat_err sat_harm_drafted(const struct sat_vault *vault, int64_t sid, const struct sat_record_id *record,
                              struct sat_harm *out)
{
    struct sat_arena arena;
    struct sat_record_view before, after;
    sat_arena_init(&arena);
    *out = (struct sat_harm){0};
    enum sat_err err = sat_record_load_at(vault, sid, record, UINT64_MAX, false, &arena, &before);
    if (!err && before.merged.exists) err = sat_record_load(vault, sid, record, &arena, &after);
    if (!err && before.merged.exists) *out = compare(&(struct comparison){vault, NULL, &before, &after});
    sat_arena_deinit(&arena);
    return err;
}
