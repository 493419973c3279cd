# The application. Asterisk has an image of its own (asterisk-conf/); compose.yaml runs both.
ARG BASE=python:3.13-slim
FROM ${BASE}

WORKDIR /app
COPY pyproject.toml setup.py README.md alembic.ini ./
COPY ari_app ari_app
COPY models models
COPY alembic alembic
# The compiler is for the measuring of audio (setup.py); where it cannot be had, numpy does the same, slower.
RUN { apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev || true; } \
 && python3 -m venv /venv \
 && /venv/bin/pip install --no-cache-dir -e ".[s3,wideband]" \
 && { apt-get purge -y --auto-remove gcc libc6-dev || true; } && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --home-dir /data --create-home ari-app

USER ari-app
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    DATA_DIR=/data \
    HTTP_LISTEN=0.0.0.0:8080 \
    ARI_LISTEN=0.0.0.0:8099
VOLUME /data
EXPOSE 8080 8099
# Migrating is safe to repeat: what is there stays.
CMD ["sh", "-c", "python -m ari_app migrate && exec python -m ari_app serve"]
