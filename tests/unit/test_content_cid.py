"""CIDs against published ones. Each vector names where it is published."""

import hashlib
import io

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms

from node.services.content.cid import CID_CHARS, Cid, Codec
from node.services.content.errors import CidInvalid
from node.services.content.unixfs import KUBO_DEFAULT, UNIXFS_V1_2025, UnixfsImporter, cid_of

KUBO_SHARNESS = "kubo test/sharness/t0040-add-and-cat.sh"
KUBO_ADD_TEST = "kubo test/cli/add_test.go"
UNIXFS_SPEC = "specs.ipfs.tech/unixfs, test vectors"
ONE_BLOCK = [
    (b"", "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku", KUBO_SHARNESS),
    (b"file1\n", "bafkreihm3rktn5z33luic3youqdsn326toaq3ekesmdvsa53sbrd3f5r3a", KUBO_SHARNESS),
    (b"file2\n", "bafkreidh5zkhr2vnwa2luwmuj24xo6l3jhfgvkgtk5cyp43oxs7owzpxby", KUBO_SHARNESS),
    (b"Hello Mars!\n", "bafkreibmlvvgdyihetgocpof6xk64kjjzdeq2e4c7hqs3krdheosk4tgj4", KUBO_SHARNESS),
    (b"Hello Venus!\n", "bafkreihfsphazrk2ilejpekyltjeh5k4yvwgjuwg26ueafohqioeo3sdca", KUBO_SHARNESS),
    (b"hello world", "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e", KUBO_ADD_TEST),
    (b"hello world\n", "bafkreifjjcie6lypi6ny7amxnfftagclbuxndqonfipmb64f2km2devei4", UNIXFS_SPEC),
    (
        b"hello application/vnd.ipld.car\n",
        "bafkreifkam6ns4aoolg3wedr4uzrs3kvq66p4pecirz6y2vlrngla62mxm",
        UNIXFS_SPEC,
    ),
    (
        b"hello from a percent encoded filename\n",
        "bafkreihfmctcb2kuvoljqeuphqr2fg2r45vz5cxgq5c2yrxnqg5erbitmq",
        UNIXFS_SPEC,
    ),
]

# kubo test/cli/cid_profiles_test.go, profile unixfs-v1-2025: ChaCha20 keystream, key sha256(seed), nonce 0.
KUBO_CHACHA = [
    (1_048_576, "bafkreiacndfy443ter6qr2tmbbdhadvxxheowwf75s6zehscklu6ezxmta"),
    (1_048_577, "bafybeigmix7t42i6jacydtquhet7srwvgpizfg7gjbq7627d35mjomtu64"),
]
KUBO_CHACHA_SEED = b"chunk-v1-seed"

# Made with the importer of boxo v0.43.0 (the library that Kubo adds files with), CIDv1, raw leaves, chunker
# size-262144 and its own DefaultLinksPerBlock. The content is sha256(counter as 8 bytes, big-endian), joined.
BOXO_KUBO_DEFAULT = [
    (0, "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"),
    (100, "bafkreiagrf3wnjlrtbnu77anfwkdus4dld5pacq6ixktjfy4o37wicdpxm"),
    (262_143, "bafkreihltot3cwbf7l3ut7ntv6ua3ajjqjt2y3xpqu546be3aifopn5mee"),
    (262_144, "bafkreigy5tcgloscldzhi2iadhemu2v7dj2u5wme7vgim2jlmnxindpsfi"),
    (262_145, "bafybeiavfl3mrv5rig3iqfle6aheyo3crcdzseal3jfwykhuwtmc4vtyjy"),
    (524_288, "bafybeigpjdzr4ooxv66ji25bakjwvshle7u3ic67uslqeiarvk6asxfhta"),
    (524_289, "bafybeib5sm2md6piejgyryr54rizigjut4f3qfgj2vcakvqzk6m3u6ah4m"),
    (1_000_000, "bafybeiap7ioud3krrnoopo7ginypritpjpmyzltcd2y3uzehrxgvdi3bkm"),
    (45_613_056, "bafybeie5xnk32fia7bu7dn2cvjojbnxskp6irq3xikyi6bdrh3v5yfddqy"),  # 174 leaves, one level
    (45_613_057, "bafybeibwfjx4gjco2cvbbqlhbtazzttn73bsxnan2t4zmxrjmolwknbe7y"),  # 175 leaves, two levels
]


