# Everything a clone needs: make demo, make test, make check, make bench, make fuzz, make chaos,
# make soak.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test check bench fuzz chaos soak lock clean

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "flowtap needs Python 3.11 or newer: make PYTHON=python3.11")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[demo,check]'
	touch $@

demo: $(READY)
	$(BIN)/flowtap demo

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Three at once: half of their time tests wait, for a disk, a broker, a screen at rest. More would each
# want an engine and a broker of its own.
test: check
	$(BIN)/python -m pytest -n 3 --no-loadscope-reorder

bench: $(READY)
	$(BIN)/python -m tests.benchmarks

# Minutes: long property tests, then each decoder by coverage (FUZZ_SECONDS each). atheris has no
# wheels for some platforms, so it is fetched only here.
FUZZ_SECONDS ?= 60
fuzz: $(READY)
	$(BIN)/python -m pytest tests/fuzz --hypothesis-profile=long --timeout 3600
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'atheris==3.0.0'
	for decoder in otlp_protobuf otlp_json zipkin gzip deflate filter masks; do \
	  $(BIN)/python -m tests.fuzz.guided $$decoder -max_total_time=$(FUZZ_SECONDS) -max_len=4096 || exit 1; \
	done

# Minutes: ends the collector at random moments under load, and counts what is left. SEED=... draws
# the same rounds again.
ROUNDS ?= 20
chaos: $(READY)
	$(BIN)/python -m tests.chaos --rounds $(ROUNDS) $(if $(SEED),--seed $(SEED))

# MINUTES of a steady load with the terminal UI open; the table goes to stdout, all to SOAK.
MINUTES ?= 30
SOAK ?= soak.json
soak: $(READY)
	$(BIN)/python -m tests.soak --minutes $(MINUTES) --json $(SOAK)

lock: $(READY)
	$(BIN)/python -m pip freeze --exclude-editable | grep -v '^flowtap' > constraints.txt

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache
