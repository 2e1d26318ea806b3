"""Specs of methods and networks, devices, and patterns of failures to expect."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from pytest_saliency_sanity.checks.expectations import (
    expected_reason,
    named_expected_failure,
    parse_expected_failure,
    require_meaningful,
)
from pytest_saliency_sanity.checks.plan import Plan
from pytest_saliency_sanity.foundation.devices import resolve_device
from pytest_saliency_sanity.foundation.specs import parse_spec
from pytest_saliency_sanity.methods.resolve import require_method_spec
from pytest_saliency_sanity.networks.resolve import require_network_spec

from ..fuzzing import Parser
from ..mutation import mutated_text, one_of_them, texts, values

NETWORKS = ("alexnet", "vgg11", "resnet")
PLAN = Plan.of(("gradcam", "captum:IntegratedGradients?n_steps=20"), NETWORKS)
QUESTIONS = list(PLAN)
SPECS = (
    *("gradcam", "smoothgrad?n_samples=50&sigma=0.15", "captum:LayerGradCam:features.10", "package.module:attribute"),
    *("captum:IntegratedGradients?n_steps=20&baselines=-0.42", "package.module:method?size=(3,8,8)&flag=True&x='a'"),
)
PATTERNS = (
    "gradcam/alexnet/symmetry[rescaling]",
    "*/vgg11/symmetry",
    "gradcam/*/*",
    "captum:IntegratedGradients*/*/c*",
)


def expect(line: str) -> None:
    """Read a line of the ini file, and look for what it means."""
    entry = parse_expected_failure(line, "ini")
    for question in QUESTIONS:
        expected_reason(question, [entry])
    require_meaningful([entry], PLAN.methods, PLAN.models)


def expect_of_a_hook(entry: tuple[Any, Any]) -> None:
    """Read an entry that a hook gave."""
    named_expected_failure(*entry, "hook")


PARSERS = (
    Parser("spec", SPECS, texts(*SPECS, "n_steps", "_"), mutated_text, parse_spec, (ValueError,)),
    Parser(
        "spec of a method",
        SPECS,
        texts(*SPECS, "gradcan", "zennit"),
        mutated_text,
        require_method_spec,
        (ValueError, ImportError),
    ),
    Parser(
        "spec of a network",
        (*NETWORKS, "torchvision.models:resnet18?weights='DEFAULT'"),
        texts(*NETWORKS, "package.module:factory?width=0.5"),
        mutated_text,
        lambda text: require_network_spec(text, NETWORKS),
        (ValueError,),
    ),
    Parser(
        "device",
        ("auto", "cpu"),
        texts("auto", "cpu", "cuda", "cuda:0", "mps", "meta", "cuda:-1"),
        mutated_text,
        resolve_device,
        (ValueError,),
    ),
    Parser(
        "expected failure, a line",
        tuple(f"{pattern} -> a reason" for pattern in PATTERNS),
        texts(*PATTERNS, " -> ", "reason", "*a*a*a"),
        mutated_text,
        expect,
        (ValueError,),
    ),
    Parser(
        "expected failure, of a hook",
        tuple((pattern, "a reason") for pattern in PATTERNS),
        st.tuples(values() | texts(*PATTERNS), values() | texts("reason")),
        one_of_them(lambda random, part: mutated_text(random, part if isinstance(part, str) else repr(part)[:100])),
        expect_of_a_hook,
        (ValueError,),
    ),
)
