"""Opening and changing markets."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

import psycopg
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from node.events.market import MarketChanged, MarketOpened
from node.kernel.clock import Clock
from node.kernel.db.unit_of_work import Tx
from node.kernel.hexes import ZERO_ADDRESS, Address
from node.kernel.ids import new_id
from node.kernel.language import normalise_language
from node.kernel.money import BASIS_POINTS
from node.kernel.spine.record import EventRecorder
from node.kernel.text import one_line, prose
from node.services.market.errors import (
    ArbiterUnknown,
    MarketUnknown,
    NotMarketOwner,
    PolicyInvalid,
    SlugTaken,
)
from node.services.market.members import MemberService
from node.services.market.models import SLUG_INDEX, Market, Member, MemberRole
from node.services.market.slug import SLUG_CHARS_MAX, normalise_slug, slug_from_name

NAME_CHARS_MAX = 120
DESCRIPTION_CHARS_MAX = 4_000
WINDOW_S_MAX = 365 * 24 * 3600  # MAX_WINDOW of the escrow contract


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How long each step of an order may take, and who gets what when the arbiter stays silent."""

    ship_within_s: int
    inspection_s: int
    ruling_s: int
    silence_seller_bps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketRules:
    """What the node allows: arbiters (the first is the default), the default policy, the shortest window."""

    arbiters: tuple[Address, ...]
    policy: Policy
    window_s_min: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketDraft:
    """What its owner says. None takes the default; in a change it leaves things as they are."""

    name: str | None = None
    slug: str | None = None
    description: str | None = None
    language: str | None = None
    payout_address: Address | None = None
    arbiter: Address | None = None
    policy: Mapping[str, int] = field(default_factory=dict)


