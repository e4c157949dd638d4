"""Those who are out, over a socket: they are told by the directory, what they push or hand in is put aside and counted,
and everybody else is served on."""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from case import Case, main, request  # noqa: E402
from daemon import make_token  # noqa: E402
from org import APPENDED, BOXES_GET, ERROR, LINKS  # noqa: E402
from pusher import REFUSED, Author, Team, wait_for_entries  # noqa: E402

HANDED_IN, HAND_IN, ESCROW_GET = 10, 25, 28
ERR_DENIED, ERR_REVOKED, ERR_ESCROWED = 12, 13, 40


class Revoked(Case):
    def start_team(self):
        server = self.start()
        team = Team(server.pin, 2)
        self.assertEqual(team.found(server, make_token(server.data))[0], APPENDED)
        return server, team

    def member(self, server, team, number):
        socket = team.login_as(server, number)
        self.addCleanup(socket.close)
        return socket

    def hear(self, socket, kind):
        """The next message of that kind; links and entries on the way are let pass."""
        message = socket.recv()
        while message[0] != kind:
            self.assertNotEqual(message[0], ERROR, message)
            message = socket.recv()
        return message

    def suspend(self, server, team, number):
        admin = self.member(server, team, 1)
        admin.send(team.suspend_message(number))
        self.hear(admin, APPENDED)

    def test_who_is_put_out_in_the_middle_of_a_session_loses_no_work(self):
        server, team = self.start_team()
        writer, author = self.member(server, team, 2), Author(team, 2)
        team.subscribe(writer)
        writer.send(author.bundle(3))
        wait_for_entries(writer, 1)
        late, later = author.bundle(3), author.bundle()
        length = team.length
        self.suspend(server, team, 2)
        writer.send(late)
        told = {}
        while LINKS not in told or REFUSED not in told:
            message = writer.recv()
            told[message[0]] = message
        self.assertEqual(told[LINKS][1] + len(told[LINKS][2]) - 1, length + 1)
        self.assertEqual(told[REFUSED][3], ERR_ESCROWED)
        writer.send([HAND_IN, team.space, later[2]])
        handed_in = self.hear(writer, HANDED_IN)
        self.assertEqual((handed_in[1], handed_in[3]), (team.space, ERR_ESCROWED))
        writer.send([BOXES_GET, []])
        self.assertEqual(writer.recv()[:2], [ERROR, ERR_REVOKED])
        page = request(server, "/metrics")[1].decode()
        self.assertIn("satcheld_bundles_escrowed_total 2\n", page)
        self.assertIn("satcheld_connections_revoked_total 1\n", page)
        self.assertIn("satcheld_bundles_refused_total 0\n", page)
        self.assertEqual(sum(event["bundles"] for event in server.wait_for_event("bundles_escrowed")), 2)
        self.assertEqual(server.wait_for_event("peers_revoked")[0]["peers"], 1)
        reader = self.member(server, team, 3)
        team.subscribe(reader)
        reader.send(Author(team, 3).bundle())
        self.assertEqual(wait_for_entries(reader, 2), 2)

    def test_the_escrow_is_not_for_reps(self):
        server, team = self.start_team()
        rep = self.member(server, team, 2)
        rep.send([ESCROW_GET, 0])
        self.assertEqual(rep.recv()[:2], [ERROR, ERR_DENIED])


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
