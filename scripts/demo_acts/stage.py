"""Who takes part, and what one act leaves for the next."""

import json
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from scripts.demo_acts.chain import Chain
from scripts.demo_acts.node import Impatient, Node, Refusal, wait_for
from scripts.demo_acts.person import ACCOUNTS, Person, dev_account, stranger
from scripts.demo_acts.transcript import Transcript, Unmet

REPO = Path(__file__).resolve().parents[2]
MERCHANT, BUYER, MEMBER = 1, 2, 5
SOON_S = 15.0  # nothing takes so long while all parts run

T = TypeVar("T")


@dataclass
class Stage:
    """`run` is in every name that has to be new; `facts` is the memory between acts."""

    node: Node
    chain: Chain
    transcript: Transcript
    merchant: Person
    buyer: Person
    member: Person
    stranger: Person
    run: str
    outbox: Path | None
    """Where the development carrier leaves text messages; None of a node that runs elsewhere."""
    facts: dict[str, Any] = field(default_factory=dict)

    def arbiter(self) -> Person:
        """Whoever the node names, among the development accounts."""
        wanted = self.node.get("/v1/escrow-conditions")["arbiters"][0]
        for number in range(ACCOUNTS):
            account = dev_account(number)
            if account.address.lower() == wanted:
                return Person(self.node, account, "arbiter")
        raise Unmet(f"the node's arbiter {wanted} is not a development account")

    def wait_for(self, what: str, look: Callable[[], T], good: Callable[[T], bool]) -> T:
        """Looks until it is good; when that takes long, sends again what a killed chain may have lost."""
        try:
            return wait_for(what, look, good, within_s=SOON_S)
        except Impatient:
            for person in (
                self.merchant,
                self.buyer,
                self.member,
                *filter(None, [self.facts.get("arbiter")]),
            ):
                person.send_lost_ones_again()
        return wait_for(what, look, good)

    def refused(self, name: str, code: str, what: Callable[[], object]) -> None:
        """Checks that it is refused for the right reason."""
        try:
            what()
        except Refusal as refusal:
            self.transcript.equal(name, refusal.code, code)
        else:
            self.transcript.check(name, ok=False, detail="it was not refused")


def set_up(environment: Mapping[str, str]) -> Stage:
    """Finds the running node. Raises `Unmet` when there is none."""
    kept = _kept_settings(environment)
    api = environment.get("ASOUD_API") or f"http://127.0.0.1:{kept.get('ASOUD_API_PORT', '8000')}"
    rpc = environment.get("ASOUD_RPC_URL") or kept.get("ASOUD_RPC_URL", "http://127.0.0.1:8545")
    node = Node(api)
    return Stage(
        node=node,
        chain=Chain(rpc),
        transcript=Transcript(),
        merchant=Person(node, dev_account(MERCHANT), "merchant"),
        buyer=Person(node, dev_account(BUYER), "buyer"),
        member=Person(node, dev_account(MEMBER), "DAO member"),
        stranger=Person(node, stranger(), "stranger"),
        run=secrets.token_hex(4),
        outbox=None if environment.get("ASOUD_API") else _folder(environment) / "outbox" / "sms.jsonl",
    )


def _folder(environment: Mapping[str, str]) -> Path:
    return Path(environment.get("ASOUD_DATA_DIR") or REPO / ".asoud")


def _kept_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """What `scripts/up` wrote down, so that other commands find the node."""
    try:
        kept: dict[str, str] = json.loads((_folder(environment) / "secrets" / "environment.json").read_text())
    except FileNotFoundError:
        return {}
    return kept


def current_environment() -> Mapping[str, str]:
    return os.environ
