import copy
import json
import logging
import pickle
from pathlib import Path

import pytest
from eth_account import Account

from node.bootstrap.chain_money import treasury_signer
from node.chain.eip712 import Listing, exchange_domain
from node.chain.relay import decode_transaction
from node.chain.signatures import personal_digest, recover
from node.kernel.hexes import ZERO_ADDRESS, Address
from node.kernel.settings import Settings
from wallet.custody.dev import DevKeyOnPublicChain, DevSigner, dev_addresses
from wallet.custody.keys import KeystoreUnusable
from wallet.custody.keystore import KeystoreSigner
from wallet.custody.signer import Signer, Transaction, WrongChainToSign

KEY = "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318"
TRANSACTION = Transaction(
    chain_id=31337,
    nonce=1,
    to=Address("0x" + "ab" * 20),
    data="0x01",
    value=5,
    gas=50_000,
    max_fee_per_gas=10,
    max_priority_fee_per_gas=2,
)
LISTING = Listing(
    seller=ZERO_ADDRESS,
    collection=ZERO_ADDRESS,
    token_id=1,
    currency=ZERO_ADDRESS,
    price=2,
    min_proceeds=1,
    start=0,
    end=9,
    nonce=3,
    epoch=0,
)


@pytest.fixture
def keystore(tmp_path: Path) -> Path:
    (tmp_path / "key.json").write_text(json.dumps(Account.encrypt(KEY, "pass phrase", iterations=2)))
    (tmp_path / "password").write_text("pass phrase\n")
    return tmp_path


def opened(folder: Path, chain_id: int = 10) -> KeystoreSigner:
    return KeystoreSigner(folder / "key.json", password_file=folder / "password", chain_id=chain_id)


def test_the_development_accounts_are_the_known_ones() -> None:
    assert dev_addresses()[0] == "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266"
    assert dev_addresses()[9] == "0xa0ee7a142d267c1f36714e4a8f75612f20a79720"
    assert len(set(dev_addresses())) == 10


@pytest.mark.parametrize("chain_id", [1, 10, 1337, 0, 31338])
def test_development_keys_work_on_their_chain_only(chain_id: int) -> None:
    with pytest.raises(DevKeyOnPublicChain):
        DevSigner(0, chain_id=chain_id)


def test_a_keystore_opens_with_its_password(keystore: Path) -> None:
    signer = opened(keystore)
    assert signer.address == Account.from_key(KEY).address.lower()
    assert signer.chain_id == 10


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("password", "wrong"),
        ("password", ""),
        ("key.json", "{}"),
        ("key.json", "[]"),
        ("key.json", "no json"),
    ],
)
def test_a_keystore_that_does_not_open(keystore: Path, name: str, text: str) -> None:
    (keystore / name).write_text(text)
    with pytest.raises(KeystoreUnusable) as caught:
        opened(keystore)
    assert "pass phrase" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_a_missing_keystore(tmp_path: Path) -> None:
    with pytest.raises(KeystoreUnusable):
        opened(tmp_path)


def test_signatures_are_those_of_the_address() -> None:
    signer: Signer = DevSigner(3, chain_id=31337)
    facts = decode_transaction(signer.sign_transaction(TRANSACTION))
    assert (facts.sender, facts.nonce, facts.value, facts.to) == (signer.address, 1, 5, TRANSACTION.to)
    domain = exchange_domain(chain_id=31337, exchange=ZERO_ADDRESS)
    signature = signer.sign_typed_data(LISTING.typed_data(domain))
    assert recover(LISTING.digest(domain), signature) == signer.address
    assert recover(personal_digest("hi"), signer.sign_message("hi")) == signer.address


def test_nothing_is_signed_for_another_chain(keystore: Path) -> None:
    signer = opened(keystore, chain_id=10)
    with pytest.raises(WrongChainToSign):
        signer.sign_transaction(TRANSACTION)
    with pytest.raises(WrongChainToSign):
        signer.sign_typed_data(LISTING.typed_data(exchange_domain(chain_id=1, exchange=ZERO_ADDRESS)))


def test_the_key_does_not_show(keystore: Path, caplog: pytest.LogCaptureFixture) -> None:
    signer = opened(keystore)
    logging.getLogger("test").warning("%s %r", signer, signer)
    shown = caplog.text + repr(signer) + str(signer) + f"{signer}"
    assert signer.address in shown
    assert KEY not in shown.lower()
    assert not hasattr(signer, "__dict__")
    for take in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            take(signer)


def test_the_treasury_has_a_key_of_its_own_or_none(keystore: Path) -> None:
    assert treasury_signer(Settings(chain_id=10)) is None
    files = {
        "treasury_keystore_path": keystore / "key.json",
        "treasury_keystore_password_file": keystore / "password",
    }
    signer = treasury_signer(Settings(chain_id=10, **files))
    assert signer is not None
    assert (signer().address, signer().chain_id) == (opened(keystore).address, 10)
    development = treasury_signer(Settings(chain_id=31337))
    assert development is not None
    assert development().address not in dev_addresses()
