"""The table voicemail_messages.

Revision: 0018, after 0017
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

NOT_ARRIVED = sa.text("arrived_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "voicemail_messages",
        sa.Column("recording", sa.String(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("mailbox", sa.String(), nullable=False),
        sa.Column("call_id", sa.String(), nullable=False),
        sa.Column("caller_number", sa.String(), nullable=False),
        sa.Column("caller_name", sa.String(), nullable=False),
        sa.Column("left_at", sa.Double(), nullable=False),
        sa.Column("urgent", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("arrived_at", sa.Double(), nullable=True),
        sa.Column("heard_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("recording", name="pk_voicemail_messages"),
    )
    op.create_index("ix_voicemail_messages_mailbox", "voicemail_messages", ["account_id", "mailbox", "left_at"])
    op.create_index(
        "ix_voicemail_messages_coming",
        "voicemail_messages",
        ["left_at"],
        sqlite_where=NOT_ARRIVED,
        postgresql_where=NOT_ARRIVED,
    )


def downgrade() -> None:
    op.drop_index("ix_voicemail_messages_coming", table_name="voicemail_messages")
    op.drop_index("ix_voicemail_messages_mailbox", table_name="voicemail_messages")
    op.drop_table("voicemail_messages")
