"""Nothing of an account is forgotten when it is merged, deleted or exported."""

from sqlalchemy import Uuid

from node.bootstrap.holdings import HOLDINGS
from node.bootstrap.models import METADATA
from node.kernel.db.base import APPEND_ONLY
from node.services.identity.holdings import Fate


def test_every_column_that_names_an_account_has_a_fate() -> None:
    named = {
        (str(table), column.name)
        for table in METADATA.tables.values()
        for column in table.columns
        if isinstance(column.type, Uuid) and column.name.endswith("account_id")
    }
    listed = [(str(holding.column.class_.__table__), holding.column.key or "") for holding in HOLDINGS.all]
    assert sorted(listed) == sorted(named)
    assert len({holding.name for holding in HOLDINGS.all}) == len(listed)


def test_what_is_append_only_stays() -> None:
    for holding in HOLDINGS.all:
        if holding.column.class_.__table__.info.get(APPEND_ONLY):
            assert (holding.merged, holding.deleted, dict(holding.blanked)) == (Fate.STAYS, Fate.STAYS, {})


def test_an_export_leaves_out_columns_that_there_are() -> None:
    for holding in HOLDINGS.all:
        assert holding.secret <= set(holding.column.class_.__table__.columns.keys())
        assert holding.deleted is not Fate.MOVES
