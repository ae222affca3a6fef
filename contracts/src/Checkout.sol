// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeTransferLib} from "solady/src/utils/SafeTransferLib.sol";
import {ICheckout} from "../interfaces/ICheckout.sol";
import {Gate} from "./Gate.sol";
import {Payouts} from "./Payouts.sol";

/// @title The checkout.
/// @dev No owner, no settings; all that anybody can do from outside is pause it. Invariant: of each asset it has at least the credits, and nothing else after a call.
contract Checkout is ICheckout, Payouts, Gate {
    /// @inheritdoc ICheckout
    uint16 public constant MAX_FEE_BPS = 1000;

    /// @inheritdoc ICheckout
    uint256 public constant MAX_PAYOUTS = 200;

    uint256 private constant BPS = 10_000;

    mapping(bytes32 invoiceHash => bool paid) private _paid;

    constructor(address manager) Gate(manager) {}

    /// @inheritdoc ICheckout
    function pay(Invoice calldata invoice, uint256 sent, Permit calldata permit) external payable whenOpen nonReentrant returns (bytes32 invoiceHash) {
        _checkInvoice(invoice);
        invoiceHash = invoiceHashOf(invoice);
        if (_paid[invoiceHash]) revert AlreadyPaid(invoiceHash);
        _paid[invoiceHash] = true;
        if (permit.deadline != 0 && invoice.asset.code.length != 0) {
            // One that fails, as somebody may have used it before, does no harm: the allowance decides.
            try IERC20Permit(invoice.asset).permit(msg.sender, address(this), permit.value, permit.deadline, permit.v, permit.r, permit.s) {} catch {}
        }
        uint256 received = _take(invoice.asset, sent);
        bool enough = invoice.policy == Policy.EXACT ? received == invoice.amount : received >= invoice.amount;
        if (!enough) revert WrongAmount(received, invoice.amount);
        _share(invoiceHash, invoice, sent, received);
    }

    /// @inheritdoc ICheckout
    function payOut(address asset, Payout[] calldata payouts) external payable whenOpen nonReentrant {
        uint256 count = payouts.length;
        if (count > MAX_PAYOUTS) revert BadBatch(count, MAX_PAYOUTS);
        uint256 sum;
        for (uint256 i; i < count; ++i) {
            if (payouts[i].to == address(0)) revert BadInvoice("to");
            sum += payouts[i].amount;
        }
        uint256 received = _take(asset, sum);
        if (received != sum) revert BadBatch(received, sum);
        uint256 refused;
        for (uint256 i; i < count; ++i) {
            if (_arrives(asset, payouts[i].to, payouts[i].amount)) {
                emit PaidOut(msg.sender, payouts[i].to, payouts[i].ref, asset, payouts[i].amount);
            } else {
                refused += payouts[i].amount;
                emit PayoutRefused(msg.sender, payouts[i].to, payouts[i].ref, asset, payouts[i].amount);
            }
        }
        _pay(asset, msg.sender, refused);
    }

    /// @inheritdoc ICheckout
    function invoiceHashOf(Invoice calldata invoice) public view returns (bytes32 invoiceHash) {
        return keccak256(abi.encode(block.chainid, address(this), invoice));
    }

    /// @inheritdoc ICheckout
    function isPaid(bytes32 invoiceHash) external view returns (bool) {
        return _paid[invoiceHash];
    }

    /// @dev The fee is rounded down, the dust goes to the payee.
    function _share(bytes32 invoiceHash, Invoice calldata invoice, uint256 sent, uint256 received) private {
        uint256 fee = received * invoice.feeBps / BPS;
        emit InvoicePaid(
            invoiceHash,
            invoice.invoiceId,
            invoice.payee,
            msg.sender,
            invoice.asset,
            invoice.amount,
            sent,
            received - fee,
            invoice.feeReceiver,
            fee
        );
        _pay(invoice.asset, invoice.feeReceiver, fee);
        _pay(invoice.asset, invoice.payee, received - fee);
    }

    /// @dev What counts is what arrives: some tokens take a part on the way.
    function _take(address asset, uint256 amount) private returns (uint256 received) {
        uint256 value = asset == address(0) ? amount : 0;
        if (msg.value != value) revert WrongValue(msg.value, value);
        if (asset == address(0)) return amount;
        uint256 before = SafeTransferLib.balanceOf(asset, address(this));
        bool paid = SafeTransferLib.trySafeTransferFrom(asset, msg.sender, address(this), amount);
        uint256 afterwards = SafeTransferLib.balanceOf(asset, address(this));
        if (!paid || afterwards < before || afterwards - before > amount) revert PaymentFailed(asset, amount);
        return afterwards - before;
    }

    function _checkInvoice(Invoice calldata invoice) private view {
        if (block.timestamp > invoice.expires) revert InvoiceExpired(invoice.expires);
        if (invoice.payee == address(0)) revert BadInvoice("payee");
        if (invoice.amount == 0) revert BadInvoice("amount");
        if (invoice.asset != address(0) && invoice.asset.code.length == 0) revert BadInvoice("asset");
        if (invoice.feeBps > MAX_FEE_BPS) revert BadInvoice("feeBps");
        if (invoice.feeBps != 0 && invoice.feeReceiver == address(0)) revert BadInvoice("feeReceiver");
    }
}
