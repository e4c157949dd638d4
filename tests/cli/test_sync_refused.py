#!/usr/bin/env python3
"""A server, or whoever stands before it, that answers the upgrade by an HTTP status: what the person is told, and with
which exit code."""
import os

from harness import World, equal, has, run, test
from impostor import Impostor, ask, refusal

world = World(territories=["Eastern"])
rep = world.rep("Nancy", "Eastern")
rep.put("note", "text=not lost")


def sync_with(answer, code):
    world.server.stop()
    try:
        with Impostor(world.server, answer):
            result = rep.run("sync", "--json", expect=code)
    finally:
        world.server.start()
    equal(rep.row("status")["pending"], 1, "the work is kept")
    return result.error()


@test
def a_busy_server_says_when_to_come_again():
    for status in ("503 Service Unavailable", "429 Too Many Requests"):
        error = sync_with(refusal(status, "Retry-After: 7"), 3)
        equal((error["error"], error["class"]), ("busy", "retry"), error)
        has(error["message"], "the server is busy; try again in 7 s")
    has(sync_with(refusal("503 Service Unavailable"), 3)["message"], "the server is busy; try again later")
    date = "Retry-After: Wed, 21 Oct 2026 07:28:00 GMT"  # the other form that HTTP has: not understood, no harm
    has(sync_with(refusal("503 Service Unavailable", date), 3)["message"], "the server is busy; try again later")


@test
def a_proxy_without_its_server_is_no_server():
    for status in ("502 Bad Gateway", "504 Gateway Time-out"):
        error = sync_with(refusal(status), 3)
        equal(error["error"], "unreachable", error)
        has(error["message"], "does not reach the server behind it (HTTP %s)" % status[:3])


def headers_of(answer):
    lines = answer.split(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    return lines[0], dict((name.lower(), value) for name, value in (line.split(": ", 1) for line in lines[1:]))


@test
def the_server_names_its_version_in_a_header_of_the_refusal():
    request = ("GET /satchel/new/%s HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
               "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nSec-WebSocket-Version: 13\r\n"
               "Sec-WebSocket-Protocol: satchel.7\r\n\r\n" % os.urandom(32).hex())
    answer = ask(world.server.listen, request)
    status, headers = headers_of(answer)
    has(status, " 426 ")
    equal((headers.get("sec-websocket-protocol"), headers.get("upgrade")), ("satchel.1", "websocket"), answer)
    has(answer.decode(), '"speaks":"satchel.1"')
    elsewhere = request.replace("satchel.7", "satchel.1").replace("/new/", "/x/")
    status, headers = headers_of(ask(world.server.listen, elsewhere))
    has(status, " 404 ")
    equal("sec-websocket-protocol" in headers, False, headers)


@test
def this_program_reads_what_that_server_answers_to_another_version():
    address, world.server.listen = world.server.listen, "127.0.0.1:0"
    world.server.stop()
    world.server.start()  # elsewhere, behind somebody who changes what it is asked for
    behind, world.server.listen = world.server.listen, address
    try:
        with Impostor(world.server, lambda request: request.replace("satchel.1\r\n", "satchel.7\r\n"), behind):
            error = rep.run("sync", "--json", expect=5).error()
    finally:
        world.server.stop()
        world.server.start()
    equal(error["error"], "version", error)
    equal(rep.sync()["sent"], 1)


if __name__ == "__main__":
    run()
