"""Paying an invoice of the checkout contract, as steps for a wallet."""

import uuid
from dataclasses import dataclass
from typing import Any

from node.chain.permit import NO_PERMIT
from node.chain.steps import Intent, StepBuilder, TransactionStep, calldata
from node.kernel.hexes import ZERO_ADDRESS, Address

EXACT = 0  # ICheckout.Policy
INVOICE_ID_BYTES = 32


@dataclass(frozen=True, slots=True)
class Invoice:
    """`ICheckout.Invoice` without a fee: what the platform takes is taken when the money is paid out."""

    payment_id: uuid.UUID
    payee: Address
    asset: Address
    amount: int
    expires: int  # seconds since 1970

    def values(self) -> dict[str, Any]:
        """By the contract's field names."""
        return {
            "invoiceId": self.payment_id.int.to_bytes(INVOICE_ID_BYTES),
            "payee": self.payee,
            "asset": self.asset,
            "amount": self.amount,
            "policy": EXACT,
            "feeReceiver": ZERO_ADDRESS,
            "feeBps": 0,
            "expires": self.expires,
        }


@dataclass(frozen=True, slots=True)
class CheckoutActions:
    steps: StepBuilder

    def pay(self, invoice: Invoice, *, payer: Address) -> list[TransactionStep]:
        """With the approval of a token first, of exactly the amount."""
        checkout = self.steps.deployment.checkout
        approval = self.steps.token_approval(
            token=invoice.asset, owner=payer, spender=checkout.address, amount=invoice.amount
        )
        value = invoice.amount if invoice.asset == ZERO_ADDRESS else 0
        data = calldata(checkout, "pay", invoice.values(), invoice.amount, NO_PERMIT)
        words = f"Pay an invoice of {invoice.amount}"
        return self.steps.populate(
            payer, [*approval, Intent("pay_invoice", words, checkout.address, data, value)]
        )
