#include "common/vault/invite.h"

#include <sodium.h>
#include <string.h>

#include "common/base/check.h"
#include "common/proof/hash.h"

static const char PREFIX[] = "satchel1";

enum {
    VERSION = 1,
    CHECKSUM_BYTES = 4,
    CODE_BYTES_MAX = 1 + 2 + SAT_URL_BYTES_MAX + 32 + 32 + 8 + 16 + 16 + CHECKSUM_BYTES,
    BASE64_VARIANT = sodium_base64_VARIANT_URLSAFE_NO_PADDING,
};

static void put_checksum(struct sat_buf *buf)
{
    struct sat_hash hash = sat_hash("code", sat_buf_span(buf));
    sat_put_bytes(buf, hash.b, CHECKSUM_BYTES);
}

const char *sat_invite_code_format(const struct sat_invite_code *code, struct sat_arena *arena)
{
    size_t url_len = strlen(code->url);
    struct sat_buf buf;
    sat_buf_init(&buf);
    sat_put_u8(&buf, VERSION);
    sat_put_u16(&buf, (uint16_t)url_len);
    sat_put_bytes(&buf, code->url, url_len);
    sat_put_bytes(&buf, code->server.b, sizeof code->server.b);
    sat_put_bytes(&buf, code->org.b, sizeof code->org.b);
    sat_put_u64(&buf, code->dir_seq);
    sat_put_bytes(&buf, code->dir_hash, sizeof code->dir_hash);
    sat_put_bytes(&buf, code->secret, sizeof code->secret);
    put_checksum(&buf);
    size_t text_size = sodium_base64_encoded_len(buf.len, BASE64_VARIANT); /* with the NUL */
    char *text = sat_arena_alloc(arena, sizeof PREFIX - 1 + text_size);
    memcpy(text, PREFIX, sizeof PREFIX - 1);
    sodium_bin2base64(text + sizeof PREFIX - 1, text_size, buf.at, buf.len, BASE64_VARIANT);
    sat_buf_wipe(&buf);
    return text;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct sat_span trim(const char *text)
{
    size_t len = strlen(text);
    while (len && is_space(*text)) text++, len--;
    while (len && is_space(text[len - 1])) len--;
    return sat_span(text, len);
}

/* Printable ASCII without spaces: the address will be shown on terminals. */
static bool url_is_plain(struct sat_span url)
{
    for (size_t i = 0; i < url.len; i++)
        if (url.at[i] <= 0x20 || url.at[i] >= 0x7f) return false;
    return url.len > 0 && url.len <= SAT_URL_BYTES_MAX;
}

/* Reads the bytes, whose checksum holds. */
static bool take_code(struct sat_span bytes, struct sat_invite_code *out)
{
    struct sat_reader reader;
    sat_reader_init(&reader, bytes);
    (void)sat_take_u8(&reader);
    struct sat_span url = sat_take_span(&reader, sat_take_u16(&reader));
    sat_take_bytes(&reader, out->server.b, sizeof out->server.b);
    sat_take_bytes(&reader, out->org.b, sizeof out->org.b);
    out->dir_seq = sat_take_u64(&reader);
    sat_take_bytes(&reader, out->dir_hash, sizeof out->dir_hash);
    sat_take_bytes(&reader, out->secret, sizeof out->secret);
    if (sat_reader_end(&reader) || !url_is_plain(url)) return false;
    memcpy(out->url, url.at, url.len);
    out->url[url.len] = 0;
    return true;
}

static enum sat_err parse(struct sat_span text, uint8_t bytes[CODE_BYTES_MAX], struct sat_invite_code *out,
                          struct sat_fault *fault)
{
    static const char DAMAGED[] = "the invite code is damaged: a character is wrong, missing or too many";
    size_t prefix_len = sizeof PREFIX - 1, len = 0;
    if (text.len < prefix_len || memcmp(text.at, PREFIX, prefix_len - 1) != 0)
        return sat_fail(fault, SAT_ERR_INVALID, "this is no invite code: a code begins with \"%s\"", PREFIX);
    if (text.at[prefix_len - 1] != PREFIX[prefix_len - 1])
        return sat_fail(fault, SAT_ERR_INVALID,
                        "the invite code is damaged, or of a later version: it does not begin with \"%s\"", PREFIX);
    const char *end;
    if (sodium_base642bin(bytes, CODE_BYTES_MAX, (const char *)text.at + prefix_len, text.len - prefix_len, NULL, &len,
                          &end, BASE64_VARIANT) != 0 ||
        end != (const char *)text.at + text.len || len < 1 + CHECKSUM_BYTES)
        return sat_fail(fault, SAT_ERR_INVALID, "%s", DAMAGED);
    len -= CHECKSUM_BYTES;
    struct sat_hash hash = sat_hash("code", sat_span(bytes, len));
    if (memcmp(hash.b, bytes + len, CHECKSUM_BYTES) != 0) return sat_fail(fault, SAT_ERR_INVALID, "%s", DAMAGED);
    if (bytes[0] != VERSION)
        return sat_fail(fault, SAT_ERR_INVALID,
                        "the invite code is of a later version (%u): this needs a newer version of Satchel",
                        (unsigned)bytes[0]);
    if (!take_code(sat_span(bytes, len), out))
        return sat_fail(fault, SAT_ERR_INVALID, "the invite code is not well formed");
    return SAT_OK;
}

enum sat_err sat_invite_code_parse(const char *text, struct sat_invite_code *out, struct sat_fault *fault)
{
    uint8_t bytes[CODE_BYTES_MAX];
    *out = (struct sat_invite_code){0};
    enum sat_err err = parse(trim(text), bytes, out, fault);
    if (err) sodium_memzero(out, sizeof *out);
    sodium_memzero(bytes, sizeof bytes);
    return err;
}

void sat_invite_keys_derive(const struct sat_invite_code *code, struct sat_invite_keys *out)
{
    uint8_t doubled[32];
    memcpy(doubled, code->secret, 16);
    memcpy(doubled + 16, code->secret, 16);
    struct sat_hash seed = sat_hash_keyed(doubled, "invite", SAT_SPAN(code->org.b));
    struct sat_hash sign_seed = sat_hash_keyed(seed.b, "sign", (struct sat_span){0});
    struct sat_hash box_seed = sat_hash_keyed(seed.b, "box", (struct sat_span){0});
    sat_sign_keypair(sign_seed.b, &out->sign_public, &out->sign);
    crypto_box_seed_keypair(out->box_public.b, out->box.b, box_seed.b);
    sodium_memzero(doubled, sizeof doubled);
    sodium_memzero(&seed, sizeof seed);
    sodium_memzero(&sign_seed, sizeof sign_seed);
    sodium_memzero(&box_seed, sizeof box_seed);
}
