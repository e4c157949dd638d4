#define _GNU_SOURCE
#include "server/loop.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/base/check.h"
#include "server/address.h"
#include "server/backup.h"
#include "server/certificate.h"
#include "server/clock.h"
#include "server/hub.h"
#include "server/identity.h"
#include "server/line.h"
#include "server/sockets.h"

enum {
    DRAIN_MS = 7000,       /* the contract says 10 s, and the stores are to be closed after it */
    STORE_DESCRIPTORS = 3, /* a store, its journal, its shared memory */
    OTHER_DESCRIPTORS = 256
};

struct service {
    const struct satd_options *options;
    struct satd_log *log;
    struct satd_metrics metrics;
    struct satd_limits limits;
    struct satd_proxies proxies;
    struct satd_disk disk;
    struct satd_datadir dir;
    struct sat_arena arena;
    struct satd_identities identities;
    struct satd_certificate certificate;
    struct satd_addresses addresses;
    struct satd_address metrics_address;
    struct satd_hub *hub;
    struct satd_sockets *sockets;
    int listen_fds[SATD_ADDRESSES_MAX], metrics_fd, signal_fd;
};

/* As many descriptors as the connections and the orgs' stores need, or as many as we may have. */
static void raise_descriptors(const struct satd_options *options)
{
    struct rlimit limit;
    rlim_t wanted = (rlim_t)options->number[SATD_OPTION_CONNECTIONS] +
                    (rlim_t)options->number[SATD_OPTION_STORES_OPEN] * STORE_DESCRIPTORS + OTHER_DESCRIPTORS;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) return;
    limit.rlim_cur = limit.rlim_max == RLIM_INFINITY || limit.rlim_max > wanted ? wanted : limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

