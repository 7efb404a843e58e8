"""What a faster way changes, on toys worked out by hand."""

import numpy as np
import pandas as pd
import pytest

from labelmaps.protocol.fidelity import changes, flips


def test_flips_are_counted_over_all_views_and_at_the_centre():
    reference = np.zeros((4, 3, 3), np.int16)
    ours = reference.copy()
    ours[0, 1, 1] = 5  # x₀
    ours[2, 0] = [1, 2, 0]
    fields = flips(ours, reference)
    assert (fields["views"], fields["views_flipped"]) == (36, 3)
    assert fields["views_flipped_share"] == pytest.approx(3 / 36)
    assert fields["x0_flipped_share"] == pytest.approx(1 / 4)
    assert fields["views_flipped_share_low"] < 3 / 36 < fields["views_flipped_share_high"]


def test_changes_count_the_images_right_in_one_alone():
    reference = pd.DataFrame({"before": [True, True, False, False], "igub": [True, True, True, True]})
    ours = pd.DataFrame({"before": [True, False, True, True], "igub": [True, True, True, True]})
    before, igub = changes(ours, reference).to_dict("records")
    assert (before["measure"], igub["measure"]) == ("before", "igub")
    assert (before["accuracy_reference"], before["accuracy_run"], before["change"]) == (0.5, 0.75, 0.25)
    assert (before["corrected"], before["broken"], before["p_mcnemar"]) == (2, 1, 1.0)
    assert (igub["change"], igub["corrected"], igub["broken"]) == (0, 0, 0)
    assert before["n_images"] == 4


def test_outcomes_are_compared_by_name_whatever_their_order():
    reference = pd.DataFrame({"before": [True, False], "dff": [False, False]})
    ours = pd.DataFrame({"dff": [False, False], "before": [True, False]})
    assert (changes(ours, reference)["change"] == 0).all()
