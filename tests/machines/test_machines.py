"""One plan on one, two and four machines, and on machines that are lost."""

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace

import pytest

from audit.auditing import run_audit
from audit.errors import ConfigError


def _add(cluster, n=1):
    return [cluster.add_node(num_cpus=1, object_store_memory=80 * 2**20) for _ in range(n)]


def _remove(cluster, nodes):
    for node in nodes:
        cluster.remove_node(node, allow_graceful=False)


def _assert_equal(found, expected):
    assert found.keys() == expected.keys()
    assert [name for name in expected if not found[name].equals(expected[name])] == []


def test_one_two_and_four_machines_give_equal_tables(cluster, gathering, config, alone, tables):
    nodes = []
    for n in (1, 2, 4):
        nodes += _add(cluster, n - len(nodes))
        for file in gathering.glob("came-*"):
            file.unlink()
        (gathering / "expected").write_text(f"{n} {os.getpid()}")
        gathered = replace(config, run=f"on-{n}", dataset="elsewhere:Gathered", engine="ray")
        _assert_equal(tables(run_audit(gathered)), alone[None])
        assert len(list(gathering.glob("came-*"))) == n
    _remove(cluster, nodes)


def test_a_machine_is_killed_and_another_one_comes(cluster, config, alone, tables):
    (lost,) = _add(cluster)
    folder = config.runs_dir / "killed" / "images"
    others = []

    def kill():
        while len(list(folder.glob("part-*"))) < 2:
            time.sleep(0.05)
        _remove(cluster, [lost])

    def say(line):
        said.append(line)
        if "is tried again" in line and not others:
            others.extend(_add(cluster))

    said = []
    killer = threading.Thread(target=kill)
    killer.start()
    report = run_audit(
        replace(config, run="killed", dataset="elsewhere:Slow", budget=0, engine="ray"), say
    )
    killer.join()
    _remove(cluster, others)
    assert any(line.startswith("note: part") and "is tried again" in line for line in said), said
    _assert_equal(tables(report), alone[0])


def test_a_machine_of_another_plan_is_refused(cluster, config, monkeypatch):
    nodes = _add(cluster)
    monkeypatch.setenv("HEAD_OF_THE_RUN", "1")
    unlike = replace(config, dataset="elsewhere:Unlike", engine="ray")
    with pytest.raises(ConfigError, match=r"would audit another plan: its dataset differ"):
        run_audit(unlike)
    _remove(cluster, nodes)


def test_an_interrupted_run_ends_ray_and_goes_on(config, alone, tables):
    command = [
        *(sys.executable, "-m", "pipelines", "run", "--engine", "ray", "--run", "stopped"),
        *("--dataset", "elsewhere:Slow", "--model", config.model, "--target-layer", "features"),
        *("--runs-dir", str(config.runs_dir), "--device", "cpu", "--batch-size", "4"),
        *("--workers", "0", "--part-size", "4", "--max-cases", "8", "--no-sanity"),
        *("--budget", "0"),
    ]
    started = subprocess.Popen(
        command, env=os.environ | {"RAY_ADDRESS": "local"}, stderr=subprocess.PIPE, text=True
    )
    images = config.runs_dir / "stopped" / "images"
    while not list(images.glob("part-*")) and started.poll() is None:
        time.sleep(0.05)
    started.send_signal(signal.SIGTERM)
    _, err = started.communicate(timeout=60)
    assert started.returncode == 130, err
    assert "interrupted; the same command goes on" in err
    assert len(list(images.glob("part-*"))) < 8
    slow = replace(config, run="stopped", dataset="elsewhere:Slow", budget=0)
    _assert_equal(tables(run_audit(slow)), alone[0])
