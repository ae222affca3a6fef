"""suite."""

import sqlalchemy as sa
from alembic import op

revision = "0020_suite"
down_revision = "0046_api_key"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "auction",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("auction_id", sa.LargeBinary(length=32), nullable=False),
        sa.Column("house", sa.LargeBinary(length=20), nullable=False),
        sa.Column("seller", sa.LargeBinary(length=20), nullable=False),
        sa.Column("collection", sa.LargeBinary(length=20), nullable=False),
        sa.Column("token_id", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("currency", sa.LargeBinary(length=20), nullable=False),
        sa.Column("reserve", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("start_s", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("duration_s", sa.BigInteger(), nullable=False),
        sa.Column("extension_s", sa.BigInteger(), nullable=False),
        sa.Column("increment_bps", sa.Integer(), nullable=False),
        sa.Column("salt", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("fee_bps", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("bidder", sa.LargeBinary(length=20), nullable=True),
        sa.Column("amount", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("bids", sa.BigInteger(), nullable=False),
        sa.Column("created_block", sa.BigInteger(), nullable=False),
        sa.Column("created_log", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_tx", sa.LargeBinary(length=32), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_tx", sa.LargeBinary(length=32), nullable=True),
        sa.Column("changed_block", sa.BigInteger(), nullable=False),
        sa.Column("changed_log", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount >= 0 AND amount < 2::numeric ^ 256", name=op.f("ck_auction_amount")),
        sa.CheckConstraint("reserve >= 0 AND reserve < 2::numeric ^ 256", name=op.f("ck_auction_reserve")),
        sa.CheckConstraint("salt >= 0 AND salt < 2::numeric ^ 256", name=op.f("ck_auction_salt")),
        sa.CheckConstraint("token_id >= 0 AND token_id < 2::numeric ^ 256", name=op.f("ck_auction_token_id")),
        sa.PrimaryKeyConstraint("chain_id", "auction_id", name=op.f("pk_auction")),
        schema="chain",
        info={"maintained": True},
    )
    op.create_index(
        "ix_auction_bidder",
        "auction",
        [
            "chain_id",
            "bidder",
            sa.literal_column("created_block DESC"),
            sa.literal_column("created_log DESC"),
        ],
        unique=False,
        schema="chain",
    )
    op.create_index(
        "ix_auction_end",
        "auction",
        ["chain_id", "ends_at"],
        unique=False,
        schema="chain",
        postgresql_where="state = 'live'",
    )
    op.create_index(
        "ix_auction_newest",
        "auction",
        ["chain_id", sa.literal_column("created_block DESC"), sa.literal_column("created_log DESC")],
        unique=False,
        schema="chain",
    )
    op.create_index(
        "ix_auction_seller",
        "auction",
        [
            "chain_id",
            "seller",
            sa.literal_column("created_block DESC"),
            sa.literal_column("created_log DESC"),
        ],
        unique=False,
        schema="chain",
    )
    op.create_index(
        "ix_auction_token", "auction", ["chain_id", "collection", "token_id"], unique=False, schema="chain"
    )
    op.create_table(
        "base_uri",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("collection", sa.LargeBinary(length=20), nullable=False),
        sa.Column("uri", sa.Text(), nullable=False),
        sa.Column("changed_block", sa.BigInteger(), nullable=False),
        sa.Column("changed_log", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("chain_id", "collection", name=op.f("pk_base_uri")),
        schema="chain",
        info={"maintained": True},
    )
    op.create_table(
        "bid",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("log_index", sa.Integer(), nullable=False),
        sa.Column("auction_id", sa.LargeBinary(length=32), nullable=False),
        sa.Column("bidder", sa.LargeBinary(length=20), nullable=False),
        sa.Column("amount", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("block_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tx_hash", sa.LargeBinary(length=32), nullable=False),
        sa.CheckConstraint("amount >= 0 AND amount < 2::numeric ^ 256", name=op.f("ck_bid_amount")),
        sa.PrimaryKeyConstraint("chain_id", "block_number", "log_index", name=op.f("pk_bid")),
        schema="chain",
        info={"maintained": True},
    )
    op.create_index(
        "ix_bid_auction",
        "bid",
        [
            "chain_id",
            "auction_id",
            sa.literal_column("block_number DESC"),
            sa.literal_column("log_index DESC"),
        ],
        unique=False,
        schema="chain",
    )
    op.create_index(
        "ix_bid_bidder",
        "bid",
        ["chain_id", "bidder", sa.literal_column("block_number DESC"), sa.literal_column("log_index DESC")],
        unique=False,
        schema="chain",
    )
    op.create_table(
        "deposit_sweep",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("log_index", sa.Integer(), nullable=False),
        sa.Column("deposits", sa.LargeBinary(length=20), nullable=False),
        sa.Column("forwarder", sa.LargeBinary(length=20), nullable=False),
        sa.Column("destination", sa.LargeBinary(length=20), nullable=False),
        sa.Column("deposit_id", sa.LargeBinary(length=32), nullable=False),
        sa.Column("asset", sa.LargeBinary(length=20), nullable=False),
        sa.Column("amount", sa.Numeric(precision=78, scale=0), nullable=True),
        sa.Column("block_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tx_hash", sa.LargeBinary(length=32), nullable=False),
        sa.CheckConstraint("amount >= 0 AND amount < 2::numeric ^ 256", name=op.f("ck_deposit_sweep_amount")),
        sa.PrimaryKeyConstraint("chain_id", "block_number", "log_index", name=op.f("pk_deposit_sweep")),
        schema="chain",
        info={"maintained": True},
    )
    op.create_index(
        "ix_deposit_sweep_destination",
        "deposit_sweep",
        [
            "chain_id",
            "destination",
            "deposit_id",
            sa.literal_column("block_number DESC"),
            sa.literal_column("log_index DESC"),
        ],
        unique=False,
        schema="chain",
    )
    op.create_index(
        "ix_deposit_sweep_forwarder",
        "deposit_sweep",
        [
            "chain_id",
            "forwarder",
            sa.literal_column("block_number DESC"),
            sa.literal_column("log_index DESC"),
        ],
        unique=False,
        schema="chain",
    )
    op.create_table(
        "edition",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("collection", sa.LargeBinary(length=20), nullable=False),
        sa.Column("token_id", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("uri", sa.Text(), nullable=False),
        sa.Column("max_units", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("minted", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("created_block", sa.BigInteger(), nullable=False),
        sa.Column("created_log", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_tx", sa.LargeBinary(length=32), nullable=False),
        sa.Column("changed_block", sa.BigInteger(), nullable=False),
        sa.Column("changed_log", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "max_units >= 0 AND max_units < 2::numeric ^ 256", name=op.f("ck_edition_max_units")
        ),
        sa.CheckConstraint("minted >= 0 AND minted < 2::numeric ^ 256", name=op.f("ck_edition_minted")),
        sa.CheckConstraint("token_id >= 0 AND token_id < 2::numeric ^ 256", name=op.f("ck_edition_token_id")),
        sa.PrimaryKeyConstraint("chain_id", "collection", "token_id", name=op.f("pk_edition")),
        schema="chain",
        info={"maintained": True},
    )
    op.create_index(
        "ix_edition_created",
        "edition",
        [
            "chain_id",
            "collection",
            sa.literal_column("created_block DESC"),
            sa.literal_column("created_log DESC"),
        ],
        unique=False,
        schema="chain",
    )
    op.create_table(
        "fees_collected",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("log_index", sa.Integer(), nullable=False),
        sa.Column("exchange", sa.LargeBinary(length=20), nullable=False),
        sa.Column("receiver", sa.LargeBinary(length=20), nullable=False),
        sa.Column("amount", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("block_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tx_hash", sa.LargeBinary(length=32), nullable=False),
        sa.CheckConstraint(
            "amount >= 0 AND amount < 2::numeric ^ 256", name=op.f("ck_fees_collected_amount")
        ),
        sa.PrimaryKeyConstraint("chain_id", "block_number", "log_index", name=op.f("pk_fees_collected")),
        schema="chain",
        info={"maintained": True},
    )
    op.create_index(
        "ix_fees_collected_exchange",
        "fees_collected",
        ["chain_id", "exchange", sa.literal_column("block_number DESC"), sa.literal_column("log_index DESC")],
        unique=False,
        schema="chain",
    )
    op.create_table(
        "gate",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("contract", sa.LargeBinary(length=20), nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("account", sa.LargeBinary(length=20), nullable=False),
        sa.Column("changed_block", sa.BigInteger(), nullable=False),
        sa.Column("changed_log", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("chain_id", "contract", name=op.f("pk_gate")),
        schema="chain",
        info={"maintained": True},
    )
    op.create_table(
        "holding",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("collection", sa.LargeBinary(length=20), nullable=False),
        sa.Column("token_id", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("holder", sa.LargeBinary(length=20), nullable=False),
        sa.Column("units", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("changed_block", sa.BigInteger(), nullable=False),
        sa.Column("changed_log", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("token_id >= 0 AND token_id < 2::numeric ^ 256", name=op.f("ck_holding_token_id")),
        sa.CheckConstraint("units >= 0 AND units < 2::numeric ^ 256", name=op.f("ck_holding_units")),
        sa.PrimaryKeyConstraint("chain_id", "collection", "token_id", "holder", name=op.f("pk_holding")),
        schema="chain",
        info={"maintained": True},
    )
    op.create_index(
        "ix_holding_holder",
        "holding",
        ["chain_id", "holder", "collection", "token_id"],
        unique=False,
        schema="chain",
    )
    op.create_table(
        "payment",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("log_index", sa.Integer(), nullable=False),
        sa.Column("checkout", sa.LargeBinary(length=20), nullable=False),
        sa.Column("invoice_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("invoice_id", sa.LargeBinary(length=32), nullable=False),
        sa.Column("payee", sa.LargeBinary(length=20), nullable=False),
        sa.Column("payer", sa.LargeBinary(length=20), nullable=False),
        sa.Column("asset", sa.LargeBinary(length=20), nullable=False),
        sa.Column("amount", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("sent", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("to_payee", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("fee_receiver", sa.LargeBinary(length=20), nullable=False),
        sa.Column("fee", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("block_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tx_hash", sa.LargeBinary(length=32), nullable=False),
        sa.CheckConstraint("amount >= 0 AND amount < 2::numeric ^ 256", name=op.f("ck_payment_amount")),
        sa.CheckConstraint("fee >= 0 AND fee < 2::numeric ^ 256", name=op.f("ck_payment_fee")),
        sa.CheckConstraint("sent >= 0 AND sent < 2::numeric ^ 256", name=op.f("ck_payment_sent")),
        sa.CheckConstraint("to_payee >= 0 AND to_payee < 2::numeric ^ 256", name=op.f("ck_payment_to_payee")),
        sa.PrimaryKeyConstraint("chain_id", "block_number", "log_index", name=op.f("pk_payment")),
        schema="chain",
        info={"maintained": True},
    )
    op.create_index(
        "ix_payment_invoice",
        "payment",
        [
            "chain_id",
            "invoice_hash",
            sa.literal_column("block_number DESC"),
            sa.literal_column("log_index DESC"),
        ],
        unique=False,
        schema="chain",
    )
    op.create_index(
        "ix_payment_invoice_id",
        "payment",
        [
            "chain_id",
            "invoice_id",
            sa.literal_column("block_number DESC"),
            sa.literal_column("log_index DESC"),
        ],
        unique=False,
        schema="chain",
    )
    op.create_index(
        "ix_payment_payee",
        "payment",
        ["chain_id", "payee", sa.literal_column("block_number DESC"), sa.literal_column("log_index DESC")],
        unique=False,
        schema="chain",
    )
    op.create_index(
        "ix_payment_payer",
        "payment",
        ["chain_id", "payer", sa.literal_column("block_number DESC"), sa.literal_column("log_index DESC")],
        unique=False,
        schema="chain",
    )
    op.create_table(
        "payout",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("log_index", sa.Integer(), nullable=False),
        sa.Column("checkout", sa.LargeBinary(length=20), nullable=False),
        sa.Column("sender", sa.LargeBinary(length=20), nullable=False),
        sa.Column("recipient", sa.LargeBinary(length=20), nullable=False),
        sa.Column("reference", sa.LargeBinary(length=32), nullable=False),
        sa.Column("asset", sa.LargeBinary(length=20), nullable=False),
        sa.Column("amount", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("block_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tx_hash", sa.LargeBinary(length=32), nullable=False),
        sa.CheckConstraint("amount >= 0 AND amount < 2::numeric ^ 256", name=op.f("ck_payout_amount")),
        sa.PrimaryKeyConstraint("chain_id", "block_number", "log_index", name=op.f("pk_payout")),
        schema="chain",
        info={"maintained": True},
    )
    op.create_index(
        "ix_payout_recipient",
        "payout",
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
        "ix_payout_sender",
        "payout",
        ["chain_id", "sender", sa.literal_column("block_number DESC"), sa.literal_column("log_index DESC")],
        unique=False,
        schema="chain",
    )
    op.create_table(
        "reward_claim",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("log_index", sa.Integer(), nullable=False),
        sa.Column("rewards", sa.LargeBinary(length=20), nullable=False),
        sa.Column("epoch", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("account", sa.LargeBinary(length=20), nullable=False),
        sa.Column("asset", sa.LargeBinary(length=20), nullable=False),
        sa.Column("amount", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("block_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tx_hash", sa.LargeBinary(length=32), nullable=False),
        sa.CheckConstraint("amount >= 0 AND amount < 2::numeric ^ 256", name=op.f("ck_reward_claim_amount")),
        sa.CheckConstraint("epoch >= 0 AND epoch < 2::numeric ^ 256", name=op.f("ck_reward_claim_epoch")),
        sa.PrimaryKeyConstraint("chain_id", "block_number", "log_index", name=op.f("pk_reward_claim")),
        schema="chain",
        info={"maintained": True},
    )
    op.create_index(
        "ix_reward_claim_account",
        "reward_claim",
        ["chain_id", "account", sa.literal_column("block_number DESC"), sa.literal_column("log_index DESC")],
        unique=False,
        schema="chain",
    )
    op.create_table(
        "reward_epoch",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("rewards", sa.LargeBinary(length=20), nullable=False),
        sa.Column("epoch", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("root", sa.LargeBinary(length=32), nullable=False),
        sa.Column("asset", sa.LargeBinary(length=20), nullable=False),
        sa.Column("total", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("left_over", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed", sa.Boolean(), nullable=False),
        sa.Column("changed_block", sa.BigInteger(), nullable=False),
        sa.Column("changed_log", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("epoch >= 0 AND epoch < 2::numeric ^ 256", name=op.f("ck_reward_epoch_epoch")),
        sa.CheckConstraint(
            "left_over >= 0 AND left_over < 2::numeric ^ 256", name=op.f("ck_reward_epoch_left_over")
        ),
        sa.CheckConstraint("total >= 0 AND total < 2::numeric ^ 256", name=op.f("ck_reward_epoch_total")),
        sa.PrimaryKeyConstraint("chain_id", "rewards", "epoch", name=op.f("pk_reward_epoch")),
        schema="chain",
        info={"maintained": True},
    )
    op.create_table(
        "role_function",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("manager", sa.LargeBinary(length=20), nullable=False),
        sa.Column("target", sa.LargeBinary(length=20), nullable=False),
        sa.Column("selector", sa.Text(), nullable=False),
        sa.Column("role", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("changed_block", sa.BigInteger(), nullable=False),
        sa.Column("changed_log", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("role >= 0 AND role < 2::numeric ^ 256", name=op.f("ck_role_function_role")),
        sa.PrimaryKeyConstraint("chain_id", "manager", "target", "selector", name=op.f("pk_role_function")),
        schema="chain",
        info={"maintained": True},
    )
    op.create_table(
        "role_member",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("manager", sa.LargeBinary(length=20), nullable=False),
        sa.Column("role", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("account", sa.LargeBinary(length=20), nullable=False),
        sa.Column("member", sa.Boolean(), nullable=False),
        sa.Column("delay_s", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_block", sa.BigInteger(), nullable=False),
        sa.Column("changed_log", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("role >= 0 AND role < 2::numeric ^ 256", name=op.f("ck_role_member_role")),
        sa.PrimaryKeyConstraint("chain_id", "manager", "role", "account", name=op.f("pk_role_member")),
        schema="chain",
        info={"maintained": True},
    )
    op.create_index(
        "ix_role_member_account", "role_member", ["chain_id", "account"], unique=False, schema="chain"
    )
    op.create_table(
        "staff",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("collection", sa.LargeBinary(length=20), nullable=False),
        sa.Column("account", sa.LargeBinary(length=20), nullable=False),
        sa.Column("roles", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("changed_block", sa.BigInteger(), nullable=False),
        sa.Column("changed_log", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("roles >= 0 AND roles < 2::numeric ^ 256", name=op.f("ck_staff_roles")),
        sa.PrimaryKeyConstraint("chain_id", "collection", "account", name=op.f("pk_staff")),
        schema="chain",
        info={"maintained": True},
    )
    op.create_index("ix_staff_account", "staff", ["chain_id", "account"], unique=False, schema="chain")
    op.create_table(
        "token_royalty",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("collection", sa.LargeBinary(length=20), nullable=False),
        sa.Column("token_id", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("receiver", sa.LargeBinary(length=20), nullable=False),
        sa.Column("bps", sa.Integer(), nullable=False),
        sa.Column("changed_block", sa.BigInteger(), nullable=False),
        sa.Column("changed_log", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "token_id >= 0 AND token_id < 2::numeric ^ 256", name=op.f("ck_token_royalty_token_id")
        ),
        sa.PrimaryKeyConstraint("chain_id", "collection", "token_id", name=op.f("pk_token_royalty")),
        schema="chain",
        info={"maintained": True},
    )
    op.create_table(
        "voucher",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("collection", sa.LargeBinary(length=20), nullable=False),
        sa.Column("signer", sa.LargeBinary(length=20), nullable=False),
        sa.Column("nonce", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=True),
        sa.Column("redeemer", sa.LargeBinary(length=20), nullable=True),
        sa.Column("payee", sa.LargeBinary(length=20), nullable=True),
        sa.Column("currency", sa.LargeBinary(length=20), nullable=True),
        sa.Column("price", sa.Numeric(precision=78, scale=0), nullable=True),
        sa.Column("token_id", sa.Numeric(precision=78, scale=0), nullable=True),
        sa.Column("quantity", sa.Numeric(precision=78, scale=0), nullable=True),
        sa.Column("tx_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("changed_block", sa.BigInteger(), nullable=False),
        sa.Column("changed_log", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("nonce >= 0 AND nonce < 2::numeric ^ 256", name=op.f("ck_voucher_nonce")),
        sa.CheckConstraint("price >= 0 AND price < 2::numeric ^ 256", name=op.f("ck_voucher_price")),
        sa.CheckConstraint("quantity >= 0 AND quantity < 2::numeric ^ 256", name=op.f("ck_voucher_quantity")),
        sa.CheckConstraint("token_id >= 0 AND token_id < 2::numeric ^ 256", name=op.f("ck_voucher_token_id")),
        sa.PrimaryKeyConstraint("chain_id", "collection", "signer", "nonce", name=op.f("pk_voucher")),
        schema="chain",
        info={"maintained": True},
    )
    op.create_index("ix_voucher_redeemer", "voucher", ["chain_id", "redeemer"], unique=False, schema="chain")
    op.add_column(
        "governor", sa.Column("proposal_guardian", sa.LargeBinary(length=20), nullable=True), schema="chain"
    )
