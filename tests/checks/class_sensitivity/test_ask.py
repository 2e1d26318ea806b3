"""Another class: who sees it, who is blind to it."""

from __future__ import annotations

import pytest
import torch
from support.images import noise
from support.networks import small
from support.subjects import subject

from pytest_saliency_sanity import gradient
from pytest_saliency_sanity.checks.class_sensitivity.ask import check_class_sensitivity


def test_a_model_of_one_class_is_refused() -> None:
    with pytest.raises(ValueError, match="1 class"):
        check_class_sensitivity(subject(gradient, small(1), noise(12, 1, 10, 10)))


def test_with_two_opposite_logits_the_gradients_magnitude_is_the_same_for_both_classes() -> None:
    # The second logit is minus the first: signs differ, magnitudes do not, and magnitudes are what is compared.
    model = small(2)
    with torch.no_grad():
        for parameter in model[5].parameters():
            parameter[1] = -parameter[0]
    result = check_class_sensitivity(subject(gradient, model, noise(12, 1, 10, 10)))
    assert result.verdict == "failed"
    assert result.statistic == pytest.approx(1)
