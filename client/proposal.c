#include "client/proposal.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "client/names.h"
#include "common/base/check.h"
#include "common/proof/hash.h"

#define PREFIX "satchel-cosign1"
enum { CHECK_BYTES = 4, BASE64 = sodium_base64_VARIANT_URLSAFE_NO_PADDING, BYTES_MAX = 8 * 1024 * 1024 };

char *client_proposal_text(const struct sat_link *link, const struct sat_box *boxes, uint32_t boxes_n, const char *name)
{
    struct sat_buf bytes, encoded;
    sat_buf_init(&bytes);
    sat_buf_init(&encoded);
    sat_link_encode(link, &encoded);
    sat_put_counted(&bytes, sat_span_text(name ? name : ""));
    sat_put_counted(&bytes, sat_buf_span(&encoded));
    sat_put_u32(&bytes, boxes_n);
    for (uint32_t i = 0; i < boxes_n; i++) sat_box_encode(&boxes[i], &bytes);
    struct sat_hash check = sat_hash("cosign", sat_buf_span(&bytes));
    sat_put_bytes(&bytes, check.b, CHECK_BYTES);
    size_t size = sodium_base64_encoded_len(bytes.len, BASE64);
    char *text = malloc(strlen(PREFIX) + size);
    sat_check_memory(text);
    memcpy(text, PREFIX, strlen(PREFIX));
    sodium_bin2base64(text + strlen(PREFIX), size, bytes.at, bytes.len, BASE64);
    sat_buf_deinit(&encoded);
    sat_buf_deinit(&bytes);
    return text;
}

static struct sat_span trimmed(const char *text)
{
    static const char blanks[] = " \t\r\n";
    text += strspn(text, blanks);
    size_t len = strlen(text);
    while (len && strchr(blanks, text[len - 1])) len--;
    return sat_span(text, len);
}

/* The bytes without their checksum. */
static enum sat_err unpack(const char *text, struct sat_arena *arena, struct sat_span *out, struct sat_fault *fault)
{
    struct sat_span code = trimmed(text);
    size_t prefix = strlen(PREFIX);
    if (code.len <= prefix || code.len > BYTES_MAX || memcmp(code.at, PREFIX, prefix) != 0)
        return sat_fail(fault, SAT_ERR_INVALID, "that is no proposal: it begins with " PREFIX);
    uint8_t *bytes = sat_arena_alloc(arena, code.len);
    size_t len = 0;
    const char *end = NULL;
    int failed =
        sodium_base642bin(bytes, code.len, (const char *)code.at + prefix, code.len - prefix, NULL, &len, &end, BASE64);
    struct sat_hash check = {0};
    if (!failed && len > CHECK_BYTES) check = sat_hash("cosign", sat_span(bytes, len - CHECK_BYTES));
    bool whole = !failed && len > CHECK_BYTES && end == (const char *)code.at + code.len &&
                 memcmp(check.b, bytes + len - CHECK_BYTES, CHECK_BYTES) == 0;
    if (!whole) return sat_fail(fault, SAT_ERR_INVALID, "the proposal is damaged: it was not copied as a whole");
    *out = sat_span(bytes, len - CHECK_BYTES);
    return SAT_OK;
}

static enum sat_err decode(struct sat_span bytes, struct sat_arena *arena, struct client_proposal *out)
{
    struct sat_reader in;
    sat_reader_init(&in, bytes);
    struct sat_span name = sat_take_counted(&in, CLIENT_NAME_BYTES_MAX);
    struct sat_span link = sat_take_counted(&in, SAT_LINK_BYTES_MAX);
    out->boxes_n = sat_take_u32(&in);
    if (out->boxes_n > bytes.len / SAT_BOX_WIRE_BYTES) return SAT_ERR_INVALID;
    out->boxes = sat_arena_array(arena, out->boxes_n, sizeof *out->boxes);
    for (uint32_t i = 0; i < out->boxes_n; i++)
        if (sat_box_decode(sat_take_span(&in, SAT_BOX_WIRE_BYTES), &out->boxes[i])) return SAT_ERR_INVALID;
    if (sat_reader_end(&in) || sat_link_decode(link, &out->link)) return SAT_ERR_INVALID;
    out->name = name.len ? sat_arena_text(arena, (const char *)name.at, name.len) : NULL;
    return out->name && client_check_name("name", out->name, NULL) ? SAT_ERR_INVALID : SAT_OK;
}

enum sat_err client_proposal_parse(const char *text, struct sat_arena *arena, struct client_proposal *out,
                                   struct sat_fault *fault)
{
    struct sat_span bytes;
    *out = (struct client_proposal){0};
    enum sat_err err = unpack(text, arena, &bytes, fault);
    if (!err && decode(bytes, arena, out))
        err = sat_fail(fault, SAT_ERR_INVALID, "the proposal is not one that this version can read");
    return err;
}
