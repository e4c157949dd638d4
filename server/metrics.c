#define _GNU_SOURCE
#include "server/metrics.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/check.h"

enum kind { COUNTER, GAUGE, REASONS, TIMES, SIZES };

static const struct {
    const char *name, *help;
    enum kind kind;
} list[] = {
#define X(NAME, name, kind, help) {name, help, kind},
#include "server/metrics.def"
#undef X
};

/* Upper ends of the buckets. A commit takes from some tens of microseconds (nothing to flush) to a checkpoint's stall.
 */
static const uint64_t times_us[] = {100,   250,    500,    1000,   2500,    5000,    10000,   25000,
                                    50000, 100000, 250000, 500000, 1000000, 2500000, 10000000};
static const uint64_t sizes[] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384};
enum { EDGES = SATD_BUCKETS_MAX - 1 }; /* one bucket more for the rest */
_Static_assert(sizeof times_us == EDGES * sizeof times_us[0] && sizeof sizes == sizeof times_us, "an edge is missing");

void satd_count(struct satd_metrics *metrics, enum satd_metric metric, uint64_t n)
{
    metrics->of[metric].number += n;
}

void satd_set(struct satd_metrics *metrics, enum satd_metric metric, uint64_t n)
{
    metrics->of[metric].number = n;
}

void satd_count_reason(struct satd_metrics *metrics, enum satd_metric metric, enum sat_err reason)
{
    sat_check((unsigned)reason < SATD_REASONS_MAX);
    metrics->of[metric].reasons[reason]++;
}

void satd_observe(struct satd_metrics *metrics, enum satd_metric metric, uint64_t value)
{
    const uint64_t *edges = list[metric].kind == TIMES ? times_us : sizes;
    unsigned bucket = 0;
    while (bucket < EDGES && value > edges[bucket]) bucket++;
    metrics->of[metric].buckets[bucket]++;
    metrics->of[metric].number += value;
}

/* ---- What the system knows ---- */

static uint64_t count_descriptors(void)
{
    uint64_t n = 0;
    DIR *fds = opendir("/proc/self/fd");
    if (!fds) return 0;
    while (readdir(fds)) n++;
    (void)closedir(fds);
    return n > 3 ? n - 3 : 0; /* ".", ".." and the one that was reading */
}

void satd_metrics_of_process(struct satd_metrics *metrics)
{
    uint64_t size, resident = 0;
    FILE *statm = fopen("/proc/self/statm", "re");
    if (statm && fscanf(statm, "%" SCNu64 " %" SCNu64, &size, &resident) != 2) resident = 0;
    if (statm) (void)fclose(statm);
    satd_set(metrics, SATD_METRIC_RESIDENT, resident * (uint64_t)sysconf(_SC_PAGESIZE));
    satd_set(metrics, SATD_METRIC_DESCRIPTORS, count_descriptors());
}

/* ---- The page ---- */

__attribute__((format(printf, 2, 3))) static void put(struct sat_buf *out, const char *format, ...)
{
    char text[400];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (len > 0 && (size_t)len < sizeof text) sat_put_bytes(out, text, (size_t)len);
}

static void put_seconds(struct sat_buf *out, uint64_t us)
{
    put(out, "%" PRIu64 ".%06" PRIu64, us / 1000000, us % 1000000);
}

static void put_histogram(const struct satd_metrics *metrics, unsigned i, struct sat_buf *out)
{
    uint64_t n = 0;
    bool times = list[i].kind == TIMES;
    for (unsigned edge = 0; edge < EDGES; edge++) {
        n += metrics->of[i].buckets[edge];
        put(out, "%s_bucket{le=\"", list[i].name);
        if (times)
            put_seconds(out, times_us[edge]);
        else
            put(out, "%" PRIu64, sizes[edge]);
        put(out, "\"} %" PRIu64 "\n", n);
    }
    n += metrics->of[i].buckets[EDGES];
    put(out, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n%s_sum ", list[i].name, n, list[i].name);
    if (times)
        put_seconds(out, metrics->of[i].number);
    else
        put(out, "%" PRIu64, metrics->of[i].number);
    put(out, "\n%s_count %" PRIu64 "\n", list[i].name, n);
}

/* Only reasons that have occurred are shown: most never will. */
static void put_reasons(const struct satd_metrics *metrics, unsigned i, struct sat_buf *out)
{
    for (unsigned reason = 0; reason < SATD_REASONS_MAX; reason++)
        if (metrics->of[i].reasons[reason])
            put(out, "%s{reason=\"%s\"} %" PRIu64 "\n", list[i].name, sat_err_name((enum sat_err)reason),
                metrics->of[i].reasons[reason]);
}

void satd_metrics_write(const struct satd_metrics *metrics, struct sat_buf *out)
{
    static const char *const types[] = {"counter", "gauge", "counter", "histogram", "histogram"};
    for (unsigned i = 0; i < SATD_METRIC_COUNT; i++) {
        put(out, "# HELP %s %s\n# TYPE %s %s\n", list[i].name, list[i].help, list[i].name, types[list[i].kind]);
        switch (list[i].kind) {
        case COUNTER:
        case GAUGE:
            put(out, "%s %" PRIu64 "\n", list[i].name, metrics->of[i].number);
            break;
        case REASONS:
            put_reasons(metrics, i, out);
            break;
        case TIMES:
        case SIZES:
            put_histogram(metrics, i, out);
            break;
        }
    }
}
