"""The command: its address, its errors, and how it ends."""

import http.client
import re
import signal
import socket
import subprocess
import sys

import pytest

from audit.errors import ConfigError, DataError

pytest.importorskip("uvicorn", reason="the extra 'serve' is not installed: make .venv/.serve")

from audit.serve.config import ServeConfig
from audit.serve.server import bind, serve_run
from pipelines.cli import main


def test_a_taken_port_is_a_clear_error(run, capsys):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert main(["serve", str(run), "--port", str(port)]) == 2
    said = capsys.readouterr().err
    assert said == (
        f"cam-audit: --port {port} is taken by another program: name another, or 0 for a free one\n"
    )


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_number_that_is_no_port_is_refused(port):
    with pytest.raises(ConfigError, match="0 to 65535"):
        bind(port)


@pytest.mark.parametrize("given", ["1.5", "8765.0"])
def test_a_fraction_is_no_port(run, capsys, monkeypatch, given):
    monkeypatch.setenv("COLUMNS", "200")
    assert main(["serve", str(run), "--port", given]) == 2
    assert f"--port: {given} is no whole number" in capsys.readouterr().err


def test_a_fraction_from_the_environment_is_no_port_either(run, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("CAM_AUDIT_PORT", "1.5")
    assert main(["serve", str(run)]) == 2
    assert "1.5 is no whole number" in capsys.readouterr().err


def test_the_help_says_what_a_run_is(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    assert main(["serve", "--help"]) == 0
    assert "Run folder that cam-audit run has finished." in capsys.readouterr().out


def test_it_listens_on_this_machine_alone():
    with bind(0) as listener:
        assert listener.getsockname()[0] == "127.0.0.1"


def test_what_is_no_run_is_refused(tmp_path):
    with pytest.raises(DataError, match="no run folder"):
        serve_run(tmp_path / "none", ServeConfig(port=0), print)


def test_a_data_root_that_is_no_folder_is_refused(run, tmp_path):
    config = ServeConfig(port=0, data_root=tmp_path / "none")
    with pytest.raises(ConfigError, match="no such folder"):
        serve_run(run, config, print)


SOCKET = {"connection": "Upgrade", "upgrade": "websocket", "sec-websocket-version": "13"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_its_address_and_ends_when_interrupted(run, number):
    command = [sys.executable, "-m", "pipelines", "serve", str(run), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            address = process.stdout.readline().decode()
            port = int(re.fullmatch(r"http://127\.0\.0\.1:(\d+)/\n", address)[1])
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            connection.request("GET", "/")
            answer = connection.getresponse()
            assert answer.status == 200
            answer.read()
            connection.request("GET", "/", headers=SOCKET)
            assert connection.getresponse().status == 200  # a page: web sockets are not known
            connection.close()
            process.send_signal(number)
            assert process.wait(60) == 130
            assert process.stderr.read() == b"cam-audit: stopped\n"
        finally:
            process.kill()
