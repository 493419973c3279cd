"""The table recordings.

Revision: 0003, after 0002
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "recordings",
        sa.Column("call_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("format", sa.String(), nullable=False),
        sa.Column("started_at", sa.Double(), nullable=False),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.Column("duration", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("call_id", "name", name="pk_recordings"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_recordings_started", "recordings", ["account_id", "started_at"])


def downgrade() -> None:
    op.drop_index("ix_recordings_started", table_name="recordings")
    op.drop_table("recordings")
