"""Typed data (EIP-712) shared with the contracts: what a wallet shows, and the digest that it signs.

The fields of a struct are read from the contract's ABI, so that there is one list of them. Only flat structs
of static types are known here, which is all that our contracts ask to be signed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eth_abi.abi import encode as abi_encode
from eth_utils.crypto import keccak

from node.chain.abi import Param, encode_params
from node.chain.artifacts import Artifact, load_artifact
from node.kernel.errors import Bug
from node.kernel.hexes import ZERO_ADDRESS, Address, Hash32, checksummed, hash_from_bytes

_DOMAIN_FIELDS = (
    Param("name", "string"),
    Param("version", "string"),
    Param("chainId", "uint256"),
    Param("verifyingContract", "address"),
)


@dataclass(frozen=True, slots=True)
class Domain:
    """Where a signature counts: one contract on one chain."""

    name: str
    version: str
    chain_id: int
    contract: Address

    def separator(self) -> bytes:
        types = ["bytes32", "bytes32", "bytes32", "uint256", "address"]
        names = keccak(text=self.name), keccak(text=self.version)
        return keccak(
            abi_encode(
                types, [_type_hash("EIP712Domain", _DOMAIN_FIELDS), *names, self.chain_id, self.contract]
            )
        )

    def to_json(self) -> dict[str, Any]:
        """`chainId` is a number, because wallets compare it with their own."""
        return {
            "name": self.name,
            "version": self.version,
            "chainId": self.chain_id,
            "verifyingContract": checksummed(self.contract),
        }


@dataclass(frozen=True, slots=True)
class Struct:
    """A flat struct by its EIP-712 name."""

    name: str
    fields: tuple[Param, ...]

    @classmethod
    def of_argument(cls, artifact: Artifact, function: str, name: str) -> "Struct":
        """The struct that is the first argument of a function."""
        fields = artifact.function(function).inputs[0].components
        dynamic = [
            item.name
            for item in fields
            if item.components or item.is_list or item.type in ("string", "bytes")
        ]
        if not fields or dynamic:
            raise Bug("only flat structs of static types are signed here", struct=name)
        return cls(name, fields)

    def hash(self, values: Mapping[str, Any]) -> bytes:
        words = encode_params(self.fields, [values[item.name] for item in self.fields])
        return keccak(_type_hash(self.name, self.fields) + words)


def digest(domain: Domain, struct: Struct, values: Mapping[str, Any]) -> Hash32:
    """What is signed: keccak256(0x1901, domain, struct)."""
    return hash_from_bytes(keccak(b"\x19\x01" + domain.separator() + struct.hash(values)))


def typed_data(domain: Domain, struct: Struct, values: Mapping[str, Any]) -> dict[str, Any]:
    """The argument of `eth_signTypedData_v4`: integers as decimal strings, addresses with their checksum."""
    return {
        "types": {"EIP712Domain": _fields_json(_DOMAIN_FIELDS), struct.name: _fields_json(struct.fields)},
        "primaryType": struct.name,
        "domain": domain.to_json(),
        "message": {item.name: _value_json(item, values[item.name]) for item in struct.fields},
    }


@dataclass(frozen=True, slots=True)
class Listing:
    """A fixed price for one token (`IExchange.Listing`).

    Times are seconds since 1970, money is in the smallest unit. `currency` zero is the native coin, `buyer`
    zero is anyone.
    """

    seller: Address
    collection: Address
    token_id: int
    currency: Address
    price: int
    min_proceeds: int
    start: int
    end: int
    nonce: int
    epoch: int
    buyer: Address = ZERO_ADDRESS

    def values(self) -> dict[str, Any]:
        """By the contract's field names."""
        return {
            "seller": self.seller,
            "collection": self.collection,
            "tokenId": self.token_id,
            "currency": self.currency,
            "price": self.price,
            "minProceeds": self.min_proceeds,
            "buyer": self.buyer,
            "start": self.start,
            "end": self.end,
            "nonce": self.nonce,
            "epoch": self.epoch,
        }

    def digest(self, domain: Domain) -> Hash32:
        return digest(domain, listing_struct(), self.values())

    def typed_data(self, domain: Domain) -> dict[str, Any]:
        return typed_data(domain, listing_struct(), self.values())


def exchange_domain(*, chain_id: int, exchange: Address) -> Domain:
    return Domain("ASOUD Exchange", "1", chain_id, exchange)


def listing_struct() -> Struct:
    return Struct.of_argument(load_artifact("Exchange"), "hashListing", "Listing")


def _type_hash(name: str, fields: tuple[Param, ...]) -> bytes:
    return keccak(text=f"{name}({','.join(f'{item.type} {item.name}' for item in fields)})")


def _fields_json(fields: tuple[Param, ...]) -> list[dict[str, str]]:
    return [{"name": item.name, "type": item.type} for item in fields]


def _value_json(field: Param, value: Any) -> Any:  # noqa: ANN401 - any value of a struct
    if field.type == "address":
        return checksummed(value)
    return str(value) if type(value) is int else value
