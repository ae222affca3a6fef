"""The settings of one chain: those of the node's own are among `Settings`, further chains have a list.

A list of addresses is comma-separated. Addresses of RPC servers carry keys: they are never shown or logged;
an endpoint is called by its place in the list, `rpc1`, `rpc2` and so on.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

DEV_CHAIN_ID = 31337
NO_WEBSOCKET = "-"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One RPC server. `websocket_url` None: its head is polled alone."""

    name: str
    url: str = field(repr=False)
    websocket_url: str | None = field(repr=False)


class ChainSettings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    chain_id: int = Field(DEV_CHAIN_ID, ge=1, description="EIP-155 id of the chain that this node serves.")
    rpc_url: SecretStr = Field(
        SecretStr("http://127.0.0.1:8545"),
        description="JSON-RPC over HTTP of that chain. Several servers comma-separated: the first that is"
        " well is used, the others stand by and are compared with it.",
    )
    rpc_websocket_url: SecretStr = Field(
        SecretStr(""),
        description="WebSocket of each of those servers, in their order, `-` for none. By default the same"
        " addresses with `ws` for `http`.",
    )
    rpc_per_second: float = Field(
        0.0, ge=0, description="Calls that each of those servers may be asked in a second; 0 for no limit."
    )
    rpc_timeout_s: float = Field(10.0, gt=0, le=120, description="Limit of one JSON-RPC call.")
    rpc_look_s: float = Field(
        5.0, gt=0, le=300, description="How often the indexer looks how each of those servers does."
    )
    rpc_lag_blocks: int = Field(
        5,
        ge=0,
        le=10_000,
        description="Blocks that a server may be behind the others before it is set aside.",
    )
    confirmations: int = Field(
        0,
        ge=0,
        le=10_000,
        description="Blocks on top of a block before it is final; its events then enter the spine.",
    )
    durable_block_file: Path | None = Field(
        None,
        description="Of an embedded chain, set by `scripts/up`: holds the newest block that is on disk;"
        " a later one is not final.",
    )
    undo_blocks: int = Field(
        128,
        ge=1,
        le=100_000,
        description="How many blocks a reorg may undo; never below `ASOUD_CONFIRMATIONS`.",
    )
    poll_interval_s: float = Field(0.5, gt=0, le=60, description="How often the indexer asks for a new head.")
    raw_log_blocks: int | None = Field(
        None,
        ge=0,
        description="Blocks below the newest whose raw logs are kept; older ones go partition by partition,"
        " but for those that views read. Unset keeps all.",
    )
    start_block: int = Field(0, ge=0, description="First block that the indexer reads.")
    own_contracts: bool = Field(
        default=True,
        description="Whether the node's contracts are to stand on that chain; `false` follows it without.",
    )
    native_code: str = Field("ETH", description="What people call the chain's native coin.")
    indexer_metrics_port: int = Field(
        9465,
        ge=0,
        le=65535,
        description="Port of `/metrics` of the indexer; 0 for none. Further chains take the next ones.",
    )

    @field_validator("rpc_url")
    @classmethod
    def _over_http(cls, raw: SecretStr) -> SecretStr:
        if any(urlsplit(url).scheme not in ("http", "https") for url in _listed(raw)) or not _listed(raw):
            msg = "RPC servers are asked over http or https only"
            raise ValueError(msg)
        return raw

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.undo_blocks < self.confirmations:
            msg = "ASOUD_UNDO_BLOCKS must not be below ASOUD_CONFIRMATIONS"
            raise ValueError(msg)
        if len(_listed(self.rpc_websocket_url)) not in (0, len(_listed(self.rpc_url))):
            msg = "ASOUD_RPC_WEBSOCKET_URL names as many servers as ASOUD_RPC_URL, or none"
            raise ValueError(msg)
        return self

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        urls = _listed(self.rpc_url)
        sockets = _listed(self.rpc_websocket_url) or ["ws" + url.removeprefix("http") for url in urls]
        return tuple(
            Endpoint(f"rpc{place}", url, None if socket == NO_WEBSOCKET else socket)
            for place, (url, socket) in enumerate(zip(urls, sockets, strict=True), start=1)
        )


class FurtherChain(ChainSettings):
    """A chain that is indexed beside the node's own."""

    chain_id: int = Field(ge=1)
    rpc_url: SecretStr


def read_chains(raw: str) -> list[object]:
    """What `ASOUD_CHAINS` holds: JSON itself, or the path of a file of it. Raises `ValueError`."""
    text = raw.strip()
    if text and text[0] != "[":
        text = Path(text).read_text()
    chains: object = json.loads(text) if text else []
    if not isinstance(chains, list):
        msg = "ASOUD_CHAINS is a list of chains"
        raise ValueError(msg)  # noqa: TRY004 - pydantic asks for it
    return chains


def _listed(raw: SecretStr) -> list[str]:
    return [item.strip() for item in raw.get_secret_value().split(",") if item.strip()]
