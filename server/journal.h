/* What the log and the metrics say of one peer, so that somebody can follow a device through a sync: connected,
 * authenticated, pushed, pulled up to, caught up, left and why. Numbers and ids only: what was said is sealed, and what
 * is not sealed is nobody's business here. */
#ifndef SATD_JOURNAL_H
#define SATD_JOURNAL_H

#include "server/peer.h"

struct satd_journal { /* borrows both */
    struct satd_log *log;
    struct satd_metrics *metrics;
};

void satd_journal_opened(const struct satd_journal *journal, const struct satd_peer *peer, uint32_t peers);
void satd_journal_authenticated(const struct satd_journal *journal, struct satd_peer *peer);
/* A message that came, and was given to the engine. */
void satd_journal_heard(const struct satd_journal *journal, struct satd_peer *peer, const struct satd_said *said,
                        size_t bytes);
/* A message or frame for the peer; a refusal, entries and heads are looked at. */
void satd_journal_told(const struct satd_journal *journal, struct satd_peer *peer, struct sat_span message);
/* It has been given all that there is. */
void satd_journal_caught_up(const struct satd_journal *journal, struct satd_peer *peer);
void satd_journal_postponed(const struct satd_journal *journal, const struct satd_peer *peer);
void satd_journal_refused(const struct satd_journal *journal, const struct satd_peer *peer, enum sat_err err);
void satd_journal_attempt_failed(const struct satd_journal *journal, const struct satd_peer *peer, enum sat_err err);
void satd_journal_attempts_limited(const struct satd_journal *journal, const struct satd_peer *peer, uint64_t retry_ms);
void satd_journal_slow(const struct satd_journal *journal, const struct satd_peer *peer);
void satd_journal_closed(const struct satd_journal *journal, const struct satd_peer *peer);

#endif
