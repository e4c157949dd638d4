"""A line between the devices and satcheld that is as bad as one likes: late, slow, cut at any byte, deaf, or in the
hands of somebody who answers for the server. It passes bytes on as they are, without TLS, and counts them.

Line() listens at `url` and passes on to `upstream`. What a connection meets is decided when it comes:

    delay_s     each way
    rate        bytes per second, each way
    cut         (direction, n): behind so many bytes that way both sides are closed. A function of the connection's
                number that says this, or None, is as good
    swallow     messages with a WebSocket frame that is larger than this never arrive; all else does
    vanish      after so many bytes down nothing passes any more, either way, and nobody is told
    mute        after so many bytes down nothing comes down any more; the way up stays open
    close_s     after so long both sides are closed, as some proxies do
    portal      bytes that everybody gets for an answer; nobody gets through
    lets        how many connections from now on get through; the others are closed at once. None: all
"""
import queue
import socket
import threading
import time

UP, DOWN = 0, 1
IDLE_S_MAX = 90


class Frames:
    """The WebSocket frames of one direction, head and all, in pieces that come as they like; the HTTP head is one of
    them, with the payload 0."""

    def __init__(self):
        self.bytes, self.http = b"", True
        self.message = self.largest = 0  # bytes of the message that is coming; of the largest so far
        self.dropping = False

    def feed(self, piece):
        """[(the frame's bytes, the length of its payload)], as far as they are whole."""
        self.bytes += piece
        found = []
        while True:
            size, payload = self.size()
            if size is None or len(self.bytes) < size:
                return found
            found.append((self.bytes[:size], payload))
            self.measure(self.bytes[0], payload)
            self.bytes, self.http = self.bytes[size:], False

    def passes(self, frame, payload, most):
        """Does it, where messages are swallowed of which a frame is larger? Their other frames are, too."""
        opcode, final = frame[0] & 0x0F, frame[0] & 0x80
        if frame.startswith((b"GET ", b"HTTP")) or opcode > 2:
            return True
        dropped = self.dropping or payload > most
        self.dropping = dropped and not final
        return not dropped

    def measure(self, first, payload):
        if self.http or first & 0x0F > 2:
            return
        self.message += payload
        self.largest = max(self.largest, self.message)
        if first & 0x80:
            self.message = 0

    def size(self):
        data = self.bytes
        if self.http:
            end = data.find(b"\r\n\r\n")
            return (None, 0) if end < 0 else (end + 4, 0)
        if len(data) < 2:
            return None, 0
        short = data[1] & 0x7F
        more = {126: 2, 127: 8}.get(short, 0)
        if len(data) < 2 + more:
            return None, 0
        payload = int.from_bytes(data[2:2 + more], "big") if more else short
        return 2 + more + (4 if data[1] & 0x80 else 0) + payload, payload


def small_socket():
    """What waits in the kernel is neither here nor there: as little of it as possible."""
    sock = socket.socket()
    for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        sock.setsockopt(socket.SOL_SOCKET, option, 16384)
    return sock


class Connection:
    def __init__(self, line, near, number):
        self.line, self.near, self.number, self.far = line, near, number, None
        self.passed = [0, 0]     # bytes that arrived, by direction
        self.largest = [0, 0]    # bytes of a message, whole
        self.swallowed = [0, 0]  # frames
        self.gone = threading.Event()
        self.request = b""
        self.close_s, self.vanish, self.swallow, self.mute = line.close_s, line.vanish, line.swallow, line.mute
        self.delay_s, self.rate = line.delay_s, line.rate
        self.cut = line.cut(number) if callable(line.cut) else line.cut

    def end(self):
        self.gone.set()
        for sock in (self.near, self.far):
            try:
                sock and sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def run(self):
        self.far = small_socket()
        self.far.connect(self.line.upstream)
        for sock in (self.near, self.far):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.close_s:
            timer = threading.Timer(self.close_s, self.end)
            timer.daemon = True
            timer.start()
        threads = []
        for source, sink, direction in ((self.near, self.far, UP), (self.far, self.near, DOWN)):
            waiting = queue.Queue(4 if self.rate else 64)
            for work, arguments in ((self.take, (source, waiting, direction)), (self.give, (sink, waiting, direction))):
                threads.append(threading.Thread(target=work, args=arguments, daemon=True))
                threads[-1].start()
        for thread in threads:
            thread.join()
        for sock in (self.near, self.far):
            sock.close()

    def take(self, source, waiting, direction):
        frames = Frames()
        piece_max = 1024 if self.rate else 65536
        try:
            while True:
                piece = source.recv(piece_max)
                if not piece:
                    break
                if direction == UP and not self.request:
                    self.request = piece
                whole = frames.feed(piece)
                self.largest[direction] = frames.largest
                if self.swallow:
                    passing = [frame for frame, payload in whole if frames.passes(frame, payload, self.swallow)]
                    self.swallowed[direction] += len(whole) - len(passing)
                    piece = b"".join(passing)
                if piece:
                    waiting.put((time.monotonic() + self.delay_s, piece))
        except OSError:
            pass
        waiting.put((0, None))

    def give(self, sink, waiting, direction):
        try:
            while not self.gone.is_set():
                due, piece = waiting.get()
                if piece is None:
                    break
                time.sleep(max(0, due - time.monotonic()))
                if self.vanish is not None and self.passed[DOWN] >= self.vanish:
                    continue
                if direction == DOWN and self.mute is not None and self.passed[DOWN] >= self.mute:
                    continue
                if self.cut and self.cut[0] == direction:
                    piece = piece[:max(0, self.cut[1] - self.passed[direction])]
                if piece:
                    sink.sendall(piece)
                self.passed[direction] += len(piece)
                if self.rate:
                    time.sleep(len(piece) / self.rate)
                if self.cut and self.cut[0] == direction and self.passed[direction] >= self.cut[1]:
                    break
        except OSError:
            pass
        self.end()
        while True:  # whoever puts is not to hang
            try:
                waiting.get(timeout=1)
            except queue.Empty:
                return


class Line:
    def __init__(self, upstream=None):
        self.upstream, self.connections = upstream, []
        self.clear()
        self.socket = small_socket()
        self.socket.bind(("127.0.0.1", 0))
        self.socket.listen(16)
        self.url = "ws://127.0.0.1:%d" % self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def clear(self):
        """A good line again, and nothing counted."""
        self.delay_s, self.rate, self.cut, self.swallow, self.vanish, self.mute = 0, 0, None, None, None, None
        self.close_s, self.portal, self.lets = None, None, None
        self.connections = []

    def serve(self):
        while True:
            near, _ = self.socket.accept()
            near.settimeout(IDLE_S_MAX)
            if self.lets is not None:
                self.lets -= 1
                if self.lets < 0:
                    near.close()
                    continue
            if self.portal is not None:
                threading.Thread(target=self.answer, args=(near, self.portal), daemon=True).start()
                continue
            connection = Connection(self, near, len(self.connections))
            self.connections.append(connection)
            threading.Thread(target=self.carry, args=(connection,), daemon=True).start()

    def carry(self, connection):
        try:
            connection.run()
        except OSError:
            connection.end()

    def answer(self, near, portal):
        try:
            head = b""
            while b"\r\n\r\n" not in head:
                piece = near.recv(4096)
                if not piece:
                    break
                head += piece
            near.sendall(portal)
            near.shutdown(socket.SHUT_WR)
            near.recv(1)
        except OSError:
            pass
        near.close()

    def passed(self, direction):
        return sum(connection.passed[direction] for connection in self.connections)

    def largest(self, direction):
        return max(connection.largest[direction] for connection in self.connections)
