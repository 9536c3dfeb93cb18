import importlib.util
from dataclasses import replace

import pytest

from audit import runners
from audit.auditing import run_audit
from audit.config import RunConfig
from audit.errors import ConfigError


def test_the_local_engine_needs_nothing():
    runners.check_engine(RunConfig())


def test_a_missing_package_is_named_before_any_work(run_config, monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(runners, "find_spec", lambda name: None if name == "ray" else found(name))
    with pytest.raises(ConfigError, match=r"needs ray.*pip install 'cam-audit\[ray\]'"):
        run_audit(replace(run_config, engine="ray"))
    assert not run_config.runs_dir.exists()


def test_an_engine_that_is_none_of_ours_is_refused():
    with pytest.raises(ConfigError, match=r"--engine spark: known: local, ray"):
        runners.check_engine(replace(RunConfig(), engine="spark"))
