# `make` lists the targets. Each stands for one command that works without make, too, and that CONTRIBUTING.md explains.
.DEFAULT_GOAL := help
.PHONY: help setup run fast test thorough check ci generated site serve

help: ## List these targets, one line each
	@sed -nE 's/^([a-z]+):.*## (.*)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 12

setup: ## Install every library at the version of uv.lock, and the checks that run before each commit
	uv sync --locked
	uv run pre-commit install

run: ## Compute the embedded default: figures, tables and pages in results/scenes (a minute on two cores)
	uv run snakemake --cores all

fast: ## Run the tests that take less than a second each (a minute on two cores)
	uv run pytest -m "not slow"

test: ## Run all tests (nine minutes on two cores)
	uv run pytest

thorough: ## Run all tests with every case of what they otherwise try by a sample (twice as long)
	uv run pytest --thorough

check: ## Check style, types, layers, and that generated files are current
	uv run pre-commit run --all-files

ci: ## Do all that must pass before a change lands
	.ci/run

generated: ## Write envs/, the tables of config/README.md and config/schema.json anew
	uv run python -m pipeline.environments
	uv run python -m pipeline.reference

site: ## Build the documentation's site in site/html/, every link checked
	uv run --only-group docs python -m website

serve: ## Show the site at http://localhost:8000
	uv run --only-group docs python -m website --serve
