"""Saliency cards: the ten attributes of Boggust et al. 2023, each filled in with what was measured, or not at all."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.cascades import CHECK, HOSTILE, NAN, cascade
from support.packages import Install
from support.records import contract, record, run, unanswered

from pytest_saliency_sanity.checks.judging.result import Finding, not_asked
from pytest_saliency_sanity.checks.registry import CHECKS
from pytest_saliency_sanity.reports.card import NOT_MEASURED, SECTIONS, card, write
from pytest_saliency_sanity.reports.record import Record

# Their table 1 and template (arXiv:2206.02958), in their order.
THEIRS = {
    "Methodology": [
        "Determinism",
        "Hyperparameter Dependence",
        "Model Agnosticism",
        "Computational Efficiency",
        "Semantic Directness",
    ],
    "Sensitivity Testing": ["Input Sensitivity", "Label Sensitivity", "Model Sensitivity"],
    "Perceptibility Testing": ["Minimality", "Perceptual Correspondence"],
}
BUILT_IN = [check for name, check in CHECKS.all().items() if CHECKS.sources()[name].is_built_in]


def attributes(text: str) -> dict[str, str]:
    """Return what a card says of each attribute."""
    parts = re.split(r"^### (.*)\n", text, flags=re.MULTILINE)[1:]
    return {name: said.partition("\n## ")[0].strip() for name, said in zip(parts[::2], parts[1::2], strict=True)}


def of(*records: Record, **parts: Any) -> dict[str, str]:
    """Return the attributes of the card of the method of some records."""
    return attributes(card(run(*records, **parts), records[0].method))


def changed(found: Record, **parts: Any) -> Record:
    assert found.result is not None
    return replace(found, result=replace(found.result, **parts))


def test_the_ten_attributes_stand_in_their_words_and_order() -> None:
    text = card(run(cascade()), "gradcam")
    sections = re.split(r"^## (.*)\n", text, flags=re.MULTILINE)[1:]
    found = {
        name: re.findall(r"^### (.*)$", said, flags=re.MULTILINE)
        for name, said in zip(sections[::2], sections[1::2], strict=True)
    }
    assert found == THEIRS
    assert list(found) == list(THEIRS)
    assert {name: list(each) for name, each in SECTIONS.items()} == THEIRS


def test_what_was_not_measured_says_so() -> None:
    found = of(cascade(seconds=0.0, parameters={}))
    assert {name for name, said in found.items() if said != NOT_MEASURED} == {"Model Sensitivity", "Model Agnosticism"}
    # Nothing here measures these.
    everything = of(*(record(check=each) for check in BUILT_IN for each in check.ids))
    assert {name for name, said in everything.items() if said == NOT_MEASURED} == {
        *("Semantic Directness", "Minimality", "Hyperparameter Dependence", "Computational Efficiency")
    }


@pytest.mark.parametrize("check", BUILT_IN, ids=lambda check: str(check.name))
def test_every_check_names_an_attribute_for_each_of_its_variants(check: Any) -> None:
    assert set(check.card) == set(check.variants or ("",)), "say in its registration which attribute it measures"
    for named in check.card.values():
        assert named.partition(": ")[0] in [each for section in THEIRS.values() for each in section]


def test_what_is_called_repeatability_here_is_determinism_there() -> None:
    said = of(record(check="repeatability"), contract())["Determinism"]
    assert "`repeatability`" in said
    assert "`contract`" in said
    assert "🟢 alexnet: passed, SRC 0.300 [0.200, 0.400] at stage (must be below 0.5)" in said
    assert "- 🟢 passed" in said


@pytest.mark.parametrize(
    ("check", "attribute", "test"),
    [
        ("label_randomization", "Label Sensitivity", "Data Randomization"),
        (CHECK, "Model Sensitivity", "Cascading Model Parameter Randomization"),
    ],
)
def test_their_tests_have_their_names(check: str, attribute: str, test: str) -> None:
    assert f"- **{test}** (`{check}`)" in of(record(check=check))[attribute]


@pytest.mark.parametrize(
    ("found", "line"),
    [
        (cascade(), "🟢 alexnet: passed, similarity 0.100 [0.080, 0.120] at conv1 (must be below 0.5)"),
        (cascade(verdict="failed"), "🟥 alexnet: failed, similarity"),
        (cascade(verdict="inconclusive"), "🟨 alexnet: inconclusive, similarity"),
        (
            cascade(verdict="undefined", means=(NAN, NAN, NAN)),
            "🟨 alexnet: undefined, similarity none defined at conv1 (must be below 0.5)",
        ),
        # The sign is that of the verdict, whatever became of the test.
        (cascade(verdict="failed", finding=True, outcome="xfailed"), "🟥 alexnet: failed"),
        (cascade(verdict="failed", expected="noise", outcome="xfailed"), "🟥 alexnet: failed"),
        (cascade(verdict="inconclusive", expected="noise", outcome="xfailed"), "🟨 alexnet: inconclusive"),
        (cascade(expected="noise", outcome="failed"), "🟢 alexnet: passed"),
        (unanswered(check=CHECK, reason="ValueError: no"), "alexnet: not measured (ValueError: no)"),
        (unanswered(check=CHECK, outcome="skipped", reason="no scenes"), "alexnet: not measured (no scenes)"),
    ],
)
def test_a_line_has_the_verdict_and_its_number(found: Record, line: str) -> None:
    assert f"    - {line}" in of(found)["Model Sensitivity"]


def test_a_card_says_with_what_it_was_measured() -> None:
    text = card(run(cascade(), cascade(model="vgg11"), command="pytest --saliency-method=gradcam"), "gradcam")
    for part in (
        "alexnet, vgg11 of the preset embedded, seed 0, on 2026-01-02",
        "torch 2.9.0",
        "`pytest --saliency-method=gradcam`",
    ):
        assert part in text


def test_versions_are_those_of_a_question_that_was_put() -> None:
    skipped = replace(unanswered(outcome="skipped"), versions={})
    assert "torch 2.9.0" in card(run(skipped, cascade()), "gradcam")
    assert "**Versions:** unknown" in card(run(skipped), "gradcam")


def test_parameters_are_those_that_were_used() -> None:
    skipped = replace(unanswered(outcome="skipped"), parameters={})
    said = of(skipped, cascade())["Hyperparameter Dependence"]
    assert said.startswith("Measured with `n_samples=20, layer=None, relu=True, sigma=0.15, mode='mean'` only")


def test_networks_are_those_that_it_ran_on_and_those_that_it_refused() -> None:
    refusing = changed(contract(), findings=(Finding("it refuses some networks", "3 of 80: no <conv>"),))
    nothing = Record.of(not_asked("symmetry[rescaling]", "gradcam", "resnet", 0, "no ReLU"))
    said = of(cascade(), cascade(model="vgg11"), unanswered(model="broken"), refusing, nothing)["Model Agnosticism"]
    assert said.splitlines() == ["It ran on alexnet, vgg11.", "It refuses some networks: 3 of 80: no &lt;conv&gt;"]


def test_time_is_that_of_the_questions_that_were_put() -> None:
    skipped = replace(unanswered(outcome="skipped"), seconds=0.5)
    assert of(cascade(seconds=1.25), skipped)["Computational Efficiency"] == "A question took 1.25 s on cpu."
    two = of(cascade(seconds=1.25), cascade(model="vgg11", seconds=2))["Computational Efficiency"]
    assert two == "2 questions took 3.25 s in all on cpu."


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_shown_as_text_and_begin_nothing(name: str, tmp_path: Path) -> None:
    nasty = cascade(name, name, stages=(name, "b", "c"), judged=name, parameters={name: name}, versions={name: name})
    broken = unanswered(name, name, check="label_randomization", reason=name)
    refusing = changed(contract(name), findings=(Finding("it refuses some networks", name),))
    found = run(nasty, broken, refusing, command=name, preset=name, started=name)
    text = card(found, name)
    harmless = card(run(*(replace(each, method="a") for each in found.records), command="c"), "a")
    # The same lines, and outside of code (CommonMark, section 6.1) nothing that means anything.
    assert [line[:6].strip()[:2] for line in text.splitlines() if line[:1] in "#- "] == [
        line[:6].strip()[:2] for line in harmless.splitlines() if line[:1] in "#- "
    ]
    assert len(text.splitlines()) == len(harmless.splitlines())
    assert list(attributes(text)) == list(attributes(harmless))
    outside = re.sub(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "", text)
    assert not re.search(r"<|(?<!\\)[`|{}~$]", outside)
    (path,) = write(found, tmp_path / "card-METHOD.md")
    assert path.parent == tmp_path
    assert re.fullmatch(r"card-[A-Za-z0-9._-]+\.md", path.name)
    assert path.read_text(encoding="utf-8") == text


def test_there_is_a_card_for_each_method(tmp_path: Path) -> None:
    found = run(cascade("gradcam"), cascade("captum:Saliency"), record("gradcam"))
    paths = write(found, tmp_path / "card-METHOD.md")
    assert [path.name for path in paths] == ["card-gradcam.md", "card-captum.Saliency.md"]
    assert paths == sorted(tmp_path.iterdir(), reverse=True)
    assert paths[0].read_text(encoding="utf-8").startswith("# gradcam: saliency card\n")


def test_a_check_of_another_package_has_its_place_too(install: Install) -> None:
    module = (
        "from pytest_saliency_sanity import Check\n"
        "CHECK = Check('sparseness', 'are maps sparse?', 'us', 'their_check:ask', card={'': 'Minimality: Sparsity'})\n"
    )
    install("theirs", CHECKS.group, {"their_check": module}, sparseness="their_check:CHECK")
    assert "- **Sparsity** (`sparseness`): are maps sparse?" in of(record(check="sparseness"))["Minimality"]


def test_the_cards_of_a_real_run_say_what_was_measured(reported: Path, results: dict[str, Any]) -> None:
    for each in results["results"]:
        text = (reported / f"card-{each['method']}.md").read_text(encoding="utf-8")
        low, high = each["result"]["interval"]
        number = f"{each['result']['statistic']:.3f} [{low:.3f}, {high:.3f}]"
        sign = {"passed": "🟢", "failed": "🟥"}[each["result"]["verdict"]]
        assert f"{sign} alexnet: {each['result']['verdict']}, {each['result']['quantity']} {number}" in text
