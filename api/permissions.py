"""Who may do what: a row for each operation of the edge. `api/access.py` enforces it, before anything else.

The rows are the whole truth: the document declares them (`security`, `x-roles`), `docs/roles.md` is made of
them, and a test tries every role on every route. An operation without a row is refused, and a node that has
one does not start. Services look again whether a thing is of the caller's market or order; roles are judged
here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from node.services.identity.scopes import Scope


class Who(StrEnum):
    ANYONE = "anyone"
    ACCOUNT = "account"
    """Whoever is signed in."""

    # of the market that the path names, or to which the product or order of the path belongs
    OWNER = "owner"
    MANAGER = "manager"
    STAFF = "staff"
    ACCOUNTANT = "accountant"

    # of the order that the path names
    BUYER = "buyer"
    JUDGE = "judge"
    """The arbiter whose wallet the order's terms name."""

    # of the node
    ADMIN = "admin"
    OPERATOR = "operator"
    ARBITER = "arbiter"
    """Of an order in the path: while it is in dispute."""


OF_MARKET: Final = frozenset({Who.OWNER, Who.MANAGER, Who.STAFF, Who.ACCOUNTANT})
OF_ORDER: Final = frozenset({Who.BUYER, Who.JUDGE})
SURFACE: Final = frozenset({Who.ADMIN, Who.OPERATOR})
"""Who gets at the operators' surface (`node.admin`), with a second proof."""
OF_NODE: Final = frozenset({Who.ADMIN, Who.OPERATOR, Who.ARBITER})


@dataclass(frozen=True, slots=True)
class Permission:
    """`scope` is what an API key needs; None: only a person does this, in a session."""

    who: frozenset[Who]
    scope: Scope | None
    is_judged_within: bool = False
    """The command's own statement looks whether the session still counts; no role is asked for."""

    @property
    def looks_at_caller(self) -> bool:
        """Public routes look at a caller only where being somebody changes the answer."""
        return not self.is_public or self.scope is not None

    @property
    def is_public(self) -> bool:
        return Who.ANYONE in self.who

    @property
    def by_thing(self) -> bool:
        """Whether it depends on what the caller is to the thing that the path names."""
        return bool(self.who & (OF_MARKET | OF_ORDER))

    @property
    def by_role(self) -> bool:
        return not self.who & {Who.ANYONE, Who.ACCOUNT}


def _of(*who: Who, scope: Scope | None = None) -> Permission:
    return Permission(frozenset(who), scope)


_PUBLIC = _of(Who.ANYONE)
_IN_PERSON = _of(Who.ACCOUNT)
_OWNER = _of(Who.OWNER)
_VOTES = _of(Who.ACCOUNT, scope=Scope.VOTES_WRITE)
_LISTINGS = _of(Who.ACCOUNT, scope=Scope.LISTINGS_WRITE)
_COLLECTIONS = _of(Who.ACCOUNT, scope=Scope.COLLECTIONS_WRITE)
_CONTENT = _of(Who.ACCOUNT, scope=Scope.CONTENT_WRITE)
_BUYER = _of(Who.BUYER, scope=Scope.ORDERS_WRITE)
_REFUNDS = _of(Who.OWNER, Who.MANAGER, scope=Scope.ORDERS_WRITE)
_DISPUTANTS = _of(Who.BUYER, Who.OWNER, Who.MANAGER, scope=Scope.ORDERS_WRITE)
_BY_TIME = _of(Who.BUYER, Who.OWNER, Who.MANAGER, Who.STAFF, Who.JUDGE, scope=Scope.ORDERS_WRITE)
_SELLS = _of(Who.OWNER, Who.MANAGER, Who.STAFF, scope=Scope.PRODUCTS_WRITE)
_CHARGES = _of(Who.OWNER, Who.MANAGER, scope=Scope.PRODUCTS_WRITE)
_ACCOUNTS = _of(Who.OWNER, Who.MANAGER, Who.ACCOUNTANT, scope=Scope.BALANCES_READ)
_TRANSLATES = _of(Who.OWNER, Who.MANAGER, Who.STAFF, scope=Scope.MARKETS_WRITE)

