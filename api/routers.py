"""Every router of the edge: a new one is a line here."""

from fastapi import APIRouter

from api import docs_page, health
from api.v1 import (
    account,
    collection,
    currency,
    delegate,
    escrow,
    foreign,
    governance,
    identity,
    listing,
    market,
    media,
    order,
    phone,
    product,
    proposal,
    sale,
    session,
    step_up,
    token,
    transaction,
    wallet,
)

ROUTERS: tuple[APIRouter, ...] = (
    health.router,
    docs_page.router,
    identity.router,
    session.router,
    account.router,
    phone.router,
    step_up.router,
    governance.router,
    delegate.router,
    proposal.router,
    market.router,
    product.router,
    currency.router,
    order.router,
    escrow.router,
    media.router,
    collection.router,
    token.router,
    sale.router,
    wallet.router,
    foreign.router,
    listing.router,
    transaction.router,
)
