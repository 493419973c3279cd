"""What the server does not start with: it says in one line what to set, and nothing has been opened."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from ari_app.config import Settings
from ari_app.errors import ConfigError
from ari_app.serve import serve


async def test_media_listen_without_a_password() -> None:
    """Whoever reaches that port would hear calls."""
    settings = Settings(
        _env_file=None,
        ari_password=SecretStr("secret"),
        ari_connect="inbound",
        ari_ws_password=SecretStr(""),
        media_listen="127.0.0.1:8089",
    )
    with pytest.raises(ConfigError, match=r"ARI_WS_PASSWORD.*MEDIA_LISTEN"):
        await serve(settings)
