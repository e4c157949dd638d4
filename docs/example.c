/* The smallest use of the library: open a home, write a record, read it back, ask the view, sync. */
#include <satchel.h>
#include <stdio.h>
#include <string.h>

static int print_row(void *context, const char *json)
{
    (void)context;
    return printf("%s\n", json) < 0;
}

int main(int argc, char **argv)
{
    if (argc != 3) return fprintf(stderr, "usage: example HOME PASSPHRASE\n"), 1;
    struct satchel_open_options options = {{argv[2], strlen(argv[2])}, 5000, 0, 1, {NULL, 0}};
    struct satchel_error error;
    struct satchel *satchel;
    if (satchel_open(argv[1], &options, &satchel, &error))
        return fprintf(stderr, "%s\n", error.message), error.exit_code;

    const char *fields = "{\"name\":\"BONAPP\",\"city\":\"Marseille\"}";
    struct satchel_tx *tx = NULL;
    struct satchel_sync_result synced;
    char id[SATCHEL_ID_SIZE], *json = NULL;
    int failed = satchel_begin(satchel, &tx);
    if (!failed) failed = satchel_put(tx, "account", NULL, NULL, fields, id);
    if (!failed) failed = satchel_commit(tx); /* from here on it is on the disk, network or not */
    if (!failed) failed = satchel_get(satchel, "account", id, &json);
    if (!failed) failed = print_row(NULL, json);
    if (!failed) failed = satchel_query(satchel, "SELECT city, count(*) AS n FROM account", print_row, NULL);
    if (!failed) failed = satchel_sync(satchel, NULL, &synced);
    if (!failed) printf("sent %d, in sync: %s\n", (int)synced.sent, synced.in_sync ? "yes" : "no");
    if (failed) fprintf(stderr, "%s\n", satchel_error_of(satchel)->message);
    int code = failed ? satchel_error_of(satchel)->exit_code : 0;
    satchel_free(json);
    satchel_close(satchel);
    return code;
}
