#include "client/record_list.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"

static int compare(const struct client_listed *a, const struct client_listed *b)
{
    if (a->sid != b->sid) return a->sid < b->sid ? -1 : 1;
    return memcmp(a->record.b, b->record.b, sizeof a->record.b);
}

static uint32_t place_of(const struct client_record_list *list, const struct client_listed *item)
{
    uint32_t low = 0, high = list->n;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (compare(&list->at[middle], item) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void client_record_list_set(struct client_record_list *list, const struct client_listed *item, bool in)
{
    uint32_t place = place_of(list, item);
    bool is_in = place < list->n && compare(&list->at[place], item) == 0;
    if (in && is_in) list->at[place] = *item;
    if (in == is_in) return;
    if (!in) {
        memmove(list->at + place, list->at + place + 1, (list->n - place - 1) * sizeof *list->at);
        list->n--;
        return;
    }
    if (list->n == list->cap) {
        list->cap = list->cap ? list->cap * 2 : 16;
        list->at = realloc(list->at, list->cap * sizeof *list->at);
        sat_check_memory(list->at);
    }
    memmove(list->at + place + 1, list->at + place, (list->n - place) * sizeof *list->at);
    list->at[place] = *item;
    list->n++;
}

void client_record_list_free(struct client_record_list *list)
{
    free(list->at);
    *list = (struct client_record_list){0};
}
