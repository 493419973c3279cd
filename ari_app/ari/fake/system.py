"""/applications, /events, /asterisk, /endpoints, /deviceStates, /sounds of a FakeAsterisk."""

from __future__ import annotations

from typing import Any

from ari_app.ari.fake.behaviours import Answers
from ari_app.ari.fake.state import FakeApp, Refuse
from ari_app.ari.fake.world import World

_SCHEMES = ("channel", "bridge", "endpoint", "deviceState")


class Applications:
    """Each method is the operation of its name."""

    def __init__(self, world: World) -> None:
        self.world = world

    def _get(self, name: str) -> FakeApp:
        app = self.world.apps.get(name)
        if app is None:
            raise Refuse(404, "Application not found")
        return app

    def _json(self, app: FakeApp) -> dict[str, Any]:
        channels = [c.id for c in self.world.channels.values() if c.app == app.name or app.name in c.subscribers]
        return {
            "name": app.name,
            "channel_ids": channels,
            "bridge_ids": [b.id for b in self.world.bridges.values() if app.name in b.subscribers],
            "endpoint_ids": sorted(s.partition(":")[2] for s in app.sources if s.startswith("endpoint:")),
            "device_names": sorted(s.partition(":")[2] for s in app.sources if s.startswith("deviceState:")),
            "events_allowed": app.allowed,
            "events_disallowed": app.disallowed,
        }

    def list(self) -> Any:
        return [self._json(app) for app in self.world.apps.values()]

    def get(self, applicationName: str) -> Any:
        return self._json(self._get(applicationName))

    def subscribe(self, applicationName: str, eventSource: Any) -> Any:
        app = self._get(applicationName)
        for source in eventSource:
            kind, name = self._exists(source, "Event source does not exist")
            if kind == "channel" and name:
                self.world.channels[name].subscribers.add(app.name)
            elif kind == "bridge" and name:
                self.world.bridges[name].subscribers.setdefault(app.name, set()).add("")
            else:
                app.sources.add(source)
        return self._json(app)

    def unsubscribe(self, applicationName: str, eventSource: Any) -> Any:
        app = self._get(applicationName)
        for source in eventSource:
            kind, name = self._exists(source, "Event source was not subscribed to")
            if kind == "channel" and name:
                self.world.channels[name].subscribers.discard(app.name)
            elif kind == "bridge" and name:
                self.world.bridges[name].subscribers.get(app.name, set()).discard("")
            else:
                app.sources.discard(source)
        return self._json(app)

    def _exists(self, source: str, problem: str) -> tuple[str, str]:
        kind, colon, name = source.partition(":")
        if not colon or kind not in _SCHEMES:
            raise Refuse(400, "Invalid event source URI scheme")
        found = {"channel": self.world.channels, "bridge": self.world.bridges, "endpoint": self.world.endpoints}
        things: Any = found.get(kind, {name: None})
        if name and name not in things:
            raise Refuse(422, problem)
        return kind, name

    def filter(self, applicationName: str, filter: Any) -> Any:
        app = self._get(applicationName)
        lists = {key: (filter or {}).get(key, []) for key in ("allowed", "disallowed")}
        for entries in lists.values():
            if not isinstance(entries, list) or not all(isinstance(e, dict) and "type" in e for e in entries):
                raise Refuse(400, "Invalid format definition")
        if not filter:
            app.allowed, app.disallowed = [], []
        if filter and "allowed" in filter:
            app.allowed = lists["allowed"]
        if filter and "disallowed" in filter:
            app.disallowed = lists["disallowed"]
        return self._json(app)


class Events:
    """Each method is the operation of its name."""

    def __init__(self, world: World) -> None:
        self.world = world

    def eventWebsocket(self, app: Any, subscribeAll: bool | None) -> None:
        raise Refuse(426, "")  # asked for without an upgrade

    def userEvent(self, eventName: str, application: str, source: Any, variables: Any) -> None:
        if application not in self.world.apps:
            raise Refuse(404, "Application not found")
        event: dict[str, Any] = {"type": "ChannelUserevent", "eventname": eventName}
        event["userevent"] = {**(variables or {}), "eventname": eventName}
        for uri in source:
            kind, colon, name = uri.partition(":")
            things: Any = {"channel": self.world.channels, "bridge": self.world.bridges}.get(kind)
            if not colon or things is None:
                raise Refuse(400, "Invalid event source URI scheme")
            if name not in things:
                raise Refuse(422, "Event source was not found")
            event[kind] = things[name].json()
        self.world.emit(event, apps=[application])

    def claimChannel(self, channelId: str, application: str) -> None:
        raise Refuse(404, "Channel not found or not in broadcast state")


