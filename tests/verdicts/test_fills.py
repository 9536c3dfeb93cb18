import pytest

from audit.verdicts.cutoffs import Cutoffs
from audit.verdicts.fills import fill_agreements


def test_agreement_on_the_images_that_had_both_fills(table):
    # blur holds on 0, 1; inpaint on 0 alone; neither on 2, 3; image 4 was blurred only.
    # agreement 3/4; chance .5·.25 + .5·.75 = .5; kappa (.75 - .5)/.5 = .5
    for index, (blur, inpaint) in enumerate([(0.5, 0.5), (0.5, 0.1), (0.1, 0.1), (0.1, 0.1)]):
        table.s1(index, blur).s1(index, inpaint, fill="inpaint")
    table.s1(4, 0.5)
    (found,) = fill_agreements(table.frame(), "blur", Cutoffs())
    assert (found.fill, found.n) == ("inpaint", 4)
    assert (found.holds_primary, found.holds_second) == (2, 1)
    assert found.agreement == 0.75
    assert found.kappa == pytest.approx(0.5)


def test_kappa_is_none_where_all_images_are_alike(table):
    table.s1(0, 0.1).s1(0, 0.1, fill="mean")
    (found,) = fill_agreements(table.frame(), "blur", Cutoffs())
    assert (found.agreement, found.kappa) == (1.0, None)


def test_one_fill_alone_agrees_with_nothing(table):
    assert fill_agreements(table.s1(0, 0.5).frame(), "blur", Cutoffs()) == ()
    assert fill_agreements(table.frame()[:0], "blur", Cutoffs()) == ()
