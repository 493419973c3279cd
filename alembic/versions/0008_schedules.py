"""The table schedule_activities.

Revision: 0008, after 0007
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "schedule_activities",
        sa.Column("agent_id", sa.Integer(), nullable=False),
        sa.Column("begins_at", sa.Double(), nullable=False),
        sa.Column("ends_at", sa.Double(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("pause_code_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["agent_id"], ["users.id"], name="fk_schedule_activities_agent_id"),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_schedule_activities_account_id"),
        sa.ForeignKeyConstraint(["pause_code_id"], ["pause_codes.id"], name="fk_schedule_activities_pause_code_id"),
        sa.PrimaryKeyConstraint("agent_id", "begins_at", name="pk_schedule_activities"),
    )
    op.create_index("ix_schedule_activities_ends", "schedule_activities", ["account_id", "ends_at"])


def downgrade() -> None:
    op.drop_index("ix_schedule_activities_ends", table_name="schedule_activities")
    op.drop_table("schedule_activities")
