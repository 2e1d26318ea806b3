"""Another class: who sees it, who is blind to it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from support.images import noise
from support.networks import small
from support.subjects import subject

from pytest_saliency_sanity import gradient
from pytest_saliency_sanity.checks.class_sensitivity.ask import check_class_sensitivity
from pytest_saliency_sanity.foundation.reading import Reading


def test_a_model_of_one_class_is_refused() -> None:
    with pytest.raises(ValueError, match="1 class"):
        check_class_sensitivity(subject(gradient, small(1), noise(12, 1, 10, 10)))


def test_of_two_opposite_logits_the_maps_are_each_others_negative_and_the_magnitudes_are_the_same() -> None:
    # The second logit is minus the first, so the negative is the right map of the other class.
    model = small(2)
    with torch.no_grad():
        for parameter in model[5].parameters():
            parameter[1] = -parameter[0]
    put = subject(gradient, model, noise(12, 1, 10, 10))
    result = check_class_sensitivity(put)
    assert result.verdict == "passed"
    assert result.statistic == pytest.approx(-1)
    result = check_class_sensitivity(replace(put, reading=Reading(sign="absolute")))
    assert result.verdict == "failed"
    assert result.statistic == pytest.approx(1)
