#include "client/search/find.h"

#include <stdlib.h>
#include <string.h>

#include "client/search/index.h"
#include "client/search/terms.h"

enum {
    TERMS_MAX = 24, /* of one question that the index is asked for; all of it is looked for in what that finds */
    EXCERPT_BEFORE = 24,
    EXCERPT_BEHIND = 48, /* characters */
};

struct finding {
    sqlite3 *db;
    struct client_row_reader reader;
    const struct sat_type *type;
    struct client_folded question;
    struct client_part *parts;
    size_t parts_n;
    struct sat_arena *arena; /* the asker's */
    struct sat_arena rows;   /* of the row that is looked at */
    struct client_hit *hits;
    size_t n, room;
    size_t hits_max;
    bool more;
    struct sat_fault *fault;
};

/* ---- The question ---- */

static enum sat_err read_question(struct finding *finding, struct sat_span text)
{
    struct client_part part;
    if (text.len > CLIENT_QUESTION_BYTES_MAX)
        return sat_fail(finding->fault, SAT_ERR_INVALID, "what is searched for has %zu bytes, and may have %d",
                        text.len, CLIENT_QUESTION_BYTES_MAX);
    client_fold_text(finding->arena, text, &finding->question);
    finding->parts = sat_arena_array(finding->arena, finding->question.n + 1, sizeof *finding->parts);
    for (size_t at = 0; client_next_part(&finding->question, &at, &part);) finding->parts[finding->parts_n++] = part;
    if (finding->parts_n > CLIENT_QUESTION_WORDS_MAX)
        return sat_fail(finding->fault, SAT_ERR_INVALID, "what is searched for has %zu words, and may have %d",
                        finding->parts_n, CLIENT_QUESTION_WORDS_MAX);
    if (finding->parts_n) return SAT_OK;
    return sat_fail(finding->fault, SAT_ERR_INVALID, "there is no letter and no digit to search for");
}

/* An expression of FTS5: quoted terms, all of which a row has to have. Letters, digits and marks are all that is in
 * them, so nothing has to be escaped. */
struct expression {
    struct sat_buf text;
    int terms;
};

static int add_term(void *context, const char *term, int len)
{
    struct expression *expression = context;
    if (expression->terms++ >= TERMS_MAX) return 1;
    if (expression->text.len) sat_put_bytes(&expression->text, " AND ", 5);
    sat_put_u8(&expression->text, '"');
    sat_put_bytes(&expression->text, term, (size_t)len);
    sat_put_u8(&expression->text, '"');
    return 0;
}

static void add_prefix_mark(struct expression *expression)
{
    if (expression->terms <= TERMS_MAX) sat_put_bytes(&expression->text, " *", 2);
}

/* A run of one character is the beginning of a term, one of several is the terms of all but its last character, whose
 * own would say that the run ends there; a word is the beginning of a word. */
static void add_parts(const struct finding *finding, int mark, struct expression *expression)
{
    for (size_t i = 0; i < finding->parts_n; i++) {
        const struct client_part *part = &finding->parts[i];
        bool prefix = !part->dense || part->end - part->begin == 1;
        size_t length = prefix ? 1 : 2;
        for (size_t at = part->begin; part->dense && at + length <= part->end; at++)
            (void)client_give_term(&finding->question, at, at + length, mark, add_term, expression);
        if (!part->dense)
            (void)client_give_term(&finding->question, part->begin, part->end, mark, add_term, expression);
        if (prefix) add_prefix_mark(expression);
    }
}

/* ---- Looking at a row ---- */

/* The parts of the question that a text has, as bits; the first of them, and where it stands. */
struct found {
    uint32_t parts;
    size_t first, where;
};

static struct found look_at_text(const struct finding *finding, const struct client_folded *text)
{
    struct found found = {0};
    size_t where;
    for (size_t i = 0; i < finding->parts_n; i++) {
        if (!client_contains(text, &finding->question, &finding->parts[i], &where)) continue;
        if (!found.parts) found.first = i, found.where = where;
        found.parts |= (uint32_t)1 << i;
    }
    return found;
}

static bool starts_with(const struct client_folded *text, const struct client_folded *beginning)
{
    return text->n >= beginning->n && memcmp(text->at, beginning->at, beginning->n * sizeof text->at[0]) == 0;
}

/* What is seen of a row. */
struct look {
    uint32_t in_names, in_all;
    bool called_so, begins_so;
    struct client_text best; /* the text that has most of the question, names first */
    struct client_folded best_folded;
    struct found best_found;
    struct sat_span name;
};

static int count(uint32_t bits)
{
    int n = 0;
    for (; bits; bits &= bits - 1) n++;
    return n;
}

