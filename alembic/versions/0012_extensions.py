"""The tables extensions and provisioned_extensions.

Revision: 0012, after 0011
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "extensions",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("extension", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("cid_masquerade", sa.String(), nullable=True),
        sa.Column("outbound_cid", sa.String(), nullable=True),
        sa.Column("emergency_cid", sa.String(), nullable=True),
        sa.Column("call_waiting", sa.Boolean(), nullable=False),
        sa.Column("recording", sa.String(), nullable=False),
        sa.Column("voicemail", sa.String(), nullable=True),
        sa.Column("dtmf_mode", sa.String(), nullable=False),
        sa.Column("context", sa.String(), nullable=False),
        sa.Column("nat", sa.String(), nullable=False),
        sa.Column("sip_digest", sa.String(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_extensions_account_id"),
        sa.PrimaryKeyConstraint("id", name="pk_extensions"),
    )
    op.create_index("uq_extensions_extension", "extensions", ["extension"], unique=True)
    op.create_index("uq_extensions_name", "extensions", ["account_id", "name"], unique=True)
    op.create_table(
        "provisioned_extensions",
        sa.Column("node", sa.String(), nullable=False),
        sa.Column("extension", sa.String(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_provisioned_extensions_account_id"),
        sa.PrimaryKeyConstraint("node", "extension", name="pk_provisioned_extensions"),
    )


def downgrade() -> None:
    op.drop_table("provisioned_extensions")
    op.drop_index("uq_extensions_name", table_name="extensions")
    op.drop_index("uq_extensions_extension", table_name="extensions")
    op.drop_table("extensions")
