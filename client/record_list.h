/* A sorted list of records, each in its space: which are in conflict, of which something cannot be read. */
#ifndef CLIENT_RECORD_LIST_H
#define CLIENT_RECORD_LIST_H

#include "common/base/id.h"

struct client_record_list {
    struct client_listed {
        int64_t sid;
        struct sat_record_id record;
        uint32_t unreadable, later; /* changes (unread.c); of a conflict neither is counted */
    } * at;
    uint32_t n, cap;
};

/* Puts the record in, or what is said of it in the place of what was; or, with `in` false, takes it out. */
void client_record_list_set(struct client_record_list *list, const struct client_listed *item, bool in);
void client_record_list_free(struct client_record_list *list);

#endif
