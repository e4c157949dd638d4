"""What the tests of satcheld share: a case with a data directory and servers of its own, requests, the closing line."""
import http.client
import os
import random
import shutil
import ssl
import sys
import tempfile
import unittest

import ws
from daemon import Daemon, make_token
from org import APPENDED, ERROR, Org
from ws import Closed

SEED = int(os.environ.get("SEED", "0")) or random.SystemRandom().randrange(1 << 32)


def request(server, path, method="GET", body=None):
    """(status, body) of a plain request."""
    if server.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection(server.host, server.port, timeout=10, context=context)
    else:
        connection = http.client.HTTPConnection(server.host, server.port, timeout=10)
    try:
        connection.request(method, path, body)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def message_frame(message):
    return ws.frame(ws.BINARY, ws.pack(message))


def last_words(socket):
    """Reads to the end: the error message that came before it, if any."""
    error = None
    try:
        while True:
            message = socket.recv()
            if message[0] == ERROR:
                error = message
    except Closed:
        return error


class Case(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="satcheld-test-")
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.data = os.path.join(self.directory, "data")

    def start(self, *options, data=None, **more):
        server = Daemon(data or self.data, *options, **more)
        self.addCleanup(self.end, server)
        return server

    def end(self, server):
        if server.process.poll() is None:
            server.process.kill()
            server.process.wait()
        server.process.stdout.close()
        server.log_file.close()

    def found(self, server):
        org = Org(server.pin)
        answer = org.found(server, make_token(server.data))
        self.assertEqual(answer[0], APPENDED, answer)
        return org


def main(module):
    """Runs the module's tests, or those named on the command line; ends with the line 'N passed, N failed'."""
    print("seed %d" % SEED, file=sys.stderr)
    if len(sys.argv) > 1:
        suite = unittest.defaultTestLoader.loadTestsFromNames(sys.argv[1:], module)
    else:
        suite = unittest.defaultTestLoader.loadTestsFromModule(module)
    result = unittest.TextTestRunner(verbosity=2, stream=sys.stderr).run(suite)
    failed = len(result.failures) + len(result.errors)
    print("%d passed, %d failed" % (result.testsRun - failed - len(result.skipped), failed))
    return 1 if failed or not result.testsRun else 0
