"""What fuzzing found: each input that a parser once took wrongly, and what becomes of it now."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image
from support.fuzzed.networks import CLAIMS, HEADER, put_manifest, record_of, safetensors_of
from support.fuzzed.runs import PLAN, RUN, SETTINGS, baselines, npy_of, npz_of, read_baseline
from support.fuzzing import LONGEST_MESSAGE, Sentry, limited
from support.mutation import LONG
from support.records import record, run

from pytest_saliency_sanity.checks.expectations import named_expected_failure, parse_expected_failure, part_matches
from pytest_saliency_sanity.data.photographs import load_photographs, read_labels
from pytest_saliency_sanity.foundation.devices import resolve_device
from pytest_saliency_sanity.foundation.errors import CheckpointError
from pytest_saliency_sanity.foundation.limits import parse_size
from pytest_saliency_sanity.foundation.specs import parse_spec
from pytest_saliency_sanity.methods.resolve import require_method_spec
from pytest_saliency_sanity.networks.resolve import require_network_spec
from pytest_saliency_sanity.networks.storage.pretrained import read_weights
from pytest_saliency_sanity.networks.storage.record import read_facts, read_record
from pytest_saliency_sanity.networks.training.claims import Claims
from pytest_saliency_sanity.plugin.options import parse_file, parse_folder, parse_integer, parse_new_folder, parse_path
from pytest_saliency_sanity.reports import arrays, json_report
from pytest_saliency_sanity.reports.comparing.baseline import BaselineError
from pytest_saliency_sanity.reports.comparing.baseline import read as read_baseline_file
from pytest_saliency_sanity.reports.comparing.merging import MergeError, merge
from pytest_saliency_sanity.reports.json_report import RecordsError, as_json

VERY = "x" * LONG
NESTED = "[" * LONG + "]" * LONG


def written(folder: Path, content: str | bytes, name: str = "file") -> Path:
    file = folder / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


# Text that a user types


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (parse_spec, f"{VERY}/"),
        (parse_spec, f"{VERY}?"),
        (parse_spec, f":{VERY}"),
        (parse_spec, f"method?{VERY}"),
        (parse_spec, f"method?{VERY}=1&{VERY}=1"),
        (parse_spec, f"method?x=+{VERY}"),
        (require_method_spec, VERY),
        (require_method_spec, f"package:method:{VERY}"),
        (lambda text: require_network_spec(text, ["alexnet"]), VERY),
        (lambda text: require_network_spec(text, ["alexnet"]), f"package:factory:{VERY}"),
        (resolve_device, VERY),
        (parse_size, VERY),
        (parse_integer(0, 9), VERY),
        (lambda line: parse_expected_failure(line, "ini"), VERY),
        (lambda line: parse_expected_failure(line, "ini"), f"{VERY} -> why"),
        (lambda pattern: named_expected_failure(pattern, None, "hook"), f"a/b/{VERY}"),
    ],
)
def test_a_long_text_is_shown_without_its_middle(parse: Callable[[str], object], text: str) -> None:
    with pytest.raises(ValueError, match=r"xxx \[1000\d\d characters\] x") as caught:
        parse(text)
    assert len(str(caught.value)) < LONGEST_MESSAGE


def test_an_object_that_can_not_be_shown_is_told_by_its_type() -> None:
    for reason in (10**5000, json.loads("[" * 900 + "]" * 900)):
        with pytest.raises(ValueError, match="needs a reason") as caught:
            named_expected_failure("a/b/c", reason, "hook")
        assert len(str(caught.value)) < LONGEST_MESSAGE
        assert "set_int_max_str_digits" not in str(caught.value)


def matches_by_trying_all(part: str, name: str) -> bool:
    """Return whether a pattern without brackets matches a name without them, by the definition of ``*``."""
    if not part.startswith("*"):
        return part == name == "" or (
            bool(part and name) and part[0] == name[0] and matches_by_trying_all(part[1:], name[1:])
        )
    return any(matches_by_trying_all(part[1:], name[start:]) for start in range(len(name) + 1))


@given(part=st.text("ab*", max_size=7), name=st.text("ab", max_size=8))
@example(part="a*b", name="abab")
@example(part="*a*a", name="aa")
def test_a_pattern_with_stars_means_what_it_meant(part: str, name: str) -> None:
    assert part_matches(part, name) == matches_by_trying_all(part, name)


def test_a_pattern_of_many_stars_is_matched_in_no_time() -> None:
    with limited(30):
        assert not part_matches("*a" * 40 + "b", "a" * 60)
        assert part_matches("*a" * 40 + "*", "a" * 60)


@pytest.mark.parametrize("name", ["", "gpu", "cuda:", "cuda:-1", f"cuda:{'9' * 50}", "a\0"])
def test_a_device_that_pytorch_does_not_know_is_told_in_our_words(name: str) -> None:
    with pytest.raises(ValueError, match="is no device: give auto, cpu, cuda, cuda:N or mps"):
        resolve_device(name)


@pytest.mark.parametrize("digits", [101, 5000])
def test_a_number_of_too_many_digits_is_refused_without_python_s_advice(digits: int) -> None:
    with pytest.raises(ValueError, match="is not a whole number from 0 to 9"):
        parse_integer(0, 9)("9" * digits)


@pytest.mark.parametrize("text", [f"{'9' * 400}G", f"1.{'9' * 400}G"])
def test_an_amount_of_memory_beyond_all_numbers_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not an amount of memory"):
        parse_size(text)


@pytest.mark.parametrize("parse", [parse_path, parse_folder, parse_new_folder, parse_file])
def test_the_home_of_nobody_is_told_with_the_path(parse: Callable[[str], Path]) -> None:
    with pytest.raises(ValueError, match="'~nobody-of-this-name/x' begins with the home folder of a user who has none"):
        parse("~nobody-of-this-name/x")


@pytest.mark.parametrize("key", ["saliency_method", "saliency_check", "saliency_weights"])
def test_a_quotation_mark_that_is_not_closed_is_told_with_its_key(key: str, pytester: pytest.Pytester) -> None:
    pytester.makeini(f'[pytest]\n{key} = "gradcam\n')
    result = pytester.runpytest_inprocess()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert f"ini {key}: No closing quotation" in result.stderr.str()


@pytest.mark.parametrize(("key", "value"), [("saliency_seed", "3"), ("saliency_expected_failures", '"a/b/c -> d"')])
def test_a_value_of_another_type_in_toml_is_told_with_its_key(key: str, value: str, pytester: pytest.Pytester) -> None:
    if pytest.version_tuple < (9,):
        pytest.skip("[tool.pytest] is new in pytest 9")
    pytester.makepyprojecttoml(f"[tool.pytest]\n{key} = {value}\n")
    result = pytester.runpytest_inprocess()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert f"ini {key}: " in result.stderr.str()
    assert "INTERNALERROR" not in result.stdout.str() + result.stderr.str()


# Images


def test_a_strip_is_no_photograph(tmp_path: Path) -> None:
    # Made as wide as a photograph, it would take hundreds of megabytes, or more than there are.
    Image.new("L", (32, 3200)).save(tmp_path / "a.png")
    assert len(load_photographs(tmp_path)) == 1
    Image.new("L", (32, 3201)).save(tmp_path / "a.png")
    with pytest.raises(
        ValueError, match=r"a\.png has 32 x 3201 pixels; of a photograph, no side is over 100 times as long"
    ):
        load_photographs(tmp_path)


@pytest.mark.parametrize(
    "table", [f"{VERY},class\n", ",".join(f"column {n}" for n in range(999)), f"file,class\n{VERY},1"]
)
def test_a_long_table_is_shown_in_short(table: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"labels\.csv") as caught:
        read_labels(written(tmp_path, table, "labels.csv"), [], 10)
    assert len(str(caught.value)) < LONGEST_MESSAGE


# Networks


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        (NESTED, "it is nested too deeply"),
        ("9" * 5000, "a number has 5000 digits"),
        ("[]", "its facts have no names"),
        ("null", "its facts have no names"),
    ],
)
@pytest.mark.parametrize("read", [read_facts, read_record])
def test_the_facts_of_a_record_may_be_anything(
    facts: str, told: str, read: Callable[[Path], object], tmp_path: Path
) -> None:
    file = written(tmp_path, record_of(facts))
    with pytest.raises(CheckpointError, match=f"is damaged or not a checkpoint of ours .*{told}"):
        read(file)


def test_a_shape_that_overflows_is_damage(tmp_path: Path) -> None:
    header = {**HEADER, "none": {"dtype": "F32", "shape": [2**63, 0], "data_offsets": [0, 0]}}
    with pytest.raises(CheckpointError, match="is damaged or not a checkpoint of ours"):
        read_record(written(tmp_path, safetensors_of(json.dumps(header))))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (NESTED, "nested too deeply"),
        (f'{{"format": {"9" * 5000}}}', "a number has 5000 digits"),
        (json.dumps({"format": VERY}), r"its format is 'xxx.* characters\]"),
        (json.dumps({"format": 2, "checkpoints": {"a": {"file": "b", "sha256": "c", VERY: 1}}}), "KeyError"),
    ],
)
def test_the_manifest_of_shipped_networks_may_hold_anything(text: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=rf"manifest\.json is damaged .*{told}.*Rebuild it") as caught:
        put_manifest(tmp_path, text).read()
    assert len(str(caught.value)) < LONGEST_MESSAGE


@pytest.mark.parametrize(
    "wrong",
    [
        {"accuracies": {"validation": "high"}},
        {"accuracies": [["validation", 0.5]]},
        {"accuracies": "ab"},
        {"parameters": "many"},
        {"chance_range": [0.1]},
        {"chance_range": ["low", "high"]},
        {"history": "abc"},
        {"history": [["a", "b", "c"]]},
        {"network": ["alexnet"]},
        {"seed": None},
        {"versions": [1]},
        {"recipe": {**CLAIMS[0]["recipe"], "width": "wide"}},
        {"trained_on": [1]},
        {VERY: 1},
    ],
)
def test_claims_of_another_type_are_refused(wrong: dict[str, Any]) -> None:
    # Else the networks could not be listed, long after they were read.
    assert Claims.from_json(CLAIMS[0])
    with pytest.raises((TypeError, ValueError)) as caught:
        Claims.from_json({**CLAIMS[0], **wrong})
    assert len(str(caught.value)) < LONGEST_MESSAGE


def test_an_archive_of_old_is_refused_before_a_folder_is_made_for_it(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "weights.pth", "w") as archive:
        archive.add(__file__, "storages")
    with Sentry().listening() as heard, pytest.raises(CheckpointError, match=r"nor what torch\.save writes"):
        read_weights(tmp_path / "weights.pth")
    assert not heard


def test_an_archive_of_a_version_to_come_is_damaged(tmp_path: Path) -> None:
    torch.save({"weight": torch.zeros(3)}, tmp_path / "weights.pth")
    content = bytearray((tmp_path / "weights.pth").read_bytes())
    entry = content.index(b"PK\x01\x02")  # of the first member
    content[entry + 6], content[entry + 8] = 127, 1  # the version that is needed to read it, and that it is encrypted
    with pytest.raises(CheckpointError, match="it is an archive that is cut off or damaged"):
        read_weights(written(tmp_path, bytes(content), "weights.pth"))


def test_weights_that_ask_for_something_with_a_long_name_are_told_in_short(tmp_path: Path) -> None:
    # With longer names, PyTorch itself takes minutes: it searches its own error with time by the square of the length.
    file = written(tmp_path, b"\x80\x02c" + b"x" * 3000 + b"\nname\n.", "weights.pth")
    with pytest.raises(CheckpointError, match=r"it asks for xxx.* characters\] ") as caught:
        read_weights(file)
    assert len(str(caught.value)) < 1000


# Runs and baselines


@pytest.mark.parametrize("number", ["1" + "0" * 400, "-1" + "0" * 400, "9" * 5000])
def test_a_whole_number_beyond_all_floats_is_refused(number: str, tmp_path: Path) -> None:
    told = r"is not JSON: a number has \d+ digits, and at most 300 are allowed"
    (sample,) = baselines()
    answer = next(each for each in json.loads(sample)["answers"] if "mean" in each)
    file = written(tmp_path, sample.replace(f'"mean": {answer["mean"]}', f'"mean": {number}'))
    with pytest.raises(BaselineError, match=told):
        read_baseline_file(file)
    file = written(tmp_path, json.dumps(as_json(RUN)).replace('"threshold": 0.5', f'"threshold": {number}'))
    with pytest.raises(RecordsError, match=told):
        json_report.read(file)


@pytest.mark.parametrize("read", [read_baseline_file, json_report.read])
@pytest.mark.parametrize(
    "text", [NESTED, f'{{"schema": 1{"0" * 299}, "answers": [], "results": []}}', "1" * LONG + "e9"]
)
def test_any_json_is_told_in_short(text: str, read: Callable[[Path], object], tmp_path: Path) -> None:
    with pytest.raises((BaselineError, RecordsError)) as caught:
        read(written(tmp_path, text))
    assert len(str(caught.value)) < LONGEST_MESSAGE


@pytest.mark.parametrize(
    "change",
    [
        {"method": VERY, "verdict": "?"},
        {"verdict": VERY},
        {"stage": [VERY]},
        {"method": VERY, "mean": None},
    ],
)
def test_a_long_answer_of_a_baseline_is_told_in_short(change: dict[str, Any], tmp_path: Path) -> None:
    content = json.loads(baselines()[0])
    content["answers"][0] = {"mean": 1, "low": 1, "high": 1, **content["answers"][0], **change}
    with pytest.raises(BaselineError) as caught:
        read_baseline_file(written(tmp_path, json.dumps(content)))
    assert len(str(caught.value)) < LONGEST_MESSAGE


def test_long_names_and_settings_of_a_baseline_are_told_in_short(tmp_path: Path) -> None:
    content = json.loads(baselines()[0])
    content["answers"] = [{**content["answers"][0], "method": VERY}] * 2
    with pytest.raises(BaselineError, match="has two answers to a question") as twice:
        read_baseline_file(written(tmp_path, json.dumps(content)))
    content = json.loads(baselines()[0]) | {"settings": {**SETTINGS, "law": VERY}}
    with pytest.raises(BaselineError, match="was written with law xxx") as other:
        read_baseline(written(tmp_path, json.dumps(content)))
    assert max(len(str(each.value)) for each in (twice, other)) < LONGEST_MESSAGE


def test_long_names_in_runs_are_told_in_short() -> None:
    long = run(record(VERY), plan=PLAN)
    for others, told in (
        ([long, long], "questions were put more than once"),
        ([long, replace(long, law=VERY)], r"a has law normal, and b has law xxx.* characters\]"),
        ([long, run(record(versions={"torch": VERY}), plan=PLAN)], "and b has torch xxx"),
        ([long, replace(run(record("sobel")), plan=replace(PLAN, checks=(VERY,)))], "were to ask different checks"),
    ):
        with pytest.raises(MergeError, match=told) as caught:
            merge(dict(zip("ab", others, strict=True)))
        assert len(str(caught.value)) < LONGEST_MESSAGE


@pytest.mark.parametrize("place", ["9" * 5000, "-1", "", "x", "1_0"])
def test_an_array_without_a_place_is_told(place: str, tmp_path: Path) -> None:
    file = written(tmp_path, npz_of([(f"{place}/pictures", npy_of())]), "maps.npz")
    with pytest.raises(
        ValueError, match=r"maps\.npz is not a maps\.npz .* does not begin with the place of a question"
    ):
        arrays.read(file)


def test_an_archive_whose_damage_the_system_notices_is_told_as_damaged(tmp_path: Path) -> None:
    content = bytearray(npz_of([("0/pictures", npy_of())]))
    content[-5] = 0xFF  # of where its directory is: nobody can look before the beginning of a file
    file = written(tmp_path, bytes(content), "maps.npz")
    with pytest.raises(OSError, match="Invalid argument"), np.load(file) as archive:
        assert archive["0/pictures"].size
    with pytest.raises(ValueError, match=r"maps\.npz is not a maps\.npz of this package: OSError"):
        arrays.read(file)
