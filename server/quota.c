#include "server/quota.h"

#include <sodium.h>
#include <stdlib.h>

#include "common/base/check.h"

enum { MINUTE_MS = 60000, RETRY_LEAST_MS = 1000 };

uint64_t satd_retry_ms(uint64_t ms)
{
    return ms + randombytes_uniform((uint32_t)(ms < UINT32_MAX ? ms : UINT32_MAX) + 1);
}

/* Lets run out what has run out since. The limits are at most 2^50 a minute, so nothing here overflows. */
static void drain(struct satd_bucket *bucket, uint64_t per_minute, uint64_t now_ms)
{
    uint64_t passed_ms = now_ms - bucket->at_ms < MINUTE_MS ? now_ms - bucket->at_ms : MINUTE_MS;
    uint64_t gone = per_minute / MINUTE_MS * passed_ms + per_minute % MINUTE_MS * passed_ms / MINUTE_MS;
    if (gone == 0 && bucket->level && passed_ms < MINUTE_MS) return; /* too slow to see yet: let the time add up */
    bucket->level = bucket->level > gone ? bucket->level - gone : 0;
    bucket->at_ms = now_ms;
}

/* How long until a full bucket is down to three quarters: coming back for less would only mean to be refused again. */
static uint64_t wait_ms(const struct satd_bucket *bucket, uint64_t per_minute)
{
    uint64_t goal = per_minute - per_minute / 4, surplus = bucket->level > goal ? bucket->level - goal : 0;
    uint64_t minutes = surplus / per_minute, rest = surplus % per_minute;
    uint64_t ms = minutes * MINUTE_MS + (uint64_t)((double)rest * MINUTE_MS / (double)per_minute);
    return ms > RETRY_LEAST_MS ? ms : RETRY_LEAST_MS;
}

void satd_quota_init(struct satd_quota *quota, const struct satd_limits *limits)
{
    *quota = (struct satd_quota){.limits = limits};
}

void satd_quota_deinit(struct satd_quota *quota)
{
    while (quota->devices) {
        struct satd_account *account = quota->devices;
        quota->devices = account->next;
        free(account);
    }
}

static bool is_idle(const struct satd_quota *quota, struct satd_account *account, uint64_t now_ms)
{
    drain(&account->bytes, quota->limits->device_bytes, now_ms);
    drain(&account->changes, quota->limits->device_changes, now_ms);
    return account->peers == 0 && account->bytes.level == 0 && account->changes.level == 0;
}

struct satd_account *satd_quota_join(struct satd_quota *quota, uint32_t device, uint64_t now_ms)
{
    struct satd_account *found = NULL;
    for (struct satd_account **at = &quota->devices; *at;) {
        struct satd_account *account = *at;
        if (account->device == device) {
            found = account;
        } else if (is_idle(quota, account, now_ms)) {
            *at = account->next;
            free(account);
            continue;
        }
        at = &account->next;
    }
    if (!found) {
        found = calloc(1, sizeof *found);
        sat_check(found != NULL);
        *found = (struct satd_account){.device = device, .next = quota->devices};
        quota->devices = found;
    }
    found->peers++;
    return found;
}

void satd_quota_leave(struct satd_account *account)
{
    sat_check(account->peers > 0);
    account->peers--;
}

struct charge {
    struct satd_bucket *bucket;
    uint64_t per_minute, n;
    const char *text;
};

struct satd_refusal satd_quota_charge(struct satd_quota *quota, struct satd_account *device, uint64_t bytes,
                                      uint64_t changes, bool work, uint64_t now_ms)
{
    const struct satd_limits *limits = quota->limits;
    const struct charge charges[] = {
        {&quota->org.bytes, limits->org_bytes, bytes, "your organisation has sent more than it may in a minute"},
        {&quota->org.changes, limits->org_changes, changes, "your organisation has sent more than it may in a minute"},
        {device ? &device->bytes : NULL, limits->device_bytes, bytes,
         "this device has sent more than it may in a minute"},
        {device ? &device->changes : NULL, limits->device_changes, changes,
         "this device has sent more than it may in a minute"},
    };
    for (unsigned i = 0; i < sizeof charges / sizeof charges[0]; i++) {
        if (!charges[i].bucket || charges[i].n == 0) continue;
        drain(charges[i].bucket, charges[i].per_minute, now_ms);
        if (charges[i].bucket->level < (work ? 1 : 2) * charges[i].per_minute) continue;
        uint64_t ms = wait_ms(charges[i].bucket, charges[i].per_minute);
        return (struct satd_refusal){SAT_ERR_BUSY, ms + satd_retry_ms(ms / 4), charges[i].text};
    }
    for (unsigned i = 0; i < sizeof charges / sizeof charges[0]; i++)
        if (charges[i].bucket) charges[i].bucket->level += charges[i].n;
    return (struct satd_refusal){0};
}
