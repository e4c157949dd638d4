#define _GNU_SOURCE
#include "server/nursery.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/wire/message.h"
#include "server/tokens.h"

/* Names that begin so belong to stores in the making. */
static const char UNFINISHED[] = ".new-";

void satd_org_name(const struct sat_hash *id, char out[SATD_ORG_NAME_SIZE])
{
    sat_hex_format(id->b, sizeof id->b, out);
    memcpy(out + 64, ".db", 4);
}

void satd_nursery_sweep(const struct satd_hub_config *config)
{
    int fd = dup(config->dir->orgs_fd);
    DIR *orgs = fd >= 0 ? fdopendir(fd) : NULL;
    if (!orgs) {
        if (fd >= 0) (void)close(fd);
        return;
    }
    rewinddir(orgs);
    for (struct dirent *entry; (entry = readdir(orgs));) {
        if (strncmp(entry->d_name, UNFINISHED, sizeof UNFINISHED - 1) != 0) continue;
        if (unlinkat(config->dir->orgs_fd, entry->d_name, 0) == 0)
            satd_log(config->log, ORG_LEFTOVER, satd_place("file", entry->d_name));
    }
    (void)closedir(orgs);
}

static void remove_store(const struct satd_hub_config *config, const char *name)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        char part[128];
        (void)snprintf(part, sizeof part, "%s%s", name, suffixes[i]);
        (void)unlinkat(config->dir->orgs_fd, part, 0);
    }
}

/* Closing the store has moved its journal into the one file; a journal that is still there would be lost by the
 * renaming. */
static enum sat_err settle_store(const struct satd_hub_config *config, const char *name, struct sat_fault *fault)
{
    char journal[128];
    (void)snprintf(journal, sizeof journal, "%s-wal", name);
    if (faccessat(config->dir->orgs_fd, journal, F_OK, 0) == 0)
        return sat_fail(fault, SAT_ERR_IO, "the new org's store could not be closed cleanly");
    int fd = openat(config->dir->orgs_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) return satd_fail_errno(fault, "opening", name);
    enum sat_err err = fsync(fd) == 0 ? SAT_OK : satd_fail_errno(fault, "syncing", name);
    (void)close(fd);
    return err;
}

/* The identity that the new org names, if it is one of ours: who was given the pin of one that is a former one by now
 * founds with that. With any other the engine refuses. */
static const struct sat_sign_key *named_identity(const struct satd_hub_config *config, struct sat_span create)
{
    const struct sat_sign_key *key = NULL;
    struct sat_arena arena;
    struct sat_message message;
    struct sat_link genesis;
    struct sat_body_genesis body;
    sat_arena_init(&arena);
    if (sat_message_decode(create, SAT_SENDER_CLIENT, &arena, &message) == SAT_OK &&
        message.type == SAT_MESSAGE_CREATE && message.as.CREATE.links.n &&
        sat_link_decode(message.as.CREATE.links.at[0], &genesis) == SAT_OK &&
        sat_body_genesis_decode(genesis.body, &body) == SAT_OK)
        key = satd_identities_find(config->identities, body.server.b, sizeof body.server.b);
    sat_arena_deinit(&arena);
    return key ? key : config->identities->keys;
}

static enum sat_err make_store(const struct satd_hub_config *config, const char *name, struct sat_span create,
                               uint64_t now_ms, struct sat_buf *reply, struct sat_fault *fault)
{
    char path[4200];
    struct sat_store *store = NULL;
    int len = snprintf(path, sizeof path, "%s/orgs/%s", config->dir->path, name);
    if (len < 0 || (size_t)len >= sizeof path)
        return sat_fail(fault, SAT_ERR_CONFIG, "the path of the data directory is too long");
    enum sat_err err = sat_store_open(path, SAT_STORE_CREATE, &store, fault);
    if (err == SAT_OK) err = sat_host_found(store, named_identity(config, create), create, now_ms, reply, fault);
    sat_store_close(store);
    return err == SAT_OK ? settle_store(config, name, fault) : err;
}

/* The token is looked at before any work is done for it, and used up when all else has succeeded: what is refused costs
 * no token. */
