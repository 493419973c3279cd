"""Asterisk in containers: each on the host's network with a loopback address of its own.

async with Asterisk("pbx", app_uri="ws://127.0.0.1:9000/ari/pbx") as pbx:
    await pbx.ari.get("/channels")
    print(await pbx.cli("core show channels"))
"""

import asyncio
import contextlib
import secrets
import tempfile
import time
from pathlib import Path
from typing import Any

import aiohttp

from tests.harness import docker, net
from tests.harness.ari import Ari, AriError
from tests.harness.net import SIP_PORT
from tests.harness.patience import PATIENCE

HTTP_PORT = 8088
#: How long a start may take, in seconds; 0.5 on an idle machine.
START_LIMIT = 90.0


class Asterisk:
    """One Asterisk node. `start` or `async with` runs it; it is removed at the end, whatever happens.

    app_uri: where Asterisk connects to the application (outbound websocket); None: the application connects.
    extra: text appended to configuration files, by file name: {"pjsip.conf": "...", "extensions.conf": "..."}.
    volumes: directories of this machine that the container sees, read-only: {directory: path in the container}.
    environment: further settings of the image, by name (asterisk-conf/README.md), e.g. {"TRUNK_MATCH": "127.0.0.9"}.
    """

    def __init__(
        self,
        node: str,
        *,
        app: str = "ari_app",
        app_uri: str | None = None,
        app_user: str = "asterisk",
        app_password: str = "asterisk-password",  # of a loopback address that lives for one test
        extra: dict[str, str] | None = None,
        environment: dict[str, str] | None = None,
        address: str | None = None,
        volumes: dict[str, str] | None = None,
        ari_password: str | None = None,
    ) -> None:
        self.node = node
        self.address = address or net.free_address(HTTP_PORT, udp_ports=(SIP_PORT,))
        self.container = f"ari-app-test-{node}-{secrets.token_hex(4)}"
        self.ari_user = "ari_app"
        self.ari_password = ari_password or secrets.token_hex(8)
        self.ari_url = f"http://{self.address}:{HTTP_PORT}/ari"
        self.sip = f"{self.address}:{SIP_PORT}"
        self.ari = Ari(self.ari_url, self.ari_user, self.ari_password)
        self._extra = extra or {}
        self._volumes = volumes or {}
        self._directory: tempfile.TemporaryDirectory[str] | None = None
        self._environment = {
            "NODE": node,
            "SIP_BIND": self.address,
            "SIP_PORT": str(SIP_PORT),
            "HTTP_BIND": self.address,
            "HTTP_PORT": str(HTTP_PORT),
            "RTP_START": "20000",
            "RTP_END": "32000",
            "ARI_APP": app,
            "ARI_USER": self.ari_user,
            "ARI_PASSWORD": self.ari_password,
            "ARI_CONNECT": "outbound" if app_uri else "inbound",
            "ARI_WS_URI": app_uri or "",
            "ARI_WS_USER": app_user,
            "ARI_WS_PASSWORD": app_password,
            **(environment or {}),
        }

    async def __aenter__(self) -> "Asterisk":
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Creates and starts the container and returns when ARI answers."""
        image = await asyncio.to_thread(docker.asterisk_image)
        arguments = ["run", "-d", "--name", self.container, "--network", "host"]
        arguments += ["--label", f"{docker.OWNER_LABEL}={docker.owner()}"]
        for name, value in self._environment.items():
            arguments += ["-e", f"{name}={value}"]
        for directory, target in self._volumes.items():
            arguments += ["-v", f"{directory}:{target}:ro"]
        if self._extra:
            arguments += ["-v", f"{self._write_extra()}:/etc/asterisk-extra:ro"]
        docker.adopt(self.container)
        try:
            await docker.docker(*arguments, image)
            await self.ready()
        except BaseException:
            await self.stop()
            raise

    def _write_extra(self) -> str:
        self._directory = tempfile.TemporaryDirectory(prefix="ari-app-extra-")
        directory = Path(self._directory.name)
        directory.chmod(0o755)  # Asterisk is not root in its container
        for name, text in self._extra.items():
            (directory / name).write_text(text)
        return self._directory.name

    async def ready(self) -> None:
        """Waits until ARI answers. Raises TimeoutError with the container's log."""
        end = time.monotonic() + START_LIMIT
        while time.monotonic() < end:
            with contextlib.suppress(aiohttp.ClientError, AriError):
                await self.ari.get("/asterisk/ping")
                return
            await asyncio.sleep(0.05)
        raise TimeoutError(f"{self.container} does not answer at {self.ari_url}:\n{await self.logs()}")

    async def stop(self) -> None:
        """Stops and removes the container with all that it stored."""
        await self.ari.close()
        await docker.docker("rm", "-f", "-v", self.container)
        docker.release(self.container)
        if self._directory is not None:
            self._directory.cleanup()

    async def kill(self) -> None:
        """Ends Asterisk as a crash would. What it stored stays for `start_again`."""
        await docker.docker("kill", "-s", "KILL", self.container)

    async def start_again(self) -> None:
        """Starts a killed Asterisk with its database, and returns when ARI answers."""
        await docker.docker("start", self.container)
        await self.ready()

    async def restart(self) -> None:
        """Crash and start."""
        await self.kill()
        await self.start_again()

    async def stored(self, text: str, within: float = PATIENCE) -> None:
        """Waits until a text is in Asterisk's database on disk, out of a crash's reach. Raises TimeoutError."""
        search = ("exec", self.container, "sh", "-c", f"grep -qas {text} /var/lib/asterisk/astdb.sqlite3*")
        async with asyncio.timeout(within):
            while True:
                with contextlib.suppress(docker.DockerError):
                    await docker.docker(*search)
                    return

    async def pause(self) -> None:
        """Freezes every process of the container: sockets stay open, nothing answers."""
        await docker.docker("pause", self.container)

    async def unpause(self) -> None:
        await docker.docker("unpause", self.container)

    async def logs(self) -> str:
        """What Asterisk logged: warnings and errors, unless LOG_LEVELS says otherwise."""
        process = await asyncio.create_subprocess_exec(
            "docker", "logs", self.container, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        output, _ = await process.communicate()
        return output.decode(errors="replace")

    async def cli(self, command: str) -> str:
        """Output of a command of Asterisk's console."""
        return await docker.docker("exec", self.container, "asterisk", "-rx", command)

    async def channels_count(self) -> int:
        return len(await self.ari.get("/channels"))

    async def bridges_count(self) -> int:
        return len(await self.ari.get("/bridges"))

    async def wait_idle(self, within: float = PATIENCE) -> None:
        """Waits until no channel and no bridge is left. Raises TimeoutError that names those that are."""
        end = time.monotonic() + within
        channels: list[Any] = []
        bridges: list[Any] = []
        while time.monotonic() < end:
            channels, bridges = await self.ari.get("/channels"), await self.ari.get("/bridges")
            if not channels and not bridges:
                return
            await asyncio.sleep(0.05)
        names = [c["name"] for c in channels] + [f"bridge {b['id']} {b['bridge_type']}" for b in bridges]
        raise TimeoutError(f"left over on {self.node} after {within} s: {names}")

    async def provision(
        self, extension: str, secret: str, *, contact: str | None = None, context: str = "from-internal", **fields: str
    ) -> None:
        """Creates a SIP extension over ARI: it may register with `secret`, or has a static `contact` (sip:...)."""
        await self.ari.configure(
            "auth", extension, {"auth_type": "userpass", "username": extension, "password": secret}
        )
        # A changed static contact would be added to the old ones, not take their place.
        with contextlib.suppress(AriError):
            await self.ari.delete(f"/asterisk/config/dynamic/res_pjsip/aor/{extension}")
        aor = {"max_contacts": "1", "remove_existing": "yes", "qualify_frequency": "0"}
        await self.ari.configure("aor", extension, aor | ({"contact": contact} if contact else {}))
        endpoint = {
            "transport": "udp",
            "context": context,
            "disallow": "all",
            "allow": "ulaw,alaw",
            "auth": extension,
            "aors": extension,
            "direct_media": "no",
            "callerid": f"Extension {extension} <{extension}>",
        }
        await self.ari.configure("endpoint", extension, endpoint | fields)
