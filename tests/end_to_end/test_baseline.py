"""``--saliency-baseline``: an answer that changed is red; ``--saliency-update-baseline`` writes down what ran."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from support.runs import flat

from pytest_saliency_sanity import check_method

FILE = "baseline.json"
BASELINE, UPDATE = f"--saliency-baseline={FILE}", "--saliency-update-baseline"
REAL = (
    "--saliency-model=alexnet",
    "--saliency-check=label_randomization",
    "--saliency-images=10",
    "-p",
    "no:randomly",
)
GRADIENT, SOBEL = "--saliency-method=gradient", "--saliency-method=sobel"

# A check whose answers stand in a file, so that runs differ as a test wants them to. The answer of `rude` is a finding.
CONFTEST = """
import json
from pathlib import Path
from pytest_saliency_sanity import Check
from pytest_saliency_sanity.checks.judging.result import CheckResult, Measured, StageVerdict
from pytest_saliency_sanity.measuring.interval import Interval

def ask(subject, needs, variant, threshold):
    mean = json.loads((Path(__file__).parent / "told.json").read_text())[variant]
    if isinstance(mean, str):
        raise {"break": ValueError, "interrupt": KeyboardInterrupt}[mean]("as it was told to")
    verdict = "failed" if mean > 0.6 else "passed" if mean < 0.4 else "inconclusive"
    stage = StageVerdict("aloud", 0.5, verdict, Interval(mean, mean - 0.1, mean + 0.1), 0, 10)
    message = f"manners[{variant}] {verdict.upper()}"
    return CheckResult(f"manners[{variant}]", subject.method_name, "nobody", verdict, message, Measured(0), (stage,))

def pytest_saliency_checks(config):
    variants = ("kind", "calm", "rude")
    return [Check("manners", "is it polite?", "us", ask, variants=variants, findings=("rude",), by_model=False)]
