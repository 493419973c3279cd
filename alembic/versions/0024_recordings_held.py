"""Recordings that must not be deleted, and for how long an account keeps its own.

Revision: 0024, after 0023
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("recordings", sa.Column("held", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("accounts", sa.Column("recordings_days", sa.Integer(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("accounts") as accounts:
        accounts.drop_column("recordings_days")
    with op.batch_alter_table("recordings") as recordings:
        recordings.drop_column("held")
