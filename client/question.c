#include "client/question.h"

#include "client/conflicts.h"
#include "client/membership.h"
#include "client/sync.h"

static bool on_notice(void *context, struct client_session *session, const struct sat_action *action)
{
    struct client_question *question = context;
    uint16_t type;
    bool conflict;
    switch (action->notice) {
    case SAT_NOTICE_CONNECTED:
        question->connected = true;
        if (question->devices) client_session_ask_devices(session, 0);
        if (question->escrow) client_session_ask_escrow(session, question->escrow_after);
        return false;
    case SAT_NOTICE_RECORD:
        (void)!client_conflicts_look(client_session_handle(session), action->sid, &action->record, false,
                                     client_session_is_alone(session, action), &type, &conflict);
        return false;
    case SAT_NOTICE_IN_SYNC:
    case SAT_NOTICE_IDLE:
        return true;
    case SAT_NOTICE_DIRECTORY:
    case SAT_NOTICE_REFUSED:
    case SAT_NOTICE_LINKS_APPENDED:
    case SAT_NOTICE_LINKS_REFUSED:
    case SAT_NOTICE_CREATED:
    case SAT_NOTICE_FAILED:
    case SAT_NOTICE_HANDED_IN:
    case SAT_NOTICE_SPACE_LOST:
    case SAT_NOTICE_DEBT:
    case SAT_NOTICE_SET_BACK:
    case SAT_NOTICE_ANEW:
    case SAT_NOTICE_REVOKED:
    case SAT_NOTICE_BRAKE:
    case SAT_NOTICE_WIPED:
    case SAT_NOTICE_REINDEXED:
        return false;
    }
    return false;
}

enum sat_err client_question_run(struct satchel *satchel, struct client_question *question)
{
    struct client_session_config config = {
        .replica = {.hooks = {.context = question->context, .devices = question->devices, .escrow = question->escrow}},
        .timeout_ms = question->timeout_ms,
        .notice = on_notice,
        .context = question,
    };
    struct client_session_result result;
    enum sat_err err = client_conflicts_known(satchel);
    if (!err) err = client_sync_run(satchel, &config, &result);
    if (!question->connected) return err;
    struct sat_fault fault = satchel->fault;
    enum sat_err local = client_conflicts_save(satchel);
    if (!local) local = client_membership_synced(satchel, result.met_at, !err && result.in_sync);
    if (err) satchel->fault = fault;
    return err ? err : local;
}
