// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IGate} from "./IGate.sol";
import {IPayouts} from "./IPayouts.sol";

/// @title The checkout: invoices paid directly, and payouts to many.
/// @notice Nothing stays here: what is paid goes on in the same call. An invoice is known by the hash of all its fields, so neither dust nor a look-alike with another
///  payee, asset or amount can mark it paid. What the payee of an invoice refuses is credited to it; what a receiver of a batch refuses is the payer's again.
interface ICheckout is IPayouts, IGate {
    /// @notice How much may be paid.
    enum Policy {
        /// @dev What arrives is `amount`, to the unit.
        EXACT,
        /// @dev What arrives is at least `amount`; what is more goes to the payee too (a tip, rounding).
        AT_LEAST
    }

    /// @notice What somebody owes. All fields are part of the invoice's hash.
    struct Invoice {
        /// @dev The seller's number, e.g. a hash of it.
        bytes32 invoiceId;
        address payee;
        /// @dev Zero is the native coin.
        address asset;
        uint256 amount;
        Policy policy;
        address feeReceiver;
        /// @dev Ten-thousandths of what arrives, at most `MAX_FEE_BPS`.
        uint16 feeBps;
        /// @dev Seconds since 1970: payable until and with this second.
        uint64 expires;
    }

    /// @notice An ERC-2612 permit of the caller for this contract; a zero `deadline` means none.
    struct Permit {
        uint256 value;
        uint256 deadline;
        uint8 v;
        bytes32 r;
        bytes32 s;
    }

    /// @notice One receiver of a batch.
    struct Payout {
        address to;
        uint256 amount;
        /// @dev Whatever the payer knows it by.
        bytes32 ref;
    }

    /// @notice An invoice was paid: `toPayee` + `fee` is all that arrived of the `sent`.
    event InvoicePaid(
        bytes32 indexed invoiceHash,
        bytes32 indexed invoiceId,
        address indexed payee,
        address payer,
        address asset,
        uint256 amount,
        uint256 sent,
        uint256 toPayee,
        address feeReceiver,
        uint256 fee
    );

    /// @notice One payment of a batch arrived.
    event PaidOut(address indexed from, address indexed to, bytes32 indexed ref, address asset, uint256 amount);

    /// @notice One payment of a batch was refused by `to`, or by the token; `from` has the amount again.
    event PayoutRefused(address indexed from, address indexed to, bytes32 indexed ref, address asset, uint256 amount);

    /// @notice The invoice cannot be paid; `field` says what is wrong.
    error BadInvoice(string field);

    /// @notice The invoice was paid before.
    error AlreadyPaid(bytes32 invoiceHash);

    /// @notice The invoice is over.
    error InvoiceExpired(uint64 expires);

    /// @notice Not the amount of the invoice arrived.
    error WrongAmount(uint256 received, uint256 amount);

    /// @notice The value sent with the call is not what is needed.
    error WrongValue(uint256 sent, uint256 need);

    /// @notice The token did not pay.
    error PaymentFailed(address asset, uint256 amount);

    /// @notice The sum of a batch did not arrive in full, or there are too many in it.
    error BadBatch(uint256 received, uint256 need);

    /// @notice Pays an invoice with `sent` of its asset: native coin as value, tokens by allowance or permit. Anyone may pay, once.
    /// @param sent A token that takes a part on the way makes it more than what arrives.
    function pay(Invoice calldata invoice, uint256 sent, Permit calldata permit) external payable returns (bytes32 invoiceHash);

    /// @notice Pays many receivers at once, at most `MAX_PAYOUTS`. Tokens that take a part on the way are refused. Of each payment either `PaidOut` or
    ///  `PayoutRefused` tells; what was refused goes back to the caller in the same call, and is credited to a caller that refuses it too.
    function payOut(address asset, Payout[] calldata payouts) external payable;

    /// @notice keccak256(abi.encode(chain id, this contract, invoice)).
    function invoiceHashOf(Invoice calldata invoice) external view returns (bytes32 invoiceHash);

    /// @notice Whether an invoice was paid.
    function isPaid(bytes32 invoiceHash) external view returns (bool);

    /// @notice The highest fee that an invoice may name, in ten-thousandths.
    function MAX_FEE_BPS() external view returns (uint16);

    /// @notice The most receivers of one batch.
    function MAX_PAYOUTS() external view returns (uint256);
}
