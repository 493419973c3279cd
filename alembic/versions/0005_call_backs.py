"""Queues call back: how they do, and which entries of queue_calls were call-backs.

Revision: 0005, after 0004
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("queues") as queues:
        queues.add_column(sa.Column("call_back_key", sa.String(), nullable=True))
        queues.add_column(sa.Column("call_back_attempts", sa.Integer(), nullable=False, server_default="3"))
        queues.add_column(sa.Column("call_back_retry", sa.Integer(), nullable=False, server_default="300"))
        queues.add_column(sa.Column("call_back_ring", sa.Integer(), nullable=False, server_default="30"))
    # a plain ALTER: a table without rowid must not be made again
    op.add_column("queue_calls", sa.Column("call_back", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    op.drop_column("queue_calls", "call_back")
    with op.batch_alter_table("queues") as queues:
        for name in ("call_back_ring", "call_back_retry", "call_back_attempts", "call_back_key"):
            queues.drop_column(name)
