#define _GNU_SOURCE
#include "server/loop.h"

#include <signal.h>
#include <sodium.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "server/address.h"
#include "server/certificate.h"
#include "server/clock.h"
#include "server/hub.h"
#include "server/identity.h"
#include "server/line.h"
#include "server/sockets.h"

enum { DRAIN_MS = 7000 /* the contract says 10 s, and the stores are to be closed after it */, ORG_DESCRIPTORS = 4096 };

struct service {
    struct satd_datadir dir;
    struct sat_arena arena;
    struct sat_sign_key *identity;
    struct satd_certificate certificate;
    struct satd_address address;
    struct satd_hub *hub;
    struct satd_sockets *sockets;
    int listen_fd, signal_fd;
};

/* As many descriptors as the connections and the orgs' stores need, or as many as we may have. */
static void raise_descriptors(uint32_t connections_max)
{
    struct rlimit limit;
    rlim_t wanted = (rlim_t)connections_max + ORG_DESCRIPTORS;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max == RLIM_INFINITY || limit.rlim_max > wanted ? wanted : limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

/* Signals come in through a descriptor, between events, never in the middle of something. */
static enum sat_err open_signals(int *out, struct sat_fault *fault)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGHUP);
    if (sigprocmask(SIG_BLOCK, &set, NULL) == 0) *out = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return *out >= 0 ? SAT_OK : satd_fail_errno(fault, "waiting for", "signals");
}

static enum sat_err open_files(struct service *service, const struct satd_options *options, struct satd_log *log,
                               struct sat_fault *fault)
{
    struct sat_entropy entropy = sat_entropy_system();
    enum sat_err err = satd_datadir_open(options->value[SATD_OPTION_DATA], &service->dir, fault);
    if (err == SAT_OK) err = satd_datadir_lock(&service->dir, fault);
    if (err == SAT_OK) err = satd_identity_open(&service->dir, &entropy, log, &service->identity, fault);
    if (err == SAT_OK && !options->value[SATD_OPTION_INSECURE])
        err = satd_certificate_open(&service->dir, options->value[SATD_OPTION_TLS_CERT],
                                    options->value[SATD_OPTION_TLS_KEY], log, &service->arena, &service->certificate,
                                    fault);
    return err;
}

static enum sat_err open_service(struct service *service, const struct satd_options *options, struct satd_log *log,
                                 struct sat_fault *fault)
{
    bool insecure = options->value[SATD_OPTION_INSECURE];
    enum sat_err err = satd_address_parse(options->value[SATD_OPTION_LISTEN], &service->address, fault);
    raise_descriptors(options->connections_max);
    if (err == SAT_OK) err = open_signals(&service->signal_fd, fault);
    if (err == SAT_OK) err = open_files(service, options, log, fault);
    if (err == SAT_OK) err = satd_address_listen(&service->address, insecure, &service->listen_fd, fault);
    if (err != SAT_OK) return err;
    struct satd_hub_config hub = {
        .dir = &service->dir, .server = service->identity, .entropy = sat_entropy_system(), .log = log};
    service->hub = satd_hub_new(&hub);
    struct satd_sockets_config sockets = {
        .cert_path = service->certificate.cert_path,
        .key_path = service->certificate.key_path,
        .connections_max = options->connections_max,
        .hub = service->hub,
        .log = log,
        .listen_fd = service->listen_fd,
        .signal_fd = service->signal_fd,
    };
    if (!insecure) sockets.binding = sat_binding_tls_key(service->certificate.public_key);
    service->listen_fd = service->signal_fd = -1;
    return satd_sockets_open(&sockets, &service->sockets, fault);
}

static void close_service(struct service *service)
{
    satd_sockets_close(service->sockets);
    satd_hub_free(service->hub);
    if (service->listen_fd >= 0) (void)close(service->listen_fd);
    if (service->signal_fd >= 0) (void)close(service->signal_fd);
    satd_identity_free(service->identity);
    satd_datadir_close(&service->dir);
    sat_arena_deinit(&service->arena);
}

/* The one line on stdout that scripts wait for. */
static void announce(const struct service *service, struct satd_log *log)
{
    struct satd_line line;
    char url[320];
    struct sat_public_key pin = sat_sign_public(service->identity);
    satd_address_url(&service->address, service->certificate.cert_path ? "wss" : "ws", url, sizeof url);
    satd_line_begin(&line);
    satd_line_text(&line, "event", "ready");
    satd_line_text(&line, "url", url);
    satd_line_hex(&line, "pin", sat_span(pin.b, sizeof pin.b));
    satd_line_end(&line);
    satd_log(log, READY, satd_place("url", url), satd_id("pin", pin.b, sizeof pin.b),
             satd_number("pid", (uint64_t)getpid()));
    ssize_t written = write(STDOUT_FILENO, line.at, line.len);
    (void)written; /* who has closed stdout does not want to know */
}

/* Gives everybody what is due to them and a goodbye; a second signal or the time ends it. */
static void drain(struct satd_sockets *sockets, struct satd_log *log)
{
    uint64_t until_ms = satd_mono_ms() + DRAIN_MS;
    satd_log(log, DRAINING, satd_number("peers", satd_sockets_peers(sockets)));
    satd_sockets_drain(sockets);
    while (satd_sockets_peers(sockets) && satd_mono_ms() < until_ms && satd_sockets_stops(sockets) < 2)
        satd_sockets_service(sockets);
    uint32_t left = satd_sockets_peers(sockets);
    if (left) satd_log(log, DRAIN_CUT_SHORT, satd_number("peers", left));
}

enum sat_err satd_serve(const struct satd_options *options, struct satd_log *log, struct sat_fault *fault)
{
    struct service service = {
        .listen_fd = -1, .signal_fd = -1, .dir = {.fd = -1, .tokens_fd = -1, .orgs_fd = -1, .lock_fd = -1}};
    sat_arena_init(&service.arena);
    satd_log(log, STARTING, satd_place("data", options->value[SATD_OPTION_DATA]),
             satd_number("pid", (uint64_t)getpid()));
    enum sat_err err = open_service(&service, options, log, fault);
    if (err == SAT_OK) {
        announce(&service, log);
        while (!satd_sockets_stops(service.sockets)) satd_sockets_service(service.sockets);
        drain(service.sockets, log);
    }
    close_service(&service);
    if (err == SAT_OK) satd_log(log, STOPPED, satd_number("pid", (uint64_t)getpid()));
    return err;
}