"""
MANNERS = (GRADIENT, "--saliency-check=manners", "-p", "no:randomly")
KIND, CALM, RUDE = (f"gradient: manners[{variant}]" for variant in ("kind", "calm", "rude"))
OK, RED, USAGE = pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.USAGE_ERROR

Tell = Callable[..., None]


@pytest.fixture
def tell(pytester: pytest.Pytester) -> Tell:
    """Set the answers of the check ``manners``, which pass unless another number is told."""
    pytester.makeconftest(CONFTEST)

    def told(**answers: float | str) -> None:
        usual: Mapping[str, float | str] = {"kind": 0.3, "calm": 0.3, "rude": 0.3}
        (pytester.path / "told.json").write_text(json.dumps({**usual, **answers}))

    told()
    return told


@pytest.fixture
def kept(pytester: pytest.Pytester, tell: Tell) -> Path:
    """A baseline of the check ``manners``, in which all pass with 0.3."""
    pytester.runpytest_inprocess(*MANNERS, BASELINE, UPDATE)
    return pytester.path / FILE


def answers_in(file: Path) -> dict[str, Any]:
    """Return the numbers of a baseline, or the verdicts where there is none, by check."""
    answers = json.loads(file.read_text())["answers"]
    return {each["check"]: each.get("mean", each["verdict"]) for each in answers}


def with_answer(file: Path, **parts: Any) -> None:
    """Change every answer of a baseline."""
    content = json.loads(file.read_text())
    content["answers"] = [{**each, **parts} for each in content["answers"]]
    file.write_text(json.dumps(content))


# Of real methods


def test_what_a_run_wrote_down_the_next_agrees_with(pytester: pytest.Pytester) -> None:
    first = pytester.runpytest_inprocess(GRADIENT, *REAL, BASELINE, UPDATE)
    assert first.ret == OK
    assert f"note: baseline {FILE}: 1 answer written (0 changed, 1 new), 0 others kept" in flat(first)
    (result,) = check_method("gradient", models=["alexnet"], checks=["label_randomization"], images=10)
    assert result.statistic is not None
    assert answers_in(pytester.path / FILE) == {"label_randomization": round(result.statistic, 4)}
    second = pytester.runpytest_inprocess(GRADIENT, *REAL, BASELINE)
    assert second.ret == OK
    assert f"note: baseline {FILE}: 1 answer as before, 0 changed" in flat(second)
    before = (pytester.path / FILE).read_text()
    pytester.runpytest_inprocess(GRADIENT, *REAL, BASELINE, UPDATE)
    assert (pytester.path / FILE).read_text() == before


def test_a_change_fails_the_test_itself_with_both_numbers(pytester: pytest.Pytester) -> None:
    pytester.runpytest_inprocess(GRADIENT, *REAL, BASELINE, UPDATE)
    content = json.loads((pytester.path / FILE).read_text())
    content["written_with"]["torch"] = "1.0"
    (pytester.path / FILE).write_text(json.dumps(content))
    with_answer(pytester.path / FILE, mean=0.5, low=0.4, high=0.6)
    result = pytester.runpytest_inprocess(GRADIENT, *REAL, BASELINE, "--junitxml=junit.xml")
    assert result.ret == RED
    result.assert_outcomes(failed=1)
    result.stdout.re_match_lines(
        [
            "label_randomization: gradient on alexnet PASSED",
            f"Changed since the baseline {FILE}:",
            r"  before  passed        0\.500 \[0\.400, 0\.600\] at random_labels, must stay below 0\.68",
            r"  now     passed        0\.0\d\d \[0\.0\d\d, 0\.0\d\d\] at random_labels, must stay below 0\.68",
            r"Another version: torch 1\.0 -> \S+",
            f"If the new answer is right, keep it: add {UPDATE} to the command below.",
            rf"  pytest saliency-sanity::gradient-alexnet::test_label_randomization .*{BASELINE}$",
        ]
    )
    assert f"baseline {FILE}: 0 answers as before, 1 changed" in flat(result)
    (failure,) = ET.parse(pytester.path / "junit.xml").iter("failure")
    assert "Changed since the baseline" in (failure.text or "")


def test_a_failure_that_the_baseline_knows_is_red_still(pytester: pytest.Pytester) -> None:
    assert pytester.runpytest_inprocess(SOBEL, *REAL, BASELINE, UPDATE).ret == RED
    result = pytester.runpytest_inprocess(SOBEL, *REAL, BASELINE)
    assert result.ret == RED
    assert "Changed since" not in result.stdout.str()
    assert f"baseline {FILE}: 1 answer as before, 0 changed" in flat(result)


@pytest.mark.slow
def test_workers_compare_and_write_as_one_process_does(pytester: pytest.Pytester) -> None:
    pytest.importorskip("xdist")
    pytester.runpytest_inprocess(GRADIENT, SOBEL, *REAL, BASELINE, UPDATE)
    alone = (pytester.path / FILE).read_text()
    (pytester.path / FILE).unlink()
    assert pytester.runpytest_inprocess(GRADIENT, SOBEL, *REAL, BASELINE, UPDATE, "-n", "2").ret == RED
    assert (pytester.path / FILE).read_text() == alone
    with_answer(pytester.path / FILE, verdict="failed", mean=1.0, low=1.0, high=1.0)
    result = pytester.runpytest_inprocess(GRADIENT, SOBEL, *REAL, BASELINE, "-n", "2")
    result.assert_outcomes(failed=2)
    assert result.stdout.str().count("Changed since the baseline") == 1
    assert f"baseline {FILE}: 1 answer as before, 1 changed" in flat(result)


# What is red


@pytest.mark.parametrize(("told", "outcomes"), [(0.49, {"failed": 1}), (0.51, {"failed": 1}), (0.3, {}), (0.12, {})])
def test_only_numbers_outside_both_intervals_are_a_change(
    told: float, outcomes: dict[str, int], tell: Tell, kept: Path, pytester: pytest.Pytester
) -> None:
    tell(kind=told)
    result = pytester.runpytest_inprocess(*MANNERS, BASELINE)
    result.assert_outcomes(**{"passed": 3 - outcomes.get("failed", 0), **outcomes})
    # 0.49 fails by its own verdict: its interval reaches beyond the threshold, but not beyond the baseline's.
    assert ("Changed since" in result.stdout.str()) is (told == 0.51)


def test_a_change_for_the_better_is_red_until_it_is_written_down(
    tell: Tell, kept: Path, pytester: pytest.Pytester
) -> None:
    with_answer(kept, verdict="failed", mean=0.9, low=0.8, high=1.0)
    result = pytester.runpytest_inprocess(*MANNERS, BASELINE)
    result.assert_outcomes(failed=3)
    assert pytester.runpytest_inprocess(*MANNERS, BASELINE, UPDATE).ret == OK
    assert pytester.runpytest_inprocess(*MANNERS, BASELINE).ret == OK


def test_a_finding_that_changed_is_red(tell: Tell, kept: Path, pytester: pytest.Pytester) -> None:
    tell(rude=0.9)
    result = pytester.runpytest_inprocess(*MANNERS, BASELINE)
    assert result.ret == RED
    result.assert_outcomes(passed=2, failed=1)
    assert pytester.runpytest_inprocess(*MANNERS).ret == OK


def test_a_change_is_not_what_an_expected_failure_expects(tell: Tell, kept: Path, pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nsaliency_expected_failures = gradient/*/manners[kind] -> it shouts")
    tell(kind=0.9)
    assert pytester.runpytest_inprocess(*MANNERS).ret == OK
    result = pytester.runpytest_inprocess(*MANNERS, BASELINE)
    assert result.ret == RED
    result.assert_outcomes(passed=2, failed=1)
    assert pytester.runpytest_inprocess(*MANNERS, BASELINE, UPDATE).ret == OK
    pytester.runpytest_inprocess(*MANNERS, BASELINE).assert_outcomes(passed=2, xfailed=1)


def test_a_mark_of_the_project_hides_no_change(tell: Tell, kept: Path, pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        CONFTEST + "def pytest_collection_modifyitems(items):\n"
        "    import pytest\n"
        "    for item in items: item.add_marker(pytest.mark.xfail(reason='whatever', strict=False))\n"
    )
    tell(kind=0.9, rude=0.9)
    pytester.runpytest_inprocess(*MANNERS).assert_outcomes(xfailed=2, xpassed=1)
    result = pytester.runpytest_inprocess(*MANNERS, BASELINE)
    assert result.ret == RED
    result.assert_outcomes(failed=2, xpassed=1)


def test_a_fixture_of_the_project_hides_no_change(tell: Tell, kept: Path, pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        CONFTEST + "import pytest\nfrom contextlib import suppress\n@pytest.fixture\n"
        "def saliency_judge(saliency_judge):\n"
        "    def judge(result):\n"
        "        with suppress(AssertionError): saliency_judge(result)\n"
        "    return judge\n"
    )
    tell(kind=0.9)
    result = pytester.runpytest_inprocess(*MANNERS, BASELINE)
    assert result.ret == RED
    result.assert_outcomes(passed=3)
    assert f"not green: answers changed, and their tests did not fail: {KIND}" in flat(result)


def test_the_reason_of_the_record_is_the_change(tell: Tell, kept: Path, pytester: pytest.Pytester) -> None:
    tell(kind=0.05)
    pytester.runpytest_inprocess(*MANNERS, BASELINE, "--saliency-report=out")
    results = json.loads((pytester.path / "out" / "results.json").read_text())
    (record,) = (each for each in results["results"] if each["outcome"] == "failed")
    assert record["reason"] == (
        "changed since the baseline, from passed 0.300 [0.200, 0.400] to passed 0.050 [-0.050, 0.150]"
    )
    assert record["result"]["verdict"] == "passed"
    assert results["notes"][-1] == f"baseline {FILE}: 2 answers as before, 1 changed"


def test_new_answers_are_told_and_are_red_only_if_nothing_else_is_compared(
    kept: Path, pytester: pytest.Pytester
) -> None:
    result = pytester.runpytest_inprocess(*MANNERS, SOBEL, BASELINE)
    assert result.ret == OK
    assert "3 answers as before, 0 changed, 3 not in it yet: sobel: manners[kind]; sobel: manners[calm]" in flat(result)
    result = pytester.runpytest_inprocess(SOBEL, *MANNERS[1:], BASELINE)
    assert result.ret == RED
    result.assert_outcomes(passed=3)
    assert f"not green: the baseline {FILE} has no answer of this run, so nothing was compared" in flat(result)


def test_what_is_no_longer_asked_is_red_until_it_is_removed(kept: Path, pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST.replace('"kind", "calm", "rude"', '"kind", "rude"'))
    result = pytester.runpytest_inprocess(*MANNERS, BASELINE)
    assert result.ret == RED
    result.assert_outcomes(passed=2)
    assert f"not green: the baseline {FILE} has answers that are no longer asked for: {CALM}." in flat(result)
    result = pytester.runpytest_inprocess(*MANNERS, BASELINE, UPDATE)
    assert result.ret == OK
    assert f"2 answers written (0 changed, 0 new), 0 others kept, 1 removed: {CALM}" in flat(result)
    assert set(answers_in(kept)) == {"manners[kind]", "manners[rude]"}


def test_a_skipped_question_that_the_baseline_answers_is_red(kept: Path, pytester: pytest.Pytester) -> None:
    skip = "def pytest_runtest_setup(item):\n    import pytest\n    if 'calm' in item.name: pytest.skip('no time')\n"
    pytester.makeconftest(CONFTEST + skip)
    result = pytester.runpytest_inprocess(*MANNERS, BASELINE)
    assert result.ret == RED
    assert f"no longer asked for: {CALM}" in flat(result)


# What is written


def test_an_update_writes_what_is_selected_and_keeps_the_rest(
    tell: Tell, kept: Path, pytester: pytest.Pytester
) -> None:
    tell(kind=0.05, calm=0.1, rude=0.1)
    result = pytester.runpytest_inprocess(*MANNERS, BASELINE, UPDATE, "-k", "kind")
    assert "1 answer written (1 changed, 0 new), 2 others kept" in flat(result)
    assert answers_in(kept) == {"manners[kind]": 0.05, "manners[calm]": 0.3, "manners[rude]": 0.3}
    pytester.runpytest_inprocess(GRADIENT, "--saliency-check=manners[calm]", BASELINE, UPDATE)
    assert answers_in(kept) == {"manners[kind]": 0.05, "manners[calm]": 0.1, "manners[rude]": 0.3}
    pytester.runpytest_inprocess(SOBEL, *MANNERS[1:], BASELINE, UPDATE)
    assert len(json.loads(kept.read_text())["answers"]) == 6


@pytest.mark.parametrize(("told", "code"), [("break", RED), ("interrupt", pytest.ExitCode.INTERRUPTED)])
def test_a_run_that_breaks_updates_what_it_has(
    told: str, code: pytest.ExitCode, tell: Tell, kept: Path, pytester: pytest.Pytester
) -> None:
    tell(kind=0.1, calm=told)
    result = pytester.runpytest_inprocess(*MANNERS, BASELINE, UPDATE, no_reraise_ctrlc=True)
    assert result.ret == code
    assert answers_in(kept) == {"manners[kind]": 0.1, "manners[calm]": 0.3, "manners[rude]": 0.3}


def test_nothing_is_written_if_nothing_ran(tell: Tell, kept: Path, pytester: pytest.Pytester) -> None:
    before = kept.read_text()
    assert pytester.runpytest_inprocess(*MANNERS, BASELINE, UPDATE, "--collect-only").ret == OK
    assert kept.read_text() == before
    kept.unlink()
    tell(kind="break", calm="break", rude="break")
    result = pytester.runpytest_inprocess(*MANNERS, BASELINE, UPDATE)
    assert f"not green: the baseline {FILE} was not written: no question was answered" in flat(result)
    assert not kept.exists()


def test_a_baseline_that_can_not_be_written_at_the_end_is_red(tell: Tell, pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST + "def pytest_collection_finish(session):\n    Path('kept').rename('elsewhere')\n")
    pytester.mkdir("kept")
    result = pytester.runpytest_inprocess(*MANNERS, "--saliency-baseline=kept/it.json", UPDATE)
    assert result.ret == RED
    result.assert_outcomes(passed=3)
    assert "not green: the baseline kept/it.json was not written: [Errno 2]" in flat(result)


def test_a_file_of_ones_own_is_compared_under_the_name_of_its_method(tell: Tell, pytester: pytest.Pytester) -> None:
    pytester.makeini(f"[pytest]\nsaliency_baseline = {FILE}\nsaliency_check = manners")
    method = "import pytest\nfrom pytest_saliency_sanity import gradient\n@pytest.fixture(scope='module')\n"
    gate = "from pytest_saliency_sanity.suite import *\n"
    pytester.makepyfile(test_gate=f"{gate}{method}def saliency_method(): return gradient\n")
    assert pytester.runpytest_inprocess(UPDATE).ret == OK
    assert pytester.runpytest_inprocess().ret == OK
    tell(calm=0.05)
    result = pytester.runpytest_inprocess("test_gate.py")
    result.assert_outcomes(passed=2, failed=1)
    # A second file with a method of the same name answers the same questions.
    pytester.makepyfile(test_second=f"{gate}{method}def saliency_method(): return gradient\n")
    result = pytester.runpytest_inprocess(UPDATE)
    assert result.ret == RED
    assert f"the baseline {FILE} was not written: two tests answer the same question, gradient: manners" in flat(result)


def test_a_run_without_a_method_leaves_the_baseline_alone(kept: Path, pytester: pytest.Pytester) -> None:
    before = kept.read_text()
    pytester.makepyfile("def test_other(): pass")
    result = pytester.runpytest_inprocess(BASELINE, UPDATE)
    assert result.ret == OK
    assert FILE not in result.stdout.str()
    assert kept.read_text() == before


# Bad input, said before anything runs


@pytest.mark.parametrize("how", [(), (UPDATE,), ("-n", "2")])
@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("nonsense", f"{FILE} is not JSON: Expecting value: line 1 column 1 (char 0)"),
        ('{"schema": 1, "answers": [{"mean": NaN}]}', f"{FILE} is not JSON: NaN is no finite number"),
        ('{"package": "another"}', f"{FILE} is not a baseline of pytest-saliency-sanity"),
        ('{"schema": 4, "results": []}', f"{FILE} is a results.json: name another file"),
        ('{"schema": 0, "answers": []}', f"{FILE} has schema 0, and this version reads schema 1: delete it"),
        ('{"schema": 1, "answers": [{}]}', f"{FILE} is damaged (KeyError: 'method')"),
        (
            '{"schema": 1, "answers": [], "written_with": {}, "settings": {"preset": "embedded", "seed": 7}}',
            f"{FILE} was written with seed 7, and this run has seed 0: give --saliency-seed=7, or name another file",
        ),
    ],
)
def test_a_file_that_can_not_be_used_is_a_usage_error(
    content: str, complaint: str, how: tuple[str, ...], pytester: pytest.Pytester
) -> None:
    (pytester.path / FILE).write_text(content)
    result = pytester.runpytest_inprocess(GRADIENT, BASELINE, *how)
    assert result.ret == USAGE
    assert f"ERROR: --saliency-baseline: {complaint}" in result.stderr.str()
    assert (pytester.path / FILE).read_text() == content


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([BASELINE], f"--saliency-baseline: {FILE} does not exist. Write it with {UPDATE}"),
        (["--saliency-baseline=."], "--saliency-baseline: . is a folder: name a file"),
        (["--saliency-baseline=no/b.json", UPDATE], "--saliency-baseline: the folder of no/b.json is missing or"),
        ([UPDATE], f"{UPDATE} needs the file to write: --saliency-baseline=FILE"),
    ],
)
def test_an_option_that_can_not_be_followed_is_a_usage_error(
    arguments: list[str], complaint: str, pytester: pytest.Pytester
) -> None:
    result = pytester.runpytest_inprocess(GRADIENT, *arguments)
    assert result.ret == USAGE
    assert f"ERROR: {complaint}" in result.stderr.str()


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder that takes no file, whoever asks")
def test_a_folder_that_can_not_be_written_to_is_a_usage_error(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess(GRADIENT, "--saliency-baseline=/proc/self/b.json", UPDATE)
    assert result.ret == USAGE
    assert "the folder of /proc/self/b.json is missing or can't be written to" in result.stderr.str()
