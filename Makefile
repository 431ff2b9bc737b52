# The project's commands; `make` alone lists them.
.DEFAULT_GOAL := help
.PHONY: help demo test lint bench render mutate-rules e2e lock clean

DEMO_LOCK := deploy/requirements.txt
LOCK := tests/requirements.txt
COMPILE := .venv/bin/uv pip compile --quiet --no-config --universal --python-version 3.11 \
	--generate-hashes --custom-compile-command 'make lock' pyproject.toml

help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## servers, an application under load and the exporter, here, now; FAULT=lock breaks something, FOR=60s ends by itself
	@.ci/venv $(DEMO_LOCK) $(LOCK)
	@.venv/bin/kpi-exporter demo $${FAULT:+--fault "$$FAULT"} $${FOR:+--for "$$FOR"}

test: ## bring the servers that the tests need, then lint, types, unit and integration tests
	@.ci/venv $(LOCK)
	@.venv/bin/python -m tests.prepare
	@$(MAKE) --no-print-directory lint
	@.venv/bin/python -m tests.streams

lint: ## ruff and mypy, changing nothing
	@.ci/venv $(LOCK)
	@.venv/bin/ruff check
	@.venv/bin/ruff format --check
	@.venv/bin/mypy

bench: ## measure on real servers, for some 12 minutes; NAME='scrape rounds' measures that alone, JSON=FILE keeps the figures
	@.ci/venv $(LOCK)
	@.venv/bin/python -m tests.bench $(NAME) $${JSON:+--json "$$JSON"}

render: ## rewrite rules, dashboards and runbooks from the KPI catalogue
	@.ci/venv $(LOCK)
	@.venv/bin/kpi-exporter render --out .
	@.venv/bin/python -m tests.peers

mutate-rules: ## change each rule a little, and see that a test notices; NAME='api host' does those alone, CHANGED=1 what differs
	@.ci/venv $(LOCK)
	@.venv/bin/python -m tests.rules.mutate $(NAME) $(if $(CHANGED),--changed)

e2e: ## break all that can be broken, and ten idle minutes: what arrives, when, why; NAME='lock cpu' does those alone, IDLE=60 is shorter
	@.ci/venv $(LOCK)
	@.venv/bin/python -m tests.prepare
	@.venv/bin/python -m tests.e2e $(NAME) $(if $(IDLE),--idle '$(IDLE)')

lock: ## resolve the dependencies anew; delete a lock file first to take the newest
	@test -x .venv/bin/uv || .ci/venv $(LOCK)
	@$(COMPILE) --extra demo --group dev --output-file $(LOCK)
	@$(COMPILE) --extra demo --group build --constraint $(LOCK) --output-file $(DEMO_LOCK)

clean: ## remove what the commands above made in this folder
	@rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache
	@find exporter tests -name __pycache__ -type d -prune -exec rm -rf {} +
