"""A way to the server that a test can close: every connection goes through it, byte for byte, as long as it is let."""
import socket
import threading


class Passage:
    """Listens on a port of its own and passes on to the server. `lets`: how many connections from now on (None: all);
    `on_refused` is called, with nothing, when one more comes; `answers`: whether what the server says is passed on."""

    def __init__(self, server):
        host, port = server.listen.rsplit(":", 1)
        self.behind = (host, int(port))
        self.lets, self.on_refused, self.seen = None, lambda: None, 0
        self.hears = lambda count: True
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = "wss://127.0.0.1:%d" % self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                near, _ = self.socket.accept()
            except OSError:
                return
            self.seen += 1
            if self.lets is not None and self.lets <= 0:
                self.on_refused()
                near.close()
                continue
            if self.lets is not None:
                self.lets -= 1
            try:
                far = socket.create_connection(self.behind)
            except OSError:
                near.close()
                continue
            for source, sink, back in ((near, far, False), (far, near, True)):
                threading.Thread(target=self.carry, args=(source, sink, back), daemon=True).start()

    def carry(self, source, sink, back):
        """`hears` is asked for each piece of an answer, with the number of bytes before it; False ends it all."""
        count = 0
        try:
            while True:
                piece = source.recv(65536)
                if not piece or (back and not self.hears(count)):
                    break
                count += len(piece)
                sink.sendall(piece)
        except OSError:
            pass
        for one in (source, sink):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def open(self):
        self.lets, self.on_refused, self.hears = None, lambda: None, lambda count: True
