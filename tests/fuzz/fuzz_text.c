/* Small texts that a person types: a server's address, dates and times, ids, hexadecimal; and how any text is shown on
 * a terminal and in a log's line. The first byte says which. */
#include <jansson.h>
#include <string.h>

#include "client/calendar.h"
#include "client/transport.h"
#include "server/line.h"
#include "tests/fuzz/fuzz.h"

static void check_address(const char *text)
{
    struct client_address address;
    struct sat_fault fault = {0};
    enum sat_err err = client_address_parse(text, &address, &fault);
    sat_check(!err || (err == SAT_ERR_INVALID && fault.err == err));
    if (err) {
        fuzz_check_sentence(fault.text);
        return;
    }
    sat_check(address.host[0] && memchr(address.host, 0, sizeof address.host) && address.port);
    sat_check(memchr(address.base, 0, sizeof address.base) && !strpbrk(address.host, " /\r\n"));
    sat_check(!strpbrk(address.base, " \r\n"));
}

/* A time is written as it was meant. */
static void check_time(struct sat_span text)
{
    int64_t ms, ms_again;
    int16_t offset_min, offset_again;
    char written[CLIENT_TIME_TEXT_SIZE];
    (void)client_date_valid(text);
    if (!client_time_parse(text, &ms, &offset_min)) return;
    client_time_format(ms, offset_min, written);
    sat_check(client_time_parse(sat_span_text(written), &ms_again, &offset_again));
    sat_check(ms == ms_again && offset_min == offset_again);
}

static void check_id(const char *text)
{
    uint8_t id[16], again[16];
    char written[SAT_UUID_TEXT_SIZE];
    if (sat_uuid_parse(text, id)) return;
    sat_uuid_format(id, written);
    fuzz_must(sat_uuid_parse(written, again));
    sat_check(strlen(text) == strlen(written) && memcmp(id, again, sizeof id) == 0);
}

static void check_hex(const char *text)
{
    uint8_t bytes[32];
    if (sat_hex_parse(text, bytes, sizeof bytes) == SAT_OK) sat_check(strlen(text) == 2 * sizeof bytes);
}

/* What is shown is UTF-8 and shows itself as it is. */
static void check_shown(const char *text, struct sat_arena *arena)
{
    const char *once = sat_utf8_shown(arena, text);
    sat_check(sat_utf8_valid(sat_span_text(once)) && strcmp(once, sat_utf8_shown(arena, once)) == 0);
    for (const char *at = once; *at; at++) sat_check((uint8_t)*at >= ' ' && *at != 0x7f);
}

/* A line of the log is one JSON object, whatever it quotes; what fits is in it as it was, and the rest is not. */
static void check_line(const char *text)
{
    struct satd_line line;
    satd_line_begin(&line);
    satd_line_text(&line, "before", "one");
    satd_line_text(&line, "text", text);
    satd_line_number(&line, "after", strlen(text));
    satd_line_end(&line);
    sat_check(strlen(line.at) == line.len && strcspn(line.at, "\n") == line.len - 1);
    json_t *object = json_loadb(line.at, line.len, 0, NULL);
    sat_check(json_is_object(object) && json_object_get(object, "before"));
    sat_check(json_object_get(object, "after") || strlen(text) > 500);
    const char *shown = json_string_value(json_object_get(object, "text"));
    sat_check(shown ? !sat_utf8_valid(sat_span_text(text)) || strcmp(shown, text) == 0 : strlen(text) > 500);
    json_decref(object);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sat_span input = sat_span(data, size);
    struct sat_arena arena;
    sat_arena_init(&arena);
    uint8_t which = fuzz_byte(&input);
    const char *text = sat_arena_text(&arena, (const char *)input.at, input.len);
    if (which % 6 == 0) check_address(text);
    if (which % 6 == 1) check_time(input);
    if (which % 6 == 2) check_id(text);
    if (which % 6 == 3) check_hex(text);
    if (which % 6 == 4) check_shown(text, &arena);
    if (which % 6 == 5) check_line(text);
    sat_arena_deinit(&arena);
    return 0;
}
