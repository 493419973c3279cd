"""Conferences, and who was in them.

Revision: 0021, after 0020
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "conferences",
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("pin", sa.String(), nullable=True),
        sa.Column("admin_pin", sa.String(), nullable=True),
        sa.Column("max_members", sa.Integer(), nullable=True),
        sa.Column("music", sa.String(), nullable=False),
        sa.Column("announce", sa.Boolean(), nullable=False),
        sa.Column("join_muted", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_conferences_account_id_accounts"),
        sa.PrimaryKeyConstraint("account_id", "number", name="pk_conferences"),
    )
    op.create_table(
        "conference_stays",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("conference_id", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("call_id", sa.String(), nullable=False),
        sa.Column("leg_id", sa.String(), nullable=False),
        sa.Column("caller_number", sa.String(), nullable=False),
        sa.Column("caller_name", sa.String(), nullable=False),
        sa.Column("admin", sa.Boolean(), nullable=False),
        sa.Column("joined_at", sa.Double(), nullable=False),
        sa.Column("left_at", sa.Double(), nullable=True),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_conference_stays"),
    )
    op.create_index("ix_conference_stays_joined", "conference_stays", ["account_id", "joined_at"])


def downgrade() -> None:
    op.drop_table("conference_stays")
    op.drop_table("conferences")
