"""The generator: what is checked in is what it makes, and the names are Asterisk's."""

from __future__ import annotations

import inspect
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar

import msgspec
import pytest

from ari_app.ari import apidocs, events, generate, models, operations
from ari_app.ari.base import Tagged


def test_generated_files_are_what_the_generator_makes() -> None:
    for name, source in generate.generated(apidocs.checked_in()).items():
        assert (generate.HERE / name).read_text("utf-8") == source, f"{name}: run python -m ari_app.ari.generate"


def test_main_writes_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generate, "HERE", tmp_path)
    assert generate.main([]) == 0
    assert {p.name for p in tmp_path.iterdir()} == {"models.py", "events.py", "operations.py"}
    for path in tmp_path.iterdir():
        assert path.read_text("utf-8") == (Path(generate.__file__).parent / path.name).read_text("utf-8")


def test_every_operation_is_a_method() -> None:
    api = apidocs.load(apidocs.checked_in())
    assert len(api.operations) == 109
    for operation in api.operations:
        resource = getattr(operations, operation.resource[0].upper() + operation.resource[1:])
        method = getattr(resource, operation.nickname)
        assert inspect.iscoroutinefunction(method) != operation.websocket
        parameters = inspect.signature(method).parameters
        assert set(parameters) - {"self"} == {generate.identifier(p.name) for p in operation.parameters}


def test_every_model_is_a_struct() -> None:
    api = apidocs.load(apidocs.checked_in())
    in_events = [m for m in api.models.values() if m.file == "events"]
    assert len(in_events) == 57
    for model in api.models.values():
        struct = getattr(events if model.file == "events" else models, model.name)
        own = {f.encode_name for f in msgspec.structs.fields(struct)}
        tagged = issubclass(struct, Tagged)
        assert {p.name for p in model.properties if not (tagged and p.name == "type")} <= own
        assert struct.__doc__


def test_every_message_says_its_type() -> None:
    assert len(events.MESSAGES) == 46
    for name, message in events.MESSAGES.items():
        assert message.type == name
        assert message.__struct_config__.tag == name


def test_keywords_get_an_underscore() -> None:
    assert generate.identifier("from") == "from_"
    assert generate.identifier("format") == "format"
    message = msgspec.json.decode(b'{"from": "a", "to": "b", "body": "c"}', type=models.TextMessage)
    assert message.from_ == "a"


@pytest.mark.parametrize(
    ("swagger", "python"),
    [
        ("string", "str"),
        ("long", "int"),
        ("double", "float"),
        ("boolean", "bool"),
        ("Date", "str"),
        ("object", "dict[str, Any]"),
        ("List[string]", "builtins.list[str]"),
        ("List[Channel]", "builtins.list[Channel]"),
        ("Channel", "Channel"),
    ],
)
def test_types(swagger: str, python: str) -> None:
    assert generate.python_type(swagger) == python


class _ApiDocs(BaseHTTPRequestHandler):
    asked: ClassVar[list[tuple[str, str]]] = []

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers["Authorization"]))
        document = json.loads((apidocs.DOCS / self.path.rpartition("/")[2]).read_text("utf-8"))
        document["basePath"] = "http://elsewhere:8088/ari"
        body = json.dumps(document).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def api_docs_server() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), _ApiDocs)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_from_url_fetches_the_description(
    api_docs_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docs = tmp_path / "api-docs"
    docs.mkdir()
    monkeypatch.setattr(generate, "HERE", tmp_path)
    monkeypatch.setattr(generate, "DOCS", docs)
    assert generate.main(["--from-url", f"http://user:secret@{api_docs_server}/ari"]) == 0
    # the address of the server is left out, and the login is sent, not kept
    assert {p.name: p.read_text("utf-8") for p in docs.iterdir()} == {
        p.name: p.read_text("utf-8") for p in apidocs.DOCS.iterdir()
    }
    assert ("/ari/api-docs/resources.json", "Basic dXNlcjpzZWNyZXQ=") in _ApiDocs.asked
