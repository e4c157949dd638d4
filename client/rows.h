/* Rows: JSON objects given to the caller one at a time. */
#ifndef CLIENT_ROWS_H
#define CLIENT_ROWS_H

#include "client/include/satchel.h"
#include "client/json.h"

/* Gives one row, whose reference is taken; false: the caller wants no more. */
bool client_give_row(satchel_row_fn row, void *context, json_t *json);

#endif
