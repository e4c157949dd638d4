#!/usr/bin/env python3
"""A server that moves to another port while devices are away, told by a signed link and not by hand. A relay stands for
the address that leads to the same server for a while."""
import socket
import threading

from harness import Device, World, equal, has, run, test

world = World(territories=["Eastern"])
admin = world.admin
here, away = world.rep("Nancy", "Eastern"), world.rep("Steven", "Eastern")
for device in (here, away):
    device.sync()
OLD, OLD_PORT = world.server.url, int(world.server.listen.rsplit(":", 1)[1])


class Relay:
    """Whoever connects to its port talks to the server's."""

    def __init__(self, port, to):
        self.socket, self.to = socket.create_server(("127.0.0.1", port)), to
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                one, _ = self.socket.accept()
                other = socket.create_connection(("127.0.0.1", self.to))
            except OSError:
                return
            for pair in ((one, other), (other, one)):
                threading.Thread(target=self.copy, args=pair, daemon=True).start()

    @staticmethod
    def copy(source, sink):
        try:
            while True:
                data = source.recv(65536)
                sink.sendall(data)
                if not data:
                    break
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


relays = {}


def server_of(device):
    shown = device.row("server", "show")
    equal(shown["pin"], world.server.pin)
    status = device.row("status")
    equal((status["server"], status["server_last"]), (shown["server"], shown["server_last"]))
    return shown["server"], shown["server_last"]


@test
def only_an_admin_sets_it_and_only_to_where_the_server_answers():
    equal(here.error(4, "server", "set", "--url", OLD)["error"], "denied")
    equal(admin.error(1, "server", "set")["error"], "usage")
    equal(admin.error(2, "server", "set", "--url", "https://example.org")["error"], "invalid")
    equal(admin.error(2, "server", "set", "--pin", "12")["error"], "invalid")
    equal(admin.error(3, "server", "set", "--url", "wss://127.0.0.1:1")["error"], "unreachable")
    has(admin.error(2, "server", "set", "--pin", "0" * 63 + "1")["message"], "does not have that identity")
    equal(server_of(admin), (OLD, OLD))


@test
def a_new_address_is_learnt_by_the_old_one():
    relays["new"] = Relay(0, OLD_PORT)
    world.new = "wss://127.0.0.1:%d" % relays["new"].port
    equal(admin.row("server", "set", "--url", world.new)["server"], world.new)
    equal(server_of(here), (OLD, OLD))
    here.sync()
    equal(server_of(here), (world.new, OLD))
    here.sync()
    equal(server_of(here), (world.new, world.new))
    has(admin.run("server", "show").out, world.new)


@test
def the_server_goes_to_its_new_port_and_who_knows_it_follows():
    world.server.stop()
    relays["new"].close()
    world.server.listen = "127.0.0.1:%d" % relays["new"].port
    world.server.start()
    note = here.put("note", "text=by the new address")
    here.sync()
    admin.sync()
    equal(admin.fields("note", note)["text"], "by the new address")


@test
def who_was_away_needs_the_old_address_once_more_and_loses_nothing():
    note = away.put("note", "text=from far away")
    result = away.run("sync", "--json", expect=3)
    equal(result.error()["error"], "unreachable")
    relays["old"] = Relay(OLD_PORT, relays["new"].port)
    away.sync()
    relays["old"].close()
    away.sync()
    equal(server_of(away), (world.new, world.new))
    admin.sync()
    equal(admin.fields("note", note)["text"], "from far away")


@test
def an_invite_names_the_new_address():
    new = Device(world.folder, "new")
    equal(new.row("join", world.invite("Nancy"))["in_sync"], True)
    equal(server_of(new), (world.new, world.new))


@test
def where_nobody_is_at_the_new_address_the_last_one_is_tried():
    relays["third"] = Relay(0, relays["new"].port)
    third = "wss://127.0.0.1:%d" % relays["third"].port
    admin.run("server", "set", "--url", third)
    here.sync()
    relays["third"].close()
    here.put("note", "text=by the last one")
    equal(here.sync()["sent"], 1)
    equal(server_of(here), (third, world.new))


if __name__ == "__main__":
    run()
