"""What a person reads when the node is ready."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from eth_utils.address import to_checksum_address

from node.cli.supervise.anvil import MNEMONIC
from node.cli.supervise.children import Part
from node.cli.supervise.plan import DEV_CHAIN_ID, Plan
from node.cli.supervise.rpc import RpcClient, RpcFailed


async def ready_table(plan: Plan, *, added: Mapping[str, str], parts: Sequence[Part], took_s: float) -> str:
    """`added` are the settings that the supervisor made, on top of the user's own."""
    settings = {**plan.environment, **added}
    rows = [*_addresses(plan, settings), *_places(plan, parts)]
    lines = [f"the node is ready ({took_s:.1f} s)", ""]
    lines += [f"  {name:<9} {value}" for name, value in rows]
    lines += await _accounts(_rpc_urls(settings)[0])
    return "\n".join(lines)


def _addresses(plan: Plan, settings: dict[str, str]) -> list[tuple[str, str]]:
    api = plan.api_url
    return [
        ("API", api),
        ("docs", f"{api}/docs"),
        ("health", f"{api}/health/ready"),
        ("metrics", f"http://127.0.0.1:{plan.ports.metrics}/metrics"),
        ("", f"http://127.0.0.1:{plan.ports.indexer_metrics}/metrics (indexer)"),
        ("chain", ", ".join(map(without_key, _rpc_urls(settings)))),
        ("postgres", without_password(settings["ASOUD_DATABASE_URL"])),
        ("redis", without_password(settings["ASOUD_REDIS_URL"])),
    ]


def _places(plan: Plan, parts: Sequence[Part]) -> list[tuple[str, str]]:
    rows = [
        ("data", str(plan.data_dir)),
        ("logs", f"{plan.logs_dir} (scripts/asoud logs)"),
        ("passwords", f"{plan.secrets_dir} (readable by you alone)"),
    ]
    for part in parts:
        place = getattr(part, "place", None)
        if place is not None and not place.folder.is_relative_to(plan.data_dir):
            rows.append(("", f"{place.folder} (Postgres: its account cannot reach the data folder)"))
    return rows


async def _accounts(rpc_url: str) -> list[str]:
    """Only the chain that everybody knows to be a toy shows accounts."""
    rpc = RpcClient(rpc_url)
    try:
        if await rpc.call("eth_chainId") != hex(DEV_CHAIN_ID):
            return []
        accounts = await rpc.call("eth_accounts")
    except RpcFailed:
        return []
    if not isinstance(accounts, list) or not accounts:
        return []
    lines = [
        "",
        "  accounts of the development chain, 10,000 ETH each. Their keys are public: they come",
    ]
    lines += [f'  from the mnemonic "{MNEMONIC}"']
    return lines + [f"    {n}  {to_checksum_address(a)}" for n, a in enumerate(accounts)]


def _rpc_urls(settings: Mapping[str, str]) -> list[str]:
    return [url.strip() for url in settings["ASOUD_RPC_URL"].split(",")]


def without_key(url: str) -> str:
    """Of an RPC server just where it is: paths, queries and user parts hold keys."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}" + ("/..." if parts.path.strip("/") or parts.query else "")


def without_password(url: str) -> str:
    parts = urlsplit(url)
    if parts.password is None:
        return url
    user = f"{parts.username}@" if parts.username else ""
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"{user}{host}").geturl()
