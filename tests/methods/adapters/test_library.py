"""What methods of all libraries have in common, on any style of network; and that nothing of theirs is left behind."""

from __future__ import annotations

import warnings
from contextlib import suppress
from typing import Any

import pytest
import torch
from support.libraries import CLASSES, GRAD_CAM, MODULES, NATIVE, STYLES, TARGETS, Net, maps_of, plain_maps, resnet
from support.maps import assert_same
from support.networks import lived_in_model
from support.traces import left_as_found, random_streams

import pytest_saliency_sanity.foundation.inference as inference
from pytest_saliency_sanity import gradcam, resolve_method
from pytest_saliency_sanity.methods.adapters import captum, grad_cam, torchcam
from pytest_saliency_sanity.methods.protocol import method_name

SPECS = [
    *NATIVE,
    *(f"grad_cam:{name}:relu2" for name in (*GRAD_CAM, "AblationCAM")),
    *("grad_cam:FullGrad", "captum:LayerGradCam", "grad_cam:GradCAM", "torchcam:GradCAM"),
]
RANDOM = ("GradientShap", "SmoothGrad")
SURE = [spec for spec in SPECS if not any(name in spec for name in RANDOM)]
NO_CLASS = ("EigenCAM",)
ONE_EACH = ["captum:IntegratedGradients", "grad_cam:GradCAM", "torchcam:GradCAM", "zennit:EpsilonPlusFlat"]


def test_libraries_agree_on_the_gradient(images: torch.Tensor) -> None:
    expected = maps_of("captum:Saliency", Net(), images)
    assert expected.min() < 0 < expected.max(), "signs are kept"
    assert_same(maps_of("zennit:Gradient", Net(), images), expected)
    assert_same(maps_of("zennit:SmoothGrad?n_iter=1", Net(), images), expected)
    assert_same(maps_of("gradient", Net(), images), expected)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize(
    "spec",
    [
        *("captum:Saliency", "captum:IntegratedGradients?n_steps=5", "zennit:Gradient", "grad_cam:FullGrad"),
        *(
            f"{library}:{layer}"
            for library in ("captum:LayerGradCam", "grad_cam:GradCAM")
            for layer in ("conv2", "bn2")
        ),
        *("torchcam:GradCAM:conv2", "torchcam:GradCAM:bn2", "torchcam:LayerCAM:bn1", "grad_cam:EigenCAM:bn2"),
    ],
)
def test_the_way_of_writing_makes_no_difference(style: str, spec: str, images: torch.Tensor) -> None:
    assert_same(maps_of(spec, Net(style), images), plain_maps(spec))


@pytest.mark.parametrize("style", MODULES)
@pytest.mark.parametrize(
    "spec",
    [
        *("captum:DeepLift", "captum:GuidedBackprop", "captum:Deconvolution", "captum:GuidedGradCam"),
        *("captum:LayerGradCam", "grad_cam:GradCAM", "grad_cam:GradCAMPlusPlus", "torchcam:GradCAM"),
        *("zennit:EpsilonPlusFlat", "zennit:GuidedBackprop", "zennit:EpsilonGammaBox?low=-3&high=3"),
    ],
)
def test_activation_modules_may_be_shared_and_in_place(style: str, spec: str, images: torch.Tensor) -> None:
    assert_same(maps_of(spec, Net(style), images), plain_maps(spec))


@pytest.mark.parametrize("style", ["plain", *STYLES])
@pytest.mark.parametrize("layer", ["conv1", "conv2", "bn1", "bn2"])
def test_grad_cam_is_the_same_in_every_library(style: str, layer: str, images: torch.Tensor) -> None:
    # "A layer by name: exactly what comes out of that module, whatever is done to it in place afterwards."
    expected = gradcam(Net(), images, TARGETS, layer=layer)
    assert_same(maps_of(f"captum:LayerGradCam:{layer}", Net(style), images)[:, 0].relu(), expected)
    assert_same(maps_of(f"torchcam:GradCAM:{layer}", Net(style), images), expected)
    assert_same(maps_of(f"grad_cam:GradCAM:{layer}", Net(style), images), expected)


