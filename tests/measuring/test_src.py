"""The SRC of maps before and after an intervention: which maps are compared, and why one is undefined."""

from __future__ import annotations

from itertools import chain
from typing import Any

import numpy as np
import pytest
import torch
from support.images import noise
from support.networks import is_copy, small
from support.watching import Watching
from torch import nn

from pytest_saliency_sanity import Batch, CascadingRandomizer, LabelRandomizer, gradient, spearman
from pytest_saliency_sanity.foundation.errors import SaliencyMethodError
from pytest_saliency_sanity.foundation.inference import logits_of
from pytest_saliency_sanity.foundation.progress import choose_displays
from pytest_saliency_sanity.foundation.randomness import derived_seed
from pytest_saliency_sanity.interventions.other_class import OtherClass
from pytest_saliency_sanity.interventions.repetition import Repetition
from pytest_saliency_sanity.interventions.stage import Randomization, Stage
from pytest_saliency_sanity.interventions.symmetries import Symmetry
from pytest_saliency_sanity.measuring import src
from pytest_saliency_sanity.measuring.looks import Look
from pytest_saliency_sanity.measuring.maps import as_seen
from pytest_saliency_sanity.measuring.pictures import KEPT, pictures_of
from pytest_saliency_sanity.measuring.profile import TRAINED, Cause
from pytest_saliency_sanity.measuring.ranks import standard_ranks
from pytest_saliency_sanity.measuring.src import SrcMeasurement, stages_meant
from pytest_saliency_sanity.measuring.view import Prepared, causes_of
from pytest_saliency_sanity.methods.protocol import SaliencyMethod

IMAGES = noise(6, 1, 10, 10)


def measurement(
    randomizer: Randomization, method: SaliencyMethod = gradient, batch: Batch | None = None, **how: Any
) -> SrcMeasurement:
    given: dict[str, Any] = {"signs": ("signed",), "seeds": 2, "seed": 0} | how
    return SrcMeasurement(method, "it", "net", randomizer, batch or Batch(IMAGES), **given)


@pytest.fixture(scope="module")
def cascade() -> CascadingRandomizer:
    return CascadingRandomizer(small(), images=IMAGES)


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ({"signs": ("signed", "abs")}, "unknown sign 'abs'.*absolute"),
        ({"signs": ("abs",)}, "unknown sign 'abs'.*absolute"),
        ({"compared_by": "srcc"}, "unknown similarity 'srcc'.*did you mean 'src'"),
        ({"seeds": 0}, "seeds must be at least 1, not 0"),
    ],
)
def test_what_does_not_fit_is_an_error_before_anything_is_measured(
    cascade: CascadingRandomizer, how: dict[str, Any], told: str
) -> None:
    with pytest.raises(ValueError, match=told):
        measurement(cascade, **how)


def test_a_cell_is_the_src_of_the_maps_before_and_at_that_stage_of_that_draw(cascade: CascadingRandomizer) -> None:
    made = measurement(cascade)
    profile = made.profile("every")
    targets = logits_of(cascade.model, IMAGES).argmax(1)
    assert torch.equal(made.targets, targets)
    before = gradient(cascade.model, IMAGES, targets).sum(1)
    for draw, randomizer in enumerate(cascade.bind(IMAGES, derived_seed(0, draw)) for draw in range(2)):
        for place, stage in enumerate(randomizer):
            expected = spearman(before, gradient(stage.model, IMAGES, targets).sum(1)).numpy()
            np.testing.assert_array_equal(profile.src[draw, place], expected)
    assert profile.stages == cascade.names()


