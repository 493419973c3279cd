"""Recordings know who called whom.

Revision: 0017, after 0016
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_COLUMNS = ("caller_number", "called_number")


def upgrade() -> None:
    for name in _COLUMNS:
        op.add_column("recordings", sa.Column(name, sa.String(), server_default=sa.text("''"), nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("recordings") as table:
        for name in _COLUMNS:
            table.drop_column(name)
