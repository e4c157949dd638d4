/* Compression of one change by itself with a versioned public dictionary, then padding to buckets, so that lengths say
 * little.
 *
 *   squeezed  u8 method (0 stored, 1 zstd with dictionary 1) ‖ data ‖ 0x80 ‖ zeros up to the bucket
 *   data      method 1: the contents of one compressed block of zstd's; frame and block header follow from its length
 *   buckets   multiples of 32 up to 256, then each a quarter more than the last (rounded up to 32)
 *
 * Per change and never across changes: what one person writes must not change the size of what another wrote. */
#ifndef SAT_VAULT_SQUEEZE_H
#define SAT_VAULT_SQUEEZE_H

#include "common/base/bytes.h"

size_t sat_squeeze_bucket(size_t len); /* the smallest bucket that holds `len` bytes */

/* What can be used again: zstd's working memory and the digested dictionary. For one thread at a time. What comes out
 * depends on what goes in alone, never on what went through before; traces of that stay in its memory. */
struct sat_squeezer;
enum sat_err sat_squeezer_new(struct sat_squeezer **out) SAT_MUST_CHECK; /* SAT_ERR_NO_MEMORY */
void sat_squeezer_free(struct sat_squeezer *squeezer);                   /* NULL is fine */
/* Appends the squeezed form; `compress` false stores. */
void sat_squeeze(struct sat_squeezer *squeezer, struct sat_span plain, bool compress, struct sat_buf *out);
/* Appends the plain bytes; never writes more than `plain_max`: the size is bounded before inflating.
 * SAT_ERR_UNDECRYPTABLE for a broken form, SAT_ERR_UPGRADE_NEEDED for an unknown method. */
enum sat_err sat_unsqueeze(struct sat_squeezer *squeezer, struct sat_span squeezed, size_t plain_max,
                           struct sat_buf *out) SAT_MUST_CHECK;

#endif
