"""Contact-centre and call-control server on Asterisk. ari_app/README.md is the map."""

__version__ = "0.1.0"
