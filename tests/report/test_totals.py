"""How many images of a kind the run has."""

from dataclasses import replace

from audit.report.load import read_run
from audit.report.totals import totals


def test_pairs_are_added_up_for_what_the_page_holds(run):
    # pairs: (0, 1) 25, (1, 2) 30, (2, 2) 270; of these the page has a case of (1, 2) alone
    read = read_run(run)
    whole = replace(read, summary=read.summary | {"counts": {"unlabelled": 0}})
    found = totals(whole)
    assert (found["true"], found["pred"], found["pair"]) == ({"1": 30}, {"2": 300}, {"1 2": 30})
    assert found["flag"] == {"misclassified": 120, "off_object": 150}
    assert found["slice"] == {}


def test_predictions_are_not_counted_where_some_images_have_no_label(run):
    assert totals(read_run(run))["pred"] == {}
