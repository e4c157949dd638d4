/* The confidentiality oracle: an attacker who has files, traffic, keyrings, codes and pages, opens whatever they open
 * together, and says which canaries are in it.
 *
 *   oracle [--directory DIR] [--home DIR PASSPHRASE] [--keys DIR PASSPHRASE] [--invite CODE] [--kit FILE]
 *          [--traffic FILE] … --canaries FILE
 *
 * --keys is a home of which only the spaces' keys were seen. A canary is a line: "text T" is looked for as its UTF-8,
 * "int N" as the eight bytes of a large integer, either way round, "id U" as a UUID's bytes; all of them also as they
 * are written here. Found ones are printed, a line "found LINE" each; then one line of what there was. */
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/hostile/loot.h"

static bool contains(struct sat_span text, const void *what, size_t len)
{
    const uint8_t *at = text.at, *end = text.at + text.len;
    const uint8_t first = *(const uint8_t *)what;
    while ((size_t)(end - at) >= len && (at = memchr(at, first, (size_t)(end - at) - len + 1)) != NULL) {
        if (memcmp(at, what, len) == 0) return true;
        at++;
    }
    return false;
}

static bool anywhere(const struct loot *loot, const void *what, size_t len)
{
    for (size_t i = 0; i < loot->texts_n; i++)
        if (contains(loot->texts[i], what, len)) return true;
    return false;
}

static bool integer_anywhere(const struct loot *loot, const char *text)
{
    uint64_t value = strtoull(text, NULL, 10);
    uint8_t little[8], big[8];
    if (value <= UINT32_MAX) loot_fail("too small to be told from chance", text);
    for (size_t i = 0; i < 8; i++) big[7 - i] = little[i] = (uint8_t)(value >> (8 * i));
    return anywhere(loot, little, sizeof little) || anywhere(loot, big, sizeof big);
}

static bool found(const struct loot *loot, char *line)
{
    char *value = strchr(line, ' ');
    if (!value || strlen(++value) < 8) loot_fail("no canary", line);
    if (anywhere(loot, value, strlen(value))) return true;
    if (strncmp(line, "int ", 4) == 0) return integer_anywhere(loot, value);
    struct sat_record_id id;
    if (strncmp(line, "id ", 3) == 0) {
        if (sat_uuid_parse(value, id.b)) loot_fail("no id", value);
        return anywhere(loot, id.b, sizeof id.b);
    }
    return false;
}

static void report(struct loot *loot, const char *path)
{
    FILE *file = fopen(path, "r");
    char line[512];
    if (!file) loot_fail("cannot be read", path);
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        if (found(loot, line)) printf("found %s\n", line);
    }
    fclose(file);
    printf("secrets %zu boxes %zu epochs %zu keys %zu sealed %zu drafts %zu opened %zu\n", loot->secrets_n,
           loot->boxes_n, loot->epochs_n, loot->keys_n, loot->sealed_n, loot->drafts_n, loot->opened_n);
}

struct words {
    char **at;
    int left;
};

static const char *next(struct words *words)
{
    if (words->left == 0) loot_fail("a word is missing at the end", "see the head of oracle.c");
    words->left--;
    return *words->at++;
}

int main(int argc, char **argv)
{
    static struct loot loot;
    const char *canaries = NULL, *traffic[64];
    size_t traffic_n = 0;
    if (sodium_init() < 0) return 2;
    sat_arena_init(&loot.arena);
    for (struct words words = {argv + 1, argc - 1}; words.left > 0;) {
        const char *option = next(&words), *value = next(&words);
        if (strcmp(option, "--directory") == 0)
            loot_take_directory(&loot, value);
        else if (strcmp(option, "--home") == 0)
            loot_take_home(&loot, value, next(&words), false);
        else if (strcmp(option, "--keys") == 0)
            loot_take_home(&loot, value, next(&words), true);
        else if (strcmp(option, "--invite") == 0)
            loot_take_invite(&loot, value);
        else if (strcmp(option, "--kit") == 0)
            loot_take_kit(&loot, value);
        else if (strcmp(option, "--traffic") == 0 && traffic_n < sizeof traffic / sizeof *traffic)
            traffic[traffic_n++] = value;
        else if (strcmp(option, "--canaries") == 0)
            canaries = value;
        else
            loot_fail("what is this", option);
    }
    for (size_t i = 0; i < traffic_n; i++) loot_take_traffic(&loot, traffic[i]);
    loot_open(&loot);
    if (!canaries) loot_fail("--canaries", "is missing");
    report(&loot, canaries);
    return 0;
}
