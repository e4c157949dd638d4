#include "server/journal.h"

#include "common/wire/message.h"
#include "server/clock.h"

/* Who it is, in front of every line of a device's: its connection, its org's prefix, its number. */
#define CONNECTION(peer) satd_number("peer", (peer)->id), satd_id("org", (peer)->org_prefix, sizeof(peer)->org_prefix)
#define WHO(peer) CONNECTION(peer), satd_number("device", (peer)->device)

void satd_journal_opened(const struct satd_journal *journal, const struct satd_peer *peer, uint32_t peers)
{
    satd_count(journal->metrics, SATD_METRIC_OPENED, 1);
    satd_log(journal->log, PEER_OPENED, CONNECTION(peer), satd_place("from", peer->from), satd_number("peers", peers));
}

void satd_journal_authenticated(const struct satd_journal *journal, struct satd_peer *peer)
{
    peer->known_ms = satd_mono_ms();
    if (peer->by_former) satd_count(journal->metrics, SATD_METRIC_BY_FORMER, 1);
    satd_log(journal->log, PEER_AUTHENTICATED, WHO(peer), satd_place("from", peer->from),
             satd_id("identity", peer->identity, sizeof peer->identity),
             satd_number("took_ms", peer->known_ms - peer->opened_ms));
}

void satd_journal_heard(const struct satd_journal *journal, struct satd_peer *peer, const struct satd_said *said,
                        size_t bytes)
{
    satd_count(journal->metrics, SATD_METRIC_MESSAGES_IN, 1);
    satd_count(journal->metrics, SATD_METRIC_BYTES_IN, bytes);
    peer->counts.bytes_in += bytes;
    if (said->kind != SATD_SAID_PUSH) return;
    peer->counts.bundles++;
    peer->counts.changes += said->changes;
    satd_log(journal->log, PEER_PUSHED, WHO(peer), satd_number("changes", said->changes), satd_number("bytes", bytes));
}

static void note_entries(const struct satd_journal *journal, struct satd_peer *peer,
                         const struct sat_message_ENTRIES *entries)
{
    uint64_t up_to = entries->first_seq + entries->entries.n - 1;
    peer->counts.entries += entries->entries.n;
    if (peer->caught_up) {
        satd_log(journal->log, PEER_LIVE, WHO(peer), satd_number("sub", entries->sub), satd_number("up_to", up_to));
        return;
    }
    if (up_to < entries->size) return; /* one line for each space, when it is through */
    satd_log(journal->log, PEER_PULLED, WHO(peer), satd_number("sub", entries->sub), satd_number("up_to", up_to),
             satd_number("of", entries->size));
}

void satd_journal_told(const struct satd_journal *journal, struct satd_peer *peer, struct sat_span bytes)
{
    struct sat_arena arena;
    struct sat_message message;
    satd_count(journal->metrics, SATD_METRIC_MESSAGES_OUT, 1);
    satd_count(journal->metrics, SATD_METRIC_BYTES_OUT, bytes.len);
    peer->counts.bytes_out += bytes.len;
    sat_arena_init(&arena);
    if (sat_message_decode(bytes, SAT_SENDER_SERVER, &arena, &message) == SAT_OK) {
        if (message.type == SAT_MESSAGE_ENTRIES) note_entries(journal, peer, &message.as.ENTRIES);
        if (message.type == SAT_MESSAGE_HEAD) peer->counts.heads++;
        if (message.type == SAT_MESSAGE_REFUSED) peer->counts.refused++;
    }
    sat_arena_deinit(&arena);
}

void satd_journal_caught_up(const struct satd_journal *journal, struct satd_peer *peer)
{
    const struct satd_peer_counts *counts = &peer->counts;
    if (counts->heads == 0) return; /* it has not subscribed to anything yet */
    /* Once, and then whenever its own work has come back to it; what others do would fill the log. */
    if (!peer->caught_up || counts->bundles > peer->told.bundles)
        satd_log(journal->log, PEER_CAUGHT_UP, WHO(peer),
                 satd_number("pushed_bundles", counts->bundles - peer->told.bundles),
                 satd_number("pushed_changes", counts->changes - peer->told.changes),
                 satd_number("refused_bundles", counts->refused - peer->told.refused),
                 satd_number("pulled_entries", counts->entries - peer->told.entries),
                 satd_number("after_ms", satd_mono_ms() - peer->opened_ms));
    peer->caught_up = true;
    peer->told = *counts;
}

void satd_journal_postponed(const struct satd_journal *journal, const struct satd_peer *peer)
{
    satd_count_reason(journal->metrics, SATD_METRIC_POSTPONED, peer->postponed.err);
    satd_log(journal->log, PEER_POSTPONED, WHO(peer), satd_err(peer->postponed.err),
             satd_place("message", peer->postponed.text), satd_number("retry_ms", peer->postponed.retry_ms));
}

void satd_journal_refused(const struct satd_journal *journal, const struct satd_peer *peer, enum sat_err err)
{
    satd_count_reason(journal->metrics, SATD_METRIC_PEERS_REFUSED, err);
    satd_log(journal->log, PEER_REFUSED, WHO(peer), satd_err(err));
}

void satd_journal_attempt_failed(const struct satd_journal *journal, const struct satd_peer *peer, enum sat_err err)
{
    satd_count_reason(journal->metrics, SATD_METRIC_ATTEMPTS_FAILED, err);
    satd_log(journal->log, ATTEMPT_FAILED, CONNECTION(peer), satd_place("from", peer->from), satd_err(err));
}

void satd_journal_attempts_limited(const struct satd_journal *journal, const struct satd_peer *peer, uint64_t retry_ms)
{
    satd_count_reason(journal->metrics, SATD_METRIC_ATTEMPTS_FAILED, SAT_ERR_BUSY);
    satd_log(journal->log, ATTEMPTS_LIMITED, CONNECTION(peer), satd_place("from", peer->from),
             satd_number("retry_ms", retry_ms));
}

void satd_journal_slow(const struct satd_journal *journal, const struct satd_peer *peer)
{
    satd_count(journal->metrics, SATD_METRIC_SILENT, 1);
    satd_log(journal->log, PEER_SLOW, WHO(peer), satd_place("why", peer->why),
             satd_number("waiting_bytes", peer->outbox.bytes));
}

void satd_journal_closed(const struct satd_journal *journal, const struct satd_peer *peer)
{
    const struct satd_peer_counts *counts = &peer->counts;
    const char *why = peer->why ? peer->why : "the other side closed";
    uint64_t lasted_ms = satd_mono_ms() - peer->opened_ms;
    if (!peer->known) {
        satd_log(journal->log, PEER_CLOSED, CONNECTION(peer), satd_place("why", why),
                 satd_number("lasted_ms", lasted_ms));
        return;
    }
    satd_log(journal->log, PEER_LEFT, WHO(peer), satd_place("why", why), satd_number("lasted_ms", lasted_ms),
             satd_number("bytes_in", counts->bytes_in), satd_number("bytes_out", counts->bytes_out),
             satd_number("pushed_bundles", counts->bundles), satd_number("pushed_changes", counts->changes),
             satd_number("refused_bundles", counts->refused), satd_number("pulled_entries", counts->entries));
}
