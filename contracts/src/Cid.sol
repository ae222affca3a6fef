// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title The usual IPFS address in one word.
/// @dev Known are CIDv1 with sha2-256 in base32, with codec raw or dag-pb, as `ipfs://bafkrei...` and `ipfs://bafybei...`: 66 bytes of text of which 32 are
///  not known beforehand. `pack` answers NONE for every text that `unpack` would not give back byte by byte.
library Cid {
    uint96 internal constant NONE = 0;
    uint96 internal constant RAW = 1;
    uint96 internal constant DAG_PB = 2;

    /// @dev What comes before the 52 characters of the digest. The fixed bits of a CID (version, codec, hash, length: 32 bits) fill six characters of five bits
    ///  and the upper two bits of the seventh, which are zero.
    bytes14 private constant RAW_HEAD = "ipfs://bafkrei";
    bytes14 private constant DAG_PB_HEAD = "ipfs://bafybei";

    uint256 private constant HEAD = 14;
    uint256 private constant LENGTH = 66;

    /// @return kind RAW, DAG_PB, or NONE when the text is no such address.
    /// @return digest The sha2-256 of what is addressed.
    function pack(string calldata uri) internal pure returns (uint96 kind, bytes32 digest) {
        if (bytes(uri).length != LENGTH) return (NONE, 0);
        bytes14 head = bytes14(bytes(uri)[:HEAD]);
        if (head == RAW_HEAD) kind = RAW;
        else if (head == DAG_PB_HEAD) kind = DAG_PB;
        else return (NONE, 0);
        bool exact;
        (exact, digest) = _decode(uri);
        if (!exact) return (NONE, 0);
    }

    /// @dev The text of a digest; `kind` must be RAW or DAG_PB.
    function unpack(uint96 kind, bytes32 digest) internal pure returns (string memory uri) {
        uri = new string(LENGTH);
        bytes14 head = kind == RAW ? RAW_HEAD : DAG_PB_HEAD;
        assembly ("memory-safe") {
            mstore(0x1f, "abcdefghijklmnopqrstuvwxyz234567") // ends at 0x3f; the byte of value v is at 0x1f + v
            let at := add(uri, 0x20)
            mstore(at, head)
            at := add(at, HEAD)
            // Two zero bits, the digest, two zero bits: 52 groups of five.
            mstore8(at, mload(shr(253, digest)))
            for { let shift := 248 } lt(shift, 249) { shift := sub(shift, 5) } {
                at := add(at, 1)
                mstore8(at, mload(and(shr(shift, digest), 31)))
            }
            mstore8(add(at, 1), mload(and(shl(2, digest), 31)))
        }
    }

    /// @dev Reads the 52 characters behind the head. Not exact when one is outside the alphabet or a bit that does not count is set.
    function _decode(string calldata uri) private pure returns (bool exact, bytes32 digest) {
        assembly ("memory-safe") {
            // A bit per character that may occur: a to z (97 to 122) and 2 to 7 (50 to 55).
            let alphabet := or(shl(97, 0x3ffffff), shl(50, 0x3f))
            let at := add(uri.offset, HEAD)
            let last := add(at, 51)
            exact := 1
            let value := 0
            let letter := 0
            for {} 1 { at := add(at, 1) } {
                letter := byte(0, calldataload(at))
                exact := and(exact, shr(letter, alphabet))
                value := sub(letter, add(24, mul(73, gt(letter, 96)))) // a is 0, 2 is 26
                if eq(at, last) { break }
                digest := or(shl(5, digest), value)
            }
            // Of the first character three bits count, and so of the last.
            exact := and(exact, iszero(or(and(value, 3), shr(253, digest))))
            digest := or(shl(3, digest), shr(2, value))
        }
    }
}
