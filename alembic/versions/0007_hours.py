"""The tables queue_hours and calendars, and accounts.time_zone.

Revision: 0007, after 0006
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "queue_hours",
        sa.Column("queue_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("hours", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["queue_id"], ["queues.id"], name="fk_queue_hours_queue_id"),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_queue_hours_account_id"),
        sa.PrimaryKeyConstraint("queue_id", name="pk_queue_hours"),
    )
    op.create_index("ix_queue_hours_account_id", "queue_hours", ["account_id"])
    op.create_table(
        "calendars",
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("exceptions", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_calendars_account_id"),
        sa.PrimaryKeyConstraint("account_id", "name", name="pk_calendars"),
    )
    op.add_column("accounts", sa.Column("time_zone", sa.String(), nullable=False, server_default=sa.text("''")))


def downgrade() -> None:
    op.drop_column("accounts", "time_zone")
    op.drop_table("calendars")
    op.drop_index("ix_queue_hours_account_id", table_name="queue_hours")
    op.drop_table("queue_hours")
