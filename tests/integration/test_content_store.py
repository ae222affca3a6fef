"""One contract, two stores: a folder, and a Kubo node over HTTP."""

import io
import resource
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from node.kernel.errors import Refused
from node.services.content import errors
from node.services.content.cid import Cid, Codec
from node.services.content.kubo import KuboContentStore, kubo_address
from node.services.content.media import UploadPolicy
from node.services.content.store import ContentStore, LocalContentStore
from node.services.content.unixfs import ImportProfile, cid_of
from tests.integration.content_kubo import KuboNode, kubo_node

# ipfshttpclient 0.7 hands urllib3 a parameter of old; the locked urllib3 2 still takes it.
pytestmark = pytest.mark.filterwarnings("ignore:The 'strict' parameter is no longer needed:FutureWarning")

SIZE_BYTES_MAX = 1_000_000
POLICY = UploadPolicy(size_bytes_max=SIZE_BYTES_MAX)
OCTETS = "application/octet-stream"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20
SEVEN = b'{"name": "Seven", "attributes": [{"trait_type": "Level", "value": 7}]}'
UNKNOWN = Cid(Codec.RAW, b"\x07" * 32)


@dataclass
class Subject:
    """A store, and a look behind it: how many contents and partial uploads lie there."""

    store: ContentStore
    count_contents: Callable[[], int]
    count_partial: Callable[[], int]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "content"


@pytest.fixture
def local(root: Path) -> LocalContentStore:
    return LocalContentStore(root, POLICY)


@pytest.fixture
def node() -> Iterator[KuboNode]:
    with kubo_node() as node:
        yield node


@pytest.fixture
def kubo(node: KuboNode) -> KuboContentStore:
    return KuboContentStore(node.url, POLICY, timeout_s=5)


@pytest.fixture(params=["local", "kubo"])
def subject(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Subject:
    if request.param == "local":
        root = request.getfixturevalue("root")
        return Subject(
            request.getfixturevalue("local"),
            lambda: len(list(root.glob("??/*"))),
            lambda: len(list((root / "incoming").iterdir())),
        )
    spool = tmp_path / "spool"
    spool.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(spool))
    node = request.getfixturevalue("node")
    return Subject(
        request.getfixturevalue("kubo"), lambda: len(node.pinned), lambda: len(list(spool.iterdir()))
    )


class Trickle:
    """Gives fewer bytes than asked for, as sockets do."""

    def __init__(self, content: bytes) -> None:
        self._file = io.BytesIO(content)

    def read(self, size: int, /) -> bytes:
        return self._file.read(min(size, 777))


class BreaksOff:
    """An upload whose sender goes away."""

    def __init__(self, after: int) -> None:
        self._left = after

    def read(self, size: int, /) -> bytes:
        if not self._left:
            raise ConnectionResetError
        taken = min(size, self._left)
        self._left -= taken
        return b"x" * taken


@pytest.mark.parametrize("size", [1, 262_143, 262_144, 262_145, SIZE_BYTES_MAX])
def test_what_was_put_is_found_whole(subject: Subject, size: int) -> None:
    content = bytes(at % 251 for at in range(size))
    stored = subject.store.put(Trickle(content), media_type=OCTETS)
    assert stored.cid == cid_of(io.BytesIO(content))
    assert (stored.size, stored.media_type) == (size, OCTETS)
    assert subject.store.has(stored.cid)
    opened = subject.store.open(stored.cid)
    assert opened.stored == stored
    assert b"".join(opened.chunks()) == content
    assert b"".join(opened.chunks()) == content, "it can be read again"
    assert subject.count_partial() == 0


@pytest.mark.parametrize(
    ("first", "length"), [(0, 1), (0, 0), (5, 10), (99_999, 1), (100_000, 0), (0, 100_000), (262, 70_000)]
)
def test_any_part_can_be_read(subject: Subject, first: int, length: int) -> None:
    content = bytes(at % 251 for at in range(100_000))
    opened = subject.store.open(subject.store.put(io.BytesIO(content), media_type=OCTETS).cid)
    assert b"".join(opened.chunks(first=first, length=length)) == content[first : first + length]
    assert b"".join(opened.chunks(first=first)) == content[first:]


@pytest.mark.parametrize(
    ("content", "declared", "expected"),
    [
        (PNG, "image/png", "image/png"),
        (PNG, OCTETS, "image/png"),
        (SEVEN, "application/json; charset=utf-8", "application/json"),
        (SEVEN, OCTETS, "application/json"),
        (b"<html>", "text/plain", OCTETS),
        (b"%PDF-1.7", "application/pdf", OCTETS),
    ],
)
def test_the_media_type_follows_from_the_bytes(
    subject: Subject, content: bytes, declared: str, expected: str
) -> None:
    stored = subject.store.put(io.BytesIO(content), media_type=declared, name="a name.bin")
    assert stored.media_type == expected
    assert subject.store.open(stored.cid).stored.media_type == expected


