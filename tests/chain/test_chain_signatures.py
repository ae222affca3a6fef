"""Signatures by keys and by contract wallets, on a real chain."""

import pytest
from eth_account import Account

from node.chain.artifacts import load_artifact
from node.chain.client import ChainClient
from node.chain.ecdsa import HALF_ORDER
from node.chain.eip712 import Listing
from node.chain.errors import RpcUnavailable
from node.chain.signatures import SignedBy, canonical_form, personal_digest, recover, verify_signature
from node.kernel.hexes import ZERO_ADDRESS, Address, Hash32, to_bytes
from tests.chain.suite import Suite, person
from tests.stack import free_port, rpc

pytestmark = pytest.mark.chain

DIGEST = Hash32("0x" + "5a" * 32)
OTHER = Hash32("0x" + "5b" * 32)
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
SIGNER = person(1)
TEXT = "hello"
SIGNATURE = SIGNER.sign_message(TEXT)
TEXT_DIGEST = personal_digest(TEXT)
MAGIC = "1626ba7e" + "00" * 28
WALLET = Address("0x" + "ee" * 20)

# Tiny wallets, as EVM code.
ACCEPTS_DIGEST = f"0x7f{DIGEST[2:]}60043514631626ba7e0260e01b5f5260205ff3"
ACCEPTS_ALL = f"0x7f{MAGIC}5f5260205ff3"
REVERTS = "0x5f5ffd"
ANSWERS_NOTHING = "0x5f5ff3"
ANSWERS_SHORT = f"0x7f{MAGIC}5f5260045ff3"
ANSWERS_ONE = "0x60015f5260205ff3"
LOOPS = "0x5b5f56"
FLOODS = f"0x7f{MAGIC}5f52622d00005ff3"  # 3 MB, which a whole block's gas would pay for


def forms(signature: bytes) -> dict[str, bytes]:
    r, s, v = signature[:32], signature[32:64], signature[64]
    compact_s = int.from_bytes(s) | (v - 27) << 255
    return {"27": signature, "0": signature[:64] + bytes([v - 27]), "2098": r + compact_s.to_bytes(32)}


def high_s(signature: bytes) -> bytes:
    s = ORDER - int.from_bytes(signature[32:64])
    assert s > HALF_ORDER
    return signature[:32] + s.to_bytes(32) + bytes([55 - signature[64]])


def test_the_personal_digest_is_the_wallets() -> None:
    assert SIGNER.address == recover(TEXT_DIGEST, SIGNATURE)
    for text in ("", "سلام", "a" * 1000):
        assert recover(personal_digest(text), SIGNER.sign_message(text)) == SIGNER.address


@pytest.mark.parametrize("form", ["27", "0", "2098"])
def test_a_key_in_every_form(suite: Suite, form: str) -> None:
    signature = forms(SIGNATURE)[form]
    check = verify_signature(suite.client, address=SIGNER.address, digest=TEXT_DIGEST, signature=signature)
    assert check.signed_by is SignedBy.KEY
    assert check.valid
    assert check.signature == (SIGNATURE if form != "2098" else signature)


@pytest.mark.parametrize(
    "signature",
    [
        b"",
        b"\x01",
        SIGNATURE[:63],
        SIGNATURE + b"\0",
        high_s(SIGNATURE),
        SIGNATURE[:64] + b"\x1d",
        bytes(65),
        b"\xff" * 65,
        b"\xff" * 64,
        SIGNATURE[:32] + bytes(32) + SIGNATURE[64:],
    ],
)
def test_what_nobody_signed(suite: Suite, signature: bytes) -> None:
    check = verify_signature(suite.client, address=SIGNER.address, digest=TEXT_DIGEST, signature=signature)
    assert check.signed_by is SignedBy.NOBODY
    assert not check.valid


