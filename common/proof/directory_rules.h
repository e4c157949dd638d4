/* The reducer's judgement: may this author make this link now, is it signed as its kind demands, and does its body
 * agree with the state? Judging changes nothing; what comes of it is all that applying needs. Private to directory*.c.
 */
#ifndef SAT_PROOF_DIRECTORY_RULES_H
#define SAT_PROOF_DIRECTORY_RULES_H

#include "common/proof/directory_index.h"

struct sat_ruling {
    bool ignored;                 /* a non-critical link of a kind that is not known: counted only */
    struct sat_hash org;          /* the org's id; of a genesis, the one that it founds */
    struct sat_public_key server; /* whose countersignature the link needs */
    uint32_t place;               /* of the space or the invite that the body names */
    struct sat_hash invite_id;    /* of a new invite */
    union {
        struct sat_body_genesis genesis;
        struct sat_body_user user;
        struct sat_body_role role;
        struct sat_body_space space;
        struct sat_body_grant grant;
        struct sat_body_epoch epoch;
        struct sat_body_invite invite;
        struct sat_body_invite_cancel cancel;
        struct sat_body_join join;
        struct sat_body_reindex reindex;
        struct sat_body_revoke revoke;
        struct sat_body_wipe wipe;
        struct sat_body_accept accept;
        struct sat_body_log_epoch log_epoch;
        struct sat_body_policy policy;
        struct sat_body_kit kit;
        struct sat_body_repudiate repudiate;
        struct sat_body_mass_change mass_change;
        struct sat_body_expel expel;
        struct sat_body_server_key server_key;
    } body;
};

/* Reads the body into out->body, if it is of a kind that is known. */
enum sat_err sat_ruling_decode(const struct sat_link *link, struct sat_ruling *out) SAT_MUST_CHECK;

/* Errors as sat_directory_apply()'s. */
enum sat_err sat_directory_judge(const struct sat_directory *directory, const struct sat_link *link, uint64_t now_ms,
                                 enum sat_directory_trust trust, struct sat_ruling *out,
                                 struct sat_fault *fault) SAT_MUST_CHECK;

#endif
