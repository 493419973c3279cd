"""`python -m ari_app`."""

from ari_app.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
