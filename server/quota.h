/* How much one org, and one device in it, may ask of the server in a minute. A bucket fills with what is taken and runs
 * empty at the allowed rate; who finds it full is told when to come back. */
#ifndef SATD_QUOTA_H
#define SATD_QUOTA_H

#include "common/base/err.h"

struct satd_limits { /* from the options; borrowed wherever it is needed */
    uint64_t org_peers, device_peers;
    uint64_t org_bytes, device_bytes;     /* a minute */
    uint64_t org_changes, device_changes; /* a minute */
    uint64_t stored_bytes, disk_reserve_bytes;
    uint64_t collect_every_ms, collect_after_ms; /* sat_host_config */
    uint32_t stores_open;
    uint64_t failed_attempts; /* a minute, from one address */
};

/* Why something is not done now, for the one who asked. err == SAT_OK: it is done. */
struct satd_refusal {
    enum sat_err err;
    uint64_t retry_ms;
    const char *text; /* static */
};

struct satd_bucket {
    uint64_t level, at_ms;
};

struct satd_account {
    struct satd_bucket bytes, changes;
    struct satd_account *next;
    uint32_t device; /* 0: the org as a whole */
    uint32_t peers;
};

struct satd_quota {
    const struct satd_limits *limits;
    struct satd_account org;
    struct satd_account *devices;
};

void satd_quota_init(struct satd_quota *quota, const struct satd_limits *limits);
void satd_quota_deinit(struct satd_quota *quota);
/* The device's account, with one peer more; the quota owns it, and keeps it after the last peer has left until its
 * buckets are empty, so that coming back changes nothing. */
struct satd_account *satd_quota_join(struct satd_quota *quota, uint32_t device, uint64_t now_ms);
void satd_quota_leave(struct satd_account *account);
/* Takes a message off the org's account and the device's (NULL: not known yet), or says why not. Who has sent too much
 * work may still ask and read: what is no work is taken up to twice the limit. */
struct satd_refusal satd_quota_charge(struct satd_quota *quota, struct satd_account *device, uint64_t bytes,
                                      uint64_t changes, bool work, uint64_t now_ms);
/* At least `ms` and less than twice that, by chance: so that those who are told together do not come back together. */
uint64_t satd_retry_ms(uint64_t ms);

#endif
