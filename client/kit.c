#include "client/kit.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/proof/hash.h"

enum { CHECK_BYTES = 4, KEY_BYTES = CLIENT_KIT_SEED_BYTES + CHECK_BYTES, GROUP = 4, GROUPS_PER_LINE = 6, PAGE_BYTES_MAX = 4096 };

void client_kit_keys(const uint8_t seed[CLIENT_KIT_SEED_BYTES], struct sat_public_key *sign, struct sat_public_key *box)
{
    struct sat_hash sign_seed = sat_hash_keyed(seed, "kit-sign", (struct sat_span){0});
    struct sat_hash box_seed = sat_hash_keyed(seed, "kit-box", (struct sat_span){0});
    struct sat_sign_key sign_secret;
    uint8_t box_secret[32];
    sat_sign_keypair(sign_seed.b, sign, &sign_secret);
    crypto_box_seed_keypair(box->b, box_secret, box_seed.b);
    sodium_memzero(&sign_secret, sizeof sign_secret);
    sodium_memzero(box_secret, sizeof box_secret);
    sodium_memzero(&sign_seed, sizeof sign_seed);
    sodium_memzero(&box_seed, sizeof box_seed);
}

/* "0123 4567 …", a line of groups below another, each indented. */
static void put_key(const uint8_t seed[CLIENT_KIT_SEED_BYTES], char out[256])
{
    uint8_t key[KEY_BYTES];
    char digits[2 * KEY_BYTES + 1];
    struct sat_hash check = sat_hash("kit", sat_span(seed, CLIENT_KIT_SEED_BYTES));
    memcpy(key, seed, CLIENT_KIT_SEED_BYTES);
    memcpy(key + CLIENT_KIT_SEED_BYTES, check.b, CHECK_BYTES);
    sat_hex_format(key, sizeof key, digits);
    char *to = out;
    for (size_t at = 0; at < 2 * KEY_BYTES; at += GROUP) {
        size_t group = at / GROUP;
        const char *gap = group == 0 ? "    " : group % GROUPS_PER_LINE == 0 ? "\n    " : " ";
        to += sprintf(to, "%s%.*s", gap, GROUP, digits + at);
    }
    sodium_memzero(key, sizeof key);
    sodium_memzero(digits, sizeof digits);
}

char *client_kit_page(const struct client_kit *kit, const uint8_t seed[CLIENT_KIT_SEED_BYTES])
{
    char org[65], pin[65], key[256];
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
