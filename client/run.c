/* A session over the library's own transport, at one address after another. */
#define _GNU_SOURCE
#include <string.h>
#include <time.h>

#include "client/session.h"
#include "client/transport.h"

uint64_t client_monotonic_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* One connection. *again: nobody was met who counts, so that another address may be tried. */
static enum sat_err run_once(struct satchel *satchel, const struct client_session_config *config,
                             struct client_session_result *result, bool *again)
{
    struct client_session *session;
    *again = true;
    enum sat_err err = client_session_new(satchel, config, &session);
    if (err) return err;
    err = client_transport_run(session, &satchel->fault);
    if (!err) err = client_session_result(session, result);
    *again = client_session_may_retry(session);
    client_session_free(session);
    return err;
}

/* A home that was a copy is another device's after the first session, and goes on as that: twice is enough, as nobody
 * else has the new keys. */
static enum sat_err run_as_device(struct satchel *satchel, struct client_session_config *config,
                                  struct client_session_result *result, bool *again)
{
    enum sat_err err = run_once(satchel, config, result, again);
    if (err || !result->reindexed) return err;
    struct sat_replica_counts before = result->counts;
    config->replica.device = client_device(satchel);
    err = run_once(satchel, config, result, again);
    result->counts.sent += before.sent;
    result->counts.received += before.received;
    *again = false; /* somebody was met */
    return err;
}

enum sat_err client_session_run(struct satchel *satchel, const struct client_session_config *config,
                                struct client_session_result *result)
{
    struct client_session_config attempt = *config;
    uint64_t begun_ms = client_monotonic_ms();
    struct sat_fault told = {0};
    *result = (struct client_session_result){0};
    for (bool again = true; attempt.urls[0] && again;) {
        uint64_t spent_ms = client_monotonic_ms() - begun_ms, left_ms = config->timeout_ms - spent_ms;
        if (config->timeout_ms) attempt.timeout_ms = spent_ms < config->timeout_ms ? (uint32_t)left_ms : 1;
        enum sat_err err = run_as_device(satchel, &attempt, result, &again);
        if (!err) return SAT_OK;
        if (satchel->fault.err != err) (void)sat_fail(&satchel->fault, err, NULL);
        /* An impostor is worth more than silence; else what the first address said is what is told. */
        if (!told.err || !again || err == SAT_ERR_WRONG_SERVER) told = satchel->fault;
        memmove(attempt.urls, attempt.urls + 1, sizeof attempt.urls - sizeof attempt.urls[0]);
        attempt.urls[CLIENT_ADDRESSES_MAX - 1] = NULL;
    }
    satchel->fault = told;
    return told.err;
}
