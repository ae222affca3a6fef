"""A small server with the wire format of Kubo's RPC API, for tests of the store that talks to one.

It speaks real HTTP on a free port and answers as Kubo's commands add, cat, pin/ls, pin/rm and files/stat do
(the shapes and messages are those of kubo 0.42, core/commands). CIDs come from the importer with the
parameters that the request asks for. Like Kubo it would fetch unknown content from the network, here from
`elsewhere`, unless the request says `offline`.
"""

import email
import email.policy
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from urllib.parse import parse_qs, unquote, urlsplit

from node.services.content.unixfs import KUBO_DEFAULT, ImportProfile, cid_of

API = "/api/v0"


@dataclass
class KuboNode:
    """The node's state, and knobs to make it behave badly."""

    url: str = ""
    pinned: dict[str, bytes] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)
    elsewhere: dict[str, bytes] = field(default_factory=dict)
    uploads: list[dict[str, str]] = field(default_factory=list)
    forced_profile: ImportProfile | None = None
    broken: bool = False
    cut_after: int | None = None


class _KuboError(Exception):
    """Becomes a 500 with Kubo's error object."""


def _is_true(options: dict[str, str], name: str) -> bool:
    """Go's strconv.ParseBool, which reads Kubo's options."""
    return options.get(name) in {"1", "t", "T", "TRUE", "true", "True"}


def _import_profile(options: dict[str, str]) -> ImportProfile:
    if options.get("cid-version") != "1" or not _is_true(options, "raw-leaves"):
        raise _KuboError("this server only makes version 1 CIDs with raw leaves")
    chunker = options.get("chunker", f"size-{KUBO_DEFAULT.chunk_bytes}")
    links = options.get("max-file-links", str(KUBO_DEFAULT.links_max))
    return ImportProfile(chunk_bytes=int(chunker.removeprefix("size-")), links_max=int(links))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "_Server"

    def do_POST(self) -> None:
        node = self.server.node
        target = urlsplit(self.path)
        options = {key: values[-1] for key, values in parse_qs(target.query).items()}
        body = self._body()
        name = "broken" if node.broken else target.path.removeprefix(API + "/").replace("/", "_")
        try:
            getattr(self, f"_{name}")(node, options, body)
        except _KuboError as error:
            self._json({"Message": str(error), "Code": 0, "Type": "error"}, HTTPStatus.INTERNAL_SERVER_ERROR)

    def log_message(self, *_: object) -> None:
        """Quiet."""

    def _broken(self, *_: object) -> None:
        raise _KuboError("something is wrong here")

    def _add(self, node: KuboNode, options: dict[str, str], body: bytes) -> None:
        part = self._only_part(body)
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        cid = str(cid_of(BytesIO(content), node.forced_profile or _import_profile(options)))
        if _is_true(options, "pin"):
            node.pinned[cid] = content
        name = unquote(part.get_filename() or "")
        node.uploads.append({"name": name, "headers": str(part.items()), **options})
        self._json({"Name": name, "Hash": cid, "Size": str(len(content))})

    def _cat(self, node: KuboNode, options: dict[str, str], _: bytes) -> None:
        content = self._find(node, options)
        first = int(options.get("offset", 0))
        part = content[first : first + int(options.get("length", len(content)))]
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Transfer-Encoding", "chunked")
        self.send_header("Trailer", "X-Stream-Error")
        self.end_headers()
        for at in range(0, len(part[: node.cut_after]), 4096):
            piece = part[: node.cut_after][at : at + 4096]
            self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        self.wfile.write(b"0\r\n" + (b"X-Stream-Error: cut\r\n" if node.cut_after else b"") + b"\r\n")

    def _files_stat(self, node: KuboNode, options: dict[str, str], _: bytes) -> None:
        cid = options["arg"].removeprefix("/ipfs/")
        if cid in node.folders:
            self._json({"Hash": cid, "Size": 0, "CumulativeSize": 4, "Blocks": 0, "Type": "directory"})
            return
        size = len(self._find(node, options))
        self._json({"Hash": cid, "Size": size, "CumulativeSize": size, "Blocks": 0, "Type": "file"})

    def _pin_ls(self, node: KuboNode, options: dict[str, str], _: bytes) -> None:
        cid = options["arg"]
        if cid not in node.pinned and cid not in node.folders:
            raise _KuboError(f"path '/ipfs/{cid}' is not pinned")
        self._json({"Keys": {cid: {"Type": "recursive", "Name": ""}}})

    def _pin_rm(self, node: KuboNode, options: dict[str, str], _: bytes) -> None:
        del node.pinned[options["arg"]]
        self._json({"Pins": [options["arg"]]})

    def _find(self, node: KuboNode, options: dict[str, str]) -> bytes:
        cid = options["arg"].removeprefix("/ipfs/")
        known = node.pinned if _is_true(options, "offline") else node.pinned | node.elsewhere
        if cid not in known:
            raise _KuboError(f"block was not found locally (offline): ipld: could not find {cid}")
        return known[cid]

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        pieces = []
        while size := int(self.rfile.readline(), 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)

    def _only_part(self, body: bytes) -> EmailMessage:
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        message = email.message_from_bytes(head + body, EmailMessage, policy=email.policy.HTTP)
        (part,) = message.iter_parts()
        assert isinstance(part, EmailMessage)
        return part

    def _json(self, document: object, status: HTTPStatus = HTTPStatus.OK) -> None:
        body = json.dumps(document).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class _Server(ThreadingHTTPServer):
    request_queue_size = 64
    node: KuboNode


@contextmanager
def kubo_node() -> Iterator[KuboNode]:
    """Run a server on a free port of the loopback address."""
    node = KuboNode()
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.node = node
        node.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield node
        finally:
            server.shutdown()
            thread.join()
