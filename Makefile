# One command each: demo, test, check, bench. Everything lives in .venv, made on first use.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test check format bench fuzz weekly peers docs gallery clean

demo: $(VENV)/.ready
	$(BIN)/chainrule train digits

test: $(VENV)/.ready
	$(BIN)/python -m pytest -n 2

check: $(VENV)/.ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/python docs/build.py --check
	$(BIN)/python docs/gallery/build.py --check
	$(BIN)/python -m pytest -n 2

# Comparisons with PyTorch: the same sums, by somebody else.
peers: $(VENV)/.ready
	$(BIN)/python -c "import torch" 2>/dev/null || $(BIN)/pip install --quiet torch==2.13.0
	$(BIN)/python -m pytest -n 2 tests/peers

bench: $(VENV)/.ready
	@for peer in torch==2.13.0 autograd jax scikit-learn; do \
		$(BIN)/pip install --quiet $$peer || echo "$$peer cannot be installed here: left out"; \
	done
	$(BIN)/python benchmarks/run.py
	$(BIN)/python benchmarks/native/run.py

# Random programs, as NumPy computes them and as machine code; an hour of them.
fuzz: $(VENV)/.ready
	$(BIN)/python -m tests.fuzzing --minutes 60

# Real data from end to end, as long as it takes.
weekly: $(VENV)/.ready
	$(BIN)/python -m pytest -v -m weekly

docs: $(VENV)/.ready
	$(BIN)/python docs/build.py

# Every picture of the articles, and films of some; about two minutes.
gallery: $(VENV)/.ready
	$(BIN)/python docs/gallery/build.py

format: $(VENV)/.ready
	$(BIN)/ruff check --fix --quiet .
	$(BIN)/ruff format .

$(VENV)/.ready: pyproject.toml
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'chainrule needs Python 3.11 or newer; set PYTHON=')"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --editable ".[data]" --group dev
	touch $@

clean:
	rm -rf $(VENV) runs
