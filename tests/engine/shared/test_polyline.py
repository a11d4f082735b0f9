"""Lengths along a chain of states."""

import numpy as np
import pytest

from engine.shared.polyline import at_shares, lengths_along, neighbour_gaps

CORNERS = np.array([[0.0, 0], [3, 4], [3, 4], [3, 14]])


def test_gaps_are_distances_in_the_space_of_all_numbers():
    np.testing.assert_array_equal(neighbour_gaps(CORNERS), [5, 0, 10])
    np.testing.assert_array_equal(neighbour_gaps(CORNERS.reshape(4, 1, 2, 1)), [5, 0, 10])
    np.testing.assert_array_equal(lengths_along(CORNERS), [0, 5, 5, 15])
    assert neighbour_gaps(CORNERS.astype(np.float32)).dtype == np.float64


@pytest.mark.parametrize(
    ("share", "place"),
    [(0, [0, 0]), (0.2, [1.8, 2.4]), (1 / 3, [3, 4]), (0.8, [3, 11]), (1, [3, 14])],
)
def test_places_lie_at_shares_of_the_length(share, place):
    np.testing.assert_allclose(at_shares(CORNERS, np.array([share])), [place])


def test_a_chain_of_no_length_is_its_place():
    np.testing.assert_array_equal(at_shares(CORNERS[[1, 2]], np.array([0, 0.5, 1])), [[3, 4]] * 3)
