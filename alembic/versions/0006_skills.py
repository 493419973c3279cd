"""The tables agent_skills and queue_routing.

Revision: 0006, after 0005
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "agent_skills",
        sa.Column("agent_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["users.id"], name="fk_agent_skills_agent_id"),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_agent_skills_account_id"),
        sa.PrimaryKeyConstraint("agent_id", "name", name="pk_agent_skills"),
    )
    op.create_index("ix_agent_skills_account_id", "agent_skills", ["account_id"])
    op.create_table(
        "queue_routing",
        sa.Column("queue_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("wanted", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["queue_id"], ["queues.id"], name="fk_queue_routing_queue_id"),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_queue_routing_account_id"),
        sa.PrimaryKeyConstraint("queue_id", name="pk_queue_routing"),
    )
    op.create_index("ix_queue_routing_account_id", "queue_routing", ["account_id"])


def downgrade() -> None:
    op.drop_index("ix_queue_routing_account_id", table_name="queue_routing")
    op.drop_table("queue_routing")
    op.drop_index("ix_agent_skills_account_id", table_name="agent_skills")
    op.drop_table("agent_skills")
