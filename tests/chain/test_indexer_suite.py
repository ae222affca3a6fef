"""The rest of the suite in the tables: auctions, payments, editions, vouchers, rewards, roles."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import sql

from node.kernel.hexes import ZERO_ADDRESS
from node.kernel.settings import Settings
from tests.chain_life import PRICE, Life
from tests.indexed import (
    TABLES,
    assert_same,
    differences,
    fresh_tables,
    index,
    settings_of,
    tables_of,
)
from tests.stack import Addresses, DatabaseUrls, cloned_database
from tests.suite_life import GUARDIAN, ROLES, STUBBORN, SuiteLife

pytestmark = [pytest.mark.chain, pytest.mark.pg]

PLANTED: list[tuple[LiteralString, set[str]]] = [
    ("UPDATE chain.auction SET state = 'live' WHERE state = 'open'", {"auction"}),
    ("UPDATE chain.auction SET amount = amount + 1 WHERE state = 'settled'", {"auction"}),
    ("UPDATE chain.auction SET ends_at = ends_at + interval '1 s' WHERE state = 'live'", {"auction"}),
    ("UPDATE chain.payment SET invoice_hash = decode(repeat('11', 32), 'hex')", {"payment"}),
    ("UPDATE chain.deposit_sweep SET forwarder = decode(repeat('11', 20), 'hex')", {"deposit"}),
    ("UPDATE chain.edition SET max_units = max_units + 1", {"edition"}),
    ("UPDATE chain.edition SET uri = 'ipfs://else'", {"edition.uri"}),
    ("UPDATE chain.holding SET units = units - 1 WHERE units = 2", {"holding"}),
    ("UPDATE chain.holding SET units = units + 100 WHERE units = 2", {"holding", "edition.held"}),
    ("DELETE FROM chain.edition WHERE token_id = 2", {"collection.tokens"}),
    ("UPDATE chain.token_royalty SET bps = bps + 1", {"token.royalty"}),
    ("UPDATE chain.staff SET roles = roles + 1", {"staff"}),
    ("UPDATE chain.voucher SET nonce = nonce + 1000", {"voucher"}),
    ("UPDATE chain.reward_epoch SET left_over = left_over + 1", {"reward_epoch"}),
    ("UPDATE chain.reward_claim SET account = decode(repeat('11', 20), 'hex')", {"reward_claim"}),
    ("UPDATE chain.gate SET paused = NOT paused", {"gate"}),
    ("UPDATE chain.role_member SET member = NOT member", {"role_member"}),
    ("UPDATE chain.role_member SET delay_s = delay_s + 1", {"role_member"}),
    ("UPDATE chain.role_function SET role = role + 1", {"role_function"}),
    (
        "UPDATE chain.governor SET proposal_guardian = decode(repeat('11', 20), 'hex')",
        {"governor.guardian"},
    ),
]


@dataclass(frozen=True)
class Told:
    """A suite that was lived through, and a database that was told of it."""

    life: SuiteLife
    settings: Settings
    database: DatabaseUrls

    def rows(self, table: str) -> list[dict[str, Any]]:
        return [json.loads(row) for row in tables_of(self.database)[table]]


@pytest.fixture(scope="module")
def told(anvil: str, addresses: Addresses, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    data_dir: Path = tmp_path_factory.mktemp("suite")
    life = SuiteLife(Life.begin(anvil, data_dir))
    life.everything()
    with cloned_database(addresses, "told_suite") as database:
        settings = settings_of(anvil, data_dir, database)
        index(settings)
        yield Told(life, settings, database)


def pg(address: str) -> str:
    return "\\x" + address[2:]


def test_every_log_is_understood_and_every_row_agrees_with_its_contract(told: Told) -> None:
    assert [row for row in told.rows("log") if row["error"]] == []
    assert differences(told.settings) == []


def test_one_difference_of_each_kind_is_found(told: Told) -> None:
    with psycopg.connect(told.database.owner, autocommit=True) as connection:
        for name in TABLES:
            connection.execute(f"CREATE TABLE public.{name} AS TABLE chain.{name}")
        for statement, kinds in PLANTED:
            table = statement.partition("chain.")[2].partition(" ")[0]
            assert connection.execute(statement).rowcount > 0, statement
            assert {item.kind for item in differences(told.settings)} == kinds, statement
            for mend in ("DELETE FROM chain.{0}", "INSERT INTO chain.{0} TABLE public.{0}"):
                connection.execute(sql.SQL(mend).format(sql.Identifier(table)))
    assert differences(told.settings) == []


def test_auctions(told: Told) -> None:
    life = told.life.life
    auctions = {int(row["salt"]): row for row in told.rows("auction")}
    states = {0: "settled", 1: "voided", 2: "cancelled", 3: "cancelled", 4: "open", 5: "live"}
    assert {salt: row["state"] for salt, row in auctions.items()} == states
    sold = auctions[0]
    assert (sold["bidder"], sold["amount"], sold["bids"]) == (pg(life.buyer), 2 * PRICE, 2)
    assert auctions[4]["ends_at"] is None
    bids = Counter(row["auction_id"] for row in told.rows("bid"))
    assert sorted(bids.values()) == [1, 1, 1, 2]
    (sale,) = [row for row in told.rows("sale") if row["exchange"] == pg(life.at.auction_house.address)]
    assert (sale["kind"], sale["digest"], sale["price"]) == ("auction", sold["auction_id"], 2 * PRICE)
    assert told.rows("listing_nonce") == []  # an auction uses up no nonce of the exchange
    (collected,) = told.rows("fees_collected")
    assert collected["amount"] == sale["fee"]


def test_payments_and_deposits(told: Told) -> None:
    life = told.life.life
    (payment,) = told.rows("payment")
    assert (payment["payer"], payment["payee"]) == (pg(life.buyer), pg(life.seller))
    assert (payment["sent"], payment["to_payee"] + payment["fee"]) == (PRICE + 5, PRICE + 5)
    payouts = [(row["recipient"], row["refused"]) for row in told.rows("payout")]
    assert payouts == [
        (pg(life.seller), False),
        (pg(life.at.checkout.address), True),  # takes no coin
        (pg(life.member), False),
    ]
    swept = {row["asset"]: row["amount"] for row in told.rows("deposit_sweep")}
    assert swept == {pg(ZERO_ADDRESS): PRICE, pg(STUBBORN): None}


def test_kinds_of_collections(told: Told) -> None:
    life = told.life.life
    names = {row["address"]: row["name"] for row in told.rows("collection")}
    kinds = {names[row["address"]]: row["kind"] for row in told.rows("contract") if row["address"] in names}
    assert kinds == {"Lots": "collection", "Batch": "batch", "Badges": "badge", "Prints": "editions"}
    batch = next(address for address, name in names.items() if name == "Batch")
    owners = {row["token_id"]: row["owner"] for row in told.rows("token") if row["collection"] == batch}
    assert owners == {
        **dict.fromkeys((0, 1, 3), pg(life.seller)),
        2: pg(life.buyer),
        4: pg(ZERO_ADDRESS),
    }
    assert [row["uri"] for row in told.rows("base_uri")] == ["ipfs://base/"]
    held = {(row["token_id"], row["holder"]): row["units"] for row in told.rows("holding")}
    assert held == {
        (1, pg(life.seller)): 2,
        (1, pg(life.buyer)): 2,
        (1, pg(life.member)): 1,
        (2, pg(life.seller)): 0,
        (2, pg(life.buyer)): 2,
        (2, pg(life.member)): 4,
    }
    editions = {row["token_id"]: (row["minted"], row["uri"]) for row in told.rows("edition")}
    assert editions == {1: (6, "ipfs://print-0"), 2: (6, "ipfs://print-moved")}
    assert [row["roles"] for row in told.rows("staff")] == [2]
    vouchers = {row["nonce"]: (row["state"], row["price"]) for row in told.rows("voucher")}
    assert vouchers == {1: ("redeemed", PRICE), 7: ("voided", None)}


def test_rewards_and_access(told: Told) -> None:
    at = told.life.at
    epochs = {row["epoch"]: (row["left_over"], row["closed"]) for row in told.rows("reward_epoch")}
    assert epochs == {1: (0, True), 2: (7, False)}
    assert [row["amount"] for row in told.rows("reward_claim")] == [3, 3]
    gates = {row["contract"]: row["paused"] for row in told.rows("gate")}
    assert gates == {pg(at.badge_factory.address): True, pg(at.checkout.address): False}
    arbiters = {
        row["account"]: row["member"] for row in told.rows("role_member") if row["role"] == ROLES["ARBITER"]
    }
    assert sorted(arbiters.values()) == [False, True]
    delays = {
        row["role"]: row["delay_s"] for row in told.rows("role_member") if row["account"] == pg(GUARDIAN)
    }
    assert delays == {ROLES["GUARDIAN"]: 0, ROLES["RESUMER"]: 2}


def test_a_reorg_undoes_the_suite_too(
    fresh_anvil: str, addresses: Addresses, fresh_database: DatabaseUrls, tmp_path: Path
) -> None:
    life = SuiteLife(Life.begin(fresh_anvil, tmp_path))
    settings = settings_of(fresh_anvil, tmp_path, fresh_database)
    life.payments()
    index(settings)
    fork = life.chain.height()
    life.everything()
    index(settings)
    life.chain.reorg(life.chain.height() - fork)
    assert index(settings).reorgs == 1
    assert_same(tables_of(fresh_database), fresh_tables(addresses, settings, "suite_fresh"))
