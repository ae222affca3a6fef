"""Wallets that are not on the chain yet (ERC-6492), on a real chain: made by a factory within one call."""

from collections.abc import Sequence

import pytest
from eth_abi.abi import encode
from eth_account import Account
from eth_utils.crypto import keccak

from node.chain.client import ChainClient
from node.chain.errors import RpcUnavailable
from node.chain.signatures import SIGNATURE_BYTES_MAX, verify_signature
from node.chain.undeployed import MARK, undeployed_wallet_accepts
from node.kernel.hexes import Address, Hash32
from tests.chain.suite import Suite, person
from tests.counterfactual import FACTORY, Counterfactual
from tests.stack import free_port, rpc

pytestmark = pytest.mark.chain

DIGEST = Hash32("0x" + "5a" * 32)
OTHER = Hash32("0x" + "5b" * 32)
OWNER, STRANGER = (Account.from_key("0x" + digit * 64) for digit in "78")
ACCEPTS_ALL = "0x7f1626ba7e" + "00" * 28 + "5f5260205ff3"


def accepts(suite: Suite, wallet: Counterfactual, signature: bytes, digest: Hash32 = DIGEST) -> bool:
    return undeployed_wallet_accepts(suite.client, address=wallet.address, digest=digest, signature=signature)


def wrapped(factory: Address, preparation: bytes, inner: bytes) -> bytes:
    return encode(["address", "bytes", "bytes"], [factory, preparation, inner]) + MARK


def test_a_wallet_signs_before_it_is_there_and_nothing_stays(suite: Suite) -> None:
    wallet = Counterfactual(OWNER, salt=1)
    signature = wallet.sign(DIGEST)
    assert accepts(suite, wallet, signature)
    assert suite.client.code(wallet.address) == b""
    assert not verify_signature(
        suite.client, address=wallet.address, digest=DIGEST, signature=signature
    ).valid  # no contract could check it


def test_the_same_signature_serves_after_the_wallet_was_made(suite: Suite) -> None:
    wallet = Counterfactual(OWNER, salt=2)
    rpc(suite.rpc_url, "anvil_setCode", wallet.address, "0x" + wallet.code.hex())
    assert accepts(suite, wallet, wallet.sign(DIGEST))
    plain = wallet.sign_plain(DIGEST)
    assert verify_signature(suite.client, address=wallet.address, digest=DIGEST, signature=plain).valid


def test_only_its_owner_signs_and_only_what_was_signed(suite: Suite) -> None:
    wallet = Counterfactual(OWNER, salt=3)
    assert not accepts(suite, wallet, wallet.sign(DIGEST), OTHER)
    assert not accepts(suite, wallet, wallet.sign(DIGEST, by=STRANGER))


def test_a_wallet_is_made_at_its_own_address_alone(suite: Suite) -> None:
    """Somebody's own wallet does not sign for another address, with or without code."""
    mine, theirs = Counterfactual(STRANGER, salt=4), Counterfactual(OWNER, salt=4)
    assert not accepts(suite, theirs, mine.sign(DIGEST))
    for address in (person(5).address, Address("0x" + "00" * 19 + "04"), suite.deployment.escrow.address):
        assert not undeployed_wallet_accepts(
            suite.client, address=address, digest=DIGEST, signature=mine.sign(DIGEST)
        )


def test_what_the_factory_does_is_undone(suite: Suite) -> None:
    """Any contract may be named as the factory: the call owns nothing, and leaves nothing."""
    wallet = Counterfactual(OWNER, salt=5)
    before = rpc(suite.rpc_url, "eth_blockNumber")
    transfer = keccak(text="transfer(address,uint256)")[:4] + encode(
        ["address", "uint256"], [OWNER.address, 1]
    )
    assert not accepts(suite, wallet, wrapped(suite.dollar, transfer, wallet.sign_plain(DIGEST)))
    assert rpc(suite.rpc_url, "eth_blockNumber") == before


def _shapes(wallet: Counterfactual) -> Sequence[bytes]:
    inner, made = wallet.sign_plain(DIGEST), wallet.creation
    body = encode(["address", "bytes", "bytes"], [FACTORY, made, inner])
    return (
        b"",
        MARK,
        inner + MARK,
        body,
        body[:-1] + MARK,
        body + MARK + b"\0",
        b"\xff" * len(body) + MARK,
        b"\0" * (SIGNATURE_BYTES_MAX + 1 - len(MARK)) + MARK,
        wrapped(FACTORY, b"", inner),
        wrapped(FACTORY, made, b""),
        wrapped(FACTORY, made, inner[:-1]),
        wrapped(Address("0x" + "00" * 20), made, inner),
        wrapped(FACTORY, made[:32] + bytes.fromhex("5b5f56"), inner),  # creation code that never ends
    )


@pytest.mark.parametrize("number", range(13))
def test_a_wrapper_that_is_none_is_refused(suite: Suite, number: int) -> None:
    wallet = Counterfactual(OWNER, salt=6)
    assert not accepts(suite, wallet, _shapes(wallet)[number])


def test_a_chain_that_is_away_is_no_answer() -> None:
    wallet = Counterfactual(OWNER, salt=7)
    with (
        ChainClient(f"http://127.0.0.1:{free_port()}", chain_id=31337, sleep=lambda _: None) as client,
        pytest.raises(RpcUnavailable),
    ):
        undeployed_wallet_accepts(
            client, address=wallet.address, digest=DIGEST, signature=wallet.sign(DIGEST)
        )


def test_a_deployed_wallet_is_asked_before_the_factory_is(suite: Suite) -> None:
    wallet = Counterfactual(OWNER, salt=8)
    rpc(suite.rpc_url, "anvil_setCode", wallet.address, ACCEPTS_ALL)
    assert accepts(suite, wallet, wrapped(FACTORY, b"", b"anything"))