class MarketService:
    def __init__(
        self, clock: Clock, events: EventRecorder, rules: MarketRules, members: MemberService
    ) -> None:
        self._clock = clock
        self._events = events
        self._rules = rules
        self._members = members

    def open(self, tx: Tx, *, account_id: uuid.UUID, wallet: Address, draft: MarketDraft) -> Market:
        """Opens a market of that account. Without a payout address its money goes to `wallet`.

        Raises:
            TextInvalid, SlugInvalid, LanguageInvalid, ArbiterUnknown, PolicyInvalid: By what is wrong.
            SlugTaken: Only where the slug was asked for; one made from the name gets a suffix instead.
        """
        if not self._rules.arbiters:
            raise ArbiterUnknown("this node has no arbiter yet: its operator has to name one")
        now, market_id = self._clock.now(), new_id()
        policy = self._rules.policy
        market = Market(
            id=market_id,
            owner_account_id=account_id,
            slug="",
            name="",
            description="",
            language="",
            payout_address=wallet,
            arbiter=self._rules.arbiters[0],
            ship_within_s=policy.ship_within_s,
            inspection_s=policy.inspection_s,
            ruling_s=policy.ruling_s,
            silence_seller_bps=policy.silence_seller_bps,
            opened_at=now,
            changed_at=now,
        )
        for name, value in self._checked(market, draft, wallet).items():
            setattr(market, name, value)
        self._insert(tx, market, wanted_slug=draft.slug)
        opened = MarketOpened(
            market_id=str(market.id),
            owner_account_id=str(account_id),
            slug=market.slug,
            name=market.name,
            language=market.language,
            payout_address=market.payout_address,
            arbiter=market.arbiter,
        )
        self._events.record(tx, f"market:{market.id}", opened, expected_version=0)
        self._members.add(tx, market.id, account_id, MemberRole.OWNER)
        return market

    def owned(self, tx: Tx, market_id: uuid.UUID, *, account_id: uuid.UUID) -> Market:
        """The market, locked for a change by somebody who works there.

        The edge has judged by then whether their role may; here no account reaches another's market.

        Raises:
            MarketUnknown, NotMarketOwner: There is none, or the caller does not work there.
        """
        market = tx.execute(
            select(Market).where(Market.id == market_id).with_for_update()
        ).scalar_one_or_none()
        if market is None:
            raise MarketUnknown("there is no such market", market_id=str(market_id))
        self.require_member(tx, market_id, account_id=account_id)
        return market

    def require_member(self, tx: Tx, market_id: uuid.UUID, *, account_id: uuid.UUID) -> None:
        """As `owned`, without a lock."""
        self._role(tx, market_id, account_id)

    def require_owner(self, tx: Tx, market_id: uuid.UUID, *, account_id: uuid.UUID) -> None:
        """For what names a market beside the path, where the edge does not judge. Raises as `owned`."""
        if self._role(tx, market_id, account_id) is not MemberRole.OWNER:
            raise NotMarketOwner("only the market's owner may do this", market_id=str(market_id))

    def _role(self, tx: Tx, market_id: uuid.UUID, account_id: uuid.UUID) -> MemberRole:
        found = tx.execute(
            select(Market.id, Member.role)
            .outerjoin(Member, (Member.market_id == Market.id) & (Member.account_id == account_id))
            .where(Market.id == market_id)
        ).one_or_none()
        if found is None:
            raise MarketUnknown("there is no such market", market_id=str(market_id))
        if found.role is None:
            raise NotMarketOwner("the market belongs to another account", market_id=str(market_id))
        return MemberRole(found.role)

    def change(self, tx: Tx, market: Market, draft: MarketDraft, *, wallet: Address) -> None:
        """Takes over what the draft names; `wallet` is its owner's. Orders that were placed keep their terms.

        Raises:
            SlugTaken: Another market has the slug. And what `open` raises.
        """
        wanted = self._checked(market, draft, wallet)
        if draft.slug is not None:
            wanted["slug"] = normalise_slug(draft.slug)
        changes = {name: value for name, value in wanted.items() if getattr(market, name) != value}
        if not changes:
            return
        for name, value in changes.items():
            setattr(market, name, value)
        market.changed_at = self._clock.now()
        try:
            tx.flush()
        except IntegrityError as error:
            if _constraint(error) == SLUG_INDEX:
                raise _taken(str(changes["slug"])) from error
            raise
        changed = MarketChanged(market_id=str(market.id), fields=sorted(changes))
        self._events.record(tx, f"market:{market.id}", changed)

    def _checked(self, market: Market, draft: MarketDraft, wallet: Address) -> dict[str, object]:
        """The columns that the draft sets, but for the slug."""
        wanted: dict[str, object] = {}
        if draft.name is not None or not market.name:
            wanted["name"] = one_line(draft.name or "", field="name", chars_max=NAME_CHARS_MAX)
        if draft.description is not None:
            wanted["description"] = prose(
                draft.description, field="description", chars_max=DESCRIPTION_CHARS_MAX
            )
        if draft.language is not None or not market.language:
            wanted["language"] = normalise_language(draft.language or "")
        wanted |= self._checked_parties(market, draft, wallet)
        wanted |= self._checked_policy(draft.policy)
        return wanted

    def _checked_parties(self, market: Market, draft: MarketDraft, wallet: Address) -> dict[str, object]:
        """No arbiter judges where it is paid or where its own wallet keeps the shop."""
        payout = market.payout_address if draft.payout_address is None else draft.payout_address
        if payout == ZERO_ADDRESS:
            raise PolicyInvalid("the zero address cannot be paid", field="payout_address")
        arbiter = draft.arbiter or market.arbiter
        if draft.arbiter is not None and arbiter not in self._rules.arbiters:
            raise ArbiterUnknown("the node does not offer that arbiter", field="arbiter", arbiter=arbiter)
        partial = (payout, wallet)
        if draft.arbiter is None and arbiter in partial:  # a default gives way to the next one
            arbiter = next((other for other in self._rules.arbiters if other not in partial), arbiter)
        if arbiter in partial:
            raise ArbiterUnknown("an arbiter cannot judge its own sales", field="arbiter", arbiter=arbiter)
        return {"payout_address": payout, "arbiter": arbiter}

    def _checked_policy(self, policy: Mapping[str, int]) -> dict[str, object]:
        for name, value in policy.items():
            lowest, highest = (
                (0, BASIS_POINTS)
                if name == "silence_seller_bps"
                else (self._rules.window_s_min, WINDOW_S_MAX)
            )
            if not lowest <= value <= highest:
                raise PolicyInvalid(f"{name} lies between {lowest} and {highest}", field=name)
        return dict(policy)

    def _insert(self, tx: Tx, market: Market, *, wanted_slug: str | None) -> None:
        """The unique index decides about the slug, so two markets at once cannot both have it."""
        if wanted_slug is not None:
            candidates = [normalise_slug(wanted_slug)]
        else:
            slug = slug_from_name(market.name, market_id=market.id)
            suffix = f"-{market.id.hex[-12:]}"
            candidates = [slug, slug[: SLUG_CHARS_MAX - len(suffix)].rstrip("-") + suffix]
        columns = {column.name: getattr(market, column.name) for column in Market.__table__.columns}
        for slug in candidates:
            market.slug = columns["slug"] = slug
            inserted = tx.execute(
                insert(Market)
                .values(**columns)
                .on_conflict_do_nothing(index_elements=[Market.slug])
                .returning(Market.id)
            ).scalar_one_or_none()
            if inserted is not None:
                return
        raise _taken(candidates[-1])


def _constraint(error: IntegrityError) -> str | None:
    return error.orig.diag.constraint_name if isinstance(error.orig, psycopg.Error) else None


def _taken(slug: str) -> SlugTaken:
    return SlugTaken("another market has that slug", field="slug", slug=slug)