static struct satd_limits limits_of(const struct satd_options *options)
{
    const uint64_t *number = options->number;
    return (struct satd_limits){
        .org_peers = number[SATD_OPTION_ORG_PEERS],
        .device_peers = number[SATD_OPTION_DEVICE_PEERS],
        .org_bytes = number[SATD_OPTION_ORG_BYTES],
        .device_bytes = number[SATD_OPTION_DEVICE_BYTES],
        .org_changes = number[SATD_OPTION_ORG_CHANGES],
        .device_changes = number[SATD_OPTION_DEVICE_CHANGES],
        .stored_bytes = number[SATD_OPTION_STORED],
        .disk_reserve_bytes = number[SATD_OPTION_DISK_RESERVE],
        .collect_every_ms = number[SATD_OPTION_COLLECT_EVERY] * 1000,
        .collect_after_ms = number[SATD_OPTION_COLLECT_AFTER] * 1000,
        .stores_open = (uint32_t)number[SATD_OPTION_STORES_OPEN],
        .failed_attempts = number[SATD_OPTION_FAILED_ATTEMPTS],
    };
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

static enum sat_err open_files(struct service *service, struct sat_fault *fault)
{
    const char *const *value = service->options->value;
    struct sat_entropy entropy = sat_entropy_system();
    enum sat_err err = satd_datadir_open(value[SATD_OPTION_DATA], &service->dir, fault);
    if (err == SAT_OK) err = satd_datadir_lock(&service->dir, fault);
    if (err == SAT_OK) err = satd_restore_check(&service->dir, fault);
    if (err == SAT_OK) err = satd_identities_open(&service->dir, &entropy, service->log, &service->identities, fault);
    if (err == SAT_OK && !value[SATD_OPTION_INSECURE])
        err = satd_certificate_open(&service->dir, value[SATD_OPTION_TLS_CERT], value[SATD_OPTION_TLS_KEY],
                                    service->log, &service->arena, &service->certificate, fault);
    return err;
}

static enum sat_err open_addresses(struct service *service, struct sat_fault *fault)
{
    const char *const *value = service->options->value;
    const char *metrics = value[SATD_OPTION_METRICS];
    bool loopback = value[SATD_OPTION_INSECURE];
    enum sat_err err = satd_addresses_parse(value[SATD_OPTION_LISTEN], &service->addresses, fault);
    for (uint32_t i = 0; err == SAT_OK && i < service->addresses.n; i++)
        err = satd_address_listen(&service->addresses.at[i], loopback, &service->listen_fds[i], fault);
    if (err != SAT_OK || !metrics) return err;
    err = satd_address_parse(metrics, &service->metrics_address, fault);
    return err == SAT_OK ? satd_address_listen(&service->metrics_address, false, &service->metrics_fd, fault) : err;
}

static void have_no_listeners(struct service *service)
{
    for (unsigned i = 0; i < SATD_ADDRESSES_MAX; i++) service->listen_fds[i] = -1;
}

static enum sat_err open_sockets(struct service *service, struct sat_fault *fault)
{
    struct satd_sockets_config config = {
        .cert_path = service->certificate.cert_path,
        .key_path = service->certificate.key_path,
        .connections_max = (uint32_t)service->options->number[SATD_OPTION_CONNECTIONS],
        .ping_s = service->options->number[SATD_OPTION_PING],
        .proxies = &service->proxies,
        .limits = &service->limits,
        .identities = &service->identities,
        .hub = service->hub,
        .disk = &service->disk,
        .log = service->log,
        .metrics = &service->metrics,
        .metrics_fd = service->metrics_fd,
        .signal_fd = service->signal_fd,
    };
    memcpy(config.listen_fds, service->listen_fds, sizeof config.listen_fds);
    service->metrics_fd = service->signal_fd = -1;
    have_no_listeners(service);
    return satd_sockets_open(&config, &service->sockets, fault);
}

static enum sat_err open_service(struct service *service, struct sat_fault *fault)
{
    const struct satd_options *options = service->options;
    const char *proxies = options->value[SATD_OPTION_PROXIES];
    enum sat_err err = proxies ? satd_proxies_parse(proxies, &service->proxies) : SAT_OK;
    raise_descriptors(options);
    service->limits = limits_of(options);
    if (err == SAT_OK) err = open_signals(&service->signal_fd, fault);
    if (err == SAT_OK) err = open_files(service, fault);
    if (err == SAT_OK) err = open_addresses(service, fault);
    if (err != SAT_OK) return err;
    satd_disk_init(&service->disk, &service->dir, service->limits.disk_reserve_bytes, service->log, &service->metrics);
    struct satd_hub_config hub = {
        .dir = &service->dir,
        .identities = &service->identities,
        .entropy = sat_entropy_system(),
        .log = service->log,
        .metrics = &service->metrics,
        .disk = &service->disk,
        .limits = &service->limits,
    };
    service->hub = satd_hub_new(&hub);
    return open_sockets(service, fault);
}

static void close_fd(int fd)
{
    if (fd >= 0) (void)close(fd);
}

static void close_service(struct service *service)
{
    satd_sockets_close(service->sockets);
    satd_hub_free(service->hub);
    for (unsigned i = 0; i < SATD_ADDRESSES_MAX; i++) close_fd(service->listen_fds[i]);
    close_fd(service->metrics_fd);
    close_fd(service->signal_fd);
    satd_identities_close(&service->identities);
    satd_datadir_close(&service->dir);
    sat_arena_deinit(&service->arena);
}

/* The addresses beside the first, with commas between; empty: none. */
static void format_others(const struct service *service, const char *scheme, char *out, size_t out_size)
{
    char url[320];
    size_t len = 0;
    out[0] = 0;
    for (uint32_t i = 1; i < service->addresses.n; i++) {
        satd_address_url(&service->addresses.at[i], scheme, url, sizeof url);
        int n = snprintf(out + len, out_size - len, "%s%s", len ? ", " : "", url);
        sat_check(n > 0 && (size_t)n < out_size - len);
        len += (size_t)n;
    }
}

/* The one line on stdout that scripts wait for. */
static void announce(struct service *service)
{
    struct satd_line line;
    char url[320], others[SATD_ADDRESSES_MAX * sizeof url], metrics[320] = "";
    const char *scheme = service->certificate.cert_path ? "wss" : "ws";
    struct sat_public_key pin = sat_sign_public(service->identities.keys);
    satd_address_url(&service->addresses.at[0], scheme, url, sizeof url);
    format_others(service, scheme, others, sizeof others);
    if (service->options->value[SATD_OPTION_METRICS])
        satd_address_url(&service->metrics_address, "http", metrics, sizeof metrics);
    satd_line_begin(&line);
    satd_line_text(&line, "event", "ready");
    satd_line_text(&line, "url", url);
    satd_line_hex(&line, "pin", sat_span(pin.b, sizeof pin.b));
    if (others[0]) satd_line_text(&line, "also", others);
    if (metrics[0]) satd_line_text(&line, "metrics", metrics);
    satd_line_end(&line);
    satd_log(service->log, READY, satd_place("url", url), satd_place("also", others[0] ? others : "none"),
             satd_id("pin", pin.b, sizeof pin.b), satd_number("former_identities", service->identities.n - 1),
             satd_place("metrics", metrics[0] ? metrics : "loopback"), satd_number("pid", (uint64_t)getpid()));
    satd_set(&service->metrics, SATD_METRIC_UP, satd_wall_ms() / 1000);
    ssize_t written = write(STDOUT_FILENO, line.at, line.len);
    (void)written; /* who has closed stdout does not want to know */
}

/* SIGHUP: the log has been moved away, the certificate renewed. What cannot be opened stays as it was. */
static void reload(struct service *service)
{
    struct sat_fault fault = {0};
    enum sat_err err = satd_log_reopen(service->log, &fault);
    if (err == SAT_OK && service->certificate.cert_path) err = satd_certificate_check(&service->certificate, &fault);
    if (err == SAT_OK && !satd_sockets_renew_certificate(service->sockets))
        err = sat_fail(&fault, SAT_ERR_CONFIG, "the TLS library did not take the certificate");
    if (err == SAT_OK)
        satd_log(service->log, RELOADED, satd_number("pid", (uint64_t)getpid()));
    else
        satd_log(service->log, RELOAD_FAILED, satd_fault(&fault));
}

static void serve(struct service *service)
{
    while (!satd_sockets_stops(service->sockets)) {
        satd_sockets_service(service->sockets);
        if (satd_sockets_reload(service->sockets)) reload(service);
    }
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
    struct service service = {.options = options,
                              .log = log,
                              .metrics_fd = -1,
                              .signal_fd = -1,
                              .dir = {.fd = -1, .tokens_fd = -1, .orgs_fd = -1, .lock_fd = -1}};
    have_no_listeners(&service);
    sat_arena_init(&service.arena);
    satd_log(log, STARTING, satd_place("data", options->value[SATD_OPTION_DATA]),
             satd_number("pid", (uint64_t)getpid()));
    enum sat_err err = open_service(&service, fault);
    if (err == SAT_OK) {
        announce(&service);
        serve(&service);
        drain(service.sockets, log);
    }
    close_service(&service);
    if (err == SAT_OK) satd_log(log, STOPPED, satd_number("pid", (uint64_t)getpid()));
    return err;
}

enum sat_err satd_check_config(const struct satd_options *options, struct sat_fault *fault)
{
    struct satd_certificate certificate = {options->value[SATD_OPTION_TLS_CERT], options->value[SATD_OPTION_TLS_KEY]};
    struct sat_fault why = {0};
    if (!certificate.cert_path || satd_certificate_check(&certificate, &why) == SAT_OK) return SAT_OK;
    char complaint[SATD_COMPLAINT_BYTES];
    (void)snprintf(complaint, sizeof complaint, "does not fit: %.180s", why.text);
    (void)satd_option_fail(options, SATD_OPTION_TLS_CERT, complaint, fault);
    fault->err = SAT_ERR_CONFIG;
    return fault->err;
}
