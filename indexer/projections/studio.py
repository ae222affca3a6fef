"""Editions and who holds them; and what every kind of collection has: token royalties, staff, vouchers."""

from collections.abc import Iterable

from indexer.models import (
    BaseUriRow,
    CollectionRow,
    EditionRow,
    HoldingRow,
    StaffRow,
    TokenRoyaltyRow,
    VoucherRow,
)
from indexer.projections.rules import Rule, Rules
from indexer.workset import At, Ref, WorkSet
from node.chain import suite_events as ev
from node.kernel.errors import Bug
from node.kernel.hexes import ZERO_ADDRESS

Moved = ev.UnitsTransferred | ev.UnitsBatchTransferred


def _edition_refs(at: At, event: ev.EditionCreated | ev.EditionURIChanged) -> list[Ref]:
    return [Ref(EditionRow, (at.contract, event.token_id)), Ref(CollectionRow, (at.contract,))]


def _edition_created(work: WorkSet, at: At, event: ev.EditionCreated) -> None:
    """Of a collection of editions `minted` counts editions, as its cap does."""
    collection = work.find(CollectionRow, at.contract)
    if collection is None:
        raise Bug("an edition of an unknown collection was created", collection=at.contract)
    work.put(CollectionRow, (at.contract,), at, minted=collection["minted"] + 1)
    work.put(
        EditionRow,
        (at.contract, event.token_id),
        at,
        uri=event.uri,
        max_units=event.max_units,
        minted=0,
        created_block=at.block,
        created_log=at.log,
        created_at=at.time,
        created_tx=at.tx,
    )


def _edition_uri(work: WorkSet, at: At, event: ev.EditionURIChanged) -> None:
    work.put(EditionRow, (at.contract, event.token_id), at, uri=event.uri)


def _parts(event: Moved) -> Iterable[tuple[int, int]]:
    """Token and units of each part of a transfer."""
    if isinstance(event, ev.UnitsTransferred):
        return [(event.token_id, event.units)]
    return zip(event.token_ids, event.units, strict=True)


def _moved_refs(at: At, event: Moved) -> list[Ref]:
    found = []
    for token_id, _ in _parts(event):
        holders = {event.sender, event.recipient} - {ZERO_ADDRESS}
        found += [Ref(HoldingRow, (at.contract, token_id, holder)) for holder in sorted(holders)]
        if event.sender == ZERO_ADDRESS:
            found.append(Ref(EditionRow, (at.contract, token_id)))
    return found


def _moved(work: WorkSet, at: At, event: Moved) -> None:
    for token_id, units in _parts(event):
        if event.sender == ZERO_ADDRESS:
            edition = work.find(EditionRow, at.contract, token_id)
            if edition is None:
                raise Bug("units of an unknown edition were minted", collection=at.contract)
            work.put(EditionRow, (at.contract, token_id), at, minted=edition["minted"] + units)
        for holder, by in ((event.sender, -units), (event.recipient, units)):
            if holder == ZERO_ADDRESS:
                continue
            key = (at.contract, token_id, holder)
            row = work.find(HoldingRow, *key)
            work.put(HoldingRow, key, at, units=(0 if row is None else row["units"]) + by)


def _royalty_refs(at: At, event: ev.TokenRoyaltyChanged) -> list[Ref]:
    return [Ref(TokenRoyaltyRow, (at.contract, event.token_id))]


def _royalty_changed(work: WorkSet, at: At, event: ev.TokenRoyaltyChanged) -> None:
    work.put(TokenRoyaltyRow, (at.contract, event.token_id), at, receiver=event.receiver, bps=event.bps)


def _staff_refs(at: At, event: ev.RolesUpdated) -> list[Ref]:
    return [Ref(StaffRow, (at.contract, event.account))]


def _staff_changed(work: WorkSet, at: At, event: ev.RolesUpdated) -> None:
    work.put(StaffRow, (at.contract, event.account), at, roles=event.roles)


def _voucher_refs(at: At, event: ev.VoucherRedeemed | ev.VoucherVoided) -> list[Ref]:
    return [Ref(VoucherRow, (at.contract, event.signer, event.nonce))]


def _redeemed(work: WorkSet, at: At, event: ev.VoucherRedeemed) -> None:
    work.put(
        VoucherRow,
        (at.contract, event.signer, event.nonce),
        at,
        state="redeemed",
        digest=event.digest,
        redeemer=event.redeemer,
        payee=event.payee,
        currency=event.currency,
        price=event.price,
        token_id=event.token_id,
        quantity=event.quantity,
        tx_hash=at.tx,
    )


def _voided(work: WorkSet, at: At, event: ev.VoucherVoided) -> None:
    unset: dict[str, object] = dict.fromkeys(
        ("digest", "redeemer", "payee", "currency", "price", "token_id", "quantity")
    )
    key = (at.contract, event.signer, event.nonce)
    work.put(VoucherRow, key, at, state="voided", tx_hash=at.tx, **unset)


def _base_refs(at: At, _event: ev.BaseURIChanged) -> list[Ref]:
    return [Ref(BaseUriRow, (at.contract,))]


def _base_changed(work: WorkSet, at: At, event: ev.BaseURIChanged) -> None:
    work.put(BaseUriRow, (at.contract,), at, uri=event.uri)


RULES: Rules = {
    ev.EditionCreated: Rule(_edition_refs, _edition_created),
    ev.EditionURIChanged: Rule(_edition_refs, _edition_uri),
    ev.UnitsTransferred: Rule(_moved_refs, _moved),
    ev.UnitsBatchTransferred: Rule(_moved_refs, _moved),
    ev.TokenRoyaltyChanged: Rule(_royalty_refs, _royalty_changed),
    ev.RolesUpdated: Rule(_staff_refs, _staff_changed),
    ev.VoucherRedeemed: Rule(_voucher_refs, _redeemed),
    ev.VoucherVoided: Rule(_voucher_refs, _voided),
    ev.BaseURIChanged: Rule(_base_refs, _base_changed),
}
