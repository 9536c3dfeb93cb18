import json
import subprocess
import sys
from pathlib import Path

import pytest

from audit.config import RunConfig
from pipelines import cli

ROOT = Path(__file__).parents[2]


@pytest.fixture
def asked(monkeypatch):
    """The configurations that ``run`` was called with; nothing is audited."""
    seen = []

    def run_audit(config, _say):
        seen.append(config)
        return Path("runs/x/report/index.html")

    monkeypatch.setattr("audit.auditing.run_audit", run_audit)
    return seen


def test_without_options_the_defaults_hold(asked):
    assert cli.main(["run"]) == 0
    assert asked == [RunConfig()]


def test_the_last_line_is_the_reports_path(asked, capsys):
    cli.main(["run"])
    assert capsys.readouterr().out.splitlines()[-1] == "runs/x/report/index.html"


def test_flag_over_environment_over_file_over_default(asked, tmp_path, monkeypatch):
    file = tmp_path / "audit.toml"
    file.write_text('limit = 1\nseed = 1\nbatch-size = 1\ndata-root = "from-file"\n')
    monkeypatch.setenv("CAM_AUDIT_SEED", "2")
    monkeypatch.setenv("CAM_AUDIT_BATCH_SIZE", "2")
    assert cli.main(["--config", str(file), "run", "--batch-size", "3"]) == 0
    (config,) = asked
    assert (config.limit, config.seed, config.batch_size) == (1, 2, 3)
    assert config.data_root == Path("from-file")
    assert config.dataset == "decoy"


def test_config_may_stand_behind_the_command(asked, tmp_path):
    file = tmp_path / "audit.toml"
    file.write_text("limit = 7\n")
    assert cli.main(["run", "--config", str(file)]) == 0
    assert asked[0].limit == 7


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["run", "--datset", "x"], "--dataset"),
        (["run", "--limit", "many"], "many"),
        (["run", "stray"], "stray"),
        (["rin"], "run"),
        (["run", "--config", "nowhere.toml"], "nowhere.toml"),
    ],
)
def test_a_usage_error_is_2_and_names_what_was_meant(asked, capfd, argv, said):
    assert cli.main(argv) == 2
    text = "".join(capfd.readouterr())
    assert said in text
    assert "Traceback" not in text
    assert asked == []


def test_every_flag_may_stand_in_the_file_also_run(asked, tmp_path):
    file = tmp_path / "audit.toml"
    file.write_text('run = "named"\n')
    assert cli.main(["run", "--config", str(file)]) == 0
    assert asked[0].run == "named"


@pytest.mark.parametrize("content", ["[run]\nlimit = 4\n", 'report = "x"\n', "fit = 3\n"])
def test_a_key_named_like_a_command_is_refused(asked, tmp_path, content):
    file = tmp_path / "audit.toml"
    file.write_text(content)
    assert cli.main(["run", "--config", str(file)]) == 2
    assert asked == []


def test_an_unknown_key_in_the_file_is_refused(asked, tmp_path, capfd):
    file = tmp_path / "audit.toml"
    file.write_text("limt = 3\n")
    assert cli.main(["run", "--config", str(file)]) == 2
    text = "".join(capfd.readouterr())
    assert "limt" in text
    assert "--limit" in text
    assert asked == []


def test_a_file_that_is_no_toml_is_refused(asked, tmp_path, capfd):
    file = tmp_path / "audit.toml"
    file.write_text("limit 3\n")
    assert cli.main(["run", "--config", str(file)]) == 2
    assert "audit.toml" in "".join(capfd.readouterr())
    assert asked == []


def test_an_unknown_variable_is_refused(asked, monkeypatch, capsys):
    monkeypatch.setenv("CAM_AUDIT_LIMT", "3")
    assert cli.main(["run"]) == 2
    assert "CAM_AUDIT_LIMIT" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "code", "said"),
    [
        (["run", "--dataset", "stl11"], 2, "stl10"),
        (["run", "--dataset", "folder", "--data-root", "nowhere"], 3, "nowhere"),
        (["run", "--dataset", "stl10", "--split", "tset"], 2, "test"),
        (["run", "--batch-size", "0"], 2, "--batch-size 0"),
        (["run", "--regions", "natve"], 2, "native"),
        (["run", "--dataset", "decoy", "--device", "abacus"], 2, "abacus"),
        (["report", "nowhere"], 3, "nowhere"),
        (["gate", "nowhere"], 3, "nowhere"),
        (["gate", "nowhere", "--policy", "none.toml"], 2, "none.toml"),
    ],
)
def test_errors_end_in_one_line_with_their_exit_code(
    monkeypatch, tmp_path, capsys, checkpoint, argv, code, said
):
    monkeypatch.chdir(tmp_path)
    more = ["--checkpoint", str(checkpoint)] if argv[0] == "run" else []
    monkeypatch.setattr("audit.data.stl10.prepare", lambda *_: pytest.fail("no decoy is needed"))
    if "decoy" in argv:
        argv[argv.index("decoy")] = "stl10"
        monkeypatch.setenv("CAM_AUDIT_DATA_ROOT", str(_stl10(tmp_path)))
    assert cli.main([*argv, *more]) == code
    error = capsys.readouterr().err
    assert error.startswith("cam-audit: ")
    assert error.count("\n") == 1
    assert said in error


def _stl10(folder):
    data = folder / "d" / "stl10_binary"
    data.mkdir(parents=True)
    (data / "test_X.bin").write_bytes(bytes(3 * 96 * 96))
    (data / "test_y.bin").write_bytes(b"\x01")
    return folder / "d"


def test_help_is_light():
    """What makes --help slow is imports; that none of the heavy ones happens can be tested."""
    code = (
        "import sys; from pipelines.cli import main; main(['--help'])\n"
        "heavy = {'torch', 'torchvision', 'pandas', 'pyarrow', 'numpy', 'cv2', 'jinja2', 'scipy'}\n"
        "sys.exit(bool(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert "Audit an image classifier" in done.stdout


def test_schema_prints_every_column():
    done = subprocess.run(
        [sys.executable, "-m", "pipelines", "schema"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert "`true_relevance_mass_accuracy`" in done.stdout


@pytest.mark.parametrize(
    "flags",
    [
        ["run", "--limit", "1.5"],
        ["fit", "--epochs", "2.5"],
        ["compare", "one", "other", "--max-cases", "3.5"],
    ],
)
def test_a_fraction_is_no_whole_number(flags, capfd):
    assert cli.main(flags) == 2
    said = f"Invalid value for {flags[-2]}: {flags[-1]} is no whole number"
    assert said in "".join(capfd.readouterr())


def test_a_whole_run_from_the_command_line(run_config, capsys):
    argv = [
        *("run", "--dataset", "stl10", "--data-root", str(run_config.data_root)),
        *("--regions", "none"),
        *("--checkpoint", str(run_config.checkpoint), "--runs-dir", str(run_config.runs_dir)),
    ]
    assert cli.main(argv) == 0
    out, error = capsys.readouterr()
    report = Path(out.strip())
    assert report.is_file()
    assert "24 images, accuracy" in error
    assert "%|" not in error  # no progress bar without a terminal
    assert json.loads((report.parents[1] / "manifest.json").read_text())["status"] == "finished"
    assert cli.main(["report", str(report.parents[1])]) == 0
    assert report.samefile(capsys.readouterr().out.strip())
