#define _GNU_SOURCE
#include "server/org.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "server/clock.h"
#include "server/nursery.h"

enum { STORED_FRESH_MS = 200, REST_MS = 5000 };

static void count(struct satd_org *org, const struct satd_hub_config *config, uint64_t took_us, uint32_t events)
{
    struct satd_metrics *metrics = config->metrics;
    struct sat_host_counts now = sat_host_counts(org->host), *before = &org->counted;
    if (events) satd_observe(metrics, SATD_METRIC_BATCH_EVENTS, events);
    if (now.commits > before->commits) satd_observe(metrics, SATD_METRIC_COMMIT_SECONDS, took_us);
    if (now.changes > before->changes) satd_observe(metrics, SATD_METRIC_BATCH_CHANGES, now.changes - before->changes);
    satd_count(metrics, SATD_METRIC_COMMITS, now.commits - before->commits);
    satd_count(metrics, SATD_METRIC_BUNDLES, now.bundles - before->bundles);
    satd_count(metrics, SATD_METRIC_CHANGES, now.changes - before->changes);
    satd_count(metrics, SATD_METRIC_BUNDLES_REFUSED, now.refused - before->refused);
    satd_count(metrics, SATD_METRIC_LINKS, now.links - before->links);
    satd_count(metrics, SATD_METRIC_BUNDLES_ESCROWED, now.escrowed - before->escrowed);
    satd_count(metrics, SATD_METRIC_RANGES, now.ranges - before->ranges);
    satd_count(metrics, SATD_METRIC_MENDED, now.mended - before->mended);
    satd_count(metrics, SATD_METRIC_PEERS_OUT, now.out - before->out);
    if (now.escrowed > before->escrowed)
        satd_log(config->log, BUNDLES_ESCROWED, satd_id("org", org->id.b, sizeof org->id.b),
                 satd_number("bundles", now.escrowed - before->escrowed));
    if (now.mended > before->mended)
        satd_log(config->log, MENDED, satd_id("org", org->id.b, sizeof org->id.b),
                 satd_number("mended", now.mended - before->mended));
    satd_count(metrics, SATD_METRIC_COLLECTIONS, now.collections - before->collections);
    satd_count(metrics, SATD_METRIC_COLLECTED, now.collected - before->collected);
    satd_count(metrics, SATD_METRIC_FORGOTTEN, now.forgotten - before->forgotten);
    satd_count(metrics, SATD_METRIC_COMPACTED, now.compacted - before->compacted);
    if (now.collections > before->collections)
        satd_log(config->log, COLLECTED, satd_id("org", org->id.b, sizeof org->id.b),
                 satd_number("records", now.collected - before->collected));
    satd_count(metrics, SATD_METRIC_LIVES, now.lives - before->lives);
    satd_count(metrics, SATD_METRIC_BUNDLES_RETURNED, now.returned - before->returned);
    if (now.lives > before->lives)
        satd_log(config->log, SET_BACK, satd_id("org", org->id.b, sizeof org->id.b),
                 satd_place("shown_by", now.announced ? "operator" : "device"));
    if (now.returned > before->returned)
        satd_log(config->log, BUNDLES_RETURNED, satd_id("org", org->id.b, sizeof org->id.b),
                 satd_number("bundles", now.returned - before->returned));
    if (now.out > before->out)
        satd_log(config->log, PEERS_OUT, satd_id("org", org->id.b, sizeof org->id.b),
                 satd_number("peers", now.out - before->out));
    org->counted = now;
}

/* A store that has failed is left alone for a while: each attempt costs all its peers their connection. */
static void fail(struct satd_org *org, const struct satd_hub_config *config, enum sat_err err, uint32_t events)
{
    struct sat_fault fault = {0};
    const struct sat_fault *of_store = sat_store_fault(org->store);
    if (of_store && of_store->err == err) fault = *of_store;
    (void)sat_fail_keep(&fault, err);
    satd_count_reason(config->metrics, SATD_METRIC_STEPS_FAILED, err);
    satd_log(config->log, STEP_FAILED, satd_id("org", org->id.b, sizeof org->id.b), satd_number("events", events),
             satd_fault(&fault));
    org->resting_until_ms = satd_mono_ms() + REST_MS;
    org->resting_text = err == SAT_ERR_DISK_FULL ? SATD_NO_ROOM : "the server cannot store new work at the moment";
    org->counted = sat_host_counts(org->host); /* what was undone was counted there */
}

void satd_org_step(struct satd_org *org, const struct satd_hub_config *config, const struct sat_event *events,
                   uint32_t n, struct sat_actions *out)
{
    uint64_t start_us = satd_mono_us();
    enum sat_err err = sat_host_step(org->host, satd_wall_ms(), events, n, out);
    uint64_t took_us = satd_mono_us() - start_us;
    if (err != SAT_OK) {
        fail(org, config, err, n);
        return;
    }
    count(org, config, took_us, n);
    satd_log(config->log, STEP, satd_id("org", org->id.b, sizeof org->id.b), satd_number("events", n),
             satd_number("took_us", took_us));
}

void satd_org_maintain(struct satd_org *org, const struct satd_hub_config *config, uint32_t budget,
                       struct sat_actions *out)
{
    uint64_t start_us = satd_mono_us(), commits = org->counted.commits;
    enum sat_err err = sat_host_maintain(org->host, satd_wall_ms(), budget, out);
    if (err != SAT_OK)
        fail(org, config, err, 0);
    else if (sat_host_counts(org->host).commits > commits)
        count(org, config, satd_mono_us() - start_us, 0);
}

static uint64_t size_of(int fd, const char *name)
{
    struct stat status;
    return fstatat(fd, name, &status, 0) == 0 && status.st_size > 0 ? (uint64_t)status.st_size : 0;
}

uint64_t satd_org_stored_bytes(struct satd_org *org, const struct satd_datadir *dir, uint64_t now_ms)
{
    char name[SATD_ORG_NAME_SIZE], journal[SATD_ORG_NAME_SIZE + 4];
    if (org->stored_at_ms && now_ms - org->stored_at_ms < STORED_FRESH_MS) return org->stored_bytes;
    satd_org_name(&org->id, name);
    (void)snprintf(journal, sizeof journal, "%s-wal", name);
    org->stored_bytes = size_of(dir->orgs_fd, name) + size_of(dir->orgs_fd, journal);
    org->stored_at_ms = now_ms;
    return org->stored_bytes;
}