class System:
    """/asterisk. Each method is the operation of its name."""

    def __init__(self, world: World) -> None:
        self.world = world

    def getInfo(self, only: Any) -> Any:
        info = {
            "build": dict.fromkeys(("os", "kernel", "options", "machine", "date", "user"), "fake"),
            "system": {"version": "22.10.1", "entity_id": self.world.asterisk_id},
            "config": {"name": "fake", "default_language": "en", "setid": {"user": "", "group": ""}},
            "status": {"startup_time": self.world.startup_time, "last_reload_time": self.world.startup_time},
        }
        return {name: value for name, value in info.items() if not only or name in only}

    def ping(self) -> Any:
        return {"asterisk_id": self.world.asterisk_id, "ping": "pong", "timestamp": self.world.now()}

    def getGlobalVar(self, variable: str) -> Any:
        return {"value": self.world.global_variables.get(variable, "")}

    def setGlobalVar(self, variable: str, value: str | None) -> None:
        self.world.global_variables[variable] = value or ""

    def _object(self, configClass: str, objectType: str, id: str) -> dict[str, str]:
        found = self.world.config.get((configClass, objectType, id))
        if found is None:
            raise Refuse(404, f"Object with id '{id}' not found")
        return found

    def getObject(self, configClass: str, objectType: str, id: str) -> Any:
        found = self._object(configClass, objectType, id)
        return [{"attribute": name, "value": value} for name, value in found.items()]

    def updateObject(self, configClass: str, objectType: str, id: str, fields: Any) -> Any:
        if not configClass.startswith("res_pjsip") or configClass == "res_pjsipx":
            raise Refuse(404, f"configClass '{configClass}' not found")
        given = {field["attribute"]: field["value"] for field in fields or ()}
        self.world.config.setdefault((configClass, objectType, id), {}).update(given)
        if objectType == "endpoint":
            self.world.endpoints.setdefault(f"PJSIP/{id}", Answers())
        return self.getObject(configClass, objectType, id)

    def deleteObject(self, configClass: str, objectType: str, id: str) -> None:
        self._object(configClass, objectType, id)
        del self.world.config[configClass, objectType, id]
        if objectType == "endpoint":
            self.world.endpoints.pop(f"PJSIP/{id}", None)


class Endpoints:
    """Each method is the operation of its name."""

    def __init__(self, world: World) -> None:
        self.world = world

    def _json(self, name: str) -> dict[str, Any]:
        return self.world.endpoint_json(name)

    def list(self) -> Any:
        return [self._json(name) for name in self.world.endpoints if not name.startswith("Local/")]

    def listByTech(self, tech: str) -> Any:
        if tech not in ("PJSIP", "Local"):
            raise Refuse(404, f"No Endpoints found - invalid tech {tech}")
        return [e for e in self.list() if e["technology"] == tech]

    def get(self, tech: str, resource: str) -> Any:
        if f"{tech}/{resource}" not in self.world.endpoints:
            raise Refuse(404, "Endpoint not found")
        return self._json(f"{tech}/{resource}")


class DeviceStates:
    """Each method is the operation of its name."""

    def __init__(self, world: World) -> None:
        self.world = world

    def list(self) -> Any:
        return [self.get(name) for name in self.world.device_states]

    def get(self, deviceName: str) -> Any:
        return {"name": deviceName, "state": self.world.device_states.get(deviceName, "UNKNOWN")}

    def update(self, deviceName: str, deviceState: str) -> None:
        if not deviceName.startswith("Stasis:"):
            raise Refuse(409, "Uncontrolled device specified")
        self.world.device_states[deviceName] = deviceState

    def delete(self, deviceName: str) -> None:
        if not deviceName.startswith("Stasis:"):
            raise Refuse(409, "Uncontrolled device specified")
        self.world.device_states.pop(deviceName, None)
