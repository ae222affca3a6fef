// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Cid} from "../src/Cid.sol";
import {Test} from "./Test.sol";

contract CidTest is Test {
    bytes internal constant ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";

    function pack(string calldata uri) public pure returns (uint96 kind, bytes32 digest) {
        return Cid.pack(uri);
    }

    /// @dev The oracle: RFC 4648 base32 of the 36 bytes, bit by bit.
    function textOf(bool raw, bytes32 digest) internal pure returns (string memory) {
        bytes memory cid = abi.encodePacked(bytes1(0x01), raw ? bytes1(0x55) : bytes1(0x70), hex"1220", digest);
        bytes memory text = new bytes(58);
        for (uint256 i; i < 58; ++i) {
            uint256 value;
            for (uint256 bit = i * 5; bit < i * 5 + 5; ++bit) {
                value = value * 2 + (bit < 288 ? (uint8(cid[bit / 8]) >> (7 - bit % 8)) & 1 : 0);
            }
            text[i] = ALPHABET[value];
        }
        return string.concat("ipfs://b", string(text));
    }

    function test_a_published_one() public view {
        // The empty file, as every IPFS node names it.
        (uint96 kind, bytes32 digest) = this.pack("ipfs://bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku");
        vm.assertEq(kind, Cid.RAW);
        vm.assertEq(digest, sha256(""));
    }

    function testFuzz_there_and_back(bool raw, bytes32 digest) public view {
        string memory text = textOf(raw, digest);
        (uint96 kind, bytes32 found) = this.pack(text);
        vm.assertEq(kind, raw ? Cid.RAW : Cid.DAG_PB);
        vm.assertEq(found, digest);
        vm.assertEq(Cid.unpack(kind, found), text);
    }

    /// @dev Whatever is packed comes back byte by byte: no other text takes the place of the one that was given.
    function testFuzz_a_changed_byte_comes_back_or_is_not_packed(bytes32 digest, uint256 place, uint8 letter) public view {
        bytes memory text = bytes(textOf(true, digest));
        text[place % 66] = bytes1(letter);
        (uint96 kind, bytes32 found) = this.pack(string(text));
        if (kind != Cid.NONE) vm.assertEq(Cid.unpack(kind, found), string(text));
        else vm.assertEq(found, bytes32(0));
    }

    function test_every_byte_at_the_ends_and_between() public view {
        bytes memory text = bytes(textOf(false, bytes32(uint256(0x1234))));
        uint8[5] memory places = [13, 14, 15, 40, 65];
        for (uint256 i; i < places.length; ++i) {
            bytes1 kept = text[places[i]];
            for (uint256 letter; letter < 256; ++letter) {
                text[places[i]] = bytes1(uint8(letter));
                (uint96 kind, bytes32 found) = this.pack(string(text));
                if (kind != Cid.NONE) vm.assertEq(Cid.unpack(kind, found), string(text));
            }
            text[places[i]] = kept;
        }
    }

    function test_other_texts_are_not_packed() public view {
        string[5] memory texts = [
            "",
            "ipfs://bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyk",
            "ipfs://bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvykua",
            "ipfs://BAFKREIHDWDCEFGH4DQKJV67UZCMW7OJEE6XEDZDETOJUZJEVTENXQUVYKU",
            "ipns://bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"
        ];
        for (uint256 i; i < 5; ++i) {
            (uint96 kind,) = this.pack(texts[i]);
            vm.assertEq(kind, Cid.NONE);
        }
    }
}