@pytest.mark.parametrize("library", ["captum:LayerGradCam", "torchcam:GradCAM", "grad_cam:GradCAM"])
def test_on_a_residual_network_grad_cam_is_the_same_in_every_library(library: str) -> None:
    # Its bn2 is followed by "out += identity", in place and without a module.
    model, images = resnet(), torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    expected = gradcam(model, images, TARGETS[:2], layer="layer4.1.bn2")
    maps = maps_of(f"{library}:layer4.1.bn2", model, images, TARGETS[:2])
    assert_same(maps[:, 0].relu() if maps.ndim == 4 else maps, expected)


@pytest.mark.parametrize("spec", SURE)
def test_a_map_does_not_depend_on_the_other_images(spec: str, images: torch.Tensor) -> None:
    together = plain_maps(spec)
    for index in range(len(images)):
        some = slice(index, index + 1)
        torch.testing.assert_close(
            maps_of(spec, Net(), images[some], TARGETS[some]), together[some], atol=1e-4, rtol=1e-3
        )


@pytest.mark.parametrize("spec", SPECS)
def test_the_class_that_is_asked_for_is_explained(spec: str, images: torch.Tensor) -> None:
    one, other = plain_maps(spec), maps_of(spec, Net(), images, (TARGETS + 1) % CLASSES)
    differ = [not torch.allclose(a, b, rtol=1e-3, atol=1e-6) for a, b in zip(one, other, strict=True)]
    assert differ == [not any(name in spec for name in NO_CLASS)] * 4


