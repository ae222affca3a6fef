"""What the node does about its events: consumer -> event type -> handler or task.

A consumer's name is its cursor for ever: a new one starts at the first event.
"""

from collections.abc import Mapping

from node.bootstrap.handlers import Table, TaskCall
from node.kernel.spine.event import StoredEvent
from node.services.container import Services
from node.services.listing.settling import SETTLING_EVENTS
from node.services.order.escrow_events import ESCROW_EVENTS
from node.services.payment.mirror import ORDER_EVENTS
from node.services.withdrawal.service import OUTGOING_EVENTS


def reactions(services: Services) -> Table:
    refresh_metadata = TaskCall("nft.refresh_metadata", _token)
    return {
        "order.escrow": dict.fromkeys(ESCROW_EVENTS, services.order.on_escrow_event),
        "order.payments": {"payment.secured": services.order.acts.on_secured},
        "payment.escrow": dict.fromkeys(ORDER_EVENTS, services.payment_mirror.on_order_event),
        "payment.deposits": dict.fromkeys(
            ("deposit.credited", "deposit.returned"), services.funding.on_deposit
        ),
        "gateway.refunds": {"payment.refund_owed": TaskCall("gateway.refund", _refund)},
        "nft.metadata": {"token.minted": refresh_metadata, "token.metadata_changed": refresh_metadata},
        "identity.codes": dict.fromkeys(
            ("phone.code_requested", "phone.code_undelivered"), TaskCall("sms.send", _challenge)
        ),
        "identity.notices": {"account.recovery_asked": TaskCall("identity.tell_of_recovery", _recovery)},
        "transfer.delivery": {
            "transfer.sent": services.transfers.on_sent,
            **dict.fromkeys(("account.opened", "account.phone_linked"), services.transfers.on_phone),
        },
        "transfer.notices": {"transfer.sent": TaskCall("transfer.tell", _transfer)},
        "listing.settling": dict.fromkeys(SETTLING_EVENTS, services.listing.on_exchange_event),
        "withdrawal.outgoing": dict.fromkeys(OUTGOING_EVENTS, services.withdrawals.on_outgoing_event),
        "payout.outgoing": dict.fromkeys(OUTGOING_EVENTS, services.payouts.addresses.on_outgoing_event),
        # An allowance is followed by its batch, and a batch by the next one.
        "payout.sending": {"outgoing.final": TaskCall("payout.send", _nothing)},
        "withdrawal.sending": {"withdrawal.moved": TaskCall("treasury.send", _nothing)},
        "treasury.follow": dict.fromkeys(
            ("chain.event_vanished", "deposit_address.swept"), TaskCall("treasury.follow", _nothing)
        ),
        "asset.names": {"exchange.currency_allowed": TaskCall("asset.learn", _nothing)},
    }


def _token(event: StoredEvent) -> Mapping[str, str]:
    return {"collection": event.payload["collection"], "token_id": event.payload["token_id"]}


def _challenge(event: StoredEvent) -> Mapping[str, str]:
    return {"challenge": event.payload["challenge_id"]}


def _recovery(event: StoredEvent) -> Mapping[str, str]:
    return {"recovery": event.payload["recovery_id"]}


def _refund(event: StoredEvent) -> Mapping[str, str]:
    return {"payment": event.payload["payment_id"], "number": str(event.payload["number"])}


def _transfer(event: StoredEvent) -> Mapping[str, str]:
    return {"transfer": event.payload["transfer_id"]}


def _nothing(_: StoredEvent) -> Mapping[str, str]:
    return {}
