"""Somebody with a wallet: signs in, and does what `steps[]` say. The key never leaves this process."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, TypeVar

from eth_account import Account
from eth_account.messages import encode_defunct, encode_typed_data
from eth_account.signers.local import LocalAccount
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from scripts.demo_acts.node import Answer, Impatient, Node, Refusal, wait_for

# The development accounts that the whole world knows; the node takes them on chain 31337 only.
MNEMONIC = "test test test test test test test test test test test junk"
ACCOUNTS = 10
SIGN_IN_TRIES = 5
SEND_TRIES = 5
KEPT = 5  # more than anybody sends in the moments that a killed chain can lose

T = TypeVar("T")


class Reverted(Exception):
    """A transaction was mined and failed."""


def dev_account(number: int) -> LocalAccount:
    Account.enable_unaudited_hdwallet_features()
    account: LocalAccount = Account.from_mnemonic(MNEMONIC, account_path=f"m/44'/60'/0'/0/{number}")
    return account


def stranger() -> LocalAccount:
    account: LocalAccount = Account.create()
    return account


class Person:
    def __init__(self, node: Node, account: LocalAccount, name: str) -> None:
        self.node = node
        self.name = name
        self.account = account
        self.address = account.address.lower()
        self.token: str | None = None
        self.sent: list[str] = []

    # ------------------------------------------------------------------------------------- signing in

    def message(self) -> str:
        """A fresh EIP-4361 message of the node, for this wallet."""
        answer = self.node.send("POST", "/v1/auth/nonces", body={"address": self.address})
        return str(answer.json["message"])

    def signed(self, message: str) -> str:
        signature = self.account.sign_message(encode_defunct(text=message)).signature
        return "0x" + bytes(signature).hex()

    def present(self, message: str, signature: str) -> dict[str, Any]:
        body = {"message": message, "signature": signature}
        answer: dict[str, Any] = self.node.send("POST", "/v1/auth/wallet", body=body).json
        return answer

    def sign_in(self) -> None:
        """A nonce may have been used by an attempt whose answer was lost: then with another one."""
        for _ in range(SIGN_IN_TRIES):
            message = self.message()
            try:
                self.token = str(self.present(message, self.signed(message))["access_token"])
            except Refusal as refusal:
                if refusal.code != "siwe_nonce_used":
                    raise
            else:
                return
        raise Impatient(f"{self.name} could not sign in")

    # ------------------------------------------------------------------------------------- asking

    def get(self, path: str) -> Any:  # noqa: ANN401 - any JSON
        return self._signed_in(lambda: self.node.get(path, token=self.token))

    def send(self, path: str, body: object = None, *, key: str | None = None) -> Answer:
        return self._signed_in(lambda: self.node.send("POST", path, body=body, token=self.token, key=key))

    def post(self, path: str, body: object = None) -> Any:  # noqa: ANN401 - any JSON
        return self.send(path, body).json

    def put(self, path: str, body: object) -> Any:  # noqa: ANN401 - any JSON
        return self._signed_in(lambda: self.node.send("PUT", path, body=body, token=self.token)).json

    def upload(self, name: str, content: bytes, media_type: str) -> Any:  # noqa: ANN401 - any JSON
        file = (name, content, media_type)
        return self._signed_in(lambda: self.node.send("POST", "/v1/media", file=file, token=self.token)).json

    def _signed_in(self, ask: Callable[[], T]) -> T:
        """A day may be longer than an access token."""
        try:
            return ask()
        except Refusal as refusal:
            if refusal.code != "token_expired":
                raise
        self.sign_in()
        return ask()

    # ------------------------------------------------------------------------------------- steps

    def do(self, path: str, body: object = None) -> Any:  # noqa: ANN401 - any JSON
        """Asks for steps and follows them; returns the answer that they came with."""
        answer = self.post(path, body)
        self.follow(answer)
        return answer

    def follow(self, answer: Mapping[str, Any], **with_signature: object) -> Any:  # noqa: ANN401 - any JSON
        """All steps in order. What goes along with a signature is named by the caller.

        Returns what the node answered to the last signature, if there was one.
        """
        posted = None
        for step in answer["steps"]:
            if step["kind"] == "signature":
                posted = self._sign(step["signature"], with_signature)
            else:
                self._transact(step["transaction"])
        return posted

    def _sign(self, request: Mapping[str, Any], along: Mapping[str, object]) -> Any:  # noqa: ANN401
        to = request["post_to"]
        return self.post(to["path"], {**along, to["field"]: self.sign_typed(request["typed_data"])})

    def sign_typed(self, typed_data: Mapping[str, Any]) -> str:
        signed = self.account.sign_message(encode_typed_data(full_message=dict(typed_data)))
        return "0x" + bytes(signed.signature).hex()

    def raw(self, transaction: Mapping[str, Any]) -> str:
        """The signed transaction that a step describes."""
        signed = self.account.sign_transaction(
            {
                "type": 2,
                "chainId": transaction["chain_id"],
                "nonce": transaction["nonce"],
                "to": to_checksum_address(transaction["to"]),
                "data": transaction["data"],
                "value": int(transaction["value"]),
                "gas": transaction["gas"],
                "maxFeePerGas": int(transaction["max_fee_per_gas"]),
                "maxPriorityFeePerGas": int(transaction["max_priority_fee_per_gas"]),
            }
        )
        return "0x" + bytes(signed.raw_transaction).hex()

    def _transact(self, transaction: Mapping[str, Any]) -> None:
        """Hands it in until the node's views tell of what it did. The same one again is harmless."""
        raw = self.raw(transaction)
        self.sent.append(raw)
        for _ in range(SEND_TRIES):
            relayed = self.post("/v1/transactions", {"raw": raw})
            state = self._outcome(f"/v1/transactions/{relayed['hash']}")
            if state["succeeded"] is False:
                raise Reverted(f"{self.name}: {state['reason']}")
            if state["indexed"]:
                return
        raise Impatient(f"the chain did not take a transaction of {self.name}")

    def _outcome(self, path: str) -> Any:  # noqa: ANN401 - any JSON
        return wait_for(
            "a transaction in a block",
            lambda: self.get(path),
            lambda seen: seen["indexed"] or seen["succeeded"] is False or seen["state"] == "unknown",
        )

    def send_lost_ones_again(self) -> None:
        """A chain that was killed may have lost its last blocks, and what was in them with it."""
        for raw in self.sent[-KEPT:]:
            tx_hash = "0x" + keccak(bytes.fromhex(raw[2:])).hex()
            with suppress(Refusal):  # another one with that nonce is in the chain now
                if self.get(f"/v1/transactions/{tx_hash}")["state"] == "unknown":
                    self.post("/v1/transactions", {"raw": raw})
