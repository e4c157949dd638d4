#include "client/contacted.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "client/calendar.h"
#include "client/json.h"

static bool has_been(const char *at)
{
    int64_t ms;
    int16_t offset_min;
    return client_time_parse(sat_span_text(at), &ms, &offset_min) && ms >= 0 && (uint64_t)ms <= client_now_ms();
}

static enum sat_err move(struct satchel_tx *tx, const char *account, const char *at)
{
    char *text = client_json_text(json_pack("{s:s, s:s}", "last_contact_at", at, "first_contact_at", at));
    enum sat_err err = (enum sat_err)satchel_put(tx, "account", account, NULL, text, NULL);
    free(text);
    if (err != SAT_ERR_INVALID && err != SAT_ERR_DENIED && err != SAT_ERR_EXISTS && err != SAT_ERR_NOT_FOUND)
        return err;
    tx->satchel->fault = (struct sat_fault){0};
    return SAT_OK;
}

enum sat_err client_contacted(struct satchel_tx *tx, const char *type, const char *fields)
{
    if (strcmp(type, "interaction") != 0) return SAT_OK;
    json_t *said = json_loads(fields, 0, NULL);
    const char *account = json_string_value(json_object_get(said, "account"));
    const char *at = json_string_value(json_object_get(said, "at"));
    enum sat_err err = account && at && has_been(at) ? move(tx, account, at) : SAT_OK;
    json_decref(said);
    return err;
}