static enum sat_err found(const struct satd_hub_config *config, struct sat_span create, uint64_t now_ms,
                          struct sat_buf *reply, struct sat_fault *fault)
{
    struct sat_span token;
    struct sat_hash org;
    char name[SATD_ORG_NAME_SIZE], unfinished[SATD_ORG_NAME_SIZE + sizeof UNFINISHED];
    int orgs = config->dir->orgs_fd;
    enum sat_err err = sat_host_read_create(create, &token, &org, fault);
    if (err != SAT_OK) return sat_fail_keep(fault, err);
    satd_org_name(&org, name);
    if (faccessat(orgs, name, F_OK, 0) == 0)
        return sat_fail(fault, SAT_ERR_EXISTS, "this org exists on the server already");
    err = satd_token_check(config->dir, token);
    if (err != SAT_OK) return sat_fail(fault, err, NULL);
    (void)snprintf(unfinished, sizeof unfinished, "%s%s", UNFINISHED, name);
    remove_store(config, unfinished);
    err = make_store(config, unfinished, create, now_ms, reply, fault);
    if (err == SAT_OK) err = satd_token_redeem(config->dir, token, fault);
    if (err == SAT_OK && renameat(orgs, unfinished, orgs, name) != 0) err = satd_fail_errno(fault, "naming", name);
    if (err == SAT_OK) err = satd_directory_sync(orgs, fault);
    if (err != SAT_OK) remove_store(config, unfinished);
    if (err == SAT_OK) {
        satd_count(config->metrics, SATD_METRIC_ORGS_CREATED, 1);
        satd_log(config->log, ORG_CREATED, satd_id("org", org.b, sizeof org.b));
    }
    return err == SAT_OK ? SAT_OK : sat_fail_keep(fault, err);
}

static void send_copy(struct sat_actions *out, uint64_t peer, const struct sat_buf *message)
{
    struct sat_action *action = sat_actions_add(out, SAT_ACTION_SEND, peer);
    action->bytes = sat_span_copy(out->arena, sat_buf_span(message));
}

/* What is local trouble stays in our log; an outsider hears that it is the server's. */
static void put_refusal(enum sat_err err, const struct sat_fault *fault, struct sat_buf *out)
{
    bool ours = sat_err_class(err) == SAT_CLASS_FATAL;
    sat_buf_clear(out);
    sat_host_error(err, 0, ours ? "the server could not store the org; its log says why" : fault->text, out);
}

static void answer(const struct satd_hub_config *config, const struct sat_event *event, uint64_t now_ms,
                   struct sat_actions *out)
{
    struct sat_buf reply;
    struct sat_fault fault = {0};
    sat_buf_init(&reply);
    enum sat_err err = found(config, event->bytes, now_ms, &reply, &fault);
    if (err != SAT_OK) {
        satd_log(config->log, ORG_CREATE_REFUSED, satd_number("peer", event->peer), satd_fault(&fault));
        put_refusal(err, &fault, &reply);
    }
    send_copy(out, event->peer, &reply);
    struct sat_action *action = sat_actions_add(out, SAT_ACTION_CLOSE, event->peer);
    action->err = err;
    action->stranger = true; /* founders show no more than a token */
    sat_buf_deinit(&reply);
}

/* Has the peer had its one message? After an answer it is closed, so it can only be in this batch. */
static bool answered(const struct sat_event *events, uint32_t before, uint64_t peer)
{
    for (uint32_t i = 0; i < before; i++)
        if (events[i].peer == peer && events[i].kind == SAT_EVENT_MESSAGE) return true;
    return false;
}

static const struct sat_sign_key *greeter(const struct satd_hub_config *config, const struct sat_event *opened)
{
    const struct sat_sign_key *key =
        satd_identities_find(config->identities, opened->server_hint, sizeof opened->server_hint);
    return key ? key : config->identities->keys;
}

void satd_nursery_step(const struct satd_hub_config *config, uint64_t now_ms, const struct sat_event *events,
                       uint32_t n, struct sat_actions *out)
{
    static const struct sat_hash no_org;
    struct sat_buf hello;
    sat_buf_init(&hello);
    for (uint32_t i = 0; i < n; i++) {
        const struct sat_event *event = &events[i];
        switch (event->kind) {
        case SAT_EVENT_OPENED:
            sat_buf_clear(&hello);
            sat_host_greet_new(greeter(config, event), &no_org, event->client_nonce, &event->binding, now_ms,
                               &config->entropy, &hello);
            send_copy(out, event->peer, &hello);
            break;
        case SAT_EVENT_MESSAGE:
            if (!answered(events, i, event->peer)) answer(config, event, now_ms, out);
            break;
        case SAT_EVENT_CLOSED:
            break;
        }
    }
    sat_buf_deinit(&hello);
}
