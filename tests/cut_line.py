"""A line to Postgres that is cut at a place in what is said on it, and not at a time.

To the database a cut is what `kill -9` of the client is: the connection is gone amid a transaction.
"""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from psycopg.conninfo import conninfo_to_dict, make_conninfo


@dataclass(frozen=True)
class Cut:
    """After the `after`-th message that fits: any, one of a COPY, one of a step back, a commit.

    Of "no commit" Postgres never hears, though all before it was said.
    """

    where: str
    after: int

    @property
    def swallows(self) -> bool:
        return self.where == "no commit"

    def fits(self, message: bytes) -> bool:
        if self.where in ("commit", "no commit"):
            return message[:1] in (b"Q", b"P") and b"COMMIT" in message[:20]
        if self.where == "copy":
            return message[:1] in (b"d", b"c")
        if self.where == "undo":
            return message[:1] in (b"P", b"B") and (b"WITH kept" in message or b"DELETE FROM" in message)
        return True


class CutLine:
    """`url` leads to the database by this line."""

    def __init__(self, database_url: str) -> None:
        parts = conninfo_to_dict(database_url)
        self._target = (str(parts["host"]), int(str(parts["port"])))
        self._listener = socket.create_server(("127.0.0.1", 0))
        port = self._listener.getsockname()[1]
        self.url = make_conninfo(
            database_url, host="127.0.0.1", port=port, sslmode="disable", gssencmode="disable"
        )
        self._cut: Cut | None = None
        self._left = 0
        self._happen: Callable[[], None] = lambda: None
        self._lock = threading.Lock()
        self.cuts = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def arm(self, cut: Cut | None, happen: Callable[[], None] = lambda: None) -> None:
        """`happen`: what goes with it, just before the line breaks."""
        with self._lock:
            self._cut, self._left, self._happen = cut, cut.after if cut else 0, happen

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._target)
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._up, args=(client, server), daemon=True).start()
            threading.Thread(target=_down, args=(server, client), daemon=True).start()

    def _up(self, client: socket.socket, server: socket.socket) -> None:
        """Message by message: the first one has no type, the others have one byte of it."""
        kept, type_bytes = b"", 0
        try:
            while data := client.recv(65_536):
                kept += data
                while len(kept) >= type_bytes + 4:
                    size = type_bytes + struct.unpack_from("!i", kept, type_bytes)[0]
                    if len(kept) < size:
                        break
                    message, kept, type_bytes = kept[:size], kept[size:], 1
                    hit = self._hit(message)
                    if not hit or not hit.swallows:
                        server.sendall(message)
                    if hit:
                        self._happen()
                        _break(client)
                        _break(server)
                        return
        except OSError:
            pass
        _break(server)

    def _hit(self, message: bytes) -> Cut | None:
        """The cut whose place this is."""
        with self._lock:
            cut = self._cut
            if cut is None or not cut.fits(message):
                return None
            self._left -= 1
            if self._left > 0:
                return None
            self._cut = None
            self.cuts += 1
            return cut


def _down(server: socket.socket, client: socket.socket) -> None:
    try:
        while data := server.recv(65_536):
            client.sendall(data)
    except OSError:
        pass
    _break(client)


def _break(end: socket.socket) -> None:
    """At once, without a word."""
    try:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    end.close()


@contextmanager
def cut_line(database_url: str) -> Iterator[CutLine]:
    line = CutLine(database_url)
    try:
        yield line
    finally:
        line.close()
