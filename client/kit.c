#include "client/kit.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/proof/hash.h"

enum {
    CHECK_BYTES = 4,
    KEY_BYTES = SAT_KIT_SEED_BYTES + CHECK_BYTES,
    GROUP = 4,
    GROUPS_PER_LINE = 6,
    KEY_TEXT_SIZE = 256,
    PAGE_BYTES_MAX = 4096
};

/* "0123 4567 …", a line of groups below another, each indented. */
static void put_key(const uint8_t seed[SAT_KIT_SEED_BYTES], char out[KEY_TEXT_SIZE])
{
    uint8_t key[KEY_BYTES];
    char digits[2 * KEY_BYTES + 1];
    struct sat_hash check = sat_hash("kit", sat_span(seed, SAT_KIT_SEED_BYTES));
    memcpy(key, seed, SAT_KIT_SEED_BYTES);
    memcpy(key + SAT_KIT_SEED_BYTES, check.b, CHECK_BYTES);
    sat_hex_format(key, sizeof key, digits);
    size_t len = 0;
    for (size_t at = 0; at < 2 * KEY_BYTES; at += GROUP) {
        size_t group = at / GROUP;
        const char *gap = group == 0 ? "    " : group % GROUPS_PER_LINE == 0 ? "\n    " : " ";
        len += (size_t)snprintf(out + len, KEY_TEXT_SIZE - len, "%s%.*s", gap, GROUP, digits + at);
    }
    sodium_memzero(key, sizeof key);
    sodium_memzero(digits, sizeof digits);
}

void client_kit_mark(const struct sat_public_key *sign, char out[CLIENT_KIT_MARK_SIZE])
{
    sat_hex_format(sign->b, (CLIENT_KIT_MARK_SIZE - 1) / 2, out);
}

static void mark_of_seed(const uint8_t seed[SAT_KIT_SEED_BYTES], char out[CLIENT_KIT_MARK_SIZE])
{
    struct sat_kit_keys keys;
    sat_kit_keys_derive(seed, &keys);
    client_kit_mark(&keys.sign_public, out);
    sodium_memzero(&keys, sizeof keys);
}

char *client_kit_page(const struct client_kit *kit, const uint8_t seed[SAT_KIT_SEED_BYTES])
{
    char org[65], pin[65], mark[CLIENT_KIT_MARK_SIZE], key[KEY_TEXT_SIZE];
    sat_hex_format(kit->org.b, sizeof kit->org.b, org);
    sat_hex_format(kit->server.b, sizeof kit->server.b, pin);
    mark_of_seed(seed, mark);
    put_key(seed, key);
    char *page = malloc(PAGE_BYTES_MAX);
    sat_check_memory(page);
    int len = snprintf(page, PAGE_BYTES_MAX,
                       "SATCHEL RECOVERY KIT\n"
                       "====================\n"
                       "\n"
                       "Whoever has this page can read all records of this organisation, and can\n"
                       "give it new admins. Print it, keep it in a safe, delete the file.\n"
                       "It is of use when every admin's device or passphrase is lost.\n"
                       "\n"
                       "Organisation    %s\n"
                       "Server          %s\n"
                       "Kit             %s (so `satchel audit` names it)\n"
                       "\n"
                       "Organisation id\n"
                       "    %s\n"
                       "\n"
                       "Server's identity key (pin)\n"
                       "    %s\n"
                       "\n"
                       "Key (the last two groups are a checksum)\n"
                       "%s\n",
                       kit->org_name, kit->server_url, mark, org, pin, key);
    sat_check(len > 0 && len < PAGE_BYTES_MAX);
    sodium_memzero(key, sizeof key);
    return page;
}

enum sat_err client_kit_keep(const struct client_kit *kit, const uint8_t seed[SAT_KIT_SEED_BYTES],
                             int (*keep)(void *context, const char *page), void *context, struct sat_fault *fault)
{
    char *page = client_kit_page(kit, seed);
    bool kept = keep(context, page) == 0;
    sodium_memzero(page, strlen(page));
    free(page);
    return kept ? SAT_OK : sat_fail(fault, SAT_ERR_IO, "the new recovery kit could not be kept: nothing was done");
}

/* ---- Back ---- */

/* The digits of what stands behind a label, up to the first letter or sign that is none: a digit at a time into `out`,
 * at most `digits_max`. People write O for 0, and l or I for 1, which no digit looks like. */
static size_t take_digits(const char *text, char *out, size_t digits_max)
{
    size_t n = 0;
    for (; *text && n < digits_max; text++) {
        char digit = *text;
        if (strchr(" \t\r\n-", digit)) continue;
        if (digit >= 'A' && digit <= 'F') digit = (char)(digit - 'A' + 'a');
        if (digit == 'o' || digit == 'O') digit = '0';
        if (digit == 'l' || digit == 'I' || digit == 'i') digit = '1';
        if (!strchr("0123456789abcdef", digit)) break;
        out[n++] = digit;
    }
    out[n] = '\0';
    return n;
}

/* Behind the line that begins with the label; NULL: there is none. */
static const char *behind_label(const char *page, const char *label)
{
    size_t len = strlen(label);
    for (const char *line = page; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
        line += strspn(line, " \t");
        if (strncmp(line, label, len) == 0) return line + len;
    }
    return NULL;
}

static bool take_number(const char *page, const char *label, uint8_t *out, size_t size)
{
    char digits[2 * KEY_BYTES + 1];
    const char *at = behind_label(page, label);
    if (at) at = strchr(at, '\n'); /* the rest of the label's line is for people */
    bool found = at && take_digits(at, digits, 2 * size) == 2 * size && sat_hex_parse(digits, out, size) == SAT_OK;
    sodium_memzero(digits, sizeof digits);
    return found;
}

/* The word behind a label on its line. */
static const char *take_word(const char *page, const char *label, struct sat_arena *arena)
{
    const char *at = behind_label(page, label);
    if (!at) return NULL;
    at += strspn(at, " \t");
    size_t len = strcspn(at, "\r\n");
    while (len && (at[len - 1] == ' ' || at[len - 1] == '\t')) len--;
    return len ? sat_arena_text(arena, at, len) : NULL;
}

enum sat_err client_kit_parse(const char *page, struct sat_arena *arena, struct client_kit *out,
                              uint8_t seed[SAT_KIT_SEED_BYTES], struct sat_fault *fault)
{
    uint8_t key[KEY_BYTES];
    *out = (struct client_kit){0};
    if (!take_number(page, "Key", key, sizeof key))
        return sat_fail(fault, SAT_ERR_INVALID, "there is no whole key in the recovery kit: 18 groups of four digits");
    struct sat_hash check = sat_hash("kit", sat_span(key, SAT_KIT_SEED_BYTES));
    bool good = memcmp(check.b, key + SAT_KIT_SEED_BYTES, CHECK_BYTES) == 0;
    if (good) memcpy(seed, key, SAT_KIT_SEED_BYTES);
    sodium_memzero(key, sizeof key);
    if (!good)
        return sat_fail(fault, SAT_ERR_INVALID, "the recovery kit's key has a copying error: compare the digits");
    out->org_name = take_word(page, "Organisation ", arena);
    out->server_url = take_word(page, "Server ", arena);
    if (!take_number(page, "Organisation id", out->org.b, sizeof out->org.b)) out->org = (struct sat_hash){0};
    if (!take_number(page, "Server's identity key", out->server.b, sizeof out->server.b))
        out->server = (struct sat_public_key){0};
    return SAT_OK;
}
