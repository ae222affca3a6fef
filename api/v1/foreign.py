"""Tokens of other people's contracts that this node reads: who holds what, and how it moved."""

import datetime as dt
from typing import Literal

from pydantic import Field
from starlette.responses import Response

from api.access import TheServices
from api.chain_params import chain_params, raw
from api.routing import edge_router
from api.schemas import AddressString, HashString, Output, Page, UintOut
from api.views import ThePage, Views
from node.services.foreign import queries

router = edge_router("foreign")


class ForeignContractOut(Output):
    """What it says of itself may be missing, or not true.

    Before it is `live` the past is still being read, and holdings are those of the past. `from_birth` false:
    what it did before `from_block` is missing for good; null: nobody knows.
    """

    address: AddressString
    standard: Literal["erc20", "erc721", "erc1155", "abi"]
    state: Literal["backfilling", "live"]
    name: str | None = Field(examples=["Tether USD"])
    symbol: str | None = Field(examples=["USDT"])
    decimals: int | None = Field(examples=[6])
    from_block: int
    from_birth: bool | None


class ForeignTransferOut(Output):
    """`from` is null for a mint, `to` for a burn; `item` is the place in a batch."""

    from_: AddressString | None = Field(alias="from")
    to: AddressString | None
    token_id: UintOut | None = Field(description="null for an ERC-20")
    amount: UintOut
    block: int
    log_index: int
    item: int
    tx_hash: HashString
    at: dt.datetime


class ForeignHoldingOut(Output):
    """As the contract's events add up: a token that takes fees or lies may pay out something else."""

    contract: ForeignContractOut
    token_id: UintOut | None = Field(description="null for an ERC-20")
    amount: str = Field(examples=["2500000"], description="In the smallest unit, as a decimal string")


@router.get("/v1/foreign-contracts", response_model=Page[ForeignContractOut])
async def list_contracts(views: Views, page: ThePage, services: TheServices) -> Response:
    """All that are read, by address."""
    return await views.page(queries.CONTRACTS, chain_params(services), page)


@router.get("/v1/foreign-contracts/{address}/transfers", response_model=Page[ForeignTransferOut])
async def list_foreign_transfers(
    address: AddressString, views: Views, page: ThePage, services: TheServices
) -> Response:
    """Every transfer of a contract, newest first."""
    return await views.page(queries.TRANSFERS, {**chain_params(services), "contract": raw(address)}, page)


@router.get("/v1/wallets/{address}/foreign-tokens", response_model=Page[ForeignHoldingOut])
async def list_holdings(
    address: AddressString, views: Views, page: ThePage, services: TheServices
) -> Response:
    """What the wallet holds of them, by contract and token."""
    return await views.page(queries.HOLDINGS, {**chain_params(services), "wallet": raw(address)}, page)
