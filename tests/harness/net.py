"""Addresses and ports of loopback that nobody uses."""

import os
import random
import socket

#: SIP of whatever the harness starts. Not 5060: a `make run`, bound to all addresses there, may run beside the tests.
SIP_PORT = 15060

#: of this process, where several run the tests: "gw0", "gw1", ... (pytest-xdist)
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
#: so many ports has each of them to choose from
_PORTS = 2000

_chosen: set[str] = set()
_given: set[int] = set()


def free_address(*tcp_ports: int, udp_ports: tuple[int, ...] = (SIP_PORT,)) -> str:
    """A loopback address (127.x.y.z) on which the given ports are free, different at each call.

    Random in the whole of 127/8, so that several test runs on one machine do not meet.
    """
    while True:
        address = f"127.{random.randint(16, 250)}.{random.randint(0, 255)}.{random.randint(2, 250)}"
        if address in _chosen:
            continue
        if all(is_free(address, p, socket.SOCK_STREAM) for p in tcp_ports) and all(
            is_free(address, p, socket.SOCK_DGRAM) for p in udp_ports
        ):
            _chosen.add(address)
            return address


def free_port(address: str = "127.0.0.1", kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A port of the address that is free now, different at each call.

    Not one of those that Linux gives to whoever asks for any (from 32768 on): it may be bound seconds from now, and
    again after a crash, and until then no connection and no server on port 0 takes it. Nor one that another process of
    the same run may choose.
    """
    first = 10000 + _WORKER % 5 * _PORTS
    while True:
        port = random.randrange(first, first + _PORTS)
        if port not in (SIP_PORT, *_given) and is_free(address, port, kind):
            _given.add(port)
            return port


def is_free(address: str, port: int, kind: socket.SocketKind) -> bool:
    """Whether the port can be bound now."""
    with socket.socket(socket.AF_INET, kind) as probe:
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True


def address_towards(host: str) -> str:
    """The address of this machine from which packets to the host leave. Raises OSError where there is no way."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((host, 9))
        address: str = probe.getsockname()[0]
        return address
