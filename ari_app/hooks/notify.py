"""What becomes of the news of alerts: messages in the outbox, and the time of the last notification in the store."""

from __future__ import annotations

from typing import Any

import msgspec

from ari_app.acd.alerts import News
from ari_app.store.alerts import Alert, Alerts
from ari_app.store.outbox import Outbox

#: kinds of message: a webhook, a mail, a text message
CUSTOM, EMAIL, SMS = "alert.custom", "alert.email", "alert.sms"


class Notifier:
    """Listens to hooks/watch.py. Realtime alerts are nothing to it: they are what is raised now."""

    def __init__(self, outbox: Outbox, alerts: Alerts, url: str) -> None:
        """url: where custom notifications go."""
        self._outbox = outbox
        self._alerts = alerts
        self._url = url

    def tell(self, account: int, alert: Alert, news: News) -> None:
        """Something has become of an alert."""
        if not news.notify or alert.notification not in ("custom", "email", "sms"):
            return
        body = msgspec.json.encode(document(account, alert, news)).decode()
        if alert.notification == "custom":
            if not self._url:
                return
            self._outbox.add(account, CUSTOM, self._url, body)
        elif news.what != "cleared":
            self._outbox.add(account, EMAIL if alert.notification == "email" else SMS, str(alert.user), body)
        if news.what == "cleared":
            self._alerts.cleared(alert.id)
        else:
            self._alerts.told(alert.id, news.at)


def document(account: int, alert: Alert, news: News) -> dict[str, Any]:
    """What the receiver of a custom notification gets."""
    return {
        "event": f"alert.{news.what}",
        "at": news.at,
        "account": account,
        "alert": alert.id,
        "user": alert.user,
        "name": alert.name,
        "type": alert.kind.value,
        "callQueue": alert.queue,
        "threshold": alert.threshold,
        "figure": news.figure,
    }
