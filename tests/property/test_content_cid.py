"""What must hold for any bytes and any string."""

import io
import itertools

import cid as py_cid  # an independent implementation, comes with ipfshttpclient
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.services.content.cid import Cid, Codec
from node.services.content.errors import CidInvalid, MetadataInvalid
from node.services.content.metadata import parse_metadata
from node.services.content.serving import ByteRange, Unsatisfiable, parse_range
from node.services.content.unixfs import ImportProfile, UnixfsImporter, cid_of

SMALL = ImportProfile(chunk_bytes=5, links_max=3)  # so that a few hundred bytes make a tall tree
ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
cids = st.builds(Cid, st.sampled_from(Codec), st.binary(min_size=32, max_size=32))


@settings(deadline=None)
@given(content=st.binary(max_size=600), cuts=st.lists(st.integers(0, 600), max_size=20))
def test_how_a_file_is_cut_into_reads_makes_no_difference(content: bytes, cuts: list[int]) -> None:
    importer = UnixfsImporter(SMALL)
    edges = [0, *sorted(cuts), len(content)]
    for start, end in itertools.pairwise(edges):
        importer.update(content[start:end])
    assert importer.finish() == cid_of(io.BytesIO(content), SMALL)


@settings(deadline=None)
@given(content=st.binary(min_size=1, max_size=300), data=st.data())
def test_any_change_changes_the_cid(content: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(content) - 1))
    flipped = content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
    names = {cid_of(io.BytesIO(each), SMALL) for each in (content, flipped, content[:-1], content + b"\0")}
    assert len(names) == 4


@settings(deadline=None)
@given(cids)
def test_parse_undoes_print(cid: Cid) -> None:
    assert Cid.parse(str(cid)) == cid


@settings(deadline=None)
@given(cids)
def test_another_implementation_reads_the_same(cid: Cid) -> None:
    theirs = py_cid.from_string(str(cid))
    assert theirs.version == 1
    assert theirs.buffer == bytes(cid)


@settings(deadline=None)
@given(cids, st.integers(0, 58), st.characters())
def test_a_changed_character_never_names_the_same(cid: Cid, at: int, other: str) -> None:
    changed = str(cid)[:at] + other + str(cid)[at + 1 :]
    try:
        parsed = Cid.parse(changed)
    except CidInvalid:
        return
    assert (parsed == cid) == (changed == str(cid))


@settings(deadline=None)
@given(cids, st.text(min_size=1, max_size=5))
def test_garbage_around_a_cid_is_refused(cid: Cid, garbage: str) -> None:
    for text in (f"{cid}{garbage}", f"{garbage}{cid}"):
        with pytest.raises(CidInvalid):
            Cid.parse(text)


@settings(deadline=None)
@given(st.text(max_size=80) | st.text(ALPHABET, min_size=58, max_size=58).map(lambda tail: "b" + tail))
def test_what_is_parsed_prints_the_same(text: str) -> None:
    try:
        cid = Cid.parse(text)
    except CidInvalid:
        return
    assert str(cid) == text


@settings(deadline=None)
@given(st.sampled_from([0x00, 0x11, 0x13, 0xB2, 0x16]), st.binary(max_size=64))
def test_other_hashes_are_refused(hash_code: int, digest: bytes) -> None:
    raw = py_cid.make_cid(1, "raw", bytes([hash_code, len(digest)]) + digest).buffer
    text = Cid(Codec.RAW, b"\0" * 32)
    assert bytes(text) != raw
    with pytest.raises(CidInvalid):
        Cid.parse(_base32(raw))


def _base32(raw: bytes) -> str:
    bits = "".join(f"{byte:08b}" for byte in raw)
    bits += "0" * (-len(bits) % 5)
    return "b" + "".join(ALPHABET[int(bits[at : at + 5], 2)] for at in range(0, len(bits), 5))


@settings(deadline=None)
@given(st.integers(0, 40), st.integers(0, 45), st.integers(0, 45))
def test_a_range_is_what_a_slice_says(size: int, first: int, last: int) -> None:
    content = bytes(range(size))
    expected = content[first : last + 1]
    match parse_range(f"bytes={first}-{last}", size):
        case ByteRange(start, length):
            assert content[start : start + length] == expected
            assert length >= 1
        case Unsatisfiable():
            assert first >= size
            assert last >= first
        case None:
            assert last < first


@settings(deadline=None)
@given(st.integers(0, 40), st.integers(0, 45))
def test_a_suffix_is_what_a_slice_says(size: int, length: int) -> None:
    content = bytes(range(size))
    match parse_range(f"bytes=-{length}", size):
        case ByteRange(start, count):
            assert content[start : start + count] == content[-length:]
            assert start + count == size
        case other:
            assert other == Unsatisfiable()
            assert length == 0 or size == 0


@settings(deadline=None)
@given(st.binary(max_size=200) | st.text('{}[]":,\\0a ', max_size=200).map(str.encode))
def test_metadata_is_refused_or_has_a_name(raw: bytes) -> None:
    try:
        document = parse_metadata(raw)
    except MetadataInvalid:
        return
    assert isinstance(document["name"], str)
