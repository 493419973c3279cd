"""The table queue_overflow; queue_calls.went_to and queue_calls.estimate.

Revision: 0009, after 0008
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "queue_overflow",
        sa.Column("queue_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("rules", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["queue_id"], ["queues.id"], name="fk_queue_overflow_queue_id"),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_queue_overflow_account_id"),
        sa.PrimaryKeyConstraint("queue_id", name="pk_queue_overflow"),
    )
    op.create_index("ix_queue_overflow_account_id", "queue_overflow", ["account_id"])
    op.add_column("queue_calls", sa.Column("went_to", sa.String(), nullable=True))
    op.add_column("queue_calls", sa.Column("estimate", sa.Double(), nullable=True))


def downgrade() -> None:
    op.drop_column("queue_calls", "estimate")
    op.drop_column("queue_calls", "went_to")
    op.drop_index("ix_queue_overflow_account_id", table_name="queue_overflow")
    op.drop_table("queue_overflow")
