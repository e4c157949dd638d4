#include "client/book/writing.h"

#include <stdlib.h>

#include "client/json.h"
#include "client/tx.h"
#include "common/base/utf8.h"

enum sat_err client_book_put(struct satchel_tx *tx, const char *type, const char *id, json_t *fields,
                             char out[SATCHEL_ID_SIZE])
{
    char *text = client_json_text(fields);
    enum sat_err err = (enum sat_err)satchel_put(tx, type, id, NULL, text, out);
    free(text);
    return err;
}

enum sat_err client_book_put_in(struct satchel_tx *tx, const char *territory, const char *type, const char *id,
                                json_t *fields)
{
    char *text = client_json_text(fields);
    enum sat_err err = id ? client_tx_enter(tx, territory, id) : SAT_OK;
    if (!err) err = (enum sat_err)satchel_put(tx, type, id, territory, text, NULL);
    free(text);
    return err;
}

enum sat_err client_book_end(struct satchel_tx *tx, enum sat_err err)
{
    if (!err) return (enum sat_err)satchel_commit(tx);
    satchel_rollback(tx);
    return err;
}

enum sat_err client_book_check_typed(struct satchel *satchel, const char *text)
{
    if (!text || sat_utf8_valid(sat_span_text(text))) return SAT_OK;
    return sat_fail(&satchel->fault, SAT_ERR_INVALID, "the text is no UTF-8: set the terminal to that");
}

void client_book_set(json_t *object, const char *name, const char *text)
{
    if (text && *text) (void)json_object_set_new(object, name, json_string(text));
}

bool client_book_says(const json_t *value)
{
    if (json_is_string(value)) return json_string_length(value) > 0;
    if (json_is_array(value)) return json_array_size(value) > 0;
    if (json_is_object(value)) return json_object_size(value) > 0;
    return value && !json_is_null(value);
}

json_t *client_book_list(const char *text)
{
    json_t *list = text ? json_loads(text, 0, NULL) : NULL;
    return list ? list : json_array();
}
