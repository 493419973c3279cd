"""The column extensions.provisioned.

Revision: 0016, after 0015
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # All there were until now had been made in Asterisk.
    op.add_column("extensions", sa.Column("provisioned", sa.Boolean(), nullable=False, server_default=sa.true()))


def downgrade() -> None:
    op.drop_column("extensions", "provisioned")
