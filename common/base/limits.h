/* Every bound on what comes from outside, with its reason. A bound here is part of the protocol: both sides
 * refuse what exceeds it, so raising one needs a new protocol version. */
#ifndef SAT_BASE_LIMITS_H
#define SAT_BASE_LIMITS_H

#include <stdint.h>

enum {
    /* A bundle is applied whole: small enough for a transaction of a few milliseconds and for a slow link's frame. */
    SAT_BUNDLE_CHANGES_MAX = 1000,
    SAT_BUNDLE_BYTES_MAX = 256 * 1024,
    /* One message: the largest bundle, or a chunk of boxes, and some framing. */
    SAT_MESSAGE_BYTES_MAX = 320 * 1024,
    /* Frames are filled up to here, then sent; larger ones vanish on bad networks and block the others. */
    SAT_FRAME_BYTES_TARGET = 64 * 1024,
    /* A message goes as WebSocket frames of at most this: a socket that says it can take something takes so much. What
     * it does not take, libwebsockets keeps; and if the other side closes then, version 4.1 never returns from its loop
     * (docs/decisions/0065-messages-that-vanish.md). */
    SAT_FRAGMENT_BYTES = 16 * 1024,
    /* … and where somebody in between swallows even these, down to here: what fits one packet passes everywhere. */
    SAT_FRAME_BYTES_MIN = 1024,
    SAT_FRAME_OVERHEAD = 64, /* of a message around the one thing that it carries */
    /* Pushed bundles that may be on their way unacknowledged (LIMITS rule 3). */
    SAT_PUSH_WINDOW = 8,
    /* The plaintext of one change before compression, and after inflating it. Fits a bundle with room to spare. */
    SAT_BODY_BYTES_MAX = 96 * 1024,
    SAT_VALUE_BYTES_MAX = 64 * 1024,  /* one text */
    SAT_ELEMENT_BYTES_MAX = 1024,     /* one element of a set: it is a key, not a document */
    SAT_CELLS_MAX = 1024,             /* cells in one change */
    SAT_HEADER_BYTES_MAX = 64 * 1024, /* a header with the vectors below at their largest */
    SAT_SEEN_MAX = 4096,              /* devices that ever wrote one record */
    SAT_KEPT_HOLES_MAX = 4096,        /* together; CRYPTO, bounds on vectors */
    SAT_BLOBS_MAX = 64,
    SAT_LINK_BYTES_MAX = 16 * 1024,
    SAT_LINK_SIGNATURES_MAX = 4, /* device, admin, two co-signers */
    SAT_LINK_GRANTS_MAX = 256,   /* grants named by one invite */
    SAT_LINK_CUTS_MAX = 256,     /* spaces that one device wrote in */
    SAT_LINK_POLICIES_MAX = 64,
    SAT_COPIES_MAX = 3,  /* new indexes that one device takes until an admin has looked at that */
    SAT_LINEAGE_MAX = 8, /* active devices of one lineage: they are revoked and wiped together, in one append */
    SAT_BOXES_PER_LINK_MAX = 65536,
    SAT_BOXES_PER_MESSAGE_MAX = 2000,
    SAT_SPACES_PER_DEVICE_MAX = 256,
    SAT_LINKS_PER_MESSAGE_MAX = 256,
    SAT_LINKS_PER_APPEND_MAX = 16, /* what belongs together: a revocation and the epochs that it owes */
    SAT_DISCLOSURES_MAX = 4096,    /* of one device: records that plaintext left it; then the first is due again */
    SAT_RECORD_LIVE_MAX = 4096,    /* live changes of one record: what a merge has to look at */
    /* … and of them of one device: what one that means ill can add. As many as a large set takes that grew one by one.
     */
    SAT_RECORD_LIVE_DEVICE_MAX = 1024,
    /* … and whoever has no more there than this is not kept out by what others have there. */
    SAT_RECORD_LIVE_RESERVED = 64,
    SAT_RANGES_PER_MESSAGE_MAX = 16,
    SAT_CURSORS_PER_MESSAGE_MAX = 512, /* some 57 KiB */
    SAT_HELD_PER_MESSAGE_MAX = 256,
    /* Ranges whose digests one session may ask about: each is a walk over what is live in it. */
    SAT_RANGES_PER_SESSION_MAX = 4096,
    /* … and all these walks together are no longer than so many times what is live, and some. */
    SAT_RANGES_WALKS_MAX = 16,
    SAT_RANGES_WALK_MIN = 4096,
    SAT_RANGES_MERGE_COST = 4, /* a record that is merged again is worth so many changes walked over */
    /* What one device can have put aside on the server: an offline season of a busy rep. */
    SAT_ESCROW_DEVICE_BUNDLES_MAX = 4096,
    SAT_ESCROW_DEVICE_BYTES_MAX = 64 * 1024 * 1024,
    SAT_COLLECTION_RECORDS_MAX = 1000, /* some 30 KiB: one entry is applied whole; more records are several entries */
    /* Lives of one log: a server that was set back every week for five years. All travel in one message. */
    SAT_LIVES_MAX = 256,
    SAT_CLAIM_HEADS_MAX = 8, /* each is a signature to verify */
    SAT_ROOTS_MAX = 64,      /* three rounds find a place among 262,144; each is a look-up */
    SAT_RECEIPTS_MAX = 1024, /* some 48 KiB */
    SAT_HEAD_BYTES_MAX = 256,
    SAT_FRONTIER_BYTES_MAX = 8 + 2 * 64 * 32,
};

#define SAT_COUNTER_MAX ((uint64_t)1 << 62) /* counters and sequences: far from wrapping in any sum of two */
#define SAT_TIME_MS_MAX ((uint64_t)1 << 47) /* wall clocks, year 6429: fits the 48 bits of a hybrid clock */
#define SAT_DAY_MS (UINT64_C(24) * 3600 * 1000)
/* How long a kit that was replaced without having signed that may repudiate whoever did it: long enough to learn of a
 * theft, and not so long that a page that was lost years ago opens the organisation. */
#define SAT_KIT_RECLAIM_MS (30 * SAT_DAY_MS)

#endif
