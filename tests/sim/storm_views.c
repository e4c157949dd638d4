/* The view of each home, on its disk: asked now and then, whatever happens to the home and to the disk meanwhile. */
#include <stdlib.h>
#include <string.h>

#include "client/view/database.h"
#include "common/base/check.h"
#include "tests/sim/storm.h"

enum { PATH_BYTES = 300, PAGE = 4096 };

bool storm_has_views(const struct life *life)
{
    return strstr(life->without, "+views");
}

/* On the same disk as the store, as that has all names which begin so. */
static void begin(struct life *life, struct world_device *device, char home[PATH_BYTES])
{
    (void)snprintf(home, PATH_BYTES, "%s-home", device->store_path);
    device->handle.home = home;
    device->handle.fault = (struct sat_fault){0};
    device->handle.unread = SAT_OK;
    device->handle.view_damages = 0;
    client_touch(&device->handle); /* as the library does, whatever has changed */
    if (life->world.acting) life->world.acting(device);
    device->handle.types_are_hashed = false; /* a later program may have come, which real handles do not live to see */
}

static void end(struct life *life, struct world_device *device)
{
    if (life->world.acting) life->world.acting(NULL);
    device->handle.home = NULL;
}

static void close_view(struct world_device *device)
{
    client_view_free(device->handle.view);
    device->handle.view = NULL;
}

static enum sat_err compare(struct life *life, struct world_device *device, struct client_view *view)
{
    struct client_view *anew;
    char where[160] = "";
    bool same = true;
    enum sat_err err = client_view_make(&device->handle, &anew);
    if (err) return err; /* the store cannot be read: nobody knows */
    err = client_view_compare(view, anew, &same, where, &device->handle.fault);
    client_view_free(anew);
    if (err || same) return err;
    (void)fprintf(stderr, "home %u: its view differs from one built anew, at %s\n", storm_name(life, device), where);
    life->wrong_views++;
    return SAT_OK;
}

/* What is found damaged as it is read is built anew by who asks next; what is memory's own is sound. */
static void ask(struct life *life, struct world_device *device)
{
    struct client_view *view = NULL;
    struct client_view_mark before = {.keys = UINT64_MAX};
    if (device->handle.view) before = device->handle.view->mark;
    enum sat_err err = client_view_open(&device->handle, &view);
    if (err) return;
    life->counts->view_asked++;
    life->counts->view_in_memory += !view->sealed;
    life->counts->view_followed += view->sealed && memcmp(before.salt, view->mark.salt, sizeof before.salt) == 0 &&
                                   memcmp(before.serial, view->mark.serial, sizeof before.serial) != 0;
    if (compare(life, device, view)) close_view(device);
}

/* The name of one of its two files, if it is there. */
static const void *look(struct life *life, const char *home, bool archive, char path[PATH_BYTES], size_t *len)
{
    (void)snprintf(path, PATH_BYTES, "%.280s/%s", home, archive ? CLIENT_ARCHIVE_FILE : CLIENT_VIEW_FILE);
    return vfs_look(life->disks.vfs, path, len);
}

static void damage(struct life *life, struct world_device *device, const char *home)
{
    char path[PATH_BYTES];
    size_t len;
    close_view(device);
    const void *at = look(life, home, world_dice(&life->world, 4) == 0, path, &len);
    if (!at || len < PAGE) return;
    if (world_dice(&life->world, 3) == 0) {
        vfs_place(life->disks.vfs, path, "", 0);
        life->counts->view_missing++;
        return;
    }
    uint8_t *bytes = malloc(len);
    sat_check_memory(bytes);
    memcpy(bytes, at, len);
    bytes[world_dice(&life->world, len)] ^= (uint8_t)(1 + world_dice(&life->world, 255));
    vfs_place(life->disks.vfs, path, bytes, len);
    free(bytes);
    life->counts->view_damaged++;
}

static void fail_disk(struct life *life, struct world_device *device)
{
    static const enum vfs_fault faults[] = {VFS_CRASH, VFS_CRASH, VFS_FULL, VFS_BROKEN};
    enum vfs_fault fault = faults[world_dice(&life->world, 4)];
    vfs_plan(disks_of(&life->disks, device),
             (struct vfs_plan){.fault = fault,
                               .operations = fault == VFS_BROKEN ? VFS_ALL : VFS_CHANGING,
                               .from = 1 + world_dice(&life->world, world_dice(&life->world, 2) ? 12 : 150),
                               .count = fault == VFS_CRASH ? 1 : UINT64_MAX});
    life->counts->view_on_a_failing_disk++;
}

void storm_ask_view(struct life *life)
{
    char home[PATH_BYTES];
    uint64_t what = world_dice(&life->world, 100);
    if (what >= 25) return;
    struct world_device *device = storm_any(life);
    if (!device->joined || storm_is_gone(life, device) || disks_of(&life->disks, device)->plan.fault) return;
    begin(life, device, home);
    bool fails = false;
    if (what < 2) damage(life, device, home);
    if (what >= 2 && what < 5) fail_disk(life, device), fails = true;
    if (what == 5) close_view(device); /* its program ends, and begins again */
    ask(life, device);
    end(life, device);
    if (!fails) return;
    vfs_plan(disks_of(&life->disks, device), (struct vfs_plan){0});
    if (!disks_of(&life->disks, device)->dead) return;
    world_say(&life->world, "home %u stops as its view is made", storm_name(life, device));
}

uint32_t storm_check_views(struct life *life)
{
    for (uint32_t i = 0; i < life->world.devices_n; i++) {
        char home[PATH_BYTES];
        struct world_device *device = &life->world.devices[i];
        if (storm_is_gone(life, device) || !device->joined) continue;
        begin(life, device, home);
        ask(life, device);
        end(life, device);
    }
    return life->wrong_views;
}
