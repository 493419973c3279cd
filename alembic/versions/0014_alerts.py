"""The table alerts.

Revision: 0014, after 0013
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "alerts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("queue_id", sa.Integer(), nullable=True),
        sa.Column("threshold", sa.Integer(), nullable=True),
        sa.Column("notification", sa.String(), nullable=False),
        sa.Column("color", sa.String(), nullable=True),
        sa.Column("interval", sa.Integer(), nullable=True),
        sa.Column("days", sa.Text(), nullable=False),
        sa.Column("from_minute", sa.Integer(), nullable=False),
        sa.Column("to_minute", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("told_at", sa.Double(), nullable=True),
        sa.Column("known", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_alerts_account_id"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_alerts_user_id"),
        sa.ForeignKeyConstraint(["queue_id"], ["queues.id"], name="fk_alerts_queue_id"),
        sa.PrimaryKeyConstraint("id", name="pk_alerts"),
    )
    op.create_index("uq_alerts_name", "alerts", ["account_id", "user_id", "name"], unique=True)
    of_nobody = sa.text("user_id IS NULL")
    op.create_index(
        "uq_alerts_system_name",
        "alerts",
        ["account_id", "name"],
        unique=True,
        sqlite_where=of_nobody,
        postgresql_where=of_nobody,
    )


def downgrade() -> None:
    op.drop_index("uq_alerts_system_name", table_name="alerts")
    op.drop_index("uq_alerts_name", table_name="alerts")
    op.drop_table("alerts")
