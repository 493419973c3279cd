# Each target is one script or one command; `make help` lists them.
PYTHON := .venv/bin/python
.DEFAULT_GOAL := help
.PHONY: help run demo-call test check format generate fuzz-api bench cpa-eval env clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## a running contact centre: Asterisk, database, demo, server (Ctrl-C stops it; ARI_URL=... uses your own Asterisk)
	@exec scripts/run

demo-call: ## SIP callers ring the demo's queue 500 of a `make run`, and its agents answer
	@exec scripts/demo-call

test: ## every test; installs what it needs where it may (ARGS="tests/unit -k name" for some)
	@exec scripts/test $(ARGS)

check: env ## what must hold before a commit, under a minute: format, lint, types, imports, generated code, unit tests
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	scripts/generated-is-current
	$(PYTHON) -m pytest -q -n auto -m "not postgres and not slow" tests/unit

format: env ## rewrite the code as `make check` wants it
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

generate: env ## the ARI client, from Asterisk's own description
	$(PYTHON) -m ari_app.ari.generate

fuzz-api: env ## 10,000 requests made from the EQ API's OpenAPI document, good and bad (EXAMPLES=3: fewer)
	@exec scripts/fuzz-api $(EXAMPLES)

BENCH := queue_calls
bench: env ## queue calls against app_queue on this machine, into bench/results/ (BENCH=store, engine: others; ARGS=--help)
	@scripts/docker-up && scripts/test-tools && $(PYTHON) -m bench.$(BENCH) $(ARGS); \
	  status=$$?; scripts/docker-down; exit $$status

CPA_PACKAGES := flite espeak-ng festival festvox-kallpc16k festvox-us-slt-hts asterisk-moh-opsound-wav \
  fluidsynth timgm6mb-soundfont fluid-soundfont-gm \
  asterisk-prompt-it-menardi-wav asterisk-prompt-fr-armelle asterisk-prompt-es-co \
  $(foreach language,en es fr it ru,asterisk-core-sounds-$(language)-wav)
cpa-eval: env ## call progress analysis on generated calls, against app_amd on the same ones (ARGS=--help)
	@scripts/docker-up && $(if $(findstring --corpus,$(ARGS)),,scripts/apt-install $(CPA_PACKAGES) &&) $(PYTHON) -m bench.cpa --write $(ARGS); \
	  status=$$?; scripts/docker-down; exit $$status

env:
	@scripts/python-env

clean: ## forget the demo: its database, secrets, files, and Asterisk's volume
	-find var -mindepth 1 ! -name "dockerd.*" -delete
	-docker volume rm -f ari-app-demo-asterisk
