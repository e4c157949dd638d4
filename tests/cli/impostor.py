"""Somebody else on the server's address, with the server's certificate: answers as it is told to, or passes on."""
import os
import socket
import ssl
import threading


class Impostor:
    """Takes connections at the server's address while it is entered, one after another: `answer` gets the request's
    text and gives the bytes to answer with; with `behind`, an address, these go there, and what comes back is the
    answer."""

    def __init__(self, server, answer, behind=None):
        self.answer, self.behind, self.seen = answer, behind, 0
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(*(os.path.join(server.data, "tls-%s.pem" % name) for name in ("cert", "key")))
        host, port = server.listen.rsplit(":", 1)
        self.socket = socket.create_server((host, int(port)))
        self.thread = threading.Thread(target=self.serve, daemon=True)

    def serve(self):
        while True:
            try:
                raw, _ = self.socket.accept()
            except OSError:
                return
            try:
                with self.context.wrap_socket(raw, server_side=True) as connection:
                    self.talk(connection)
            except OSError:
                pass

    def talk(self, connection):
        connection.settimeout(10)
        request = read_head(connection)
        answer = self.answer(request.decode("latin-1"))
        self.seen += 1
        if self.behind:
            answer = ask(self.behind, answer)
        connection.sendall(answer)
        try:
            connection.recv(4096)
        except OSError:
            pass

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join(10)
        self.socket.close()


def read_head(connection):
    text = b""
    while b"\r\n\r\n" not in text:
        more = connection.recv(4096)
        if not more:
            break
        text += more
    return text


def ask(address, request):
    """What the server there answers to a request, body included: it closes behind a refusal."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    host, port = address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=10) as raw, context.wrap_socket(raw) as connection:
        connection.sendall(request.encode("latin-1"))
        answer = read_head(connection)
        while True:
            try:
                more = connection.recv(4096)
            except ssl.SSLError:
                more = b""
            if not more:
                return answer
            answer += more


def refusal(status, *headers, body=""):
    lines = ["HTTP/1.1 %s" % status, "Content-Length: %d" % len(body)] + list(headers)
    return lambda request: ("\r\n".join(lines) + "\r\n\r\n" + body).encode()
