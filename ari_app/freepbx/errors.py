"""What can go wrong with a source."""

from __future__ import annotations

from ari_app.errors import AppError


class SourceUnreadable(AppError):
    """The source cannot be read, or is not FreePBX's."""

    slug = "source_unreadable"


class PlanChanged(AppError):
    """What is here, or in FreePBX, has changed since the plan was shown; look at the new plan."""

    slug = "plan_changed"
