// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Asks a contract wallet about a signature, also one that is not deployed yet (ERC-6492).
/// @dev Never deployed: a client runs its creation code by `eth_call`, so whatever the factory does is undone with the call. The answer is the code that the
///  creation would leave: one word, 1 when the wallet accepts the signature and 0 when it does not.
contract WalletProbe {
    /// @dev `isValidSignature(bytes32,bytes)` of ERC-1271; the wallet answers the same four bytes, padded to a word.
    bytes4 private constant MAGIC = 0x1626ba7e;

    /// @param wallet The account that is said to have signed.
    /// @param digest What was signed.
    /// @param signature As the wallet takes it once it is there.
    /// @param factory What makes the wallet, or makes it ready.
    /// @param preparation The call to the factory.
    constructor(address wallet, bytes32 digest, bytes memory signature, address factory, bytes memory preparation) {
        bool accepted = _accepts(wallet, digest, signature);
        if (!accepted) {
            // A factory that fails, or that makes something else, leaves a wallet that accepts nothing.
            (bool made,) = factory.call(preparation);
            accepted = made && _accepts(wallet, digest, signature);
        }
        assembly ("memory-safe") {
            mstore(0, accepted)
            return(0, 0x20)
        }
    }

    function _accepts(address wallet, bytes32 digest, bytes memory signature) private view returns (bool accepted) {
        if (wallet.code.length == 0) return false;
        bytes memory question = abi.encodeWithSelector(MAGIC, digest, signature);
        bytes32 wanted = MAGIC;
        assembly ("memory-safe") {
            mstore(0, 0)
            // What the wallet returns beyond a word is not copied: it cannot make us pay for it.
            let ok := staticcall(gas(), wallet, add(question, 0x20), mload(question), 0, 0x20)
            accepted := and(and(ok, gt(returndatasize(), 0x1f)), eq(mload(0), wanted))
        }
    }
}
