from dataclasses import replace
from pathlib import Path
from queue import Queue
from threading import Thread

import numpy as np
import pytest

from audit.errors import DataError
from audit.records import Listing
from audit.regions.pseudo.cache import (
    Estimate,
    Place,
    append,
    cache_file,
    estimate_of,
    locked,
    place_of,
    read_estimates,
)

MASK = np.array([[0, 1, 1], [0, 0, 1]], dtype=bool)
SHORT = b'{"index":0,"source":"pseudo:grabcut","size":[2,3],"counts":[2,3]}'
LISTING = Listing(("cat", "dog"), np.array([0, 1]), ("a.png", "b.png"), np.array([10, 20]))


def test_a_mask_is_kept_and_given_back() -> None:
    one = estimate_of(7, "pseudo:grabcut", MASK)
    assert (one.index, one.size, one.found) == (7, (2, 3), True)
    assert np.array_equal(one.mask(), MASK)
    # down the columns: 0 0 | 1 0 | 1 1
    assert one.line() == (
        b'{"index":7,"source":"pseudo:grabcut","size":[2,3],"counts":[2,1,1,2]}\n'
    )
    inverse = estimate_of(7, "pseudo:grabcut", ~MASK)  # begins inside: an empty run first
    assert inverse.line().endswith(b'"counts":[0,2,1,1,2]}\n')
    assert np.array_equal(inverse.mask(), ~MASK)


def test_nothing_found_and_nothing_read() -> None:
    empty = estimate_of(0, "pseudo:grabcut", np.zeros((2, 3), dtype=bool))
    unread = Estimate(1, "none", (0, 0), b"")
    assert not empty.found
    assert not unread.found
    assert empty.mask().sum() == 0
    assert unread.mask().shape == (0, 0)


def test_a_half_written_line_is_dropped_and_written_over(tmp_path: Path) -> None:
    file = tmp_path / "e.jsonl"
    first, second = (estimate_of(i, "pseudo:grabcut", MASK) for i in (0, 1))
    file.write_bytes(first.line() + second.line()[:20])
    assert read_estimates(file) == {0: first}
    with append(file) as lines:
        lines.write(second.line())
    assert read_estimates(file) == {0: first, 1: second}
    assert file.read_bytes() == first.line() + second.line()


def test_a_file_of_half_a_line_starts_again(tmp_path: Path) -> None:
    file = tmp_path / "e.jsonl"
    file.write_bytes(b'{"index":0')
    assert read_estimates(file) == {}
    append(file).close()
    assert file.read_bytes() == b""


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b"[]",
        b"1",
        b'{"index":0}',
        b"\xff",
        SHORT,
        b'{"index":0,"source":"pseudo:grabcut","size":[-2,-3],"counts":[2,4]}',
        b'{"index":0,"source":"annotation","size":[2,3],"counts":[2,4]}',
    ],
)
def test_a_damaged_line_is_named(tmp_path: Path, line: bytes) -> None:
    file = tmp_path / "e.jsonl"
    file.write_bytes(estimate_of(0, "pseudo:grabcut", MASK).line() + line + b"\n")
    with pytest.raises(DataError, match="damaged in line 2: delete it"):
        read_estimates(file)


def test_another_dataset_or_method_has_another_file(tmp_path: Path) -> None:
    place = Place(tmp_path, "x-test")
    file, digest = cache_file(place, LISTING, "m1")
    others = [
        replace(LISTING, labels=np.array([1, 1])),
        replace(LISTING, paths=("a.png", "c.png")),
        replace(LISTING, sizes=np.array([10, 21])),
        replace(LISTING, classes=("cat", "horse")),
    ]
    files = {cache_file(place, other, "m1")[0] for other in others}
    assert len({file, cache_file(place, LISTING, "m2")[0], *files}) == 6
    assert file == tmp_path / "pseudo_regions" / f"x-test-{digest[:12]}.jsonl"


def test_files_go_below_the_data_root_and_beside_a_folder_of_classes(tmp_path: Path) -> None:
    assert place_of("stl10", "test", tmp_path) == Place(tmp_path, "stl10-test")
    assert place_of("table:a/b c.csv", "val", tmp_path).name == "table-a-b-c.csv-val"
    assert place_of("folder", "val", tmp_path / "photos") == Place(tmp_path, "folder-val")


def test_a_root_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    with (
        pytest.raises(DataError, match="choose a --data-root that can be written"),
        locked(tmp_path / "data" / "e.jsonl", print),
    ):
        pass


def test_a_folder_of_the_files_name_is_named(tmp_path: Path) -> None:
    (tmp_path / "e.jsonl").mkdir()
    assert read_estimates(tmp_path / "e.jsonl") == {}
    with pytest.raises(DataError, match=r"e\.jsonl' \(Is a directory\): move it away"):
        append(tmp_path / "e.jsonl")


def test_another_run_is_waited_for_and_the_user_told(tmp_path: Path) -> None:
    file, said, order = tmp_path / "e.jsonl", Queue[str](), []

    def second() -> None:
        with locked(file, said.put):
            order.append("second")

    thread = Thread(target=second)
    with locked(file, said.put):
        thread.start()
        told = said.get(timeout=30)  # the second one has found the lock taken
        order.append("first")
    thread.join(timeout=30)
    assert told == f"waiting for another run that is estimating these regions ({file})"
    assert order == ["first", "second"]
