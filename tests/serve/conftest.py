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
from audit.data.digest import with_texts
from audit.serve.config import ServeConfig

_PARENT = Path(__file__).parents[1] / "report" / "conftest.py"
_SPEC = importlib.util.spec_from_file_location("report_fixtures", _PARENT)
made = importlib.util.module_from_spec(_SPEC)
sys.modules["report_fixtures"] = made
_SPEC.loader.exec_module(made)


HALF = [225.0 if at % made.GRID[1] < made.GRID[1] // 2 else 0.0 for at in range(48)]


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

    0: as audited; 1: other bytes; 2: a link out of the root; 3: a path out of it; 4: missing. The
    region of each is the left half of the view, on the map's grid.
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
        | {"sample_id": digest_of(data), "frame": frame, "n_regions": 1, "region_grid": HALF}
        for at, name in enumerate(names)
    ]
    return _without_pictures(made.write_run(tmp_path / "dataset", cases)), root


@pytest.fixture
def bare(tmp_path):
    """Write a run that keeps no picture: changes to a good image's columns, one an image → run."""

    def write(*changes):
        cases = [
            made.case(at, 0, 0, on=True, galleries=["control"]) | change
            for at, change in enumerate(changes)
        ]
        return _without_pictures(made.write_run(tmp_path / "bare", cases))

    return write


@pytest.fixture
def told(tmp_path):
    """A run of images with texts, that keeps no picture, and its data root.

    0: a question; 1: a reference caption and another by the model; 2: the same caption by both.
    """
    root = tmp_path / "data"
    root.mkdir()
    data = made.jpeg(made.picture(1)[0])
    (root / "one.jpg").write_bytes(data)
    asked = {"question": "What is the PURPLE thing?"}
    said = [("A red ball and a fish", "a red ball"), ("a blue star", "a blue star")]
    cases = [made.case(0, 0, 0, on=True, galleries=["control"]) | asked]
    cases += [
        made.case(at, 0, 2, on=True, galleries=["control"])
        | {"true_class": None, "pred_class": None, "true_label": true, "pred_label": pred}
        | {"correct": true == pred}
        for at, (true, pred) in enumerate(said, start=1)
    ]
    texts = [asked, *({"caption": true} for true, _ in said)]
    of_file = digest_of(data)
    found = [
        case | {"path": "one.jpg", "sample_id": with_texts(of_file, text)}
        for case, text in zip(cases, texts, strict=True)
    ]
    return _without_pictures(made.write_run(tmp_path / "told", found)), root


def _without_pictures(folder):
    for part in (folder / "media").glob("*.parquet"):
        part.unlink()
    return folder
