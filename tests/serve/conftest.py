"""A small run folder that is served, asked over a real socket."""

import http.client
import importlib.util
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import pytest

from audit.data.decode import digest_of
from audit.serve.config import ServeConfig

_PARENT = Path(__file__).parents[1] / "report" / "conftest.py"
_SPEC = importlib.util.spec_from_file_location("report_fixtures", _PARENT)
made = importlib.util.module_from_spec(_SPEC)
sys.modules["report_fixtures"] = made
_SPEC.loader.exec_module(made)


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self):
        return self.body.decode()


@dataclass
class Served:
    """A server on a free port; ``get`` sends one request."""

    port: int
    run: Path
    sent: dict[str, str] = field(default_factory=dict)

    def get(self, where, method="GET", **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.putrequest(method, where, skip_host=True)
        for name, value in ({"host": f"127.0.0.1:{self.port}"} | headers).items():
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        names = {name.lower(): value for name, value in answer.getheaders()}
        found = Answer(answer.status, names, answer.read())
        connection.close()
        return found


@pytest.fixture
def serving():
    """Serve a run folder until the test ends: run, data root → Served."""
    pytest.importorskip("duckdb", reason="the extra 'serve' is not installed: make .venv/.serve")
    pytest.importorskip("uvicorn", reason="the extra 'serve' is not installed: make .venv/.serve")
    import uvicorn

    from audit.serve.app import make_app
    from audit.serve.server import bind, settings_of

    started = []

    def start(run, data_root=None):
        listener = bind(0)
        app = make_app(run, ServeConfig(port=0, data_root=data_root))
        server = uvicorn.Server(settings_of(app))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        started.append((server, thread, listener))
        return Served(listener.getsockname()[1], run)

    yield start
    for server, thread, listener in started:
        server.should_exit = True
        thread.join(30)
        listener.close()


@pytest.fixture
def run(tmp_path):
    """The report's small run, its rows with slices, and four rows that it keeps no picture of."""
    pictured = [
        case | {"slices": [("site", "north" if at % 2 else "south & more")]}
        for at, case in enumerate(made.CASES)
    ]
    values = [("site", "north"), ("site", "south & more")]
    values += [("many", f"{at:03}") for at in range(200)]
    slices = [{"slice": name, "value": value, "n_images": 3, "n": 3} for name, value in values]
    left = {"columns": [], "left_out": [{"name": "id", "why": "fewer than two images a value"}]}
    folder = made.write_run(tmp_path / "run", pictured, slices=slices, summary={"slices": left})
    (folder / "report" / "assets").mkdir(parents=True)
    page = "<html><head><title>r</title></head><body></body></html>"
    (folder / "report" / "index.html").write_text(page)
    (folder / "report" / "assets" / "a.css").write_text("b{}")
    return folder


@pytest.fixture
def dataset(tmp_path):
    """A run whose images 0 to 4 have files below a data root but no kept picture.

    0: as audited; 1: other bytes; 2: a link out of the root; 3: a path out of it; 4: missing.
    """
    root = tmp_path / "data"
    root.mkdir()
    scene, _ = made.picture(1)
    data = cv2.imencode(".png", scene[..., ::-1])[1].tobytes()
    (root / "as-audited.png").write_bytes(data)
    (root / "other.png").write_bytes(cv2.imencode(".png", scene // 2)[1].tobytes())
    (tmp_path / "secret.png").write_bytes(data)
    (root / "link.png").symlink_to(tmp_path / "secret.png")
    names = ["as-audited.png", "other.png", "link.png", "../secret.png", "gone.png"]
    frame = np.float32([0, 0, 120, 90]).tolist()
    cases = [
        made.case(at, 0, 0, on=True, galleries=["control"], path=name)
        | {"sample_id": digest_of(data), "frame": frame}
        for at, name in enumerate(names)
    ]
    folder = made.write_run(tmp_path / "bare", cases)
    for part in (folder / "media").glob("*.parquet"):
        part.unlink()
    return folder, root
