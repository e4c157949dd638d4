#include "common/proof/disclosure.h"

#include <string.h>

#include "common/base/check.h"
#include "common/base/limits.h"
#include "common/proof/hash.h"

static struct sat_record_id first_of(const struct sat_hash *org, uint32_t device)
{
    struct sat_hasher hasher;
    struct sat_record_id id = {{0}};
    uint8_t number[4];
    for (unsigned i = 0; i < 4; i++) number[i] = (uint8_t)(device >> (8 * i));
    sat_hash_begin(&hasher, "disclosure-id");
    sat_hash_add(&hasher, org->b, sizeof org->b);
    sat_hash_add(&hasher, number, sizeof number);
    struct sat_hash hash = sat_hash_end(&hasher);
    memcpy(id.b, hash.b, SAT_DISCLOSURE_PREFIX);
    id.b[6] = (uint8_t)(0x80 | (id.b[6] & 0x0f));
    id.b[8] = (uint8_t)(0x80 | (id.b[8] & 0x3f));
    return id;
}

struct sat_record_id sat_disclosure_record(const struct sat_hash *org, uint32_t device, uint32_t number)
{
    sat_check(number < SAT_DISCLOSURES_MAX);
    struct sat_record_id id = first_of(org, device);
    for (unsigned i = 0; i < 4; i++) id.b[SAT_DISCLOSURE_PREFIX + i] = (uint8_t)(number >> (8 * i));
    return id;
}

bool sat_disclosure_is_of(const struct sat_hash *org, uint32_t device, const struct sat_record_id *record)
{
    struct sat_record_id first = first_of(org, device);
    uint32_t number = 0;
    for (unsigned i = 0; i < 4; i++) number |= (uint32_t)record->b[SAT_DISCLOSURE_PREFIX + i] << (8 * i);
    return number < SAT_DISCLOSURES_MAX && memcmp(first.b, record->b, SAT_DISCLOSURE_PREFIX) == 0;
}
