"""The ``cam-audit`` command: flags, environment and TOML file into a configuration, then the call.

Imports that take time happen inside the commands, so that ``--help`` answers at once.
"""

from __future__ import annotations

import os
import signal
import sys
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, get_args

from cyclopts import App, CycloptsError, Parameter, convert
from cyclopts.config import Dict, Env

from audit.comparison.config import CompareConfig
from audit.config import ExplainConfig, FitConfig, RegionsConfig, RunConfig
from audit.errors import AuditError, ConfigError, nearest
from audit.gates.config import GateConfig
from audit.serve.config import ServeConfig

__all__ = ["app", "main"]

_PREFIX = "CAM_AUDIT_"
_INTERRUPTED = 130
_USAGE = 2
_RUN, _FIT, _EXPLAIN, _REGIONS = RunConfig(), FitConfig(), ExplainConfig(), RegionsConfig()
_GATE = GateConfig()
_COMPARE = CompareConfig()
_SERVE = ServeConfig()


def _whole(kind: Any, tokens: Any) -> Any:
    """Convert as cyclopts does, except that it would round a fraction where an int is asked for."""
    if int in (kind, *get_args(kind)):
        for token in tokens:
            if "." in token.value:
                raise ValueError(f"{token.value} is no whole number")
    return convert(kind, tokens)


_OPTIONS = Parameter(name="*", converter=_whole)

app = App(
    name="cam-audit",
    help="Audit an image classifier before its release.",
    version_flags=["--version"],
    result_action="return_value",
    suppress_keyboard_interrupt=False,
)
app.meta.suppress_keyboard_interrupt = False  # main() ends an interrupted run in our own words


@app.command
def run(*, config: Annotated[RunConfig, _OPTIONS] = _RUN) -> None:
    """Audit a dataset: writes a run folder and renders its report."""
    from audit.auditing import run_audit

    print(run_audit(config, _say))


@app.command
def fit(*, config: Annotated[FitConfig, _OPTIONS] = _FIT) -> None:
    """Fit a reference classifier on a dataset's train split."""
    from audit.fit import fit as fit_classifier

    print(fit_classifier(config, _say))


@app.command
def report(
    run: Path,
    /,
    *,
    policy: Annotated[
        Path | None,
        Parameter(help="TOML file of gates for the release verdict. Default: the shipped one."),
    ] = None,
    single_file: Annotated[
        bool,
        Parameter(help="Write report-single.html: one file of at most 5 MB, with fewer cases."),
    ] = False,
) -> None:
    """Render a run's report again; no model and no dataset are needed."""
    from audit.report.render import render_report

    print(render_report(run, policy, single_file=single_file))


@app.command
def gate(run: Path, /, *, config: Annotated[GateConfig, _OPTIONS] = _GATE) -> int:
    """Check a run against a release policy; exit code 1 where a gate fails."""
    from audit.gates.check import check
    from audit.gates.words import lines

    verdict, page = check(run, config)
    for line in lines(verdict):
        _say(line)
    print(page)
    return verdict.exit_code


@app.command
def compare(
    base: Path,
    candidate: Path,
    /,
    *,
    config: Annotated[CompareConfig, _OPTIONS] = _COMPARE,
) -> int:
    """Compare two runs image by image; exit code 1 where a gate of --policy fails."""
    from audit.comparison.compare import compare_runs

    found = compare_runs(base, candidate, config, _say)
    print(found.report)
    return found.exit_code


@app.command
def explain(
    *images: Annotated[Path, Parameter(help="Image files, or folders of them.")],
    config: Annotated[ExplainConfig, _OPTIONS] = _EXPLAIN,
) -> None:
    """Draw where a model looks in single images: one PNG an image."""
    from audit.pictures.explaining import explain_images

    print(explain_images(images, config, _say))


