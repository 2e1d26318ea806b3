"""The registry of data sets: ours, and those of other packages."""

from __future__ import annotations

import pytest
import torch
from support.packages import Install

from pytest_saliency_sanity import Batch, load_batch
from pytest_saliency_sanity.data.registry import DATA_SETS, MNIST, DataSet

STRIPES = """
import torch
from pytest_saliency_sanity import Batch
from pytest_saliency_sanity.data.registry import DataSet

def load(n):
    return Batch(torch.full((n, 1, 4, 4), 3.0), torch.zeros(n).long())

STRIPES = DataSet("stripes", "nothing but stripes", "stripes_package:load")
SECOND = DataSet("mnist", "other digits", load)
"""


def test_the_digits_are_the_default() -> None:
    assert list(DATA_SETS.all()) == [MNIST.name]
    assert torch.equal(load_batch(n=3).images, load_batch("mnist", 3).images)
    assert len(load_batch()) == 100


def test_an_unknown_data_set_is_an_error_with_a_near_match() -> None:
    with pytest.raises(ValueError, match="did you mean 'mnist'"):
        load_batch("mnst")


def test_a_data_set_of_another_package_is_loaded_by_its_name(install: Install) -> None:
    install("stripes-package", DATA_SETS.group, {"stripes_package": STRIPES}, stripes="stripes_package:STRIPES")
    batch = load_batch("stripes", 2)
    assert batch.images.tolist() == torch.full((2, 1, 4, 4), 3.0).tolist()
    assert list(DATA_SETS.all()) == ["mnist", "stripes"]


def test_a_name_that_is_taken_is_an_error_that_names_both(install: Install) -> None:
    install("stripes-package", DATA_SETS.group, {"stripes_package": STRIPES}, digits="stripes_package:SECOND")
    with pytest.raises(ValueError, match="data set 'mnist' is registered twice, by pytest-saliency-sanity and by"):
        load_batch()


def test_a_loader_may_be_given_as_it_is() -> None:
    given = DataSet("ones", "ones", lambda n: Batch(torch.ones(n, 1, 2, 2)))
    assert len(given.batch(4)) == 4
