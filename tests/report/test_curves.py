"""Numbers that curves and tables of the report are made of."""

import math

from refmaster.report.curves import DEPTHS_DB, depth_shares


def test_shares_of_depth_are_of_all_the_time_and_open_below():
    taken_db = (0.0, DEPTHS_DB[0], DEPTHS_DB[1], (DEPTHS_DB[0] + DEPTHS_DB[1]) / 2, 50.0)
    found = depth_shares(taken_db)
    assert found[0][1] == 100 * 2 / 5
    assert math.isclose(found[-1][1], 100 * 1 / 5)
    assert all(share == 0.0 for _, share in depth_shares(()))
