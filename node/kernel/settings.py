"""Every setting of a node, from the environment, prefix `ASOUD_`. `docs/settings.md` is written from here.

Only entrypoints and `node.bootstrap` read this object; everything below takes what it uses by argument.
"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from node.kernel import chain_settings
from node.kernel.chain_settings import ChainSettings, FurtherChain, read_chains
from node.kernel.errors import NotFound

DEV_CHAIN_ID = chain_settings.DEV_CHAIN_ID

# In cents; about 1,000 euros without a second proof, 5,000 at once.
_EURO: Final = {"step_up": 100_000, "operation": 500_000, "day": 1_000_000, "month": 5_000_000}
_OF_EURO: Final = {
    "EUR": 1,
    "USD": 1,
    "GBP": 1,
    "AED": 4,
    "SAR": 4,
    "QAR": 4,
    "TRY": 50,
    "AZN": 2,
    "KWD": 3,
    "BHD": 4,
}
SPENDING_LIMITS: Final = {
    f"iso4217:{code}": {name: value * times for name, value in _EURO.items()}
    for code, times in _OF_EURO.items()
}


class LogFormat(StrEnum):
    CONSOLE = "console"
    JSON = "json"


class Settings(ChainSettings, BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix="ASOUD_", extra="ignore", frozen=True, hide_input_in_errors=True
    )

    data_dir: Path = Field(
        Path(".asoud"), description="Folder of the embedded parts, content and deployments."
    )
    log_format: LogFormat = Field(LogFormat.JSON, description="`json` for machines, `console` for people.")
    log_level: str = Field("INFO", description="Lowest level that is logged.")

    database_url: SecretStr = Field(
        SecretStr("postgresql://asoud_app@127.0.0.1:15432/asoud"),
        description="Postgres, as the role of the app: no DDL, no UPDATE or DELETE on append-only tables.",
    )
    database_owner_url: SecretStr | None = Field(
        None,
        description="Postgres, as the role that owns the tables. Only `asoud migrate` uses it.",
    )
    database_pool_size: int = Field(
        20,
        ge=1,
        le=200,
        description="Connections of the command path, per process; also its threads.",
    )
    query_pool_size: int = Field(8, ge=1, le=200, description="Connections of the query path, per process.")
    redis_url: SecretStr = Field(
        SecretStr("redis://127.0.0.1:16379/0"), description="Redis or Valkey: limits, cache."
    )
    broker_url: SecretStr = Field(
        SecretStr("redis://127.0.0.1:16379/1"),
        description="Celery's broker. Never a Redis Cluster.",
    )

    chains: Annotated[tuple[FurtherChain, ...], NoDecode] = Field(
        (),
        description="Further chains that are indexed, as JSON or the path of a file of it: a list of objects"
        " with the settings of a chain by their names in lower case, without `ASOUD_`; `chain_id` and"
        " `rpc_url` must be there.",
    )
    keystore_path: Path | None = Field(
        None,
        description="Encrypted keystore (scrypt JSON) of the deployer; 31337 uses the well-known dev key.",
    )
    keystore_password_file: Path | None = Field(None, description="File that holds the keystore's password.")
    treasury_keystore_path: Path | None = Field(
        None,
        description="Encrypted keystore (scrypt JSON) of the node's money on its chain: deposits are swept"
        " there and withdrawals paid from it. Without one there are neither; 31337 has a well-known key.",
    )
    treasury_keystore_password_file: Path | None = Field(
        None, description="File that holds that keystore's password."
    )
    treasury_max_fee_wei: int = Field(
        500 * 10**9,
        ge=1,
        description="The most that a transaction of the node may pay for a gas, in wei.",
    )
    treasury_stuck_s: float = Field(
        120,
        gt=0,
        le=86_400,
        description="How long a transaction of the node waits for a block before it is replaced by one with a"
        " higher fee.",
    )
    sweep_least: dict[str, int] = Field(
        {},
        description="JSON: by asset id, the least that a deposit address must hold to be swept; 1 where"
        " nothing is said.",
    )
    withdrawal_unapproved: dict[str, int] = Field(
        {},
        description="JSON: by asset id, up to which amount a withdrawal, or what an owner's markets are paid"
        " to addresses in a day, goes out without an operator. Where nothing is said one decides on each,"
        " but for 31337.",
    )
    guardians: str = Field(
        "",
        description="Addresses that may pause entries of the contracts at once, comma-separated: wallets of"
        " several people. Needed to deploy on a public chain. On 31337 the ninth dev account when empty.",
    )
    votes_holders: dict[str, int] = Field(
        {},
        description="First holders of the votes token, as JSON (address: smallest units); needed to"
        " deploy on a public chain. On 31337 the dev accounts hold it.",
    )

    api_host: str = Field("127.0.0.1", description="Address that the API binds to.")
    api_port: int = Field(8000, ge=1, le=65535, description="Port of the API.")
    api_workers: int = Field(1, ge=1, le=64, description="Processes of the API.")
    metrics_host: str = Field("127.0.0.1", description="Address of `/metrics`; keep it private.")
    metrics_port: int = Field(9464, ge=1, le=65535, description="Port of `/metrics`.")
    public_url: str = Field(
        "http://localhost:8000",
        description="Where people reach the API; Sign-In with Ethereum takes its domain and URI from here.",
    )
    token_secret: SecretStr | None = Field(
        None,
        description="The node's secret, 32 bytes or more: every key of sign-in comes from it."
        " Without it one is made in the data folder; processes on several machines need the same one.",
    )
    token_secret_before: SecretStr | None = Field(
        None,
        description="What `ASOUD_TOKEN_SECRET` was: its access tokens are read until they run out.",
    )
    token_key_days: int = Field(
        30, ge=2, le=366, description="How long one key signs access tokens; then the next one does."
    )
    access_token_minutes: int = Field(15, ge=1, le=24 * 60, description="Life of an access token.")
    refresh_token_days: int = Field(
        30, ge=1, le=366, description="How long a device may stay away and still be signed in."
    )
    session_days: int = Field(
        180, ge=1, le=3660, description="Life of a session; then the device signs in again."
    )
    fresh_sign_in_minutes: int = Field(
        15, ge=1, le=24 * 60, description="How new a sign-in must be to give an account its second proof."
    )
    step_up_minutes: int = Field(
        15, ge=1, le=24 * 60, description="How long a second proof holds, for the session that gave it."
    )
    withdrawal_cool_down_hours: int = Field(
        24,
        ge=0,
        le=14 * 24,
        description="How long nothing is withdrawn after a sign-in on a new device, a new phone or wallet,"
        " and no market is paid to a new address.",
    )
    recovery_hours: int = Field(
        72,
        ge=1,
        le=60 * 24,
        description="How long the other identities of an account can object before a lost one is taken away.",
    )
    data_secret: SecretStr | None = Field(
        None,
        description="What the secrets of authenticator apps are encrypted with, 32 bytes or more; by default"
        " `ASOUD_TOKEN_SECRET`. Set it to the old one before you change that: it must stay.",
    )
    trusted_proxies: str = Field(
        "",
        description="Networks of the reverse proxies in front of the API, comma-separated (CIDR): their"
        " `X-Forwarded-For` is believed, nobody else's.",
    )
    siwe_nonce_minutes: int = Field(10, ge=1, le=60, description="Life of a sign-in nonce.")
    sign_in_per_minute: int = Field(
        120,
        ge=1,
        description="Requests to sign in, refresh or link that one network address (IPv6: /64) may make in"
        " a minute.",
    )
    key_per_minute: int = Field(
        600, ge=1, description="The most requests that an API key may make in a minute."
    )
    sms_adapters: str = Field(
        "",
        description="Carriers of text messages in the order to try them, comma-separated: `console` (a file"
        " in the data folder), `http`, `twilio`. On 31337 `console` when empty; elsewhere phones then can't"
        " sign in.",
    )
    sms_options: dict[str, SecretStr] = Field(
        {}, description="What the carriers need, as JSON: `http.url`, `twilio.account_sid` and so on."
    )
    sms_price: int = Field(1, ge=0, description="What a message costs, in the unit of the ceiling.")
    sms_spend_per_day: int = Field(
        1_000, ge=0, description="What messages may cost in a day (UTC); then no more are sent."
    )
    phone_countries: str = Field(
        "AE,AZ,BH,DE,IQ,IR,JO,KW,OM,QA,SA,TR",
        description="Countries (ISO 3166-1) whose phones get codes, comma-separated.",
    )
    phone_codes_per_phone_day: int = Field(10, ge=1, description="Codes that one phone gets in a day (UTC).")
    phone_codes_per_range_hour: int = Field(
        20, ge=1, description="Codes an hour for numbers that differ in their last four digits only."
    )
    phone_codes_per_address_hour: int = Field(
        30, ge=1, description="Codes an hour that one network address (IPv6: /64) may ask for."
    )
    phone_codes_per_network_hour: int = Field(
        200, ge=1, description="Codes an hour that one network (IPv4: /24, IPv6: /48) may ask for."
    )
    sms_notices_per_day: int = Field(
        500, ge=0, description="Messages in a day (UTC) that tell people of money that came."
    )
    handle_change_days: int = Field(90, ge=0, le=3660, description="How long a handle stays before another.")
    transfer_fee_bps: int = Field(
        0, ge=0, le=1000, description="What a transfer between wallets costs its sender, in ten-thousandths."
    )
    transfer_quote_minutes: int = Field(
        15, ge=1, le=24 * 60, description="How long a transfer that was prepared can be confirmed."
    )
    transfer_claim_days: int = Field(
        14, ge=1, le=366, description="How long money waits for somebody to sign in by its phone."
    )
    money_request_link: str = Field(
        "",
        description="What codes of requests for money are put behind, in links and QR codes: an address of"
        " your own site. Without it, that of the API.",
    )
    spending_limits: dict[str, dict[str, Annotated[int, Field(ge=0)]]] = Field(
        SPENDING_LIMITS,
        description="What may leave a wallet, as JSON by asset, in its smallest unit: `operation`, `day`,"
        " `month`, and `step_up`, above which an operation needs a second proof. Assets that are not named"
        " have no bound.",
    )
    limit_raise_hours: int = Field(
        24, ge=0, le=30 * 24, description="How long a raised limit of one's own waits without a second proof."
    )
    rate_sources: str = Field(
        "",
        description="Sources of exchange rates, comma-separated: `file`, `http`. Without one nothing is"
        " exchanged.",
    )
    rate_options: dict[str, SecretStr] = Field(
        {}, description="What the sources need, as JSON: `file.path`, `http.url`, `http.authorization`."
    )
    rate_reference: str = Field(
        "USD", pattern="^[A-Z]{3}$", description="The currency (ISO 4217) that rates are told in."
    )
    rate_stale_minutes: int = Field(60, ge=1, le=7 * 24 * 60, description="How old a rate may be.")
    exchange_spread_bps: int = Field(
        100, ge=0, le=5_000, description="What an exchange costs, in ten-thousandths of what it brings."
    )
    exchange_quote_seconds: int = Field(
        60, ge=5, le=3600, description="How long both amounts of an exchange hold."
    )
    exchange_short_max: dict[str, int] = Field(
        {},
        description="How far the node goes below nothing by exchanges, as JSON: smallest units by id of the"
        " asset (`iso4217:EUR`); 0 gives only what it took. An asset that is not named has no bound.",
    )
    payout_reserve_bps: int = Field(
        1_000,
        ge=0,
        le=10_000,
        description="What a market keeps for refunds of what came in lately, in ten-thousandths.",
    )
    payout_reserve_days: int = Field(14, ge=0, le=366, description="How long a market keeps it.")
    upload_bytes_max: int = Field(10 * 2**20, ge=1, description="Largest file that the content store takes.")
    body_bytes_max: int = Field(256 * 2**10, ge=1024, description="Largest body of any other request.")
    reads_per_minute: int = Field(
        3_000, ge=1, description="Reads that one caller (an account, else an address) may make in a minute."
    )
    writes_per_minute: int = Field(
        300, ge=1, description="Requests that change something, by one caller in a minute."
    )
    uploads_per_minute: int = Field(60, ge=1, description="Files that one caller may upload in a minute.")
    cors_origins: str = Field(
        "",
        description="Sites whose pages may call the API from a browser, comma separated: origins like"
        " `https://shop.example`.",
    )
    relay_per_minute: int = Field(
        60, ge=1, description="Signed transactions that one caller may relay in a minute."
    )

    content_store: str = Field(
        "local", pattern="^(local|kubo)$", description="`local`, or `kubo` at `ASOUD_KUBO_URL`."
    )
    kubo_url: str = Field("http://127.0.0.1:5001", description="RPC API of a Kubo node.")

    arbiters: str = Field(
        "",
        description="Addresses of the arbiters that markets may name, comma-separated; the first is the "
        "default. On 31337 the tenth dev account when empty; elsewhere markets open only when it is set.",
    )
    escrow_fee_bps: int = Field(
        250, ge=0, le=1000, description="The platform's part of what a seller gets, in ten-thousandths."
    )
    ship_within_s: int = Field(
        7 * 24 * 3600, ge=1, le=365 * 24 * 3600, description="Default of markets: time to ship a paid order."
    )
    inspection_s: int = Field(
        7 * 24 * 3600, ge=1, le=365 * 24 * 3600, description="Default of markets: time to dispute a shipment."
    )
    ruling_s: int = Field(
        14 * 24 * 3600, ge=1, le=365 * 24 * 3600, description="Default of markets: time of the arbiter."
    )
    appeal_window_s: int = Field(
        3 * 24 * 3600,
        ge=1,
        le=365 * 24 * 3600,
        description="Time to appeal to the DAO against a ruling, in orders that allow it.",
    )
    court_time_s: int = Field(
        30 * 24 * 3600,
        ge=1,
        le=365 * 24 * 3600,
        description="Time of the DAO to judge an appeal: more than its voting and its timelock together.",
    )
    silence_seller_bps: int = Field(
        5_000,
        ge=0,
        le=10_000,
        description="Default of markets: the seller's part when the arbiter is silent.",
    )
    window_s_min: int | None = Field(
        None,
        ge=1,
        le=365 * 24 * 3600,
        description="Shortest window that a market may set; by default an hour, on 31337 a second.",
    )
    gateways: str = Field(
        "",
        description="Gateways for currencies of ISO 4217, the best one first, comma-separated: `stripe`,"
        " `sandbox` (for development). Without one those are paid from balances alone.",
    )
    gateway_options: dict[str, SecretStr] = Field(
        {},
        description="What the gateways need, as JSON: `stripe.secret_key` and so on. `<gateway>.countries`"
        " and `<gateway>.currencies` say where one is offered, comma-separated; else everywhere.",
    )
    market_debt_max: dict[str, int] = Field(
        {},
        description="How far a market may owe after refunds, as JSON: smallest units by currency code. A"
        " currency that is not named has no limit: a refund never takes more than was paid out.",
    )
    deposit_tolerance_bps: int = Field(
        0,
        ge=0,
        le=1_000,
        description="By how much of its amount, in basis points, deposits for an order may fall short and pay"
        " it all the same: the node adds what is missing.",
    )
    deposit_tolerance: dict[str, int] = Field(
        {},
        description="JSON: by asset id, the same in smallest units. The greater of the two counts.",
    )
    order_unfunded_minutes: int = Field(
        30,
        ge=1,
        le=7 * 24 * 60,
        description="How long an order holds its stock while it waits for the money.",
    )

    @field_validator("chains", mode="before")
    @classmethod
    def _read_chains(cls, raw: object) -> object:
        return read_chains(raw) if isinstance(raw, str) else raw

    @model_validator(mode="after")
    def _chains_differ(self) -> Self:
        ids = self.chain_ids
        if len(set(ids)) < len(ids):
            msg = "ASOUD_CHAINS names a chain twice, or that of ASOUD_CHAIN_ID"
            raise ValueError(msg)
        return self

    @property
    def chain_ids(self) -> tuple[int, ...]:
        """The node's own chain first."""
        return (self.chain_id, *(chain.chain_id for chain in self.chains))

    def for_chain(self, chain_id: int) -> Self:
        """The same settings with that chain in the place of the node's own. Raises `NotFound`."""
        if chain_id == self.chain_id:
            return self
        for place, chain in enumerate(self.chains, start=1):
            if chain.chain_id == chain_id:
                own = {name: getattr(chain, name) for name in ChainSettings.model_fields}
                if "indexer_metrics_port" not in chain.model_fields_set and self.indexer_metrics_port:
                    own["indexer_metrics_port"] = self.indexer_metrics_port + place
                return self.model_copy(update={**own, "chains": ()})
        raise NotFound("no such chain in the settings", chain_id=chain_id)

    @property
    def deployments_dir(self) -> Path:
        return self.data_dir / "deployments"

    @property
    def content_dir(self) -> Path:
        return self.data_dir / "content"
