from collections import Counter
from itertools import pairwise

import pytest

from audit.data.decoy import CLASSES
from audit.data.decoy.plants import PAINTERS
from benchmarks.verdicts.designs import ARCHITECTURES, HALVES, RATES, designs, spec_of

FULL = designs()


def _half(name):
    first = HALVES[name]
    return [cell for cell in FULL if first <= cell.seed < first + 1000]


def test_the_design_is_what_was_promised():
    """Reported: 4·12 = 48 planted models of 6 clean classes and 12 clean ones of 10: 408 clean."""
    reported = _half("reported")
    assert len(FULL) == len(_half("development")) + len(reported) <= 100
    assert sum(len(CLASSES) - len(cell.plants) for cell in reported) == 408
    assert sum(len(cell.plants) for cell in reported if cell.rate >= 0.95) == 160
    assert {cell.rate for cell in reported if cell.plants} == set(RATES)


@pytest.mark.parametrize("half", HALVES)
def test_every_kind_is_met_as_often_at_each_rate_and_with_each_architecture(half):
    met = Counter(
        (cell.rate, cell.architecture, kind) for cell in _half(half) for kind, _ in cell.plants
    )
    assert len(met) == len(RATES) * len(ARCHITECTURES) * len(PAINTERS) == 4 * 2 * 8
    for rate in RATES:
        assert len({n for (at, _, _), n in met.items() if at == rate}) == 1


def test_no_two_models_share_a_seed_and_names_can_be_functions():
    cells = [*designs("smoke"), *FULL]
    assert len({cell.seed for cell in cells}) == len({spec_of(cell).key for cell in cells})
    assert len({cell.name for cell in cells}) == len(cells)
    assert all(cell.name.isidentifier() for cell in cells)


def test_a_planted_model_has_four_plants_on_four_classes():
    planted = [cell for cell in FULL if cell.plants]
    assert all(len(cell.planted) == len({kind for kind, _ in cell.plants}) == 4 for cell in planted)
    carriers = Counter(name for cell in planted for name in cell.planted)
    assert set(carriers) == set(CLASSES)


def test_a_pair_splits_the_eight_kinds():
    planted = [cell for cell in FULL if cell.plants]
    pairs = list(pairwise(planted))[::2]
    for one, other in pairs:
        assert {kind for kind, _ in (*one.plants, *other.plants)} == set(PAINTERS)


def test_the_rehearsal_meets_all_kinds_and_both_architectures():
    smoke = designs("smoke")
    assert {kind for cell in smoke for kind, _ in cell.plants} == set(PAINTERS)
    assert {cell.architecture for cell in smoke} == set(ARCHITECTURES)
    assert not smoke[-1].plants
    assert spec_of(smoke[-1]).plants == ()
