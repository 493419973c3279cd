"""The tables of the spine, and the account called default.

Revision: 0001, the first
"""

from __future__ import annotations

import time

import sqlalchemy as sa

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

LIVING = sa.text("NOT deleted")
OPEN = sa.text("ended_at IS NULL")
UNDELIVERED = sa.text("delivered_at IS NULL")
ACTIVE = sa.text("state = 'active'")


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("parent_id", sa.Integer(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["parent_id"], ["accounts.id"], name="fk_accounts_parent_id"),
        sa.PrimaryKeyConstraint("id", name="pk_accounts"),
        sa.UniqueConstraint("name", name="uq_accounts_name"),
    )
    accounts = sa.table(
        "accounts", sa.column("parent_id", sa.Integer), sa.column("name", sa.String), sa.column("created_at", sa.Double)
    )
    # the id comes from the sequence, so that the next account's does too: it is 1
    op.bulk_insert(accounts, [{"parent_id": None, "name": "default", "created_at": time.time()}])
    op.create_index("ix_accounts_parent_id", "accounts", ["parent_id"])
    op.create_table(
        "agent_states",
        sa.Column("account_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("agent_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("queue", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("pause_code_id", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("call_id", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("account_id", "agent_id", "at", "queue", "state", name="pk_agent_states"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "calls",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("node", sa.String(), nullable=False),
        sa.Column("direction", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("caller_number", sa.String(), nullable=False),
        sa.Column("caller_name", sa.String(), nullable=False),
        sa.Column("program", sa.String(), nullable=False),
        sa.Column("started_at", sa.Double(), nullable=False),
        sa.Column("answered_at", sa.Double(), nullable=True),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.Column("cause", sa.Integer(), nullable=True),
        sa.Column("ended_by", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_calls"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_calls_started", "calls", ["account_id", "started_at"])
    op.create_table(
        "journal",
        sa.Column("account_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "seq", name="pk_journal"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "journal_snapshots",
        sa.Column("account_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", name="pk_journal_snapshots"),
    )
    op.create_table(
        "legs",
        sa.Column("call_id", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("endpoint", sa.String(), nullable=False),
        sa.Column("agent_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("ringing_at", sa.Double(), nullable=True),
        sa.Column("answered_at", sa.Double(), nullable=True),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.Column("cause", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("call_id", "id", name="pk_legs"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "live_calls",
        sa.Column("call_id", sa.String(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("node", sa.String(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("call_id", name="pk_live_calls"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "offers",
        sa.Column("call_id", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("queue", sa.String(), nullable=False),
        sa.Column("agent_id", sa.Integer(), nullable=False),
        sa.Column("offered_at", sa.Double(), nullable=False),
        sa.Column("ended_at", sa.Double(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("ring", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("call_id", "id", name="pk_offers"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_offers_offered", "offers", ["account_id", "offered_at"])
    op.create_table(
        "outbox",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.Double(), nullable=True),
        sa.Column("delivered_at", sa.Double(), nullable=True),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
    )
    op.create_index("ix_outbox_created", "outbox", ["account_id", "created_at"])
    op.create_index("ix_outbox_due", "outbox", ["next_at"], sqlite_where=UNDELIVERED, postgresql_where=UNDELIVERED)
    op.create_table(
        "queue_calls",
        sa.Column("call_id", sa.String(), nullable=False),
        sa.Column("queue", sa.String(), nullable=False),
        sa.Column("joined_at", sa.Double(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=True),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("answered_at", sa.Double(), nullable=True),
        sa.Column("agent_id", sa.Integer(), nullable=True),
        sa.Column("wait", sa.Double(), nullable=True),
        sa.Column("ring", sa.Double(), nullable=True),
        sa.Column("talk", sa.Double(), nullable=True),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.Column("ended_by", sa.String(), nullable=True),
        sa.Column("exit_position", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("call_id", "queue", "joined_at", name="pk_queue_calls"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_queue_calls_joined", "queue_calls", ["account_id", "joined_at"])
    op.create_table(
        "spill_marks",
        sa.Column("writer", sa.String(), nullable=False),
        sa.Column("batch", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("writer", name="pk_spill_marks"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("prefix", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("scopes", sa.String(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("revoked_at", sa.Double(), nullable=True),
        sa.Column("last_used_at", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_api_keys_account_id"),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
        sa.UniqueConstraint("hash", name="uq_api_keys_hash"),
    )
    op.create_index("ix_api_keys_account_id", "api_keys", ["account_id"])
    op.create_table(
        "pause_codes",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_pause_codes_account_id"),
        sa.PrimaryKeyConstraint("id", name="pk_pause_codes"),
    )
    op.create_index(
        "uq_pause_codes_name",
        "pause_codes",
        ["account_id", "name"],
        unique=True,
        sqlite_where=LIVING,
        postgresql_where=LIVING,
    )
    op.create_table(
        "queues",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("extension", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("type", sa.Integer(), nullable=False),
        sa.Column("auto_answer_acd", sa.Boolean(), nullable=False),
        sa.Column("sys_resume", sa.Integer(), nullable=True),
        sa.Column("wrap_up_time", sa.Integer(), nullable=True),
        sa.Column("wrap_up_all_queues", sa.Boolean(), nullable=False),
        sa.Column("cid_name_prefix", sa.String(), nullable=False),
        sa.Column("agent_restrictions", sa.Integer(), nullable=False),
        sa.Column("ring_strategy", sa.String(), nullable=False),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.Column("moh_class", sa.String(), nullable=False),
        sa.Column("ringing_moh", sa.Boolean(), nullable=False),
        sa.Column("recording_format", sa.String(), nullable=True),
        sa.Column("recording_mode", sa.String(), nullable=False),
        sa.Column("max_wait_time", sa.Integer(), nullable=True),
        sa.Column("agent_timeout", sa.Integer(), nullable=True),
        sa.Column("agent_retry_time", sa.Integer(), nullable=True),
        sa.Column("max_callers", sa.Integer(), nullable=True),
        sa.Column("join_empty", sa.String(), nullable=False),
        sa.Column("leave_empty", sa.String(), nullable=False),
        sa.Column("announce_frequency", sa.Integer(), nullable=False),
        sa.Column("announce_position", sa.String(), nullable=False),
        sa.Column("announce_hold_time", sa.String(), nullable=False),
        sa.Column("auto_pause", sa.String(), nullable=False),
        sa.Column("service_level", sa.Double(), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_queues_account_id"),
        sa.PrimaryKeyConstraint("id", name="pk_queues"),
    )
    op.create_index(
        "uq_queues_extension",
        "queues",
        ["account_id", "extension"],
        unique=True,
        sqlite_where=LIVING,
        postgresql_where=LIVING,
    )
    op.create_index(
        "uq_queues_name", "queues", ["account_id", "name"], unique=True, sqlite_where=LIVING, postgresql_where=LIVING
    )
    op.create_table(
        "users",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("username", sa.String(), nullable=True),
        sa.Column("number", sa.String(), nullable=True),
        sa.Column("login_key", sa.String(), nullable=False),
        sa.Column("first_name", sa.String(), nullable=False),
        sa.Column("last_name", sa.String(), nullable=True),
        sa.Column("email", sa.String(), nullable=True),
        sa.Column("email_key", sa.String(), nullable=True),
        sa.Column("language", sa.String(), nullable=True),
        sa.Column("type", sa.String(), nullable=True),
        sa.Column("password", sa.String(), nullable=True),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_users_account_id"),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
    )
    op.create_index(
        "uq_users_email",
        "users",
        ["account_id", "kind", "email_key"],
        unique=True,
        sqlite_where=LIVING,
        postgresql_where=LIVING,
    )
    op.create_index(
        "uq_users_login",
        "users",
        ["account_id", "kind", "login_key"],
        unique=True,
        sqlite_where=LIVING,
        postgresql_where=LIVING,
    )
    op.create_table(
        "queue_bindings",
        sa.Column("queue_id", sa.Integer(), nullable=False),
        sa.Column("agent_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("skill", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_queue_bindings_account_id"),
        sa.ForeignKeyConstraint(["agent_id"], ["users.id"], name="fk_queue_bindings_agent_id"),
        sa.ForeignKeyConstraint(["queue_id"], ["queues.id"], name="fk_queue_bindings_queue_id"),
        sa.PrimaryKeyConstraint("queue_id", "agent_id", name="pk_queue_bindings"),
    )
    op.create_index("ix_queue_bindings_account_id", "queue_bindings", ["account_id"])
    op.create_index("ix_queue_bindings_agent_id", "queue_bindings", ["agent_id"])
    op.create_table(
        "user_sessions",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("extension", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("signed_in_at", sa.Double(), nullable=False),
        sa.Column("last_ping_at", sa.Double(), nullable=False),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_user_sessions_account_id"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_user_sessions_user_id"),
        sa.PrimaryKeyConstraint("id", name="pk_user_sessions"),
        sa.UniqueConstraint("token_hash", name="uq_user_sessions_token_hash"),
    )
    op.create_index("ix_user_sessions_history", "user_sessions", ["account_id", "user_id", "signed_in_at"])
    op.create_index("ix_user_sessions_state", "user_sessions", ["state"])
    op.create_index(
        "uq_user_sessions_extension",
        "user_sessions",
        ["account_id", "extension"],
        unique=True,
        sqlite_where=ACTIVE,
        postgresql_where=ACTIVE,
    )
    op.create_index(
        "uq_user_sessions_user", "user_sessions", ["user_id"], unique=True, sqlite_where=ACTIVE, postgresql_where=ACTIVE
    )


def downgrade() -> None:
    op.drop_index("uq_user_sessions_user", table_name="user_sessions")
    op.drop_index("uq_user_sessions_extension", table_name="user_sessions")
    op.drop_index("ix_user_sessions_state", table_name="user_sessions")
    op.drop_index("ix_user_sessions_history", table_name="user_sessions")
    op.drop_table("user_sessions")
    op.drop_index("ix_queue_bindings_agent_id", table_name="queue_bindings")
    op.drop_index("ix_queue_bindings_account_id", table_name="queue_bindings")
    op.drop_table("queue_bindings")
    op.drop_index("uq_users_login", table_name="users")
    op.drop_index("uq_users_email", table_name="users")
    op.drop_table("users")
    op.drop_index("uq_queues_name", table_name="queues")
    op.drop_index("uq_queues_extension", table_name="queues")
    op.drop_table("queues")
    op.drop_index("uq_pause_codes_name", table_name="pause_codes")
    op.drop_table("pause_codes")
    op.drop_index("ix_api_keys_account_id", table_name="api_keys")
    op.drop_table("api_keys")
    op.drop_table("spill_marks")
    op.drop_index("ix_queue_calls_joined", table_name="queue_calls")
    op.drop_table("queue_calls")
    op.drop_index("ix_outbox_due", table_name="outbox")
    op.drop_index("ix_outbox_created", table_name="outbox")
    op.drop_table("outbox")
    op.drop_index("ix_offers_offered", table_name="offers")
    op.drop_table("offers")
    op.drop_table("live_calls")
    op.drop_table("legs")
    op.drop_table("journal_snapshots")
    op.drop_table("journal")
    op.drop_index("ix_calls_started", table_name="calls")
    op.drop_table("calls")
    op.drop_table("agent_states")
    op.drop_index("ix_accounts_parent_id", table_name="accounts")
    op.drop_table("accounts")