PERMISSIONS: Final[Mapping[str, Permission]] = {
    # the node itself
    "GET /health/live": _PUBLIC,
    "GET /health/ready": _PUBLIC,
    "GET /health/chain": _PUBLIC,
    "GET /health/chains": _PUBLIC,
    "GET /.well-known/jwks.json": _PUBLIC,
    # signing in
    "POST /v1/auth/nonces": _PUBLIC,
    "POST /v1/auth/wallet": _PUBLIC,
    "POST /v1/auth/phone/challenges": _PUBLIC,
    "POST /v1/auth/phone": _PUBLIC,
    "POST /v1/auth/refresh": _PUBLIC,
    "POST /v1/sms/reports/{carrier}": _PUBLIC,
    # one's own account
    "GET /v1/me": _of(Who.ACCOUNT, scope=Scope.ACCOUNT_READ),
    "GET /v1/me/roles": _of(Who.ACCOUNT, scope=Scope.ACCOUNT_READ),
    "PATCH /v1/me": _IN_PERSON,
    "POST /v1/me/wallets": _IN_PERSON,
    "DELETE /v1/me/wallets/{address}": _IN_PERSON,
    "POST /v1/me/phones/challenges": _IN_PERSON,
    "POST /v1/me/phones": _IN_PERSON,
    "DELETE /v1/me/phones/{phone}": _IN_PERSON,
    "GET /v1/sessions": _IN_PERSON,
    "DELETE /v1/sessions/{session_id}": _IN_PERSON,
    "DELETE /v1/sessions": _IN_PERSON,
    "GET /v1/me/step-up": _IN_PERSON,
    "POST /v1/me/step-up/totp": _IN_PERSON,
    "POST /v1/me/step-up/recovery-code": _IN_PERSON,
    "POST /v1/me/step-up/wallet": _IN_PERSON,
    "POST /v1/me/step-up/phone/challenges": _IN_PERSON,
    "POST /v1/me/step-up/phone": _IN_PERSON,
    "POST /v1/me/totp": _IN_PERSON,
    "POST /v1/me/totp/confirm": _IN_PERSON,
    "DELETE /v1/me/totp": _IN_PERSON,
    "POST /v1/me/totp/recovery-codes": _IN_PERSON,
    "GET /v1/me/balances": _of(Who.ACCOUNT, scope=Scope.ACCOUNT_READ),
    "GET /v1/me/statement": _of(Who.ACCOUNT, scope=Scope.ACCOUNT_READ),
    "GET /v1/me/statement.csv": _of(Who.ACCOUNT, scope=Scope.ACCOUNT_READ),
    "PUT /v1/me/handle": _IN_PERSON,
    "POST /v1/me/transfers": _IN_PERSON,
    "POST /v1/me/transfers/{transfer_id}/confirm": Permission(
        frozenset({Who.ACCOUNT}), scope=None, is_judged_within=True
    ),
    "GET /v1/me/transfers": _of(Who.ACCOUNT, scope=Scope.ACCOUNT_READ),
    "GET /v1/me/transfers/{transfer_id}": _of(Who.ACCOUNT, scope=Scope.ACCOUNT_READ),
    "POST /v1/me/money-requests": _IN_PERSON,
    "GET /v1/me/money-requests": _of(Who.ACCOUNT, scope=Scope.ACCOUNT_READ),
    "POST /v1/me/money-requests/{code}/cancel": _IN_PERSON,
    "GET /v1/money-requests/{code}": _PUBLIC,
    "GET /v1/money-requests/{code}/qr.svg": _PUBLIC,
    "GET /v1/me/spending-limits": _of(Who.ACCOUNT, scope=Scope.ACCOUNT_READ),
    "PUT /v1/me/spending-limits": _IN_PERSON,
    "GET /v1/rates": _PUBLIC,
    "POST /v1/me/exchange-quotes": _IN_PERSON,
    "POST /v1/me/exchange-quotes/{quote_id}/execute": _IN_PERSON,
    "GET /v1/me/exchange-quotes/{quote_id}": _of(Who.ACCOUNT, scope=Scope.ACCOUNT_READ),
    "POST /v1/me/deposit-addresses": _IN_PERSON,
    "GET /v1/me/deposit-addresses": _of(Who.ACCOUNT, scope=Scope.ACCOUNT_READ),
    "GET /v1/me/deposit-addresses/{address}/qr.svg": _of(Who.ACCOUNT, scope=Scope.ACCOUNT_READ),
    "GET /v1/me/deposits": _of(Who.ACCOUNT, scope=Scope.ACCOUNT_READ),
    "POST /v1/me/withdrawals": _IN_PERSON,
    "GET /v1/me/withdrawals": _of(Who.ACCOUNT, scope=Scope.ACCOUNT_READ),
    "GET /v1/me/withdrawals/{withdrawal_id}": _of(Who.ACCOUNT, scope=Scope.ACCOUNT_READ),
    "POST /v1/me/withdrawals/{withdrawal_id}/cancel": _IN_PERSON,
    "POST /v1/me/merges/preview": _IN_PERSON,
    "POST /v1/me/merges": _IN_PERSON,
    "GET /v1/me/export": _IN_PERSON,
    "DELETE /v1/me": _IN_PERSON,
    "POST /v1/me/recoveries": _IN_PERSON,
    "DELETE /v1/me/recoveries/{recovery_id}": _IN_PERSON,
    "POST /v1/me/recoveries/{recovery_id}/complete": _IN_PERSON,
    # markets and who works there
    "POST /v1/markets": _of(Who.ACCOUNT, scope=Scope.MARKETS_WRITE),
    "GET /v1/markets": _PUBLIC,
    "GET /v1/markets/{market}": _PUBLIC,
    "PATCH /v1/markets/{market_id}": _of(Who.OWNER, scope=Scope.MARKETS_WRITE),
    "GET /v1/markets/{market_id}/translations": _PUBLIC,
    "GET /v1/markets/{market_id}/translations/{language}": _PUBLIC,
    "PUT /v1/markets/{market_id}/translations/{language}": _TRANSLATES,
    "DELETE /v1/markets/{market_id}/translations/{language}": _TRANSLATES,
    "GET /v1/markets/{market_id}/members": _of(Who.OWNER, Who.MANAGER, scope=Scope.MEMBERS_READ),
    "DELETE /v1/markets/{market_id}/members/{account_id}": _OWNER,
    "DELETE /v1/markets/{market_id}/membership": _of(Who.MANAGER, Who.STAFF, Who.ACCOUNTANT),
    "POST /v1/markets/{market_id}/deposit-addresses": _OWNER,
    "GET /v1/markets/{market_id}/deposit-addresses": _of(Who.OWNER, Who.ACCOUNTANT),
    "GET /v1/markets/{market_id}/deposits": _of(Who.OWNER, Who.ACCOUNTANT),
    "POST /v1/markets/{market_id}/invitations": _OWNER,
    "GET /v1/markets/{market_id}/invitations": _of(Who.OWNER, Who.MANAGER),
    "DELETE /v1/markets/{market_id}/invitations/{invitation_id}": _OWNER,
    "GET /v1/markets/{market_id}/balances": _ACCOUNTS,
    "GET /v1/markets/{market_id}/statement": _ACCOUNTS,
    "GET /v1/markets/{market_id}/statement.csv": _ACCOUNTS,
    "POST /v1/markets/{market_id}/transfers": _of(Who.OWNER, Who.MANAGER, Who.ACCOUNTANT),
    "POST /v1/markets/{market_id}/transfers/{transfer_id}/confirm": _OWNER,
    "GET /v1/markets/{market_id}/transfers": _ACCOUNTS,
    "GET /v1/markets/{market_id}/payout-terms": _ACCOUNTS,
    "PUT /v1/markets/{market_id}/payout-terms": _OWNER,
    "POST /v1/markets/{market_id}/payouts": _OWNER,
    "GET /v1/markets/{market_id}/payouts": _ACCOUNTS,
    "GET /v1/invitations": _IN_PERSON,
    "POST /v1/invitations/{invitation_id}/accept": _IN_PERSON,
    # API keys: none makes another
    "POST /v1/keys": _IN_PERSON,
    "GET /v1/keys": _IN_PERSON,
    "POST /v1/keys/{key_id}/rotate": _IN_PERSON,
    "DELETE /v1/keys/{key_id}": _IN_PERSON,
    "POST /v1/markets/{market_id}/keys": _OWNER,
    "GET /v1/markets/{market_id}/keys": _OWNER,
    # what markets charge beyond prices
    "GET /v1/markets/{market_id}/taxes": _PUBLIC,
    "GET /v1/markets/{market_id}/taxes/{country}": _PUBLIC,
    "PUT /v1/markets/{market_id}/taxes/{country}": _CHARGES,
    "DELETE /v1/markets/{market_id}/taxes/{country}": _CHARGES,
    "GET /v1/markets/{market_id}/tax-report": _ACCOUNTS,
    "GET /v1/markets/{market_id}/tax-report.csv": _ACCOUNTS,
    "GET /v1/markets/{market_id}/shipping-methods": _PUBLIC,
    "GET /v1/markets/{market_id}/shipping-methods/{method_id}": _PUBLIC,
    "POST /v1/markets/{market_id}/shipping-methods": _CHARGES,
    "PATCH /v1/markets/{market_id}/shipping-methods/{method_id}": _CHARGES,
    "DELETE /v1/markets/{market_id}/shipping-methods/{method_id}": _CHARGES,
    # products
    "POST /v1/markets/{market_id}/products": _SELLS,
    "GET /v1/markets/{market_id}/products": _of(Who.ANYONE, scope=Scope.PRODUCTS_READ),
    "GET /v1/products": _PUBLIC,
    "GET /v1/products/{product_id}": _of(Who.ANYONE, scope=Scope.PRODUCTS_READ),
    "PATCH /v1/products/{product_id}": _SELLS,
    "GET /v1/products/{product_id}/translations": _of(Who.ANYONE, scope=Scope.PRODUCTS_READ),
    "GET /v1/products/{product_id}/translations/{language}": _of(Who.ANYONE, scope=Scope.PRODUCTS_READ),
    "PUT /v1/products/{product_id}/translations/{language}": _SELLS,
    "DELETE /v1/products/{product_id}/translations/{language}": _SELLS,
    "GET /v1/contracts": _PUBLIC,
    "GET /v1/currencies": _PUBLIC,
    "GET /v1/currencies/fiat": _PUBLIC,
    # orders
    "POST /v1/orders": _of(Who.ACCOUNT, scope=Scope.ORDERS_WRITE),
    "POST /v1/orders/preview": _PUBLIC,
    "GET /v1/orders": _of(Who.ACCOUNT, scope=Scope.ORDERS_READ),
    "GET /v1/markets/{market_id}/orders": _of(*OF_MARKET, scope=Scope.ORDERS_READ),
    "GET /v1/disputes": _of(Who.ARBITER, scope=Scope.ORDERS_READ),
    "GET /v1/orders/{order_id}": _of(*OF_MARKET, *OF_ORDER, Who.ARBITER, scope=Scope.ORDERS_READ),
    "POST /v1/orders/{order_id}/cancel": _BUYER,
    "POST /v1/orders/{order_id}/fund": _BUYER,
    "POST /v1/orders/{order_id}/confirm": _BUYER,
    "POST /v1/orders/{order_id}/ship": _of(Who.OWNER, Who.MANAGER, Who.STAFF, scope=Scope.ORDERS_WRITE),
    "POST /v1/orders/{order_id}/refund": _REFUNDS,
    "POST /v1/orders/{order_id}/dispute": _DISPUTANTS,
    "POST /v1/orders/{order_id}/evidence": _DISPUTANTS,
    "POST /v1/orders/{order_id}/rule": _of(Who.JUDGE, scope=Scope.ORDERS_WRITE),
    "POST /v1/orders/{order_id}/refund-expired": _BY_TIME,
    "POST /v1/orders/{order_id}/release-expired": _BY_TIME,
    "POST /v1/orders/{order_id}/rule-expired": _BY_TIME,
    "POST /v1/orders/{order_id}/finish-ruling": _BY_TIME,
    "POST /v1/orders/{order_id}/fund-permit": _BUYER,
    "POST /v1/orders/{order_id}/release-part": _BUYER,
    "POST /v1/orders/{order_id}/refund-part": _of(Who.OWNER, Who.MANAGER, scope=Scope.ORDERS_WRITE),
    "POST /v1/orders/{order_id}/offer-settlement": _DISPUTANTS,
    "POST /v1/orders/{order_id}/withdraw-settlement": _DISPUTANTS,
    "POST /v1/orders/{order_id}/accept-settlement": _DISPUTANTS,
    "POST /v1/orders/{order_id}/appeal": _DISPUTANTS,
    "POST /v1/orders/{order_id}/releases/prepare": _BUYER,
    "POST /v1/orders/{order_id}/releases": _BUYER,
    "POST /v1/orders/{order_id}/releases/{digest}/relay": _BY_TIME,
    "POST /v1/orders/{order_id}/releases/{digest}/void": _BUYER,
    "POST /v1/orders/{order_id}/pay": _BUYER,
    "POST /v1/orders/{order_id}/payments/{payment_id}/check": _BUYER,
    "POST /v1/orders/{order_id}/payments/{payment_id}/checkout": _BUYER,
    "GET /v1/orders/{order_id}/payments/{payment_id}/qr.svg": _of(Who.BUYER, scope=Scope.ORDERS_READ),
    "GET /v1/gateways": _PUBLIC,
    "POST /v1/gateways/callbacks/{gateway}": _PUBLIC,
    "GET /v1/orders/{order_id}/payments": _of(*OF_MARKET, *OF_ORDER, Who.ARBITER, scope=Scope.ORDERS_READ),
    "POST /v1/orders/{order_id}/refunds": _REFUNDS,
    "GET /v1/escrow-conditions": _PUBLIC,
    "GET /v1/escrows/{escrow_id}": _PUBLIC,
    # content
    "POST /v1/media": _CONTENT,
    "POST /v1/metadata": _CONTENT,
    "GET /ipfs/{cid}": _PUBLIC,
    "HEAD /ipfs/{cid}": _PUBLIC,
    # NFTs: who may what is the contracts' word, by the wallet
    "POST /v1/collections": _COLLECTIONS,
    "GET /v1/collections": _PUBLIC,
    "GET /v1/collections/{address}": _PUBLIC,
    "POST /v1/collections/{address}/mint": _COLLECTIONS,
    "GET /v1/collections/{address}/tokens": _PUBLIC,
    "GET /v1/collections/{address}/tokens/{token_id}": _PUBLIC,
    "GET /v1/collections/{address}/tokens/{token_id}/transfers": _PUBLIC,
    "GET /v1/wallets/{address}/tokens": _PUBLIC,
    "GET /v1/wallets/{address}/credits": _PUBLIC,
    "POST /v1/credits/withdraw": _LISTINGS,
    "GET /v1/sales": _PUBLIC,
    "GET /v1/foreign-contracts": _PUBLIC,
    "GET /v1/foreign-contracts/{address}/transfers": _PUBLIC,
    "GET /v1/wallets/{address}/foreign-tokens": _PUBLIC,
    "POST /v1/listings/prepare": _LISTINGS,
    "POST /v1/listings": _LISTINGS,
    "GET /v1/listings": _PUBLIC,
    "GET /v1/listings/{digest}": _PUBLIC,
    "POST /v1/listings/{digest}/buy": _LISTINGS,
    "POST /v1/listings/{digest}/cancel": _LISTINGS,
    "POST /v1/listings/cancel-all": _LISTINGS,
    "POST /v1/quotes/prepare": _LISTINGS,
    "POST /v1/quotes": _LISTINGS,
    "GET /v1/quotes": _PUBLIC,
    "GET /v1/quotes/{digest}": _PUBLIC,
    "POST /v1/quotes/{digest}/take": _LISTINGS,
    "POST /v1/quotes/{digest}/cancel": _LISTINGS,
    "POST /v1/quotes/cancel-group": _LISTINGS,
    "POST /v1/sweeps": _LISTINGS,
    "POST /v1/auctions": _LISTINGS,
    "GET /v1/auctions": _PUBLIC,
    "GET /v1/auctions/{auction_id}": _PUBLIC,
    "GET /v1/auctions/{auction_id}/bids": _PUBLIC,
    "POST /v1/auctions/{auction_id}/bids": _LISTINGS,
    "POST /v1/auctions/{auction_id}/settle": _LISTINGS,
    "POST /v1/auctions/{auction_id}/cancel": _LISTINGS,
    "POST /v1/auctions/{auction_id}/reclaim": _LISTINGS,
    # the DAO: likewise
    "GET /v1/governance": _PUBLIC,
    "GET /v1/delegates": _PUBLIC,
    "GET /v1/delegates/{address}": _PUBLIC,
    "POST /v1/delegations": _VOTES,
    "POST /v1/proposals": _VOTES,
    "GET /v1/proposals": _PUBLIC,
    "GET /v1/proposals/{proposal_id}": _PUBLIC,
    "GET /v1/proposals/{proposal_id}/votes": _PUBLIC,
    "POST /v1/proposals/{proposal_id}/votes": _VOTES,
    "POST /v1/proposals/{proposal_id}/ballots/prepare": _VOTES,
    "POST /v1/proposals/{proposal_id}/ballots": _VOTES,
    "GET /v1/proposals/{proposal_id}/ballots": _PUBLIC,
    "POST /v1/proposals/{proposal_id}/ballots/{digest}/cast": _VOTES,
    "POST /v1/proposals/{proposal_id}/queue": _VOTES,
    "POST /v1/proposals/{proposal_id}/execute": _VOTES,
    "POST /v1/proposals/{proposal_id}/cancel": _VOTES,
    # transactions
    "POST /v1/transactions": _of(Who.ACCOUNT, scope=Scope.TRANSACTIONS_WRITE),
    "GET /v1/transactions/{hash}": _of(Who.ACCOUNT, scope=Scope.TRANSACTIONS_READ),
}
