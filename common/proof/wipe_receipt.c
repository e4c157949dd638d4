#include "common/proof/wipe_receipt.h"

static void put_statement(struct sat_buf *out, const struct sat_wipe_receipt *receipt, uint32_t device)
{
    sat_put_u32(out, device);
    sat_put_u64(out, receipt->wipe_seq);
    sat_put_u64(out, receipt->time_ms);
}

void sat_wipe_receipt_sign(struct sat_wipe_receipt *receipt, const struct sat_hash *org, uint32_t device,
                           const struct sat_sign_key *key)
{
    struct sat_buf statement;
    sat_buf_init(&statement);
    put_statement(&statement, receipt, device);
    receipt->signature = sat_sign(key, "wiped", org, sat_buf_span(&statement));
    sat_buf_deinit(&statement);
}

enum sat_err sat_wipe_receipt_verify(const struct sat_wipe_receipt *receipt, const struct sat_hash *org,
                                     uint32_t device, const struct sat_public_key *key)
{
    struct sat_buf statement;
    sat_buf_init(&statement);
    put_statement(&statement, receipt, device);
    enum sat_err err = sat_verify(key, "wiped", org, sat_buf_span(&statement), &receipt->signature);
    sat_buf_deinit(&statement);
    return err;
}
