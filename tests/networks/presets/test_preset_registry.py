"""The registry of presets: ours, those of other packages, and the options that they take."""

from __future__ import annotations

import pytest
import torch
from support.packages import Install
from support.processes import imported_by

from pytest_saliency_sanity import load_checkpoint
from pytest_saliency_sanity.networks.architectures import MODELS, OF_THE_PAPER
from pytest_saliency_sanity.networks.presets.registry import PRESETS, Preset, open_preset, trained_networks

GREY = """
import torch
from pytest_saliency_sanity import Batch
from pytest_saliency_sanity.networks.presets.registry import Preset

class GreyNetworks:
    name = "grey"
    def __init__(self, cache_dir=None):
        self.cache_dir = cache_dir
    def network(self, name, device="cpu"):
        return torch.nn.Linear(2, 3).eval().to(device)
    def batch(self, n, network=None, *, at_most=False):
        return Batch(torch.zeros(n, 1, 4, 4))
    def supply(self, need, network, images, device="cpu"):
        return torch.nn.Linear(2, 5).eval() if need == "memorized_model" else None

GREY = Preset("grey", ("small",), "small networks", "nothing but grey", "grey_preset:GreyNetworks",
              needs=("memorized_model",), options=("cache_dir",))
SECOND = Preset("paper", ("small",), "other networks", "other images", GreyNetworks)
NO_PRESET = GreyNetworks
"""
KEYS = {"grey": "grey_preset:GREY"}


def test_the_built_in_presets_come_in_order_and_say_what_they_are() -> None:
    presets = PRESETS.all()
    assert list(presets) == ["embedded", "paper", "imagenet"]
    for name, preset in presets.items():
        assert preset.name == name
        assert preset.networks == (OF_THE_PAPER if name == "paper" else tuple(MODELS))
        assert preset.description
        assert preset.images
    assert [preset.needs for preset in presets.values()] == [
        ("memorized_model", "bias_scenario", "scenes"),
        ("memorized_model",),
        (),
    ]
    assert [preset.options for preset in presets.values()] == [(), ("cache_dir",), ("data", "weights")]
    assert list(trained_networks()) == ["embedded", "scenes", "bias", "paper"]


def test_the_presets_are_known_without_torch() -> None:
    imported = imported_by(
        "from pytest_saliency_sanity.networks.presets.registry import PRESETS, trained_networks\n"
        "from pytest_saliency_sanity.data.registry import DATA_SETS\n"
        "from pytest_saliency_sanity.networks.resolve import require_network_spec\n"
        "import pytest_saliency_sanity.__main__\n"
        "PRESETS.all(), trained_networks(), DATA_SETS.all(), pytest_saliency_sanity.__main__.parser()"
    )
    assert not {"torch", "numpy", "PIL"} & imported


def test_an_unknown_preset_is_an_error_with_a_near_match() -> None:
    with pytest.raises(ValueError, match=r"unknown preset 'papers'.*did you mean 'paper'.*embedded, paper, imagenet"):
        open_preset("papers")


@pytest.mark.parametrize(
    ("preset", "options", "told"),
    [
        ("embedded", {"cache_dir": "x"}, "the preset embedded takes no cache_dir: that is an option of paper$"),
        ("paper", {"data": "x"}, "the preset paper takes no data: that is an option of imagenet$"),
        ("imagenet", {"cache_dir": "x"}, "the preset imagenet takes no cache_dir: that is an option of paper$"),
        ("embedded", {"color": "x"}, "the preset embedded takes no color: that is an option of no preset$"),
    ],
)
def test_an_option_that_a_preset_does_not_take_is_an_error_that_names_who_does(
    preset: str, options: dict[str, object], told: str
) -> None:
    with pytest.raises(ValueError, match=told):
        open_preset(preset, **options)


def test_an_option_that_is_none_is_not_given() -> None:
    assert open_preset("embedded", cache_dir=None, data=None, weights=None).name == "embedded"


def test_a_preset_that_is_open_is_taken_as_it_is() -> None:
    networks = open_preset("embedded")
    assert open_preset(networks) is networks
    assert open_preset(networks, cache_dir=None) is networks
    with pytest.raises(ValueError, match="the preset embedded is open already: it takes no cache_dir"):
        open_preset(networks, cache_dir="x")


def test_a_preset_says_which_of_its_networks_lack_what_others_have() -> None:
    embedded = PRESETS.named("embedded")
    assert {network: embedded.lacking(network) for network in embedded.networks} == {
        "alexnet": ("scenes",),
        "vgg11": ("scenes",),
        "resnet": (),
    }
    assert PRESETS.named("paper").lacking("alexnet") == ()


# Of other packages


def test_a_preset_of_another_package_is_opened_with_its_options(install: Install) -> None:
    install("grey-package", PRESETS.group, {"grey_preset": GREY}, **KEYS)
    assert list(PRESETS.all()) == ["embedded", "paper", "imagenet", "grey"]
    networks = open_preset("grey", cache_dir="somewhere")
    assert networks.cache_dir == "somewhere"  # type: ignore[attr-defined]
    assert networks.batch(3).images.shape == (3, 1, 4, 4)
    with pytest.raises(ValueError, match="the preset embedded takes no cache_dir: that is an option of paper, grey"):
        open_preset("embedded", cache_dir="x")


def test_load_checkpoint_knows_the_presets_of_other_packages(install: Install) -> None:
    install("grey-package", PRESETS.group, {"grey_preset": GREY}, **KEYS)
    assert load_checkpoint("small", preset="grey")(torch.zeros(1, 2)).shape == (1, 3)
    assert load_checkpoint("small", "random", "grey")(torch.zeros(1, 2)).shape == (1, 5)
    with pytest.raises(ValueError, match="unknown model 'alexnet'; allowed: small"):
        load_checkpoint("alexnet", preset="grey")


def test_a_name_that_is_registered_twice_is_an_error_that_names_both(install: Install) -> None:
    install("grey-package", PRESETS.group, {"grey_preset": GREY}, mine="grey_preset:SECOND")
    with pytest.raises(
        ValueError, match=r"preset 'paper' is registered twice, by pytest-saliency-sanity and by .*grey-package"
    ):
        open_preset("embedded")


def test_an_entry_point_that_leads_to_something_else_is_an_error(install: Install) -> None:
    install("grey-package", PRESETS.group, {"grey_preset": GREY}, mine="grey_preset:NO_PRESET")
    with pytest.raises(TypeError, match=r"GreyNetworks.*which is not a Preset \(group saliency_sanity\.presets\)"):
        PRESETS.all()


def test_an_entry_point_that_leads_nowhere_is_an_error(install: Install) -> None:
    install("grey-package", PRESETS.group, {"grey_preset": GREY}, mine="grey_preset:NOTHING")
    with pytest.raises(ImportError, match="grey-package"):
        PRESETS.all()


def test_what_makes_a_preset_may_be_given_as_it_is() -> None:
    networks = open_preset("embedded")
    assert Preset("own", ("one",), "one network", "images", lambda: networks).open() is networks
