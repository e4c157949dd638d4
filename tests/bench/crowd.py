"""An org of 5,000 devices: a device is revoked, and what everybody reads gets a new key. By the real programs; only
the joins are written into the server's store beforehand (bench_crowd.c), as 5,000 homes would take an hour."""
import glob
import os

from ground import Fleet, Ran, Relay, Server, machine_busy_s, say

DEVICES, ROTATIONS, ROUNDS = 5000, 200, 3
WATCHER, AWAY = 2, 3
REVOKED = 1000         # and those behind it: devices of the crowd
SPACES_OF_ALL = 2      # org and people: a revocation owes both a new key
SECONDS_MAX, STORED_MAX, DOWNLOAD_MAX, CATCH_UP_MAX = 2, 100, 1024, 64 * 1024


class Crowd:
    def __init__(self, bench):
        self.bench, self.ground = bench, bench.ground
        self.server = Server(self.ground, "crowd-server")
        self.server.start()
        self.fleet = Fleet(self.ground, self.server, "crowd", 1, 4)
        self.relay = None

    def admin(self, *args):
        return Ran(self.ground, [self.ground.satchel, *args, "--json", "--home", self.fleet.admin(),
                                 "--passphrase-file", self.ground.passphrase_file])

    def path(self):
        path, = glob.glob(os.path.join(self.server.data, "orgs", "*.db"))
        return path

    def restart(self):
        """Behind the relay, which keeps the port that the homes know; gives the length of the org's file."""
        self.server.stop()
        length = os.path.getsize(self.path())
        listening = self.server.start(0)
        if self.relay:
            self.relay.to_port = listening
        else:
            self.relay = Relay(self.server.port, listening)
        return length

    def downloaded(self, device):
        """What the sync of a device receives, TLS and all."""
        before = self.relay.down
        self.fleet.sync(device)
        return self.relay.down - before

    def timed(self, *args):
        before, busy_s = self.server.cpu_s(), machine_busy_s()
        ran = self.admin(*args)
        server_cpu_s, busy_s = self.server.cpu_s() - before, machine_busy_s() - busy_s
        return ran.wall_s, ran.cpu_s, server_cpu_s, max(0, busy_s - ran.cpu_s - server_cpu_s)

    # ---- figures ----

    def catch_up(self):
        say("%d rotations" % ROTATIONS)
        self.downloaded(AWAY)
        idle = self.downloaded(AWAY)
        Ran(self.ground, [self.ground.program("bench_devices"), "rotate", self.fleet.admin(), "org", str(ROTATIONS)])
        down = self.downloaded(AWAY)
        self.bench.figure("fleet_catch_up", down, "bytes", (), CATCH_UP_MAX, False, rotations=ROTATIONS,
                          bytes_per_rotation=(down - idle) / ROTATIONS)

    def grow(self):
        """To 5,000 devices; then those that matter here take in their links."""
        say("making %d devices" % DEVICES)
        self.admin("sync")
        self.server.stop()
        made = Ran(self.ground, [self.ground.program("bench_crowd"), self.fleet.admin(), self.path(),
                                 os.path.join(self.server.data, "identity.key"), str(DEVICES)]).rows()[0]
        self.server.start(self.relay.to_port)
        self.admin("sync")
        took = self.fleet.sync(WATCHER)
        self.bench.figure("fleet_links", took.wall_s, "s", self.floors("verify", made["links"] * 3, "signatures"),
                          links=made["links"], client_cpu_s=took.cpu_s)

    def floors(self, name, n, what):
        return [("%d %s" % (n, what), n * self.bench.floors.us(name) / 1e6)]

    def measured(self, *args):
        """A command of the admin's: what it took, what another device downloaded for it, what the server keeps for
        each device."""
        before = self.restart()
        self.admin("sync")  # the server has opened the org
        idle = self.downloaded(WATCHER)
        took = self.timed(*args)
        down = self.downloaded(WATCHER) - idle
        return took, down, (self.restart() - before) / DEVICES

    def revoke_and_rotate(self):
        """Best of some, as others work on the machine as well; of bytes the most. A revocation changes the key of both
        spaces that all read: the mark for the download is for all of that, the one for storage for each space."""
        revoked = []
        for number in range(ROUNDS):
            say("revoking, round %d of %d" % (number + 1, ROUNDS))
            revoked.append(self.measured("device", "revoke", str(REVOKED + number)))
        took, down, stored = self.measured("rotate", "org")
        self.timing("fleet_revoke", min(row[0] for row in revoked), SPACES_OF_ALL)
        self.timing("fleet_rotate", took, 1)
        revoked_down, revoked_stored = max(row[1] for row in revoked), max(row[2] for row in revoked)
        self.bench.figure("fleet_storage", stored, "bytes/device", [("the box", 80)], STORED_MAX, False,
                          revocation_with_both_spaces=revoked_stored)
        self.bench.figure("fleet_download", revoked_down, "bytes", (), DOWNLOAD_MAX, False, rotation_alone=down)

    def timing(self, name, took, spaces):
        boxes = spaces * DEVICES
        self.bench.figure(name, took[0], "s",
                          self.floors("box_seal", boxes, "boxes sealed") +
                          self.floors("verify", DEVICES, "signatures verified"), SECONDS_MAX, False,
                          client_cpu_s=took[1], server_cpu_s=took[2], others_cpu_s=took[3], boxes=boxes)

    def run(self):
        self.restart()
        self.catch_up()
        self.grow()
        self.revoke_and_rotate()
        self.relay.close()
        self.server.stop()
