"""The application's image: what its Dockerfile copies reaches the builder."""

from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_what_is_copied_is_not_ignored() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    copied = {name for line in lines if line.startswith("COPY ") for name in line.split()[1:-1]}
    ignored, *let_in = (ROOT / ".dockerignore").read_text().splitlines()
    assert ignored == "*"
    assert copied == {line[1:] for line in let_in if line.startswith("!")}
    assert all((ROOT / name).exists() for name in copied)
