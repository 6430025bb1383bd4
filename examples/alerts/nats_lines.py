# SPDX-License-Identifier: Apache-2.0
"""As much of NATS as alerts need: a connection that publishes, or hears a subject. Lines over a socket, nothing to install.

The URL: nats://USER:PASSWORD@HOST:PORT, or tls:// where the server wants that. Whatever goes wrong is an OSError: connect again.
"""
import json
import socket
import ssl
import urllib.parse

LONGEST = 1 << 20  # bytes of a message
SILENCE_S = 300  # servers ask every two minutes whether somebody is there


class Nats:
    def __init__(self, url, name):
        at = urllib.parse.urlsplit(url)
        self.socket = socket.create_connection((at.hostname, at.port or 4222), timeout=10)
        self.file = self.socket.makefile("rb")
        info = self._line()
        if at.scheme == "tls" or info.get("tls_required"):
            self.socket = ssl.create_default_context().wrap_socket(self.socket, server_hostname=at.hostname)
            self.file = self.socket.makefile("rb")
        options = {"verbose": False, "pedantic": False, "lang": "python", "version": "1", "name": name}
        if at.username:
            options.update(user=urllib.parse.unquote(at.username), **{"pass": urllib.parse.unquote(at.password or "")})
        self._send(b"CONNECT %s\r\n" % json.dumps(options).encode())
        self.flush()

    def _send(self, data):
        self.socket.sendall(data)

    def _line(self):
        line = self.file.readline(LONGEST)
        if not line.endswith(b"\r\n"):
            raise ConnectionError("the server has closed the connection")
        if line.startswith(b"-ERR"):
            raise ConnectionError(line.decode(errors="replace").strip())
        return json.loads(line[5:]) if line.startswith(b"INFO ") else line

    def flush(self):
        """Returns when the server has taken all that was sent."""
        self._send(b"PING\r\n")
        while self._line() != b"PONG\r\n":
            pass

    def publish(self, subject, payload):
        self._send(b"PUB %s %d\r\n%s\r\n" % (subject.encode(), len(payload), payload))

    def messages(self, subject):
        """Subscribes, and yields (subject, payload) for ever; (None, None) now and then, when it is time to look at the clock."""
        self._send(b"SUB %s 1\r\n" % subject.encode())
        self.flush()
        self.socket.settimeout(SILENCE_S)
        while True:
            line = self._line()
            if line == b"PING\r\n":
                self._send(b"PONG\r\n")
                yield None, None
            elif isinstance(line, bytes) and line.startswith(b"MSG "):
                words = line.split()
                yield words[1].decode(), self.file.read(int(words[-1]) + 2)[:-2]

    def close(self):
        self.file.close()
        self.socket.close()