def test_putting_twice_is_putting_once(subject: Subject) -> None:
    once = subject.store.put(io.BytesIO(SEVEN), media_type="application/json", name="7.json")
    twice = subject.store.put(io.BytesIO(SEVEN), media_type=OCTETS)
    assert once == twice
    assert subject.count_contents() == 1


@pytest.mark.parametrize(
    ("content", "declared", "name", "refusal"),
    [
        (b"", OCTETS, None, errors.ContentEmpty),
        (b"x" * (SIZE_BYTES_MAX + 1), OCTETS, None, errors.ContentTooLarge),
        (b"x", OCTETS, "", errors.ContentNameInvalid),
        (b"x", OCTETS, "../x", errors.ContentNameInvalid),
        (b"<svg/>", "image/svg+xml", None, errors.MediaTypeRefused),
        (b"<html>", "text/html", None, errors.MediaTypeRefused),
        (b"<html>", "image/png", None, errors.MediaTypeMismatch),
        (PNG, "image/gif", None, errors.MediaTypeMismatch),
        (b'{"name": 7}', "application/json", None, errors.MetadataInvalid),
    ],
)
def test_a_refusal_leaves_nothing_behind(
    subject: Subject, content: bytes, declared: str, name: str | None, refusal: type[Refused]
) -> None:
    with pytest.raises(refusal):
        subject.store.put(io.BytesIO(content), media_type=declared, name=name)
    assert not subject.store.has(cid_of(io.BytesIO(content)))
    assert (subject.count_contents(), subject.count_partial()) == (0, 0)


def test_an_endless_upload_is_cut_off_at_the_limit(subject: Subject) -> None:
    class Endless:
        given = 0

        def read(self, size: int, /) -> bytes:
            self.given += size
            return b"x" * size

    stream = Endless()
    with pytest.raises(errors.ContentTooLarge) as refusal:
        subject.store.put(stream, media_type=OCTETS)
    assert refusal.value.fields == {"size_bytes_max": SIZE_BYTES_MAX}
    assert stream.given < SIZE_BYTES_MAX + 200_000


def test_an_upload_that_breaks_off_leaves_nothing_behind(subject: Subject) -> None:
    with pytest.raises(ConnectionResetError):
        subject.store.put(BreaksOff(after=100_000), media_type=OCTETS)
    assert (subject.count_contents(), subject.count_partial()) == (0, 0)


@pytest.mark.parametrize("codec", Codec)
def test_what_was_not_put_is_not_found(subject: Subject, codec: Codec) -> None:
    cid = Cid(codec, UNKNOWN.digest)
    assert not subject.store.has(cid)
    with pytest.raises(errors.ContentNotFound):
        subject.store.open(cid)


def test_many_at_once(subject: Subject) -> None:
    contents = [bytes([kind]) * 50_000 for kind in (1, 2, 3)] * 3
    seen: list[tuple[bytes, bytes]] = []

    def put_and_read(content: bytes) -> None:
        stored = subject.store.put(Trickle(content), media_type=OCTETS)
        seen.append((content, b"".join(subject.store.open(stored.cid).chunks())))

    threads = [threading.Thread(target=put_and_read, args=(content,)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == len(contents)
    assert all(put == read for put, read in seen)
    assert (subject.count_contents(), subject.count_partial()) == (3, 0)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(content=st.binary(min_size=1, max_size=2000), data=st.data())
def test_round_trip_of_any_bytes(local: LocalContentStore, content: bytes, data: st.DataObject) -> None:
    stored = local.put(io.BytesIO(content), media_type=OCTETS)
    first = data.draw(st.integers(0, len(content)))
    length = data.draw(st.integers(0, len(content) - first))
    assert local.open(stored.cid).stored == stored
    assert b"".join(local.open(stored.cid).chunks(first=first, length=length)) == content[first:][:length]


def test_local_files_are_for_the_node_alone(local: LocalContentStore) -> None:
    stored = local.put(io.BytesIO(PNG), media_type="image/png")
    path = local.open(stored.cid).path
    assert path is not None
    assert path.read_bytes() == PNG
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_local_content_survives_the_store(root: Path, local: LocalContentStore) -> None:
    stored = local.put(io.BytesIO(PNG), media_type="image/png")
    assert LocalContentStore(root, POLICY).open(stored.cid).stored == stored


def test_putting_again_mends_a_damaged_file(local: LocalContentStore) -> None:
    stored = local.put(io.BytesIO(PNG), media_type="image/png")
    path = local.open(stored.cid).path
    assert path is not None
    path.write_bytes(PNG[:10])
    assert local.put(io.BytesIO(PNG), media_type="image/png") == stored
    assert b"".join(local.open(stored.cid).chunks()) == PNG


def test_a_crash_leaves_a_partial_upload_that_is_swept(root: Path, local: LocalContentStore) -> None:
    left = root / "incoming" / "left.partial"
    left.write_bytes(b"half")
    written = datetime.fromtimestamp(left.stat().st_mtime, UTC)
    assert local.sweep_partial(before=written - timedelta(hours=1)) == 0
    assert left.exists()
    assert local.sweep_partial(before=written + timedelta(seconds=1)) == 1
    assert not left.exists()


def test_no_room_is_worth_another_try(root: Path, local: LocalContentStore) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))  # writing further fails with EFBIG
    try:
        with pytest.raises(errors.ContentStoreUnavailable):
            local.put(io.BytesIO(b"x" * 200_000), media_type=OCTETS)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(root.glob("*/*")) == []