class CounterStream(io.RawIOBase):
    """The content of BOXO_KUBO_DEFAULT, made while it is read."""

    def __init__(self, size: int) -> None:
        self._left = size
        self._counter = 0
        self._buffer = b""

    def read(self, size: int = -1) -> bytes:
        wanted = min(size, self._left)
        while len(self._buffer) < wanted:
            numbers = range(self._counter, self._counter + 2048)
            self._buffer += b"".join(hashlib.sha256(n.to_bytes(8, "big")).digest() for n in numbers)
            self._counter += 2048
        piece, self._buffer = self._buffer[:wanted], self._buffer[wanted:]
        self._left -= len(piece)
        return piece


def chacha_stream(size: int, seed: bytes) -> io.BytesIO:
    cipher = Cipher(algorithms.ChaCha20(hashlib.sha256(seed).digest(), b"\0" * 16), mode=None)
    return io.BytesIO(cipher.encryptor().update(b"\0" * size))


@pytest.mark.parametrize(("content", "cid", "source"), ONE_BLOCK)
def test_one_block_has_its_published_cid(content: bytes, cid: str, source: str) -> None:
    assert str(cid_of(io.BytesIO(content))) == cid, source


@pytest.mark.parametrize(("size", "cid"), KUBO_CHACHA)
def test_profile_of_ipip_499_gives_kubos_cid(size: int, cid: str) -> None:
    assert str(cid_of(chacha_stream(size, KUBO_CHACHA_SEED), UNIXFS_V1_2025)) == cid


@pytest.mark.parametrize(("size", "cid"), BOXO_KUBO_DEFAULT)
def test_default_profile_gives_boxos_cid(size: int, cid: str) -> None:
    assert str(cid_of(CounterStream(size), KUBO_DEFAULT)) == cid


def test_importer_takes_pieces_larger_than_a_chunk() -> None:
    content = CounterStream(524_289).read(524_289)
    importer = UnixfsImporter()
    importer.update(content)
    assert importer.size == 524_289
    assert str(importer.finish()) == dict(BOXO_KUBO_DEFAULT)[524_289]


@pytest.mark.parametrize(("text", "codec"), [(ONE_BLOCK[0][1], Codec.RAW), (KUBO_CHACHA[1][1], Codec.DAG_PB)])
def test_parse_tells_the_codec(text: str, codec: Codec) -> None:
    cid = Cid.parse(text)
    assert cid.codec is codec
    assert str(cid) == text


VALID = ONE_BLOCK[5][1]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param(VALID.upper(), id="upper case, multibase B"),
        pytest.param("b" + VALID[1:].upper(), id="upper case digits"),
        pytest.param("B" + VALID[1:], id="multibase of upper case"),
        pytest.param("z" + VALID[1:], id="multibase of base58"),
        pytest.param("f01551220" + "00" * 32, id="multibase of hex"),
        pytest.param(VALID + "a", id="a character more"),
        pytest.param(VALID + "/", id="trailing slash"),
        pytest.param(VALID + "\n", id="trailing newline"),
        pytest.param(" " + VALID, id="leading space"),
        pytest.param(VALID + "======", id="padding"),
        pytest.param(VALID[:-1], id="a character less"),
        pytest.param(VALID[:-1] + "f", id="bits beyond the hash"),
        pytest.param(VALID[:10] + "1" + VALID[11:], id="not in the alphabet"),
        pytest.param("ipfs://" + VALID, id="a URI"),
        pytest.param("QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH", id="version 0"),
        pytest.param("bafkqaaa", id="identity hash, empty"),
        pytest.param("bafkqablimvwgy3y", id="identity hash of hello"),
        pytest.param(
            "bafkrgqbqt3gerhas23vuzrapkdeqf4vu2dwxp3srdj6hvg6nhsug2tgyn6mj3u23yx7utftq3i2ckw2fwdh5qmhid5qf3t35yvkc5e5ottlw6",
            id="sha2-512 (kubo add_test.go)",
        ),
        pytest.param("bafk2bzaceaqcxw46uzkyd2jmczoogof6pnkqt4dpiv3pwkunsv4g5rkkmecie", id="blake2b"),
        pytest.param("bafyreigbtj4x7ip5legnfznufuopl4sg4knzc2cof6duas4b3q2fy6swua", id="dag-cbor"),
        pytest.param("../../../../etc/passwd", id="a path"),
        pytest.param("b" * CID_CHARS, id="right length, no head"),
    ],
)
def test_parse_refuses(text: str) -> None:
    with pytest.raises(CidInvalid):
        Cid.parse(text)
