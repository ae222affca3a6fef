"""chain."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002_chain"
down_revision = "0001_spine"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "block",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("parent_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("timestamp", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("octet_length(hash) = 32", name=op.f("ck_block_hash")),
        sa.PrimaryKeyConstraint("chain_id", "number", name=op.f("pk_block")),
        schema="chain",
    )
    op.create_index("ix_block_hash", "block", ["chain_id", "hash"], unique=True, schema="chain")
    op.create_table(
        "checkpoint",
        sa.Column("chain_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("genesis_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("start_block", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=True),
        sa.Column("block_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undo_floor", sa.BigInteger(), nullable=False),
        sa.Column("finalized_number", sa.BigInteger(), nullable=False),
        sa.Column("emit_after", sa.BigInteger(), nullable=False),
        sa.Column("head_number", sa.BigInteger(), nullable=False),
        sa.Column("head_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("chain_id", name=op.f("pk_checkpoint")),
        schema="chain",
    )
    op.create_table(
        "collection",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("address", sa.LargeBinary(length=20), nullable=False),
        sa.Column("factory", sa.LargeBinary(length=20), nullable=False),
        sa.Column("creator", sa.LargeBinary(length=20), nullable=False),
        sa.Column("owner", sa.LargeBinary(length=20), nullable=False),
        sa.Column("salt", sa.LargeBinary(length=32), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("contract_uri", sa.Text(), nullable=False),
        sa.Column("royalty_receiver", sa.LargeBinary(length=20), nullable=False),
        sa.Column("royalty_bps", sa.Integer(), nullable=False),
        sa.Column("max_supply", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("frozen", sa.Boolean(), nullable=False),
        sa.Column("minted", sa.BigInteger(), nullable=False),
        sa.Column("created_block", sa.BigInteger(), nullable=False),
        sa.Column("created_log", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_tx", sa.LargeBinary(length=32), nullable=False),
        sa.Column("changed_block", sa.BigInteger(), nullable=False),
        sa.Column("changed_log", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "max_supply >= 0 AND max_supply < 2::numeric ^ 256", name=op.f("ck_collection_max_supply")
        ),
        sa.PrimaryKeyConstraint("chain_id", "address", name=op.f("pk_collection")),
        schema="chain",
    )
    op.create_index(
        "ix_collection_created",
        "collection",
        ["chain_id", sa.literal_column("created_block DESC"), sa.literal_column("created_log DESC")],
        unique=False,
        schema="chain",
    )
    op.create_index(
        "ix_collection_creator",
        "collection",
        [
            "chain_id",
            "creator",
            sa.literal_column("created_block DESC"),
            sa.literal_column("created_log DESC"),
        ],
        unique=False,
        schema="chain",
    )
    op.create_index("ix_collection_owner", "collection", ["chain_id", "owner"], unique=False, schema="chain")
    op.create_table(
        "contract",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("address", sa.LargeBinary(length=20), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("from_block", sa.BigInteger(), nullable=False),
        sa.Column("creator", sa.LargeBinary(length=20), nullable=True),
        sa.Column("changed_block", sa.BigInteger(), nullable=False),
        sa.Column("changed_log", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("chain_id", "address", name=op.f("pk_contract")),
        schema="chain",
    )
    op.create_index("ix_contract_kind", "contract", ["chain_id", "kind"], unique=False, schema="chain")
    op.create_table(
        "credit",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("contract", sa.LargeBinary(length=20), nullable=False),
        sa.Column("account", sa.LargeBinary(length=20), nullable=False),
        sa.Column("asset", sa.LargeBinary(length=20), nullable=False),
        sa.Column("amount", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("changed_block", sa.BigInteger(), nullable=False),
        sa.Column("changed_log", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount >= 0 AND amount < 2::numeric ^ 256", name=op.f("ck_credit_amount")),
        sa.PrimaryKeyConstraint("chain_id", "contract", "account", "asset", name=op.f("pk_credit")),
        schema="chain",
    )
    op.create_index("ix_credit_account", "credit", ["chain_id", "account"], unique=False, schema="chain")
    op.create_table(
        "currency",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("exchange", sa.LargeBinary(length=20), nullable=False),
        sa.Column("currency", sa.LargeBinary(length=20), nullable=False),
        sa.Column("allowed", sa.Boolean(), nullable=False),
        sa.Column("changed_block", sa.BigInteger(), nullable=False),
        sa.Column("changed_log", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("chain_id", "exchange", "currency", name=op.f("pk_currency")),
        schema="chain",
    )
    op.create_table(
        "delegation",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("token", sa.LargeBinary(length=20), nullable=False),
        sa.Column("delegator", sa.LargeBinary(length=20), nullable=False),
        sa.Column("delegate", sa.LargeBinary(length=20), nullable=False),
        sa.Column("changed_block", sa.BigInteger(), nullable=False),
        sa.Column("changed_log", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("chain_id", "token", "delegator", name=op.f("pk_delegation")),
        schema="chain",
    )
    op.create_index(
        "ix_delegation_delegate",
        "delegation",
        ["chain_id", "token", "delegate"],
        unique=False,
        schema="chain",
    )
    op.create_table(
        "escrow",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("escrow_id", sa.LargeBinary(length=32), nullable=False),
        sa.Column("contract", sa.LargeBinary(length=20), nullable=False),
        sa.Column("order_id", sa.LargeBinary(length=32), nullable=False),
        sa.Column("buyer", sa.LargeBinary(length=20), nullable=False),
        sa.Column("seller", sa.LargeBinary(length=20), nullable=False),
        sa.Column("arbiter", sa.LargeBinary(length=20), nullable=False),
        sa.Column("asset", sa.LargeBinary(length=20), nullable=False),
        sa.Column("amount", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("received", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("fee_receiver", sa.LargeBinary(length=20), nullable=False),
        sa.Column("fee_bps", sa.Integer(), nullable=False),
        sa.Column("silence_seller_bps", sa.Integer(), nullable=False),
        sa.Column("ship_by", sa.DateTime(timezone=True), nullable=False),
        sa.Column("inspection_s", sa.BigInteger(), nullable=False),
        sa.Column("ruling_s", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("deadline", sa.DateTime(timezone=True), nullable=True),
        sa.Column("held", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("to_seller", sa.Numeric(precision=78, scale=0), nullable=True),
        sa.Column("to_buyer", sa.Numeric(precision=78, scale=0), nullable=True),
        sa.Column("fee", sa.Numeric(precision=78, scale=0), nullable=True),
        sa.Column("silent", sa.Boolean(), nullable=True),
        sa.Column("proof", sa.LargeBinary(length=32), nullable=True),
        sa.Column("evidence", sa.LargeBinary(length=32), nullable=True),
        sa.Column("reason", sa.LargeBinary(length=32), nullable=True),
        sa.Column("disputed_by", sa.LargeBinary(length=20), nullable=True),
        sa.Column("ended_by", sa.LargeBinary(length=20), nullable=True),
        sa.Column("funded_block", sa.BigInteger(), nullable=False),
        sa.Column("funded_log", sa.Integer(), nullable=False),
        sa.Column("funded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("funded_tx", sa.LargeBinary(length=32), nullable=False),
        sa.Column("shipped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("shipped_tx", sa.LargeBinary(length=32), nullable=True),
        sa.Column("disputed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("disputed_tx", sa.LargeBinary(length=32), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_tx", sa.LargeBinary(length=32), nullable=True),
        sa.Column("changed_block", sa.BigInteger(), nullable=False),
        sa.Column("changed_log", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount >= 0 AND amount < 2::numeric ^ 256", name=op.f("ck_escrow_amount")),
        sa.CheckConstraint("fee >= 0 AND fee < 2::numeric ^ 256", name=op.f("ck_escrow_fee")),
        sa.CheckConstraint("held >= 0 AND held < 2::numeric ^ 256", name=op.f("ck_escrow_held")),
        sa.CheckConstraint("received >= 0 AND received < 2::numeric ^ 256", name=op.f("ck_escrow_received")),
        sa.CheckConstraint("to_buyer >= 0 AND to_buyer < 2::numeric ^ 256", name=op.f("ck_escrow_to_buyer")),
        sa.CheckConstraint(
            "to_seller >= 0 AND to_seller < 2::numeric ^ 256", name=op.f("ck_escrow_to_seller")
        ),
        sa.PrimaryKeyConstraint("chain_id", "escrow_id", name=op.f("pk_escrow")),
        schema="chain",
    )
    op.create_index(
        "ix_escrow_arbiter", "escrow", ["chain_id", "arbiter", "state"], unique=False, schema="chain"
    )
    op.create_index(
        "ix_escrow_buyer",
        "escrow",
        ["chain_id", "buyer", sa.literal_column("funded_block DESC"), sa.literal_column("funded_log DESC")],
        unique=False,
        schema="chain",
    )
    op.create_index("ix_escrow_order", "escrow", ["chain_id", "order_id"], unique=False, schema="chain")
    op.create_index(
        "ix_escrow_seller",
        "escrow",
        ["chain_id", "seller", sa.literal_column("funded_block DESC"), sa.literal_column("funded_log DESC")],
        unique=False,
        schema="chain",
    )
    op.create_table(
        "escrow_event",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("log_index", sa.Integer(), nullable=False),
        sa.Column("escrow_id", sa.LargeBinary(length=32), nullable=False),
        sa.Column("order_id", sa.LargeBinary(length=32), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("actor", sa.LargeBinary(length=20), nullable=True),
        sa.Column("reference", sa.LargeBinary(length=32), nullable=True),
        sa.Column("deadline", sa.DateTime(timezone=True), nullable=True),
        sa.Column("received", sa.Numeric(precision=78, scale=0), nullable=True),
        sa.Column("to_seller", sa.Numeric(precision=78, scale=0), nullable=True),
        sa.Column("to_buyer", sa.Numeric(precision=78, scale=0), nullable=True),
        sa.Column("fee", sa.Numeric(precision=78, scale=0), nullable=True),
        sa.Column("silent", sa.Boolean(), nullable=True),
        sa.Column("block_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tx_hash", sa.LargeBinary(length=32), nullable=False),
        sa.CheckConstraint("fee >= 0 AND fee < 2::numeric ^ 256", name=op.f("ck_escrow_event_fee")),
        sa.CheckConstraint(
            "received >= 0 AND received < 2::numeric ^ 256", name=op.f("ck_escrow_event_received")
        ),
        sa.CheckConstraint(
            "to_buyer >= 0 AND to_buyer < 2::numeric ^ 256", name=op.f("ck_escrow_event_to_buyer")
        ),
        sa.CheckConstraint(
            "to_seller >= 0 AND to_seller < 2::numeric ^ 256", name=op.f("ck_escrow_event_to_seller")
        ),
        sa.PrimaryKeyConstraint("chain_id", "block_number", "log_index", name=op.f("pk_escrow_event")),
        schema="chain",
    )
    op.create_index(
        "ix_escrow_event_escrow",
        "escrow_event",
        ["chain_id", "escrow_id", "block_number", "log_index"],
        unique=False,
        schema="chain",
    )
    op.create_table(
        "exchange_fee",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("exchange", sa.LargeBinary(length=20), nullable=False),
        sa.Column("receiver", sa.LargeBinary(length=20), nullable=False),
        sa.Column("bps", sa.Integer(), nullable=False),
        sa.Column("changed_block", sa.BigInteger(), nullable=False),
        sa.Column("changed_log", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("chain_id", "exchange", name=op.f("pk_exchange_fee")),
        schema="chain",
    )
    op.create_table(
        "governor",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("governor", sa.LargeBinary(length=20), nullable=False),
        sa.Column("voting_delay_s", sa.Numeric(precision=78, scale=0), nullable=True),
        sa.Column("voting_period_s", sa.Numeric(precision=78, scale=0), nullable=True),
        sa.Column("proposal_threshold", sa.Numeric(precision=78, scale=0), nullable=True),
        sa.Column("quorum_numerator", sa.Numeric(precision=78, scale=0), nullable=True),
        sa.Column("late_quorum_extension_s", sa.BigInteger(), nullable=True),
        sa.Column("timelock", sa.LargeBinary(length=20), nullable=True),
        sa.Column("changed_block", sa.BigInteger(), nullable=False),
        sa.Column("changed_log", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("chain_id", "governor", name=op.f("pk_governor")),
        schema="chain",
    )
    op.create_table(
        "listing_epoch",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("exchange", sa.LargeBinary(length=20), nullable=False),
        sa.Column("signer", sa.LargeBinary(length=20), nullable=False),
        sa.Column("epoch", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("changed_block", sa.BigInteger(), nullable=False),
        sa.Column("changed_log", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("epoch >= 0 AND epoch < 2::numeric ^ 256", name=op.f("ck_listing_epoch_epoch")),
        sa.PrimaryKeyConstraint("chain_id", "exchange", "signer", name=op.f("pk_listing_epoch")),
        schema="chain",
    )
    op.create_table(
        "listing_nonce",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("exchange", sa.LargeBinary(length=20), nullable=False),
        sa.Column("signer", sa.LargeBinary(length=20), nullable=False),
        sa.Column("nonce", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=True),
        sa.Column("tx_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("changed_block", sa.BigInteger(), nullable=False),
        sa.Column("changed_log", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("nonce >= 0 AND nonce < 2::numeric ^ 256", name=op.f("ck_listing_nonce_nonce")),
        sa.PrimaryKeyConstraint("chain_id", "exchange", "signer", "nonce", name=op.f("pk_listing_nonce")),
        schema="chain",
    )
    op.create_table(
        "log",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("log_index", sa.Integer(), nullable=False),
        sa.Column("block_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("tx_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("tx_index", sa.Integer(), nullable=False),
        sa.Column("address", sa.LargeBinary(length=20), nullable=False),
        sa.Column("topic0", sa.LargeBinary(length=32), nullable=True),
        sa.Column("topic1", sa.LargeBinary(length=32), nullable=True),
        sa.Column("topic2", sa.LargeBinary(length=32), nullable=True),
        sa.Column("topic3", sa.LargeBinary(length=32), nullable=True),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("chain_id", "block_number", "log_index", name=op.f("pk_log")),
        schema="chain",
    )
    op.create_index(
        "ix_log_address",
        "log",
        ["chain_id", "address", "block_number", "log_index"],
        unique=False,
        schema="chain",
    )
    op.create_index(
        "ix_log_undecoded",
        "log",
        ["chain_id", "block_number"],
        unique=False,
        schema="chain",
        postgresql_where="error IS NOT NULL",
    )
    op.create_table(
        "proposal",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("governor", sa.LargeBinary(length=20), nullable=False),
        sa.Column("proposal_id", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("proposer", sa.LargeBinary(length=20), nullable=False),
        sa.Column("targets", sa.ARRAY(sa.LargeBinary()), nullable=False),
        sa.Column("call_values", sa.ARRAY(sa.Numeric(precision=78, scale=0)), nullable=False),
        sa.Column("signatures", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("calldatas", sa.ARRAY(sa.LargeBinary()), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("description_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("vote_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("vote_end", sa.DateTime(timezone=True), nullable=False),
        sa.Column("extended_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("for_votes", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("against_votes", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("abstain_votes", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("created_block", sa.BigInteger(), nullable=False),
        sa.Column("created_log", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_tx", sa.LargeBinary(length=32), nullable=False),
        sa.Column("queued_eta", sa.DateTime(timezone=True), nullable=True),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("queued_tx", sa.LargeBinary(length=32), nullable=True),
        sa.Column("executed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("executed_tx", sa.LargeBinary(length=32), nullable=True),
        sa.Column("canceled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("canceled_tx", sa.LargeBinary(length=32), nullable=True),
        sa.Column("changed_block", sa.BigInteger(), nullable=False),
        sa.Column("changed_log", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "abstain_votes >= 0 AND abstain_votes < 2::numeric ^ 256", name=op.f("ck_proposal_abstain_votes")
        ),
        sa.CheckConstraint(
            "against_votes >= 0 AND against_votes < 2::numeric ^ 256", name=op.f("ck_proposal_against_votes")
        ),
        sa.CheckConstraint(
            "for_votes >= 0 AND for_votes < 2::numeric ^ 256", name=op.f("ck_proposal_for_votes")
        ),
        sa.CheckConstraint(
            "proposal_id >= 0 AND proposal_id < 2::numeric ^ 256", name=op.f("ck_proposal_proposal_id")
        ),
        sa.PrimaryKeyConstraint("chain_id", "governor", "proposal_id", name=op.f("pk_proposal")),
        schema="chain",
    )
    op.create_index(
        "ix_proposal_newest",
        "proposal",
        [
            "chain_id",
            "governor",
            sa.literal_column("created_block DESC"),
            sa.literal_column("created_log DESC"),
        ],
        unique=False,
        schema="chain",
    )
    op.create_index(
        "ix_proposal_proposer", "proposal", ["chain_id", "proposer"], unique=False, schema="chain"
    )
    op.create_table(
        "sale",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("log_index", sa.Integer(), nullable=False),
        sa.Column("exchange", sa.LargeBinary(length=20), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("seller", sa.LargeBinary(length=20), nullable=False),
        sa.Column("buyer", sa.LargeBinary(length=20), nullable=False),
        sa.Column("collection", sa.LargeBinary(length=20), nullable=False),
        sa.Column("token_id", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("quantity", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("currency", sa.LargeBinary(length=20), nullable=False),
        sa.Column("price", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("royalty_receiver", sa.LargeBinary(length=20), nullable=False),
        sa.Column("royalty", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("fee", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("nonce", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("block_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tx_hash", sa.LargeBinary(length=32), nullable=False),
        sa.CheckConstraint("fee >= 0 AND fee < 2::numeric ^ 256", name=op.f("ck_sale_fee")),
        sa.CheckConstraint("nonce >= 0 AND nonce < 2::numeric ^ 256", name=op.f("ck_sale_nonce")),
        sa.CheckConstraint("price >= 0 AND price < 2::numeric ^ 256", name=op.f("ck_sale_price")),
        sa.CheckConstraint("quantity >= 0 AND quantity < 2::numeric ^ 256", name=op.f("ck_sale_quantity")),
        sa.CheckConstraint("royalty >= 0 AND royalty < 2::numeric ^ 256", name=op.f("ck_sale_royalty")),
        sa.CheckConstraint("token_id >= 0 AND token_id < 2::numeric ^ 256", name=op.f("ck_sale_token_id")),
        sa.PrimaryKeyConstraint("chain_id", "block_number", "log_index", name=op.f("pk_sale")),
        schema="chain",
    )
    op.create_index(
        "ix_sale_buyer",
        "sale",
        ["chain_id", "buyer", sa.literal_column("block_number DESC"), sa.literal_column("log_index DESC")],
        unique=False,
        schema="chain",
    )
    op.create_index(
        "ix_sale_collection",
        "sale",
        [
            "chain_id",
            "collection",
            sa.literal_column("block_number DESC"),
            sa.literal_column("log_index DESC"),
        ],
        unique=False,
        schema="chain",
    )
    op.create_index("ix_sale_digest", "sale", ["chain_id", "digest"], unique=False, schema="chain")
    op.create_index(
        "ix_sale_seller",
        "sale",
        ["chain_id", "seller", sa.literal_column("block_number DESC"), sa.literal_column("log_index DESC")],
        unique=False,
        schema="chain",
    )
    op.create_index(
        "ix_sale_token",
        "sale",
        [
            "chain_id",
            "collection",
            "token_id",
            sa.literal_column("block_number DESC"),
            sa.literal_column("log_index DESC"),
        ],
        unique=False,
        schema="chain",
    )
    op.create_table(
        "token",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("collection", sa.LargeBinary(length=20), nullable=False),
        sa.Column("token_id", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("owner", sa.LargeBinary(length=20), nullable=False),
        sa.Column("uri", sa.Text(), nullable=False),
        sa.Column("minted_to", sa.LargeBinary(length=20), nullable=False),
        sa.Column("minted_block", sa.BigInteger(), nullable=False),
        sa.Column("minted_log", sa.Integer(), nullable=False),
        sa.Column("minted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("minted_tx", sa.LargeBinary(length=32), nullable=False),
        sa.Column("moved_block", sa.BigInteger(), nullable=False),
        sa.Column("moved_log", sa.Integer(), nullable=False),
        sa.Column("changed_block", sa.BigInteger(), nullable=False),
        sa.Column("changed_log", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("token_id >= 0 AND token_id < 2::numeric ^ 256", name=op.f("ck_token_token_id")),
        sa.PrimaryKeyConstraint("chain_id", "collection", "token_id", name=op.f("pk_token")),
        schema="chain",
    )
    op.create_index(
        "ix_token_minted",
        "token",
        [
            "chain_id",
            "collection",
            sa.literal_column("minted_block DESC"),
            sa.literal_column("minted_log DESC"),
        ],
        unique=False,
        schema="chain",
    )
    op.create_index(
        "ix_token_owner",
        "token",
        ["chain_id", "owner", "collection", "token_id"],
        unique=False,
        schema="chain",
    )
    op.create_table(
        "transfer",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("log_index", sa.Integer(), nullable=False),
        sa.Column("collection", sa.LargeBinary(length=20), nullable=False),
        sa.Column("token_id", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("sender", sa.LargeBinary(length=20), nullable=False),
        sa.Column("recipient", sa.LargeBinary(length=20), nullable=False),
        sa.Column("block_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tx_hash", sa.LargeBinary(length=32), nullable=False),
        sa.CheckConstraint(
            "token_id >= 0 AND token_id < 2::numeric ^ 256", name=op.f("ck_transfer_token_id")
        ),
        sa.PrimaryKeyConstraint("chain_id", "block_number", "log_index", name=op.f("pk_transfer")),
        schema="chain",
    )
    op.create_index(
        "ix_transfer_recipient",
        "transfer",
        [
            "chain_id",
            "recipient",
            sa.literal_column("block_number DESC"),
            sa.literal_column("log_index DESC"),
        ],
        unique=False,
        schema="chain",
    )
    op.create_index(
        "ix_transfer_sender",
        "transfer",
        ["chain_id", "sender", sa.literal_column("block_number DESC"), sa.literal_column("log_index DESC")],
        unique=False,
        schema="chain",
    )
    op.create_index(
        "ix_transfer_token",
        "transfer",
        [
            "chain_id",
            "collection",
            "token_id",
            sa.literal_column("block_number DESC"),
            sa.literal_column("log_index DESC"),
        ],
        unique=False,
        schema="chain",
    )
    op.create_table(
        "undo",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("table_name", sa.Text(), nullable=False),
        sa.Column("row_key", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("before", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.PrimaryKeyConstraint("chain_id", "block_number", "table_name", "row_key", name=op.f("pk_undo")),
        schema="chain",
    )
    op.create_table(
        "vote",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("log_index", sa.Integer(), nullable=False),
        sa.Column("governor", sa.LargeBinary(length=20), nullable=False),
        sa.Column("proposal_id", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("voter", sa.LargeBinary(length=20), nullable=False),
        sa.Column("support", sa.SmallInteger(), nullable=False),
        sa.Column("weight", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("block_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tx_hash", sa.LargeBinary(length=32), nullable=False),
        sa.CheckConstraint(
            "proposal_id >= 0 AND proposal_id < 2::numeric ^ 256", name=op.f("ck_vote_proposal_id")
        ),
        sa.CheckConstraint("weight >= 0 AND weight < 2::numeric ^ 256", name=op.f("ck_vote_weight")),
        sa.PrimaryKeyConstraint("chain_id", "block_number", "log_index", name=op.f("pk_vote")),
        schema="chain",
    )
    op.create_index(
        "ix_vote_proposal",
        "vote",
        [
            "chain_id",
            "governor",
            "proposal_id",
            sa.literal_column("block_number DESC"),
            sa.literal_column("log_index DESC"),
        ],
        unique=False,
        schema="chain",
    )
    op.create_index(
        "ix_vote_voter",
        "vote",
        ["chain_id", "voter", sa.literal_column("block_number DESC"), sa.literal_column("log_index DESC")],
        unique=False,
        schema="chain",
    )
    op.create_table(
        "votes_balance",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("token", sa.LargeBinary(length=20), nullable=False),
        sa.Column("holder", sa.LargeBinary(length=20), nullable=False),
        sa.Column("balance", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("changed_block", sa.BigInteger(), nullable=False),
        sa.Column("changed_log", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "balance >= 0 AND balance < 2::numeric ^ 256", name=op.f("ck_votes_balance_balance")
        ),
        sa.PrimaryKeyConstraint("chain_id", "token", "holder", name=op.f("pk_votes_balance")),
        schema="chain",
    )
    op.create_table(
        "voting_power",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("token", sa.LargeBinary(length=20), nullable=False),
        sa.Column("delegate", sa.LargeBinary(length=20), nullable=False),
        sa.Column("votes", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("changed_block", sa.BigInteger(), nullable=False),
        sa.Column("changed_log", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("votes >= 0 AND votes < 2::numeric ^ 256", name=op.f("ck_voting_power_votes")),
        sa.PrimaryKeyConstraint("chain_id", "token", "delegate", name=op.f("pk_voting_power")),
        schema="chain",
    )
    op.create_index(
        "ix_voting_power_votes",
        "voting_power",
        ["chain_id", "token", sa.literal_column("votes DESC"), "delegate"],
        unique=False,
        schema="chain",
    )
