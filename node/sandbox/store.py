"""What the sandbox remembers: a file of SQLite in its own folder, so that a restart loses nothing."""

import json
import sqlite3
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from node.sandbox.faults import Fault, faults

_SCHEMA = """
    CREATE TABLE IF NOT EXISTS payment (
        id TEXT PRIMARY KEY, payment_id TEXT UNIQUE NOT NULL, amount TEXT NOT NULL, taken TEXT NOT NULL,
        currency TEXT NOT NULL, title TEXT NOT NULL, return_url TEXT NOT NULL, callback_url TEXT NOT NULL,
        status TEXT NOT NULL, at REAL NOT NULL
    );
    CREATE TABLE IF NOT EXISTS refund (
        key TEXT PRIMARY KEY, id TEXT NOT NULL, amount TEXT NOT NULL, at REAL NOT NULL
    );
    CREATE TABLE IF NOT EXISTS fault (payment_id TEXT PRIMARY KEY, names TEXT NOT NULL);
"""


class Store:
    def __init__(self, path: Path, *, everywhere: frozenset[Fault]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.executescript(_SCHEMA)
        self._everywhere = everywhere

    def begin(self, values: Mapping[str, object]) -> dict[str, Any]:
        """The payment of that `payment_id`, made when there is none."""
        names = ", ".join(values)
        marks = ", ".join(f":{name}" for name in values)
        self._run(f"INSERT OR IGNORE INTO payment ({names}) VALUES ({marks})", values)  # noqa: S608 - our own
        found = self.find(str(values["payment_id"]))
        assert found is not None  # it was inserted, or there before
        return found

    def find(self, payment_id: str) -> dict[str, Any] | None:
        return self._one("SELECT * FROM payment WHERE payment_id = :it OR id = :it", {"it": payment_id})

    def move(self, reference: str, *, to: str, taken: str | None, unless: tuple[str, ...]) -> bool:
        """False: it was in one of those states already."""
        held = ", ".join(f"'{state}'" for state in unless)
        statement = f"""
            UPDATE payment SET status = :to, taken = coalesce(:taken, taken)
            WHERE id = :id AND status NOT IN ({held})
        """  # noqa: S608 - our own names
        return self._run(statement, {"to": to, "taken": taken, "id": reference}) == 1

    def refund(self, reference: str, *, key: str, amount: int, at: float) -> bool:
        """False: that is more than is left. The same key again does nothing."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                taken = self._db.execute("SELECT taken FROM payment WHERE id = ?", (reference,)).fetchone()
                rows = self._db.execute(
                    "SELECT key, amount FROM refund WHERE id = ?", (reference,)
                ).fetchall()
                is_known = any(row["key"] == key for row in rows)
                left = int(taken["taken"]) - sum(int(row["amount"]) for row in rows)
                if not is_known and amount <= left:
                    values = (key, reference, str(amount), at)
                    self._db.execute("INSERT INTO refund VALUES (?, ?, ?, ?)", values)
            finally:
                self._db.execute("COMMIT")
        return is_known or amount <= left

    def break_(self, payment_id: str, wanted: frozenset[Fault]) -> None:
        values = {"id": payment_id, "names": json.dumps(sorted(wanted))}
        self._run("INSERT OR REPLACE INTO fault VALUES (:id, :names)", values)

    def faults_of(self, payment_id: str) -> frozenset[Fault]:
        found = self._one("SELECT names FROM fault WHERE payment_id = :it", {"it": payment_id})
        return self._everywhere if found is None else faults(json.loads(found["names"]))

    def report(self, since: float) -> list[dict[str, Any]]:
        statement = """
            SELECT payment_id, taken AS amount, currency, at FROM payment
            WHERE status = 'captured' AND at >= :since
            UNION ALL
            SELECT payment_id, '-' || refund.amount, currency, refund.at
            FROM refund JOIN payment ON payment.id = refund.id WHERE refund.at >= :since
            ORDER BY 4
        """
        with self._lock:
            return [dict(row) for row in self._db.execute(statement, {"since": since})]

    def _one(self, statement: str, values: Mapping[str, object]) -> dict[str, Any] | None:
        with self._lock:
            row = self._db.execute(statement, values).fetchone()
        return None if row is None else dict(row)

    def _run(self, statement: str, values: Mapping[str, object]) -> int:
        with self._lock:
            return self._db.execute(statement, values).rowcount