def test_somebody_elses_signature_and_another_digest(suite: Suite) -> None:
    for address, digest in ((person(2).address, TEXT_DIGEST), (SIGNER.address, OTHER)):
        check = verify_signature(suite.client, address=address, digest=digest, signature=SIGNATURE)
        assert not check.valid


@pytest.mark.parametrize(
    ("code", "valid"),
    [
        (ACCEPTS_DIGEST, True),
        (ACCEPTS_ALL, True),
        (REVERTS, False),
        (ANSWERS_NOTHING, False),
        (ANSWERS_SHORT, False),
        (ANSWERS_ONE, False),
        (LOOPS, False),
        (FLOODS, False),
    ],
)
def test_contract_wallets(suite: Suite, code: str, valid: bool) -> None:
    rpc(suite.rpc_url, "anvil_setCode", WALLET, code)
    check = verify_signature(suite.client, address=WALLET, digest=DIGEST, signature=b"anything")
    assert check.valid == valid
    assert check.signed_by is (SignedBy.CONTRACT if valid else SignedBy.NOBODY)


def test_a_wallet_is_asked_about_the_digest(suite: Suite) -> None:
    rpc(suite.rpc_url, "anvil_setCode", WALLET, ACCEPTS_DIGEST)
    assert not verify_signature(suite.client, address=WALLET, digest=OTHER, signature=b"x").valid


def test_an_account_with_code_still_signs_with_its_key(suite: Suite) -> None:
    """EIP-7702: the code of its delegate may lack ERC-1271."""
    account = Account.from_key("0x" + "9" * 64)
    signature = bytes(account.unsafe_sign_hash(to_bytes(DIGEST)).signature)
    address = Address(account.address.lower())
    rpc(suite.rpc_url, "anvil_setCode", address, REVERTS)
    check = verify_signature(suite.client, address=address, digest=DIGEST, signature=signature)
    assert check.signed_by is SignedBy.KEY


def test_a_huge_signature_is_not_passed_on(suite: Suite) -> None:
    rpc(suite.rpc_url, "anvil_setCode", WALLET, ACCEPTS_ALL)
    check = verify_signature(suite.client, address=WALLET, digest=DIGEST, signature=b"x" * 10_000)
    assert not check.valid


def test_a_chain_that_is_away_is_no_answer() -> None:
    with ChainClient(f"http://127.0.0.1:{free_port()}", chain_id=31337, sleep=lambda _: None) as client:
        with pytest.raises(RpcUnavailable):
            verify_signature(client, address=WALLET, digest=DIGEST, signature=SIGNATURE)
        check = verify_signature(client, address=SIGNER.address, digest=TEXT_DIGEST, signature=SIGNATURE)
    assert check.valid


def test_the_canonical_form_is_what_the_exchange_takes(suite: Suite) -> None:
    """It takes v 27 and 28 only; a wallet that writes 0 or 1 must not make a listing that nobody can buy."""
    collection = suite.new_collection(SIGNER, salt=7)
    token_id = suite.mint(SIGNER, collection)
    exchange = suite.deployment.exchange.address
    approve = suite.builder.nft_approval(
        collection=collection, token_id=token_id, owner=SIGNER.address, operator=exchange
    )
    suite.send(SIGNER, suite.builder.populate(SIGNER.address, approve))
    listing = Listing(
        seller=SIGNER.address,
        collection=collection,
        token_id=token_id,
        currency=ZERO_ADDRESS,
        price=100,
        min_proceeds=0,
        start=0,
        end=2**40,
        nonce=1,
        epoch=0,
    )
    signature = SIGNER.sign_typed_data(listing.typed_data(suite.exchange.domain))
    for form in forms(signature).values():
        steps = suite.exchange.buy(listing, signature=canonical_form(form), buyer=person(2).address)
        assert [step.action for step in steps] == ["buy"]
    suite.send(person(2), steps)
    owner = suite.client.read(load_artifact("Collection"), collection, "ownerOf", token_id)
    assert owner == person(2).address
