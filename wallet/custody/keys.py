"""The one module that touches private keys. Protected: only `wallet.custody` may import it.

No key ever leaves: not by an attribute, `repr`, an exception, a pickle or a log line.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from eth_account import Account
from eth_account.hdaccount import key_from_seed, seed_from_mnemonic
from eth_account.messages import encode_defunct
from typing_extensions import override

from node.kernel.errors import Bug
from node.kernel.hexes import Address
from wallet.custody.signer import Transaction, WrongChainToSign


class KeystoreUnusable(Bug):
    """The keystore or its password file cannot be read, or they don't belong together."""


class KeySigner:
    """A `Signer` with the key in this process."""

    __slots__ = ("__account", "_chain_id")

    def __init__(self, key: bytes, *, chain_id: int) -> None:
        self.__account = Account.from_key(key)
        self._chain_id = chain_id

    @property
    def address(self) -> Address:
        return Address(self.__account.address.lower())

    @property
    def chain_id(self) -> int:
        return self._chain_id

    def sign_transaction(self, transaction: Transaction) -> bytes:
        self._check(transaction.chain_id)
        return bytes(self.__account.sign_transaction(transaction.to_dict()).raw_transaction)

    def sign_typed_data(self, data: Mapping[str, Any]) -> bytes:
        self._check(int(data["domain"]["chainId"]))
        return bytes(self.__account.sign_typed_data(full_message=dict(data)).signature)

    def sign_message(self, text: str) -> bytes:
        return bytes(self.__account.sign_message(encode_defunct(text=text)).signature)

    def _check(self, chain_id: int) -> None:
        if chain_id != self._chain_id:
            raise WrongChainToSign("this key signs for another chain", bound=self._chain_id, asked=chain_id)

    @override
    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.address}, chain {self._chain_id})"

    @override
    def __reduce__(self) -> NoReturn:
        raise TypeError("a signer is not copied or pickled")


def key_of_keystore(path: Path, password_file: Path) -> bytes:
    """Opens an encrypted keystore (Web3 Secret Storage). Takes about a second, on purpose."""
    try:
        keystore = json.loads(path.read_text())
        password = password_file.read_text().rstrip("\r\n")
    except (OSError, ValueError):
        raise KeystoreUnusable("the keystore or its password file cannot be read") from None
    try:
        return bytes(Account.decrypt(keystore, password))
    except (ValueError, KeyError, TypeError):
        raise KeystoreUnusable("the password does not open the keystore") from None


def key_of_mnemonic(words: str, number: int) -> bytes:
    """The key at the usual path of Ethereum's wallets (BIP-44)."""
    return bytes(key_from_seed(seed_from_mnemonic(words, ""), f"m/44'/60'/0'/0/{number}"))
