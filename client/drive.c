/* satchel_session: a sync that the application drives, with a network and an event loop of its own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/sync.h"
#include "client/wipe.h"
#include "common/base/check.h"
#include "common/wire/message.h"

_Static_assert(SATCHEL_MESSAGE_BYTES_MAX == SAT_MESSAGE_BYTES_MAX, "one bound, named twice");

struct satchel_session {
    struct client_syncing syncing;
    struct client_session *session;
    char url[2 * SAT_URL_BYTES_MAX + 1];
    struct sat_buf message; /* the one that was given out last */
    bool ended;             /* what the end asks for is done */
    enum sat_err err;
    struct sat_fault fault;
};

const char *satchel_session_subprotocol(void)
{
    return SAT_SUBPROTOCOL;
}

/* At the first address that is one: what a directory says may be for another kind of client. */
static enum sat_err open_session(struct satchel_session *driven)
{
    struct client_session_config *config = &driven->syncing.config;
    struct satchel *satchel = driven->syncing.satchel;
    enum sat_err err = client_session_new(satchel, config, &driven->session);
    while (err == SAT_ERR_INVALID && config->urls[1]) {
        memmove(config->urls, config->urls + 1, sizeof config->urls - sizeof config->urls[0]);
        config->urls[CLIENT_ADDRESSES_MAX - 1] = NULL;
        err = client_session_new(satchel, config, &driven->session);
    }
    if (err) return err;
    const char *address = client_session_address(driven->session);
    size_t len = strlen(address);
    while (len && address[len - 1] == '/') len--;
    (void)snprintf(driven->url, sizeof driven->url, "%.*s%s", (int)len, address, client_session_path(driven->session));
    return SAT_OK;
}

int satchel_session_open(struct satchel *satchel, const struct satchel_sync_options *options,
                         struct satchel_session **out)
{
    client_begin(satchel);
    *out = NULL;
    if (satchel->session)
        return client_end(satchel, sat_fail(&satchel->fault, SAT_ERR_INVALID, "a sync is under way on this handle"));
    struct satchel_session *driven = calloc(1, sizeof *driven);
    sat_check_memory(driven);
    sat_buf_init(&driven->message);
    enum sat_err err = client_syncing_begin(&driven->syncing, satchel, options);
    if (!err) err = open_session(driven);
    if (err) {
        satchel_session_free(driven);
    } else {
        satchel->driven = driven;
        *out = driven;
    }
    return client_end(satchel, err);
}

void satchel_session_free(struct satchel_session *driven)
{
    if (!driven) return;
    struct satchel *satchel = driven->syncing.satchel;
    struct satchel_sync_result result;
    if (driven->session) {
        struct satchel_error error = satchel->error;
        (void)!satchel_session_result(driven, &result);
        satchel->error = error; /* asking for the result is what tells it */
        client_session_free(driven->session);
    }
    if (satchel->driven == driven) satchel->driven = NULL;
    sat_buf_deinit(&driven->message);
    sat_arena_deinit(&driven->syncing.arena);
    free(driven);
    client_wipe_obey(satchel);
}

const char *satchel_session_url(const struct satchel_session *driven)
{
    return driven->url;
}

void satchel_session_opened(struct satchel_session *driven, const void *tls_key, size_t tls_key_len)
{
    struct sat_binding binding = {.kind = SAT_BINDING_NONE};
    if (tls_key) binding = sat_binding_tls_key(sat_span(tls_key, tls_key_len));
    client_session_opened(driven->session, &binding);
}

void satchel_session_refused(struct satchel_session *driven, int http_status, const char *text)
{
    unsigned status = http_status > 0 ? (unsigned)http_status : 0;
    client_session_refused(driven->session, status, sat_span_text(text ? text : ""));
}

void satchel_session_received(struct satchel_session *driven, const void *message, size_t len)
{
    client_session_received(driven->session, sat_span(message, len));
    client_session_take(driven->session);
}

void satchel_session_closed(struct satchel_session *driven, const char *why)
{
    client_session_lost(driven->session, why);
}

int satchel_session_wants_write(const struct satchel_session *driven)
{
    return client_session_wants(driven->session);
}

int satchel_session_writable(struct satchel_session *driven, const void **message, size_t *len)
{
    sat_buf_clear(&driven->message);
    client_session_next(driven->session, &driven->message);
    *message = driven->message.at;
    *len = driven->message.len;
    return *len > 0;
}

void satchel_session_poke(struct satchel_session *driven)
{
    client_session_poke(driven->session);
}

int satchel_session_over(struct satchel_session *driven)
{
    return client_session_over(driven->session);
}

uint32_t satchel_session_wakeup_ms(const struct satchel_session *driven)
{
    return client_session_wakeup_ms(driven->session);
}

int satchel_session_result(struct satchel_session *driven, struct satchel_sync_result *out)
{
    struct satchel *satchel = driven->syncing.satchel;
    client_begin(satchel);
    struct client_session_result result;
    enum sat_err err = client_session_result(driven->session, &result);
    if (client_session_over(driven->session) && !driven->ended) {
        driven->ended = true;
        driven->err = client_syncing_end(&driven->syncing, err, &result);
        driven->fault = satchel->fault;
    }
    if (driven->ended) {
        err = driven->err;
        satchel->fault = driven->fault;
    }
    err = client_syncing_tell(&driven->syncing, err, &result, out);
    return client_end(satchel, err);
}
