"""Invoices that were paid, batches of payouts, deposits that were swept."""

from sqlalchemy import Boolean
from sqlalchemy.orm import Mapped, mapped_column

from indexer.models.rows import TABLE, Fact, newest_first
from node.kernel.db.base import Base, uint256_check
from node.kernel.db.types import AddressColumn, Hash32Column, Uint256
from node.kernel.hexes import Address, Hash32


class PaymentRow(Fact, Base):
    """`InvoicePaid`: of `sent`, `to_payee` + `fee` arrived."""

    __tablename__ = "payment"
    __table_args__ = (
        *(uint256_check(c) for c in ("amount", "sent", "to_payee", "fee")),
        newest_first("ix_payment_invoice", "invoice_hash"),
        newest_first("ix_payment_invoice_id", "invoice_id"),
        newest_first("ix_payment_payee", "payee"),
        newest_first("ix_payment_payer", "payer"),
        TABLE,
    )

    checkout: Mapped[Address] = mapped_column(AddressColumn)
    invoice_hash: Mapped[Hash32] = mapped_column(Hash32Column)
    invoice_id: Mapped[Hash32] = mapped_column(Hash32Column)
    payee: Mapped[Address] = mapped_column(AddressColumn)
    payer: Mapped[Address] = mapped_column(AddressColumn)
    asset: Mapped[Address] = mapped_column(AddressColumn)
    amount: Mapped[int] = mapped_column(Uint256)  # of the invoice
    sent: Mapped[int] = mapped_column(Uint256)
    to_payee: Mapped[int] = mapped_column(Uint256)
    fee_receiver: Mapped[Address] = mapped_column(AddressColumn)
    fee: Mapped[int] = mapped_column(Uint256)


class PayoutRow(Fact, Base):
    """One payment of a batch. Anybody can write one: what a reference means is the payer's business.

    What was `refused` is the payer's again.
    """

    __tablename__ = "payout"
    __table_args__ = (
        uint256_check("amount"),
        newest_first("ix_payout_sender", "sender"),
        newest_first("ix_payout_recipient", "recipient"),
        TABLE,
    )

    checkout: Mapped[Address] = mapped_column(AddressColumn)
    sender: Mapped[Address] = mapped_column(AddressColumn)
    recipient: Mapped[Address] = mapped_column(AddressColumn)
    reference: Mapped[Hash32] = mapped_column(Hash32Column)
    asset: Mapped[Address] = mapped_column(AddressColumn)
    amount: Mapped[int] = mapped_column(Uint256)
    refused: Mapped[bool] = mapped_column(Boolean)


class DepositSweepRow(Fact, Base):
    """What a deposit address sent on to its destination; without `amount` the asset would not move.

    Anybody may sweep, so an asset can be worth nothing: it counts by who made it.
    """

    __tablename__ = "deposit_sweep"
    __table_args__ = (
        uint256_check("amount"),
        newest_first("ix_deposit_sweep_forwarder", "forwarder"),
        newest_first("ix_deposit_sweep_destination", "destination", "deposit_id"),
        TABLE,
    )

    deposits: Mapped[Address] = mapped_column(AddressColumn)
    forwarder: Mapped[Address] = mapped_column(AddressColumn)
    destination: Mapped[Address] = mapped_column(AddressColumn)
    deposit_id: Mapped[Hash32] = mapped_column(Hash32Column)
    asset: Mapped[Address] = mapped_column(AddressColumn)
    amount: Mapped[int | None] = mapped_column(Uint256)
