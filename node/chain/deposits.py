"""Deposit addresses: derived as the contract derives them, and as a wallet is asked to pay them.

An address is known before anything stands there (CREATE2 over solady's clone with immutable arguments, the
one that logs plain coin): its code names the destination, its salt is the deposit's id.
"""

from eth_utils.crypto import keccak

from node.kernel.hexes import ZERO_ADDRESS, Address, Hash32, to_bytes

_RUNTIME_BYTES = 0x62  # of a clone, before its arguments
_LENGTH_BYTES = 2  # at its end: how many bytes are appended to each call
_RECEIVED = bytes.fromhex("9e4ac34f21c619cefc926c8bd93b54bf5a39c7ab2127a895af1cc0691d7e3dff")


def deposit_address(
    *, deposits: Address, implementation: Address, destination: Address, deposit_id: Hash32
) -> Address:
    """`Deposits.addressOf`, without asking a chain."""
    code = _creation_code(implementation, to_bytes(destination))
    seed = b"\xff" + to_bytes(deposits) + to_bytes(deposit_id) + keccak(code)
    return Address("0x" + keccak(seed)[12:].hex())


def payment_uri(
    *, chain_id: int, address: Address, token: Address = ZERO_ADDRESS, amount: int | None = None
) -> str:
    """What a wallet reads from a QR code (EIP-681); the zero token is the native coin."""
    if token == ZERO_ADDRESS:
        return f"ethereum:{address}@{chain_id}" + ("" if amount is None else f"?value={amount}")
    asked = "" if amount is None else f"&uint256={amount}"
    return f"ethereum:{token}@{chain_id}/transfer?address={address}{asked}"


def _creation_code(implementation: Address, arguments: bytes) -> bytes:
    extra = len(arguments) + _LENGTH_BYTES
    size = (extra + _RUNTIME_BYTES).to_bytes(2)
    appended = extra.to_bytes(2)
    return b"".join(
        (
            *(b"\x61", size, bytes.fromhex("3d81600a3d39f3")),
            *(bytes.fromhex("36602c57343d527f"), _RECEIVED),
            *(bytes.fromhex("593da1005b363d3d373d3d3d3d61"), appended),
            *(bytes.fromhex("806062363936013d73"), to_bytes(implementation)),
            *(bytes.fromhex("5af43d3d93803e606057fd5bf3"), arguments, appended),
        )
    )