static void look_at_row(struct finding *finding, const struct client_row *row, struct look *look)
{
    *look = (struct look){0};
    for (size_t i = 0; i < row->n; i++) {
        struct client_folded text;
        client_fold_text(&finding->rows, row->texts[i].text, &text);
        struct found found = look_at_text(finding, &text);
        bool is_name = sat_field_search(row->texts[i].field) == SAT_SEARCH_NAME;
        if (is_name && !look->name.at) look->name = row->texts[i].text;
        if (is_name) look->in_names |= found.parts;
        look->in_all |= found.parts;
        bool begins = is_name && starts_with(&text, &finding->question);
        if (begins) found.first = found.where = 0;
        if (count(found.parts) > count(look->best_found.parts) || (begins && !look->begins_so)) {
            look->best = row->texts[i];
            look->best_folded = text;
            look->best_found = found;
        }
        look->begins_so |= begins;
        look->called_so |= begins && text.n == finding->question.n;
    }
}

static bool rank_of(const struct finding *finding, const struct look *look, enum client_rank *rank)
{
    uint32_t all = (uint32_t)(((uint64_t)1 << finding->parts_n) - 1);
    if (look->in_all != all) return false;
    *rank = look->called_so         ? CLIENT_CALLED_SO
            : look->begins_so       ? CLIENT_BEGINS_SO
            : look->in_names == all ? CLIENT_IN_NAME
                                    : CLIENT_IN_TEXT;
    return true;
}

/* ---- Excerpts: the text itself, never what it folds to ---- */

/* So many characters back from a place, or ahead. */
static size_t back(struct sat_span text, size_t at, int chars)
{
    for (; at && chars; chars--) do
            at--;
        while (at && (text.at[at] & 0xc0) == 0x80);
    return at;
}

static size_t ahead(struct sat_span text, size_t at, int chars)
{
    for (; at < text.len && chars; chars--) do
            at++;
        while (at < text.len && (text.at[at] & 0xc0) == 0x80);
    return at;
}

/* The end of the character that begins there, with its accents. */
static size_t end_of(struct sat_span text, size_t at)
{
    char32_t to[CLIENT_FOLD_LENGTH_MAX];
    (void)client_next_char(text, &at);
    for (size_t next = at; next < text.len; at = next)
        if (client_fold(client_next_char(text, &next), to)) break;
    return at;
}

/* White space of any kind, line breaks as well, as one space. */
static const char *on_a_line(struct sat_arena *arena, struct sat_span text)
{
    char *line = sat_arena_text(arena, (const char *)text.at, text.len), *to = line;
    for (const char *at = line; *at; at++) {
        bool space = *at == ' ' || (*at >= '\t' && *at <= '\r');
        if (!space)
            *to++ = *at;
        else if (to > line && to[-1] != ' ')
            *to++ = ' ';
    }
    *to = '\0';
    return line;
}

static void set_excerpt(const struct finding *finding, const struct look *look, struct client_hit *hit)
{
    struct sat_span text = look->best.text;
    const struct client_part *part = &finding->parts[look->best_found.first];
    size_t n = look->begins_so ? finding->question.n : part->end - part->begin, where = look->best_found.where;
    size_t begin = look->best_folded.from[where];
    size_t end = end_of(text, look->best_folded.from[where + n - 1]);
    size_t first = back(text, begin, EXCERPT_BEFORE), last = ahead(text, end, EXCERPT_BEHIND);
    if (first <= 3) first = 0; /* not for the sake of one character */
    if (last + 3 >= text.len) last = text.len;
    const char *middle = on_a_line(finding->arena, sat_span(text.at + first, last - first));
    hit->field = look->best.field;
    hit->excerpt = sat_arena_format(finding->arena, "%s%s%s", first ? "…" : "", middle, last < text.len ? "…" : "");
    hit->match = on_a_line(finding->arena, sat_span(text.at + begin, end - begin));
}

/* ---- Hits ---- */

static int compare(const void *a, const void *b)
{
    const struct client_hit *one = a, *other = b;
    if (one->rank != other->rank) return one->rank < other->rank ? -1 : 1;
    if (one->at_ms != other->at_ms) return one->at_ms > other->at_ms ? -1 : 1;
    int order = strcmp(one->id, other->id);
    return order ? order : strcmp(one->territory, other->territory);
}

static void add_hit(struct finding *finding, struct client_hit hit)
{
    if (finding->n == finding->room) {
        finding->room = finding->room ? 2 * finding->room : 64;
        struct client_hit *more = sat_arena_array(finding->arena, finding->room, sizeof *more);
        if (finding->n) memcpy(more, finding->hits, finding->n * sizeof *more);
        finding->hits = more;
    }
    finding->hits[finding->n++] = hit;
}

/* Looks at a row that the index has named; a hit if it has all that is asked. */
static enum sat_err look_at(struct finding *finding, const struct sat_type *type, int64_t rowid, uint64_t at_ms)
{
    struct client_row row;
    struct look look;
    struct client_hit hit = {.type = type, .row = rowid, .at_ms = at_ms};
    enum sat_err err = client_row_read(&finding->reader, type, rowid, &finding->rows, &row, finding->fault);
    if (!err && row.there) {
        look_at_row(finding, &row, &look);
        if (rank_of(finding, &look, &hit.rank)) {
            hit.id = sat_arena_text(finding->arena, row.id, strlen(row.id));
            hit.territory = sat_arena_text(finding->arena, row.territory, strlen(row.territory));
            add_hit(finding, hit);
        }
    }
    sat_arena_reset(&finding->rows);
    return err;
}

