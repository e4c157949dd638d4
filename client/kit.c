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

char *client_kit_page(const struct client_kit *kit, const uint8_t seed[SAT_KIT_SEED_BYTES])
{
    char org[65], pin[65], key[KEY_TEXT_SIZE];
    sat_hex_format(kit->org.b, sizeof kit->org.b, org);
    sat_hex_format(kit->server.b, sizeof kit->server.b, pin);
    put_key(seed, key);
    char *page = malloc(PAGE_BYTES_MAX);
    sat_check(page != NULL);
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
                       "\n"
                       "Organisation id\n"
                       "    %s\n"
                       "\n"
                       "Server's identity key (pin)\n"
                       "    %s\n"
                       "\n"
                       "Key (the last two groups are a checksum)\n"
                       "%s\n",
                       kit->org_name, kit->server_url, org, pin, key);
    sat_check(len > 0 && len < PAGE_BYTES_MAX);
    sodium_memzero(key, sizeof key);
    return page;
}
