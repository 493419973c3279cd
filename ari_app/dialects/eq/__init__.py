"""The EQ API 2.0: agents, supervisors and call queues for back offices. README.md says what it does and why."""

from ari_app.dialects.eq.app import EqServices, make_app
from ari_app.dialects.eq.openapi import openapi_document
from ari_app.dialects.eq.paths import PREFIX

__all__ = ["PREFIX", "EqServices", "make_app", "openapi_document"]