@app.command
def regions(*, config: Annotated[RegionsConfig, _OPTIONS] = _REGIONS) -> None:
    """Estimate where the objects are, and write it as a COCO file to correct."""
    from audit.regions_command import write_regions

    print(write_regions(config, _say))


@app.command
def serve(
    run: Annotated[Path, Parameter(help="Run folder that `cam-audit run` has finished.")],
    /,
    *,
    config: Annotated[ServeConfig, _OPTIONS] = _SERVE,
) -> int:
    """Browse every row of a run on 127.0.0.1, until Ctrl-C."""
    try:
        from audit.serve.server import serve_run
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"serve needs {error.name}, which is not installed: make serve installs it, as does "
            "pip install 'cam-audit[serve]'"
        ) from error

    try:
        serve_run(run, config, lambda address: print(address, flush=True))
    except KeyboardInterrupt:  # the way it ends: there is nothing to take up again
        signal.setitimer(signal.ITIMER_REAL, 0)
        _say("cam-audit: stopped")
    return _INTERRUPTED


@app.command
def schema() -> None:
    """Print every table's columns with their types, units and meaning."""
    from audit.tables.schema import as_markdown

    print(as_markdown())


@app.meta.default
def _configured(
    *tokens: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)],
    config: Annotated[Path | None, Parameter(help="TOML file of options: key = value.")] = None,
) -> Any:
    _refuse_unknown_variables()
    variables = Env(_PREFIX, command=False)
    app.config = (variables,) if config is None else (variables, _file(config, tokens))
    return app(tokens, exit_on_error=False, print_error=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns its exit code (README lists them)."""
    handler = _interrupt_of(os.getpid())
    ours = (signal.SIGTERM, signal.SIGINT, signal.SIGALRM)
    before = {number: signal.signal(number, handler) for number in ours}
    try:
        return _guarded(lambda: app.meta(argv, exit_on_error=False, print_error=True))
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


def _guarded(call: Callable[[], object]) -> int:
    """Run ``call``, whose int is the exit code; a user's mistake is one line, never a traceback."""
    try:
        result = call()
    except CycloptsError:
        return _USAGE  # cyclopts has printed it
    except AuditError as error:
        print(f"cam-audit: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        signal.setitimer(signal.ITIMER_REAL, 0)
        print("cam-audit: interrupted; the same command goes on where it was", file=sys.stderr)
        return _INTERRUPTED
    return result if isinstance(result, int) else 0


def _file(path: Path, tokens: Sequence[str]) -> Dict:
    """The file's keys as options of the command: below its name, so that ``run = …`` is a key."""
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"--config {path}: {error.strerror}") from error
    except ValueError as error:
        raise ConfigError(f"--config {path} is not TOML: {error}") from error
    return Dict({tokens[0]: content} if tokens else {}, source=str(path))


def _refuse_unknown_variables() -> None:
    known = {
        f"{_PREFIX}{name.rstrip('_').upper()}"
        for config in (
            RunConfig,
            FitConfig,
            ExplainConfig,
            RegionsConfig,
            GateConfig,
            CompareConfig,
            ServeConfig,
        )
        for name in config.__dataclass_fields__
    }
    for variable in sorted(os.environ):
        if variable.startswith(_PREFIX) and variable not in known:
            raise ConfigError(
                f"environment variable {variable}: {nearest(variable, sorted(known))}"
            )


def _interrupt_of(process: int) -> Callable[[int, object], None]:
    """The handler of signals that end the command, for ``process`` and the workers it forks."""

    def interrupt(number: int, _frame: object) -> None:
        if os.getpid() != process:  # a worker: the command says it once, and ends the workers
            if number == signal.SIGTERM:
                os._exit(_INTERRUPTED)
            return
        # Raised inside a callback, the interrupt would be swallowed: so it comes again each second.
        signal.setitimer(signal.ITIMER_REAL, 1, 1)
        raise KeyboardInterrupt

    return interrupt


def _say(line: str) -> None:
    print(line, file=sys.stderr)
