"""How often a key may ask, and wrong passwords of users.

Revision: 0019, after 0018
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("api_keys", sa.Column("rate_limit", sa.Double(), nullable=True))
    op.add_column("users", sa.Column("wrong_passwords", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("users", sa.Column("locked_until", sa.Double(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("users") as users:
        users.drop_column("locked_until")
        users.drop_column("wrong_passwords")
    with op.batch_alter_table("api_keys") as keys:
        keys.drop_column("rate_limit")
