"""How well the audio of legs came through.

Revision: 0023, after 0022
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

COUNTS = ("rx_packets", "rx_lost", "tx_packets", "tx_lost")
MEASURES = ("rx_jitter", "rx_mos", "tx_jitter", "tx_mos", "rtt")


def upgrade() -> None:
    for name in COUNTS:
        op.add_column("legs", sa.Column(name, sa.Integer(), nullable=True))
    for name in MEASURES:
        op.add_column("legs", sa.Column(name, sa.Double(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("legs") as legs:
        for name in (*MEASURES, *COUNTS):
            legs.drop_column(name)