def test_kubo_is_asked_for_our_parameters(node: KuboNode, kubo: KuboContentStore) -> None:
    kubo.put(io.BytesIO(b"x"), media_type=OCTETS, name="\u062a.bin")
    (upload,) = node.uploads
    asked = {
        key: upload[key] for key in ("cid-version", "raw-leaves", "pin", "chunker", "max-file-links", "hash")
    }
    assert asked == {
        "cid-version": "1",
        "raw-leaves": "True",
        "pin": "True",
        "chunker": "size-262144",
        "max-file-links": "174",
        "hash": "sha2-256",
    }
    assert upload["name"] == "\u062a.bin"
    assert "Abspath" not in upload["headers"], "where our temporary files lie is nobody's business"


def test_kubo_that_names_otherwise_is_a_bug_and_keeps_no_pin(node: KuboNode, kubo: KuboContentStore) -> None:
    node.forced_profile = ImportProfile(chunk_bytes=1000, links_max=2)
    content = b"x" * 5000
    with pytest.raises(errors.CidMismatch) as bug:
        kubo.put(io.BytesIO(content), media_type=OCTETS)
    assert bug.value.fields["ours"] == str(cid_of(io.BytesIO(content)))
    assert bug.value.fields["theirs"] == str(cid_of(io.BytesIO(content), node.forced_profile))
    assert node.pinned == {}


def test_kubo_does_not_make_us_a_gateway(node: KuboNode, kubo: KuboContentStore) -> None:
    cid = cid_of(io.BytesIO(b"somebody else's"))
    node.elsewhere[str(cid)] = b"somebody else's"
    assert not kubo.has(cid)
    with pytest.raises(errors.ContentNotFound):
        kubo.open(cid)


def test_kubos_folders_are_not_content(node: KuboNode, kubo: KuboContentStore) -> None:
    folder = Cid(Codec.DAG_PB, UNKNOWN.digest)
    node.folders.add(str(folder))
    with pytest.raises(errors.ContentNotFound):
        kubo.open(folder)


def test_kubo_in_trouble_is_worth_another_try(node: KuboNode, kubo: KuboContentStore) -> None:
    cid = kubo.put(io.BytesIO(PNG), media_type="image/png").cid
    opened = kubo.open(cid)
    node.broken = True
    for call in (
        lambda: kubo.put(io.BytesIO(PNG), media_type="image/png"),
        lambda: kubo.has(cid),
        lambda: kubo.open(cid),
        lambda: list(opened.chunks()),
    ):
        with pytest.raises(errors.ContentStoreUnavailable):
            call()


def test_kubo_that_stops_in_the_middle_is_noticed(node: KuboNode, kubo: KuboContentStore) -> None:
    opened = kubo.open(kubo.put(io.BytesIO(b"x" * 50_000), media_type=OCTETS).cid)
    node.cut_after = 10_000
    with pytest.raises(errors.ContentStoreUnavailable):
        list(opened.chunks())


def test_no_kubo_is_worth_another_try() -> None:
    with kubo_node() as node:
        gone = KuboContentStore(node.url, POLICY, timeout_s=5)
    with pytest.raises(errors.ContentStoreUnavailable):
        gone.has(UNKNOWN)
    with pytest.raises(errors.ContentStoreUnavailable):
        gone.put(io.BytesIO(b"x"), media_type=OCTETS)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://127.0.0.1:5001", "/ip4/127.0.0.1/tcp/5001/http"),
        ("http://[::1]:5001/", "/ip6/::1/tcp/5001/http"),
        ("https://kubo.example", "/dns/kubo.example/tcp/443/https"),
        ("http://kubo", "/dns/kubo/tcp/80/http"),
    ],
)
def test_kubo_address(url: str, address: str) -> None:
    assert kubo_address(url) == address


@pytest.mark.parametrize("url", ["", "127.0.0.1:5001", "ftp://kubo", "http://", "http://kubo/api/v0"])
def test_kubo_address_refuses(url: str) -> None:
    with pytest.raises(ValueError, match="looks like"):
        kubo_address(url)
