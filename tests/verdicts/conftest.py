"""Tables of interventions made by hand."""

import pandas as pd
import pytest

from audit.tables.schema import arrow_schema

ROW = {
    "sample_id": "x",
    "role": "sample",
    "watched_class": 0,
    "watched_label": "fish",
    "attempt": 1,
    "fill": None,
    "other_index": None,
    "x0": 0,
    "y0": 0,
    "x1": 10,
    "y1": 10,
    "area_fraction": 0.03,
    "on_other_object": False,
    "p_before": None,
    "p_after": None,
    "pred_after": None,
}


class Table:
    """Rows of ``interventions``, as reading the Parquet file gives them."""

    def __init__(self):
        self.rows = []

    def add(self, test, kind, index, **more):
        self.rows.append(ROW | {"test": test, "kind": kind, "index": index} | more)
        return self

    def s1(self, index, drop, controls=(0.0, 0.0, 0.0, 0.0), before=1.0, fill="blur", **more):
        for kind, change in [("cover", drop), *(("control", control) for control in controls)]:
            self.add(
                "S1",
                kind,
                index,
                **{"fill": fill, "p_before": before, "p_after": before - change} | more,
            )
        return self

    def s2(self, index, gains, turned=0, **more):
        """``gains``: of the patch and of the control in each host; ``turned``: hosts turned."""
        for host, pair in enumerate(gains):
            for kind, gain in zip(("paste", "control"), pair, strict=True):
                after = more.get("watched_class", 0) if kind == "paste" and host < turned else 77
                where = {"other_index": 900 + host, "p_before": 0.0, "p_after": gain}
                self.add("S2", kind, index, **where | {"pred_after": after} | more)
        return self

    def swap(self, test, index, same, other, kept=True, **more):
        for kind, p in (("same", same), ("other", other)):
            after = more.get("watched_class", 0) if kept else 77
            found = {"attempt": 0, "p_after": p, "pred_after": after}
            self.add(f"B-{test}", kind, index, **found | more)
        return self

    def frame(self):
        frame = pd.DataFrame(self.rows, columns=arrow_schema("interventions").names)
        numbers = ["p_before", "p_after", "pred_after", "other_index"]
        return frame.astype(dict.fromkeys(numbers, "float64"))


@pytest.fixture
def table():
    return Table()
