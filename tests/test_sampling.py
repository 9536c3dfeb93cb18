import numpy as np
import pytest

from audit.errors import ConfigError
from audit.sampling import partners, stratified


def test_a_sample_keeps_the_classes_shares():
    labels = np.repeat([0, 1, -1], [60, 30, 10])
    chosen = stratified(labels, 20, seed=0)
    assert np.unique(labels[chosen], return_counts=True)[1].tolist() == [2, 12, 6]
    assert (np.diff(chosen) > 0).all()


def test_largest_remainders_fill_the_sample():
    # 7 of 10 images: 4.2, 2.1 and .7 of them; the last one has the largest remainder
    labels = np.repeat([0, 1, 2], [6, 3, 1])
    chosen = stratified(labels, 7, seed=0)
    assert np.bincount(labels[chosen]).tolist() == [4, 2, 1]


def test_the_seed_decides():
    labels = np.zeros(100, dtype=int)
    assert np.array_equal(stratified(labels, 10, 1), stratified(labels, 10, 1))
    assert not np.array_equal(stratified(labels, 10, 1), stratified(labels, 10, 2))


def test_no_limit_is_everything():
    assert stratified(np.zeros(5), None, 0).tolist() == [0, 1, 2, 3, 4]
    assert stratified(np.zeros(5), 9, 0).tolist() == [0, 1, 2, 3, 4]


def test_a_limit_below_one_is_refused():
    with pytest.raises(ConfigError, match="--limit 0"):
        stratified(np.zeros(5), 0, 0)


def test_a_partner_is_another_image_of_the_class_and_everyone_is_one():
    labels = np.array([0, 1, 0, 1, 0, 2, 1])
    partner = partners(labels, seed=3)
    assert partner[5] == -1  # alone in its class
    paired = np.flatnonzero(partner >= 0)
    assert (partner[paired] != paired).all()
    assert np.array_equal(labels[partner[paired]], labels[paired])
    assert sorted(partner[paired]) == paired.tolist()


def test_in_a_class_of_two_each_is_the_others_partner():
    assert partners(np.array([4, 4]), seed=0).tolist() == [1, 0]


def test_equal_remainders_are_settled_by_the_seed():
    labels = np.repeat(np.arange(10), 5)
    chosen = {tuple(labels[stratified(labels, 5, seed)]) for seed in range(8)}
    assert len(chosen) > 1
