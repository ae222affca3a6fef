"""Fuzzes a running node by its own OpenAPI document: schemathesis, once for each kind of caller.

Judged is that no answer is a 5xx, that each has a documented status and media type, and that its body fits
the schema. Path parameters are mostly those of things that exist (`fuzz_hooks`), so that requests get past
the 404. Raise the node's rates first (`ASOUD_READS_PER_MINUTE`, ...), or many answers are a 429.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from eth_account.signers.local import LocalAccount

from scripts.demo_acts.node import Node, Refusal
from scripts.demo_acts.person import Person, dev_account, stranger
from scripts.fuzz_hooks import KNOWN_FILE

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
# They would end the session that the rest is asked in.
SIGN_OUT = ("DELETE /v1/sessions", "DELETE /v1/sessions/{session_id}")
# Where the values of path parameters are found: a list, and a field of its items.
LISTS = {
    "market_id": ("/v1/markets", "id"),
    "market": ("/v1/markets", "slug"),
    "product_id": ("/v1/products", "id"),
    "order_id": ("/v1/orders", "id"),
    "digest": ("/v1/listings", "digest"),
    "proposal_id": ("/v1/proposals", "id"),
    "address": ("/v1/collections", "address"),
}
PATIENCE_S = 20
# The persons of the demo, by their wallets; None does not sign in.
CALLERS: dict[str, Callable[[], LocalAccount] | None] = {
    "a merchant": lambda: dev_account(1),
    "nobody": None,
    "a buyer": lambda: dev_account(2),
    "a stranger": stranger,
}


def known_values(person: Person) -> dict[str, list[str]]:
    """Values of path parameters that name something."""
    found = {"token_id": ["1", "2"]}
    for name, (path, field) in LISTS.items():
        try:
            items = person.get(f"{path}?limit=20")["items"]
        except Refusal:
            continue
        found[name] = [str(item[field]) for item in items if item.get(field) is not None]
    return {name: values for name, values in found.items() if values}


def fuzz(node: Node, name: str, person: Person, known_file: Path, options: argparse.Namespace) -> bool:
    """True when nothing was found."""
    print(f"fuzz: as {name}", flush=True)
    command = [str(Path(sys.executable).with_name("schemathesis")), "run", f"{node.url}/openapi.json"]
    command += ["--url", node.url, "--checks", ",".join(CHECKS), "--max-examples", str(options.examples)]
    command += ["--seed", str(options.seed), "--phases", options.phases, "--workers", "1"]
    command += ["--request-timeout", str(PATIENCE_S), "--warnings", "off", "--continue-on-failure"]
    command += ["--suppress-health-check", "all", "--no-color"]
    if person.token is not None:
        command += ["--header", f"Authorization: Bearer {person.token}"]
        for operation in SIGN_OUT:
            command += ["--exclude-name", operation]
    environment = os.environ | {"SCHEMATHESIS_HOOKS": "scripts.fuzz_hooks", KNOWN_FILE: str(known_file)}
    return subprocess.run(command, env=environment, check=False).returncode == 0


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--examples", type=int, default=20, help="for each operation and caller")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--callers", type=int, default=len(CALLERS), help="the first so many of them")
    parser.add_argument("--phases", default="examples,coverage,fuzzing")
    options = parser.parse_args()
    node = Node(os.environ.get("ASOUD_API", "http://127.0.0.1:8000"))
    clean = True
    for name, account in list(CALLERS.items())[: options.callers]:
        person = Person(node, account() if account else stranger(), name)
        if account is not None:
            person.sign_in()
        known_file = Path(os.environ.get("TMPDIR", "/tmp")) / f"asoud-fuzz-{os.getpid()}.json"  # noqa: S108
        known_file.write_text(json.dumps(known_values(person)))
        try:
            clean = fuzz(node, name, person, known_file, options) and clean
        finally:
            known_file.unlink()
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(main())
