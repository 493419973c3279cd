"""recordings: what each is about, and where its file is.

Revision: 0011, after 0010
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

UNFETCHED = sa.text("file_state IS NULL")

COLUMNS = (
    ("node", sa.String(), sa.text("''")),
    ("kind", sa.String(), "queue"),
    ("leg_id", sa.String(), None),
    ("queue", sa.String(), None),
    ("agent_id", sa.Integer(), None),
    ("outcome", sa.String(), None),
    ("file_state", sa.String(), None),
    ("storage", sa.String(), None),
    ("path", sa.String(), None),
    ("size", sa.BigInteger(), None),
    ("checksum", sa.String(), None),
    ("length", sa.Double(), None),
    ("error", sa.String(), None),
    ("deleted_at", sa.Double(), None),
    ("deleted_by", sa.String(), None),
)


def upgrade() -> None:
    with op.batch_alter_table("recordings") as recordings:
        for name, kind, default in COLUMNS:
            recordings.add_column(sa.Column(name, kind, nullable=default is None, server_default=default))
    op.create_index("ix_recordings_name", "recordings", ["name"])
    op.create_index(
        "ix_recordings_unfetched",
        "recordings",
        ["started_at"],
        sqlite_where=UNFETCHED,
        postgresql_where=UNFETCHED,
    )
    # Those there are were made by queues. What Asterisk still has of them is fetched at the next start.
    op.execute("UPDATE recordings SET node = coalesce((SELECT node FROM calls WHERE calls.id = call_id), '')")
    op.execute(
        "UPDATE recordings SET outcome = CASE WHEN duration > 0 THEN 'finished' ELSE 'unknown' END"
        " WHERE ended_at IS NOT NULL"
    )


def downgrade() -> None:
    op.drop_index("ix_recordings_unfetched", table_name="recordings")
    op.drop_index("ix_recordings_name", table_name="recordings")
    with op.batch_alter_table("recordings") as recordings:
        for name, _, _ in reversed(COLUMNS):
            recordings.drop_column(name)