def test_the_maps_before_are_made_once_however_many_profiles_are_asked_for(cascade: CascadingRandomizer) -> None:
    seen: list[bool] = []

    def method(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        seen.append(is_copy(model, cascade.model))
        return gradient(model, images, targets)

    made = measurement(cascade, method)
    made.profile("last")
    made.profile("classifier")
    assert seen == [True, *[False] * 4]


def test_maps_are_ranked_as_seen_if_so_is_asked(cascade: CascadingRandomizer) -> None:
    plain, seen = (measurement(cascade, seen=seen).profile("last").src for seen in (False, True))
    assert not np.array_equal(plain, seen)
    targets = logits_of(cascade.model, IMAGES).argmax(1)
    maps = as_seen(gradient(cascade.model, IMAGES, targets).sum(1))
    before = measurement(cascade, seen=True).original.view(0, len(IMAGES)).by("signed")
    assert torch.equal(before.values, standard_ranks(maps))


def test_what_is_shown_are_the_maps_of_the_first_images_under_the_first_draw(
    cascade: CascadingRandomizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_saliency_sanity.measuring.original.MOST_PIXELS", 0)  # ten images at a time
    images = noise(25, 1, 10, 10)
    batch = Batch(images, torch.arange(25) % 4)
    shown = measurement(cascade, batch=batch, seeds=3).profile("every").maps
    assert list(shown) == [TRAINED, *cascade.names()]
    for stage in chain([Stage(TRAINED, cascade.model)], cascade.bind(images, derived_seed(0, 0))):
        expected = gradient(stage.model, images[:KEPT], torch.arange(KEPT)).sum(1)
        np.testing.assert_allclose(shown[stage.name], expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("workers", [1, 2, 50])
def test_work_that_is_divided_for_several_processes_is_the_same(
    cascade: CascadingRandomizer, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    monkeypatch.setattr("pytest_saliency_sanity.measuring.original.MOST_PIXELS", 0)  # ten images at a time
    batch, looks = Batch(noise(25, 1, 10, 10)), (Look(12, 1), Look(25, 2))
    alone = list(measurement(cascade, batch=batch).growing("every", looks))
    # As if there were processes to give it to; how these are given it is shown in tests/foundation/test_mapping.py.
    monkeypatch.setattr(src, "is_spread", lambda: True)
    monkeypatch.setattr(src, "workers", lambda: workers)
    for here, there in zip(alone, measurement(cascade, batch=batch).growing("every", looks), strict=True):
        np.testing.assert_array_equal(here[0].src, there[0].src)
        assert not np.isnan(there[0].src).any()


def test_what_processes_have_done_is_told_here(cascade: CascadingRandomizer, monkeypatch: pytest.MonkeyPatch) -> None:
    watching = Watching()
    before = choose_displays(lambda: watching)
    monkeypatch.setattr(src, "is_spread", lambda: True)
    try:
        measurement(cascade, seeds=1).profile("every")
    finally:
        choose_displays(before)
    # The trained model's six maps are drawn here, those of the stages elsewhere: told as they come. In this stand-in
    # they are drawn here as well, which tells of them a second time.
    (work,) = watching.ended
    of_stages = 6 * len(cascade.names())
    assert (work.total, work.done) == (6 + of_stages, 6 + 2 * of_stages)


def test_a_profile_says_what_it_is_of(cascade: CascadingRandomizer) -> None:
    made = measurement(cascade, seed=5, seen=True, compared_by="pearson", signs=("absolute",))
    own = made.original
    assert (own.name, own.seed, own.seen, own.compared_by) == ("it on net", 5, True, "pearson")
    profile = made.profile("last")
    assert (profile.method, profile.model, profile.sign, profile.seed) == ("it", "net", "absolute", 5)
    assert (profile.compared_by, str(profile.src.dtype), str(profile.causes.dtype)) == ("pearson", "float64", "int8")
    assert profile.pictures is not None
    np.testing.assert_array_equal(profile.pictures, pictures_of(IMAGES))


def test_a_method_that_is_wrong_is_told_so_before_any_stage_is_made() -> None:
    made: list[str] = []

    class Noting(LabelRandomizer):
        def only(self) -> Stage:
            made.append("stage")
            return super().only()

    with pytest.raises(SaliencyMethodError, match="NoneType"):
        measurement(Noting(small(), small()), lambda *_: None).profile("last")  # type: ignore[arg-type]
    assert made == []


def test_what_does_not_draw_is_measured_once() -> None:
    model = small()
    randomizer = LabelRandomizer(model, small())
    assert measurement(randomizer, seeds=5).profile("every").src.shape == (1, 1, 6)
    np.testing.assert_allclose(measurement(randomizer).profile("every").src, 1)


def test_another_class_is_explained_for_another_class() -> None:
    seen: list[torch.Tensor] = []

    def method(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        seen.append(targets)
        return images[:, 0]

    measurement(OtherClass(small()), method, Batch(IMAGES, torch.arange(6) % 4)).profile("every")
    assert not (seen[0] == seen[1]).any()
    assert not (seen[0] == seen[2]).any()


def test_a_shift_is_added_to_the_images_of_its_stage_alone() -> None:
    seen: list[torch.Tensor] = []

    def method(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        seen.append(images)
        return images[:, 0]

    symmetry = Symmetry(small(), "input_shift", images=IMAGES)
    measurement(symmetry, method).profile("every")
    assert torch.equal(seen[0], IMAGES)
    assert torch.equal(seen[1], IMAGES + symmetry.shift)


def drawing(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return torch.rand(images[:, 0].shape)


def test_noise_is_the_same_under_a_symmetry_and_another_at_every_repetition() -> None:
    same = measurement(Symmetry(small(), "permutation", images=IMAGES), drawing).profile("every").src
    np.testing.assert_allclose(same, 1)
    other = measurement(Repetition(small()), drawing, seeds=3).profile("every").src
    assert len(np.unique(other)) == other.size
    assert np.abs(other).max() < 5 / 99**0.5  # an SRC of noise has the standard deviation 1 / sqrt(99)


def test_every_stage_of_a_draw_has_noise_of_its_own(cascade: CascadingRandomizer) -> None:
    drawn: list[torch.Tensor] = []

    def method(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        drawn.append(drawing(model, images, targets))
        return drawn[-1]

    measurement(cascade, method, seeds=2).profile("every")
    assert len({tuple(maps.flatten().tolist()) for maps in drawn}) == len(drawn) == 1 + 2 * len(cascade.names())


class Dead(LabelRandomizer):
    """A model of which all logits are the same, for every image."""

    repeats = True

    def only(self) -> Stage:
        dead = small()
        for parameter in dead.parameters():
            parameter.data.zero_()
        return Stage(self.stage, dead, alive_on=IMAGES)


def test_a_dead_model_is_not_scored_whatever_its_maps_are() -> None:
    calls: list[int] = []

    def method(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        calls.append(len(images))
        return images[:, 0]

    asked = measurement(Dead(small(), small()), method, signs=("signed", "absolute"))
    watching = Watching()
    before = choose_displays(lambda: watching)
    try:
        *_, (profile, by_magnitude) = asked.growing("every", (Look(4, 1), Look(6, 2), Look(6, 3)))
    finally:
        choose_displays(before)
    for found in (profile, by_magnitude):
        assert np.isnan(found.src).all()
        assert found.causes_at("random_labels") == {Cause.DEAD_MODEL: 18}
        assert list(found.maps) == [TRAINED]  # there is none of the dead model to look at
    # The trained model and the first draw; both go on. Of the others, the first four images are enough.
    assert calls == [4, 4, 2, 2, 4, 4]
    assert [(work.done, work.total) for work in watching.ended] == [(8, 8), (10, 10), (6, 6)]  # with what is left out


def test_a_method_that_fails_on_a_dead_model_is_not_to_blame() -> None:
    model, failures = small(), []

    def method(given: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        if not is_copy(given, model):
            failures.append(len(images))
            raise ZeroDivisionError
        return images[:, 0]

    list(measurement(Dead(model, small()), method).growing("every", (Look(4, 1), Look(6, 2))))
    assert failures == [4, 2, 4]  # of the second draw, the first four images are enough
    profile = measurement(Dead(model, small()), method).profile("every")
    assert profile.causes_at("random_labels") == {Cause.DEAD_MODEL: 12}  # six images, two draws
    with pytest.raises(SaliencyMethodError, match="ZeroDivisionError"):
        measurement(CascadingRandomizer(model, images=IMAGES), method).profile("every")


def test_the_method_of_a_measurement_explains_the_stages_whoever_drew_the_maps_before(
    cascade: CascadingRandomizer,
) -> None:
    shared = measurement(cascade).original
    seen: list[nn.Module] = []

    def method(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        seen.append(model)
        return gradient(model, images, targets)

    measurement(cascade, method, original=shared).profile("last")
    assert len(seen) == 2  # the draws; the maps before are those of the shared ones


def test_a_method_that_does_not_share_work_sees_all_layers_run(cascade: CascadingRandomizer) -> None:
    runs: list[str] = []

    def method(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        hook = model[0].register_forward_hook(lambda *_: runs.append("first"))  # type: ignore[index]
        inner = type(model[0]).forward  # type: ignore[index]
        assert model[0].forward.__func__ is inner  # type: ignore[index]
        model(images)
        hook.remove()
        return images[:, 0]

    measurement(cascade, method).profile("every")
    assert len(runs) == 1 + 2 * len(cascade.names())


def test_maps_of_another_size_at_a_stage_are_an_error_that_names_it(cascade: CascadingRandomizer) -> None:
    def method(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return images[:, 0] if is_copy(model, cascade.model) else images[:, 0, ::2]

    with pytest.raises(
        SaliencyMethodError, match=r"^it on net, 0: .*\(5, 10\), but of size \(10, 10\) for the trained"
    ):
        measurement(cascade, method).profile("last")


def ranks_of(*maps: list[float]) -> Prepared:
    values = torch.tensor(maps)
    return Prepared(standard_ranks(values), values.isfinite().all(1).numpy())


def test_of_several_causes_the_most_basic_is_named() -> None:
    nan, inf = torch.nan, torch.inf
    good, flat, broken = [1.0, 2.0, 3.0], [2.0, 2.0, 2.0], [1.0, nan, 3.0]
    before = ranks_of(good, flat, good, flat, broken, good, broken, flat)
    after = ranks_of(good, good, flat, flat, good, [inf, 1.0, 2.0], flat, broken)
    assert before.constant.tolist() == [False, True, False, True, False, False, False, True]
    assert causes_of(before, after).tolist() == [
        0,
        Cause.CONSTANT_BEFORE,
        Cause.CONSTANT_AFTER,
        Cause.CONSTANT_BEFORE,
        *[Cause.NOT_FINITE] * 4,
    ]


@pytest.mark.parametrize(
    ("at", "stages"),
    [
        ("last", ("0",)),
        ("classifier", ("5",)),
        (("last", "classifier"), ("5", "0")),
        (["0", "2", "0", "last"], ("2", "0")),
        (("every", "2"), ("5", "2", "0")),
    ],
)
def test_stages_are_those_that_are_meant_once_each_in_order(
    cascade: CascadingRandomizer, at: str | list[str], stages: tuple[str, ...]
) -> None:
    assert stages_meant(cascade, at) == stages


def test_to_mean_no_stage_is_an_error(cascade: CascadingRandomizer) -> None:
    with pytest.raises(ValueError, match="at names no stage: give 'every', 'last', 'classifier' or the name"):
        stages_meant(cascade, ())


def test_both_readings_come_from_one_explanation(cascade: CascadingRandomizer) -> None:
    calls = 0

    def method(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        nonlocal calls
        calls += 1
        return gradient(model, images, targets)

    signed, absolute = measurement(cascade, method, signs=("signed", "absolute")).profiles("last")
    assert calls == 3  # the trained model and two draws
    assert (signed.sign, absolute.sign) == ("signed", "absolute")
    for found in (signed, absolute):
        alone = measurement(cascade, signs=(found.sign,)).profile("last")
        assert np.array_equal(found.src, alone.src)
    assert not np.array_equal(signed.src, absolute.src)


def test_maps_without_signs_are_compared_in_the_first_way_only(cascade: CascadingRandomizer) -> None:
    def method(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return gradient(model, images, targets).abs()

    (profile,) = measurement(cascade, method, signs=("signed", "absolute")).profiles("last")
    assert (profile.sign, profile.has_signs) == ("signed", False)


def test_whether_maps_have_signs_is_what_most_of_the_trained_models_maps_say(cascade: CascadingRandomizer) -> None:
    def some_signs(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        maps = gradient(model, images, targets).sum(1)
        maps[share:] = maps[share:].abs()
        return maps

    for share in range(len(IMAGES) + 1):
        profile = measurement(cascade, some_signs).profile("last")
        assert profile.has_signs == (share > len(IMAGES) / 2)
    assert not measurement(cascade, lambda *given: -gradient(*given).abs()).profile("last").has_signs


def test_whatever_a_method_does_to_the_model_reaches_nobody_else() -> None:
    model = small()
    before = {name: values.clone() for name, values in model.state_dict().items()}

    def destroys(given: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        for parameter in given.parameters():
            parameter.data.zero_()
        given.register_forward_hook(lambda *_: None)
        return images[:, 0]

    for randomizer in (CascadingRandomizer(model), OtherClass(model), Repetition(model), LabelRandomizer(model, model)):
        measurement(randomizer, destroys).profile("last")
        assert all(torch.equal(values, before[name]) for name, values in model.state_dict().items())
        assert not model._forward_hooks