@pytest.mark.parametrize("spec", SURE)
def test_large_batches_are_taken_in_parts(spec: str, images: torch.Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    together = plain_maps(spec)
    monkeypatch.setattr(inference, "MAX_INPUT_VALUES", 3 * images[0].numel())
    torch.testing.assert_close(maps_of(spec, Net(), images), together, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("spec", SPECS)
def test_maps_are_detached_floats_and_finite(spec: str, images: torch.Tensor) -> None:
    maps = maps_of(spec, Net(), images)
    assert maps.dtype == torch.float32
    assert not maps.requires_grad
    assert len(maps) == 4
    assert maps.isfinite().all()


@pytest.mark.parametrize("spec", SPECS)
def test_modes_and_frozen_parameters_make_no_difference(spec: str, images: torch.Tensor) -> None:
    expected = plain_maps(spec)
    model = Net().train().requires_grad_(False)
    torch.testing.assert_close(maps_of(spec, model, images), expected)
    with torch.no_grad():
        torch.testing.assert_close(maps_of(spec, model, images), expected)
    with torch.inference_mode():
        torch.testing.assert_close(maps_of(spec, model, images), expected)


@pytest.mark.parametrize("spec", ONE_EACH)
def test_targets_of_any_integer_type_name_classes(spec: str, images: torch.Tensor) -> None:
    expected = plain_maps(spec)
    for dtype in (torch.int32, torch.uint8):
        assert_same(maps_of(spec, Net(), images, TARGETS.to(dtype)), expected)


@pytest.mark.parametrize("spec", ONE_EACH)
@pytest.mark.parametrize("wrong", [-1, CLASSES])
def test_a_target_that_is_no_class_is_an_error(spec: str, wrong: int, images: torch.Tensor) -> None:
    # As the project's own methods say it; libraries take -1 for the last class, or raise what comes.
    with pytest.raises(ValueError, match=f"targets must be classes 0 to {CLASSES - 1} of the model"):
        maps_of(spec, Net(), images, torch.tensor([0, wrong, 1, 2]))


@pytest.mark.parametrize("spec", ONE_EACH)
def test_what_is_no_batch_is_an_error(spec: str, images: torch.Tensor) -> None:
    with pytest.raises(ValueError, match="images must have the shape"):
        maps_of(spec, Net(), images[0])
    with pytest.raises(TypeError, match="targets must be integer class indices"):
        maps_of(spec, Net(), images, TARGETS.float())


@pytest.mark.parametrize("spec", ONE_EACH)
def test_a_model_that_gives_no_logits_is_named(spec: str, images: torch.Tensor) -> None:
    # As the project's own methods say it.
    class Pair(Net):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return (super().forward(images), images)  # type: ignore[return-value]

    with pytest.raises(TypeError, match=r"the model must return logits .*, not a tuple of"):
        maps_of(spec, Pair(), images)


# Of these the lived-in network has the layers.
ANYWHERE = [
    *("captum:Saliency", "captum:IntegratedGradients?n_steps=3", "captum:LayerGradCam", "captum:GuidedBackprop"),
    *("captum:GuidedGradCam", "captum:DeepLift", "captum:LayerGradCam:0", "grad_cam:GradCAM", "grad_cam:FullGrad"),
    *("grad_cam:ScoreCAM", "grad_cam:AblationCAM", "grad_cam:EigenCAM", "torchcam:GradCAM", "torchcam:LayerCAM:1"),
    *("torchcam:ScoreCAM", "zennit:Gradient", "zennit:EpsilonPlusFlat", "zennit:GuidedBackprop"),
]
NO_BACKWARD = ("ScoreCAM", "EigenCAM", "AblationCAM")


@pytest.mark.parametrize("spec", ANYWHERE)
@pytest.mark.parametrize("breaks", ["never", "forward", "backward"])
def test_everything_is_left_as_found(spec: str, breaks: str) -> None:
    model, targets = lived_in_model(breaks), torch.tensor([1, 2])
    images = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    method = resolve_method(spec)
    raised = False
    with left_as_found(model, images, targets):
        try:
            method(model, images, targets)
        except RuntimeError:  # HalfwayError, or what a library makes of it
            raised = True
    no_backward = any(name in spec for name in NO_BACKWARD)
    assert raised == (breaks == "forward" or (breaks == "backward" and not no_backward))


@pytest.mark.parametrize("spec", ANYWHERE)
def test_a_method_can_go_on_after_a_model_that_broke(spec: str, images: torch.Tensor) -> None:
    method = resolve_method(spec.partition(":1")[0].partition(":0")[0])
    fresh = resolve_method(method_name(method))(Net(), images, TARGETS)
    large = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with suppress(RuntimeError):
        method(lived_in_model("backward"), large, TARGETS[:2])
    assert torch.equal(method(Net(), images, TARGETS), fresh)


@pytest.mark.parametrize("spec", SURE)
def test_random_streams_are_not_drawn_from(spec: str, images: torch.Tensor) -> None:
    model = Net()
    before = random_streams()
    resolve_method(spec)(model, images, TARGETS)
    assert random_streams() == before


@pytest.mark.parametrize("spec", SPECS)
def test_nothing_is_warned_of_or_printed(
    spec: str, images: torch.Tensor, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        maps_of(spec, Net("shared inplace") if "relu" not in spec else Net("inplace"), images.clone())
    assert capfd.readouterr() == ("", "")
    assert caplog.records == []


def test_a_warning_of_the_model_itself_is_heard(images: torch.Tensor) -> None:
    class Warns(Net):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            warnings.warn("mind the gap", UserWarning, stacklevel=1)
            return super().forward(images)

    with pytest.warns(UserWarning, match="mind the gap"):
        maps_of("captum:Saliency", Warns(), images)


@pytest.mark.parametrize(
    "spec", ["captum:Saliency", "captum:DeepLift", "grad_cam:FullGrad", "zennit:Gradient", "zennit:EpsilonPlusFlat"]
)
def test_a_layer_for_a_class_that_takes_none_is_an_error(spec: str) -> None:
    with pytest.raises(ValueError, match=f"{spec}:conv2: {spec} does not take a layer"):
        resolve_method(f"{spec}:conv2")


@pytest.mark.parametrize(
    ("spec", "near"),
    [
        ("captum:IntegratedGradient", "'IntegratedGradients'"),
        ("captum:integratedgradients", "'IntegratedGradients'"),
        ("grad_cam:GradCAMPlus", "'GradCAMPlusPlus'"),
        ("torchcam:LayerCam", "'LayerCAM'"),
        ("zennit:EpsilonPlusFlt", "'EpsilonPlusFlat'"),
    ],
)
def test_an_unknown_class_has_near_matches(spec: str, near: str) -> None:
    library, _, name = spec.partition(":")
    with pytest.raises(ValueError, match=rf"unknown method of {library} '{name}' \(did you mean .*{near}.*allowed: "):
        resolve_method(spec)


@pytest.mark.parametrize(
    "spec",
    [
        *("captum:NeuronGradient", "captum:NoiseTunnel", "captum:DeepLiftShap", "captum:visualization"),
        # It shuffles the images of a batch, so that the map of one depends on the others, and alone has none.
        "captum:FeaturePermutation",
        *("grad_cam:BaseCAM", "grad_cam:AblationLayer", "torchcam:_CAM", "zennit:Attributor", "captum:torch"),
    ],
)
def test_what_explains_no_images_is_not_offered(spec: str) -> None:
    name = spec.partition(":")[2]
    with pytest.raises(ValueError, match=f"unknown method of .* '{name}'|^{spec} exists, but") as raised:
        resolve_method(spec)
    assert name not in str(raised.value).partition("allowed: ")[2].split(", ")


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ("captum:NeuronGradient", "it explains a neuron, not a class"),
        ("captum:FeaturePermutation", "it shuffles pixels among the images of a batch"),
        ("captum:Attribution", "it is not made for a network, images and a class of each alone"),
        ("grad_cam:AblationLayer", "it is no BaseCAM"),
        ("zennit:Attributor", "it is not made for"),
    ],
)
def test_a_class_that_exists_but_is_not_offered_says_why(spec: str, why: str) -> None:
    with pytest.raises(ValueError, match=f"^{spec} exists, but can't be had by a spec: {why}.*If it gives maps, write"):
        resolve_method(spec)


ADAPTERS = {"captum": captum, "grad_cam": grad_cam, "torchcam": torchcam}
CALLED = [f"{library}:{name}" for library, adapter in ADAPTERS.items() for name in adapter.CALLS]


@pytest.mark.filterwarnings("ignore:Setting forward, backward hooks:UserWarning")
@pytest.mark.parametrize("spec", CALLED)
def test_the_callable_of_the_message_gives_maps_as_it_stands(spec: str, images: torch.Tensor) -> None:
    with pytest.raises(ValueError, match=f"^unknown method of|^{spec} exists, but") as raised:
        resolve_method(spec)
    if str(raised.value).startswith("unknown"):
        pytest.skip(f"the installed version has no {spec}")
    lines = str(raised.value).splitlines()
    assert lines[0].startswith(f"{spec} exists, but can't be had by a spec: ")
    assert lines[1] == "    # mymethods.py"
    assert lines[-1] == "and give that: --saliency-method=mymethods:mine"
    found: dict[str, Any] = {}
    exec("\n".join(line.removeprefix("    ") for line in lines[1:-1]), found)
    maps = found["mine"](Net().eval(), images.requires_grad_(), TARGETS)
    assert len(maps) == len(images)
    assert maps.detach().abs().sum() > 0


def test_a_class_by_its_import_path_is_told_its_spec() -> None:
    with pytest.raises(TypeError, match=r"required positional argument: 'model'\. .* mean: torchcam:LayerCAM$"):
        resolve_method("torchcam.methods:LayerCAM")


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("captum:Saliency?abz=True", r"unknown keyword of captum:Saliency 'abz' \(did you mean 'abs'\?\)"),
        ("captum:Saliency?target=1", "unknown keyword of captum:Saliency 'target'"),
        ("captum:Saliency?inputs=1", "unknown keyword"),
        ("captum:LayerGradCam?layer=conv2", "unknown keyword"),
        (
            "captum:Occlusion",
            r"needs the keyword sliding_window_shapes: captum:Occlusion\?sliding_window_shapes=\.\.\.",
        ),
        ("grad_cam:GradCAM?targets=1", "unknown keyword of grad_cam:GradCAM 'targets'.*aug_smooth"),
        ("torchcam:GradCAM?target_layer=conv2", "unknown keyword"),
        ("zennit:EpsilonGammaBox", "needs the keyword low"),
        ("zennit:EpsilonPlus?epsilom=1", r"did you mean 'epsilon'\?"),
    ],
)
def test_keywords_are_checked_when_the_spec_is(spec: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        resolve_method(spec)


def test_a_method_is_shown_by_its_spec() -> None:
    assert method_name(resolve_method("captum:LayerGradCam:conv2")) == "captum:LayerGradCam:conv2"
