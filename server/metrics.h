/* Figures about the service, from one list (metrics.def), and their page in Prometheus' text format. */
#ifndef SATD_METRICS_H
#define SATD_METRICS_H

#include "common/base/bytes.h"
#include "common/base/err.h"

enum satd_metric {
#define X(NAME, name, kind, help) SATD_METRIC_##NAME,
#include "server/metrics.def"
#undef X
    SATD_METRIC_COUNT
};

enum { SATD_REASONS_MAX = 64, SATD_BUCKETS_MAX = 16 };

struct satd_metrics {
    struct {
        uint64_t number;                                               /* COUNTER and GAUGE; of a histogram the sum */
        uint64_t reasons[SATD_REASONS_MAX], buckets[SATD_BUCKETS_MAX]; /* buckets: each for itself, the last for more */
    } of[SATD_METRIC_COUNT];
};

void satd_count(struct satd_metrics *metrics, enum satd_metric metric, uint64_t n);
void satd_set(struct satd_metrics *metrics, enum satd_metric metric, uint64_t n);
void satd_count_reason(struct satd_metrics *metrics, enum satd_metric metric, enum sat_err reason);
/* Of a histogram: microseconds for TIMES, a number for SIZES. */
void satd_observe(struct satd_metrics *metrics, enum satd_metric metric, uint64_t value);
/* Fills in what is asked of the system: memory, descriptors. */
void satd_metrics_of_process(struct satd_metrics *metrics);
/* Appends the page. */
void satd_metrics_write(const struct satd_metrics *metrics, struct sat_buf *out);

#endif