static bool is_known(const struct finding *finding, size_t known, int64_t row)
{
    for (size_t i = 0; i < known; i++)
        if (finding->hits[i].row == row) return true;
    return false;
}

#define CANDIDATES                                                                                                     \
    "SELECT r.row, r.type, r.at FROM main." CLIENT_INDEX " AS s CROSS JOIN main." CLIENT_INDEX_ROWS                    \
    " AS r ON r.row = s.rowid WHERE s." CLIENT_INDEX " MATCH ?1 ORDER BY s.rowid DESC"

/* Looks at what the index finds for an expression, the newest rows first, but for what is a hit already. */
static enum sat_err look_through(struct finding *finding, const struct expression *expression)
{
    sqlite3_stmt *statement = NULL;
    enum sat_err err = SAT_OK;
    int code = sqlite3_prepare_v2(finding->db, CANDIDATES, -1, &statement, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_bind_text(statement, 1, (const char *)expression->text.at, (int)expression->text.len,
                                 SQLITE_STATIC);
    size_t known = finding->n, looked_at = 0, looked_at_max = 2 * finding->hits_max;
    if (looked_at_max < CLIENT_LOOKED_AT_MAX) looked_at_max = CLIENT_LOOKED_AT_MAX;
    while (code == SQLITE_OK && !err) {
        code = sqlite3_step(statement);
        if (code != SQLITE_ROW) break;
        code = SQLITE_OK;
        int64_t row = sqlite3_column_int64(statement, 0);
        const struct sat_type *type = sat_type_by_number((uint16_t)sqlite3_column_int(statement, 1));
        if (!type || (finding->type && type != finding->type) || is_known(finding, known, row)) continue;
        if (looked_at++ == looked_at_max) {
            finding->more = true;
            break;
        }
        err = look_at(finding, type, row, (uint64_t)sqlite3_column_int64(statement, 2));
    }
    if (code != SQLITE_OK && code != SQLITE_DONE) err = client_search_fail(finding->db, finding->fault);
    (void)sqlite3_finalize(statement);
    return err;
}

/* ---- The passes: each finds what the one before does, and more ---- */

enum pass { CALLED_SO, BEGINS_SO, IN_NAME, ANYWHERE, PASSES };

static enum sat_err run_pass(struct finding *finding, enum pass pass)
{
    struct expression expression = {0};
    sat_buf_init(&expression.text);
    switch (pass) {
    case CALLED_SO:
    case BEGINS_SO:
        (void)client_begin_term(&finding->question, add_term, &expression);
        if (pass == BEGINS_SO) add_prefix_mark(&expression);
        break;
    case IN_NAME:
        add_parts(finding, CLIENT_TERM_IN_NAME, &expression);
        break;
    case ANYWHERE:
        add_parts(finding, 0, &expression);
        break;
    case PASSES:
        break;
    }
    expression.terms = 0;
    if (finding->type) (void)client_type_term(finding->type->name, add_term, &expression);
    enum sat_err err = look_through(finding, &expression);
    sat_buf_wipe(&expression.text);
    return err;
}

/* What a person sees of a hit; of those alone that are told. */
static enum sat_err describe(struct finding *finding, struct client_hit *hit)
{
    struct client_row row;
    struct look look;
    enum sat_err err = client_row_read(&finding->reader, hit->type, hit->row, &finding->rows, &row, finding->fault);
    if (err) return err;
    look_at_row(finding, &row, &look);
    hit->name = look.name.at ? on_a_line(finding->arena, look.name) : "";
    set_excerpt(finding, &look, hit);
    sat_arena_reset(&finding->rows);
    return SAT_OK;
}

static enum sat_err find(struct finding *finding, struct sat_span question)
{
    enum sat_err err = read_question(finding, question);
    for (enum pass pass = CALLED_SO; pass < PASSES && !err; pass++) {
        if (finding->n > finding->hits_max) break;
        err = run_pass(finding, pass);
    }
    if (finding->n) qsort(finding->hits, finding->n, sizeof *finding->hits, compare);
    finding->more |= finding->n > finding->hits_max;
    if (finding->n > finding->hits_max) finding->n = finding->hits_max;
    for (size_t i = 0; i < finding->n && !err; i++) err = describe(finding, &finding->hits[i]);
    return err;
}

enum sat_err client_find(sqlite3 *db, struct sat_span question, const struct sat_type *type, size_t hits_max,
                         struct sat_arena *arena, struct client_hits *out, struct sat_fault *fault)
{
    struct finding finding = {.db = db, .type = type, .hits_max = hits_max, .arena = arena, .fault = fault};
    client_row_reader_init(&finding.reader, db);
    sat_arena_init(&finding.rows);
    enum sat_err err = find(&finding, question);
    sat_arena_deinit(&finding.rows);
    client_row_reader_deinit(&finding.reader);
    *out = (struct client_hits){finding.hits, finding.n, finding.more};
    return err;
}
