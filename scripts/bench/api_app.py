"""The node's own application and two routes to compare with: an empty one, and the page by ORM and Pydantic.

The ORM route is what a careful FastAPI + SQLAlchemy service would write: a session of a pool, one select
with the same keyset, models validated and serialised by Pydantic.
"""

import datetime as dt
import uuid
from typing import Annotated

from fastapi import FastAPI, Query
from pydantic import BaseModel, ConfigDict
from sqlalchemy import select
from starlette.responses import Response

from node.app import build_app
from node.kernel.db.unit_of_work import Database
from node.kernel.log import configure_logging
from node.kernel.settings import Settings
from node.services.catalog.models import Product


class AssetModel(BaseModel):
    id: str
    code: str
    exponent: int


class PriceModel(BaseModel):
    value: str
    asset: AssetModel


class ProductModel(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    market_id: uuid.UUID
    title: str
    description: str
    sku: str | None
    status: str
    price: PriceModel
    stock: int
    added_at: dt.datetime
    changed_at: dt.datetime

    @classmethod
    def of(cls, row: Product) -> "ProductModel":
        asset = AssetModel(id=row.asset_id, code=row.asset_code, exponent=row.asset_exponent)
        return cls(
            id=row.id,
            market_id=row.market_id,
            title=row.title,
            description=row.description,
            sku=row.sku,
            status=row.status,
            price=PriceModel(value=str(row.price), asset=asset),
            stock=row.available,
            added_at=row.added_at,
            changed_at=row.changed_at,
        )


class PageModel(BaseModel):
    items: list[ProductModel]
    next: str | None
    has_more: bool


def build_bench_app() -> FastAPI:
    settings = Settings()
    configure_logging(log_format=settings.log_format, level=settings.log_level)
    app = build_app(settings)
    database = Database(settings.database_url.get_secret_value(), pool_size=settings.database_pool_size)

    @app.get("/bench/empty")
    async def empty() -> Response:
        return Response(b"{}", media_type="application/json")

    @app.get("/bench/orm/{market_id}")
    def orm_page(
        market_id: uuid.UUID, cursor: uuid.UUID | None = None, limit: Annotated[int, Query(le=100)] = 20
    ) -> PageModel:
        statement = select(Product).where(Product.market_id == market_id, Product.status == "active")
        if cursor is not None:
            statement = statement.where(Product.id < cursor)
        with database.transaction() as tx:
            rows = tx.scalars(statement.order_by(Product.id.desc()).limit(limit + 1)).all()
        items = [ProductModel.of(row) for row in rows[:limit]]
        more = len(rows) > limit
        return PageModel(items=items, next=str(items[-1].id) if more else None, has_more=more)

    return app


app = build_bench_app()
