"""The table queue_log.

Revision: 0002, after 0001
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "queue_log",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("time", sa.String(), nullable=False),
        sa.Column("callid", sa.String(), nullable=False),
        sa.Column("queuename", sa.String(), nullable=False),
        sa.Column("agent", sa.String(), nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        *(sa.Column(f"data{number}", sa.String(), nullable=True) for number in range(1, 6)),
        sa.PrimaryKeyConstraint("id", name="pk_queue_log"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_queue_log_time", "queue_log", ["account_id", "time"])


def downgrade() -> None:
    op.drop_table("queue_log")
