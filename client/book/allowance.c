#include "client/book/allowance.h"

#include "client/book/trade.h"
#include "client/locate.h"

/* What a grant in that territory says, as who may write one says it: of a rep's word, a proposal (rule AUT), nothing
 * counts, also where it is alone, or stands under the id of somebody's grant elsewhere. */
static enum sat_err read_grant(struct satchel *satchel, const json_t *row, struct sat_arena *arena, int64_t *bp)
{
    static const char *const fields[] = {"person", "max_discount_bp", "valid_to"};
    const struct sat_type *type = sat_type_by_name("approval_grant");
    struct sat_record_id id;
    struct sat_record_view view;
    enum sat_err err = client_parse_id(satchel, client_book_text(row, "id"), &id);
    if (!err) err = client_locate_in(satchel, client_book_text(row, "territory"), &id, arena, &view);
    *bp = client_book_integer(row, "max_discount_bp", 0);
    for (size_t i = 0; !err && i < sizeof fields / sizeof fields[0]; i++) {
        const struct sat_field *field = sat_field_by_name(type, fields[i]);
        const struct sat_merged *cell = sat_merged_cell(&view.merged, field->number, (struct sat_span){0});
        if (cell && cell->source && !sat_field_allows(field, cell->source->role)) *bp = 0;
    }
    return err;
}

static enum sat_err add_grants(struct satchel *satchel, uint32_t user, const char *day, struct sat_arena *arena,
                               struct client_allowance *out)
{
    static const char sql[] =
        "SELECT id, territory, max_discount_bp, valid_to FROM approval_grant WHERE person = ?1 AND"
        " (valid_to IS NULL OR valid_to >= ?2) AND COALESCE(revoked, 0) = 0 ORDER BY id";
    struct sat_record_id record = sat_name_record_user(&satchel->directory.org, user);
    char person[SATCHEL_ID_SIZE];
    json_t *rows, *row;
    size_t index;
    sat_uuid_format(record.b, person);
    const char *const values[] = {person, day};
    enum sat_err err = client_book_ask(satchel, sql, values, 2, &rows);
    json_array_foreach(rows, index, row)
    {
        int64_t bp = 0;
        const char *until = client_book_text(row, "valid_to");
        if (!err) err = read_grant(satchel, row, arena, &bp);
        if (err || bp <= out->bp) continue;
        *out = (struct client_allowance){bp, until ? sat_arena_format(arena, "a grant until %s", until)
                                                   : sat_arena_format(arena, "a grant")};
    }
    json_decref(rows);
    return err;
}

enum sat_err client_allowance_get(struct satchel *satchel, uint32_t user, uint8_t role, const char *day,
                                  struct sat_arena *arena, struct client_allowance *out)
{
    uint32_t duties = 0;
    int64_t policy;
    *out = (struct client_allowance){0, "no grant"};
    enum sat_err err = client_duties_given(satchel, user, arena, &duties);
    duties |= sat_duties_of_role(role);
    if (!err && (duties & (SAT_DUTY_MANAGER | SAT_DUTY_FINANCE))) {
        *out = (struct client_allowance){10000, "who approves"};
        return SAT_OK;
    }
    if (!err) err = client_trade_policy(satchel, "order.discount", "max_bp", 0, arena, &policy);
    if (!err && policy > 0) *out = (struct client_allowance){policy, "the policy order.discount"};
    return err ? err : add_grants(satchel, user, day, arena, out);
}
