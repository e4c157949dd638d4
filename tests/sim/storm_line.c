/* The line between devices and server: where a byte is flipped, some cannot be reached for a while, and nothing that
 * anybody wrote is to be seen, nor on the server's disk. */
#include <stdio.h>
#include <string.h>

#include "tests/sim/storm.h"

/* ---- Canaries: every text of a life begins with digits that are nowhere else ---- */

void storm_text(struct life *life, char out[STORM_TEXT_MAX])
{
    if (life->canary[0])
        (void)snprintf(out, STORM_TEXT_MAX, "%s%04u", life->canary, ++life->value);
    else
        (void)snprintf(out, STORM_TEXT_MAX, "w%u", ++life->value);
}

/* Of what is sealed one byte of 256 is a w. */
static bool has_text(struct sat_span bytes, const char *text)
{
    size_t len = strlen(text);
    const uint8_t *at = bytes.at, *end = bytes.at + bytes.len;
    for (; (size_t)(end - at) >= len; at++) {
        at = memchr(at, text[0], (size_t)(end - at) - len + 1);
        if (!at) return false;
        if (at[1] == (uint8_t)text[1] && memcmp(at, text, len) == 0) return true;
    }
    return false;
}

static void look_for_canary(struct life *life, struct sat_span bytes, const char *where)
{
    if (!life->canary[0] || !bytes.len) return;
    life->counts->looked_for_texts++;
    if (!has_text(bytes, life->canary)) return;
    if (!life->in_the_open++) (void)fprintf(stderr, "a text is to be read %s\n", where);
}

/* At home drafts are sealed, too. */
static void written(void *context, const struct vfs_disk *disk, const void *at, size_t len)
{
    struct life *life = context;
    look_for_canary(life, (struct sat_span){at, len}, disk == life->disks.server ? "on the server's disk" : "at home");
}

/* ---- Bytes that are flipped ---- */

void storm_corrupt(struct life *life)
{
    struct world *world = &life->world;
    if (world_dice(world, 100) >= 3) return;
    struct world_device *device = storm_any(life);
    if (device->replica) life->to_flip |= 1u << storm_number(life, device);
}

static void flip(struct life *life, struct world_device *device, bool down, struct sat_buf *bytes)
{
    uint32_t bit = 1u << storm_number(life, device);
    if (!(life->to_flip & bit) || !bytes->len) return;
    if (down && life->knows_no_suite & bit) return; /* docs/testing.md, "Known bad" */
    life->to_flip &= ~bit;
    uint64_t at = world_dice(&life->world, bytes->len), mask = 1 + world_dice(&life->world, 255);
    bytes->at[at] ^= (uint8_t)mask;
    world_say(&life->world, "home %u: byte %llu of %zu %s it is flipped by %02llx", storm_name(life, device),
              (unsigned long long)at, bytes->len, down ? "to" : "from", (unsigned long long)mask);
    life->counts->corruption++;
}

/* ---- Partition ---- */

void storm_heal(struct life *life)
{
    struct world *world = &life->world;
    if (!life->cut) return;
    world_say(world, "everybody can be reached again");
    for (uint32_t i = 0; i < world->devices_n; i++)
        if (life->cut & 1u << i) world_disconnect(world, &world->devices[i]); /* it was silent for too long */
    life->cut = 0;
}

void storm_partition(struct life *life)
{
    struct world *world = &life->world;
    if (life->cut) {
        if (--life->cut_acts == 0) storm_heal(life);
        return;
    }
    if (world_dice(world, 100) >= 1) return;
    life->cut = 1 + (uint32_t)world_dice(world, (1u << world->devices_n) - 1);
    life->cut_acts = 1 + (uint32_t)world_dice(world, 40);
    uint64_t way = world_dice(world, 4); /* or one way alone */
    life->cut_up = way != 1;
    life->cut_down = way != 2;
    world_say(world, "homes %x cannot be reached for %u acts%s", life->cut, life->cut_acts,
              !life->cut_up     ? ", but are heard"
              : !life->cut_down ? ", but hear"
                                : "");
    life->counts->partition++;
}

static bool is_swallowed(struct life *life, const struct world_device *device, bool down)
{
    if (!(life->cut & 1u << storm_number(life, device)) || !(down ? life->cut_down : life->cut_up)) return false;
    life->counts->swallowed++;
    return true;
}

/* ---- All together ---- */

static bool line(void *context, struct world_device *device, bool down, struct sat_buf *bytes)
{
    struct life *life = context;
    look_for_canary(life, sat_buf_span(bytes), down ? "on its way to a device" : "on its way to the server");
    if (is_swallowed(life, device, down)) return false;
    if (down && !storm_says(life, device, bytes)) return false;
    flip(life, device, down, bytes);
    return true;
}

void storm_line(struct life *life)
{
    life->world.line = line;
    life->world.line_context = life;
    if (!storm_plays(life, "canary")) return;
    (void)snprintf(life->canary, sizeof life->canary, "w%llu",
                   (unsigned long long)(1000000000 + (life->seed * 0x9e3779b97f4a7c15 >> 16) % 9000000000));
    vfs_on_write(life->disks.vfs, written, life);
}
