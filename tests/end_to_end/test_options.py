"""The options and their ini keys: what is wrong is said before anything is run, and the command line wins."""

from __future__ import annotations

import pytest
from support.runs import MODELS, Ids, Run, suite_ids

# Option, value, and what the error must tell: the value, what is allowed, a near match.
BAD = [
    (
        "method",
        "gradcan",
        ["unknown method 'gradcan'", "did you mean 'gradcam'", "smoothgrad", "package.module:attribute"],
    ),
    ("method", "my/module:fn", ["'my/module:fn' contains '/'"]),
    ("method", ":fn", ["':fn' is not of the form", "package.module:attribute"]),
    ("model", "vgg16", ["unknown model 'vgg16'", "did you mean 'vgg11'", f"allowed: {', '.join(MODELS)}"]),
    ("check", "cascading", ["unknown check 'cascading'", "did you mean 'cascading_randomization'", "allowed: label_"]),
    ("device", "gpu", ["unknown device 'gpu'", "allowed: auto, cpu, cuda, cuda:N, mps"]),
    ("device", "cuda:first", ["unknown device 'cuda:first'", "cuda:N"]),
    ("threshold", "0.9", ["'0.9' is not of the form CHECK=X"]),
    ("threshold", "cascade_randomization=0.9", ["'cascade_randomization'", "did you mean 'cascading_randomization'"]),
    ("threshold", "label_randomization=low", ["'low' is not a number", "above 0 and at most 1"]),
    ("threshold", "label_randomization=", ["'' is not a number", "above 0 and at most 1"]),
    ("threshold", "label_randomization=0", ["above 0 and at most 1, not 0"]),
    ("threshold", "label_randomization=2", ["above 0 and at most 1, not 2"]),
    ("threshold", "label_randomization=nan", ["above 0 and at most 1, not nan"]),
    ("images", "0", ["'0' is not a whole number from 10 to 1000"]),
    ("images", "9", ["'9' is not a whole number from 10 to 1000"]),
    ("images", "1001", ["'1001' is not a whole number from 10 to 1000"]),
    ("memory", "lots", ["'lots' is not an amount of memory of at least 64M: give one like 500M or 2G"]),
    ("memory", "1M", ["'1M' is not an amount of memory of at least 64M: give one like 500M or 2G"]),
    ("images", "abc", ["'abc' is not a whole number from 10 to 1000"]),
    ("images", "40.0", ["'40.0' is not a whole number from 10 to 1000"]),
    ("seed", "-1", ["'-1' is not a whole number from 0"]),
    ("seed", "x", ["'x' is not a whole number from 0"]),
    ("preset", "papers", ["unknown preset 'papers'", "did you mean 'paper'", "allowed: embedded, paper, imagenet"]),
    ("data", "nowhere", ["nowhere is missing: name a folder of images"]),
    ("weights", "alexnet.pth", ["'alexnet.pth' is not of the form NETWORK=FILE, with one of alexnet, vgg11"]),
    ("weights", "alexnet=nowhere.pth", ["nowhere.pth is missing"]),
]
# Of the right form, but not to be had here: only looking tells.
NOT_HERE = [
    ("device", "cuda:99", ["no device 'cuda:99'", "CUDA"]),
    ("method", "nowhere:fn", ["nowhere:fn", "No module named 'nowhere'"]),
    ("method", "json:nothing", ["json:nothing", "module 'json' has no attribute 'nothing'"]),
    ("method", "json:__name__", ["json:__name__", "callable as (model, images, targets) -> maps"]),
]

INI_FORMS = {
    "pytest.ini": ("pytest.ini", "[pytest]\nsaliency_method = gradcam\nsaliency_model = vgg11 vgg11\n"),
    "ini_options": (
        "pyproject.toml",
        '[tool.pytest.ini_options]\nsaliency_method = "gradcam"\nsaliency_model = ["vgg11"]\n',
    ),
    "native": ("pyproject.toml", '[tool.pytest]\nsaliency_method = ["gradcam"]\nsaliency_model = ["vgg11"]\n'),
}


def usage_error(result: pytest.RunResult) -> str:
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    error = "\n".join(result.errlines)
    assert "Traceback" not in error
    assert "INTERNALERROR" not in error
    return error


@pytest.mark.parametrize(("option", "value", "told"), BAD + NOT_HERE)
def test_a_bad_option_is_a_usage_error(option: str, value: str, told: list[str], pytester: pytest.Pytester) -> None:
    error = usage_error(pytester.runpytest_inprocess("--saliency-method=gradcam", f"--saliency-{option}={value}"))
    for part in (f"--saliency-{option}", *told):
        assert part in error


@pytest.mark.parametrize(("option", "value", "told"), BAD + NOT_HERE)
def test_a_bad_ini_value_is_a_usage_error(option: str, value: str, told: list[str], pytester: pytest.Pytester) -> None:
    method = "" if option == "method" else "saliency_method = gradcam\n"
    pytester.makeini(f"[pytest]\n{method}saliency_{option} = {value}")
    error = usage_error(pytester.runpytest_inprocess())
    for part in (f"saliency_{option}", *told):
        assert part in error


@pytest.mark.parametrize(("option", "value", "told"), BAD)
def test_a_bad_option_is_an_error_also_where_there_is_no_method(
    option: str, value: str, told: list[str], pytester: pytest.Pytester
) -> None:
    error = usage_error(pytester.runpytest_inprocess(f"--saliency-{option}={value}"))
    assert told[0] in error


def test_a_bad_option_is_an_error_under_xdist_before_any_worker_starts(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess("-n", "2", "--saliency-method=gradcan")
    assert "did you mean 'gradcam'" in usage_error(result)
    result.stdout.no_fnmatch_line("*gw0*")


@pytest.mark.parametrize("option", ["images", "seed", "device"])
def test_an_empty_value_is_not_taken_for_the_default(option: str, quick: Run) -> None:
    # As from a shell variable that is not set.
    error = usage_error(quick("--saliency-method=gradcam", f"--saliency-{option}="))
    assert f"--saliency-{option}" in error


@pytest.mark.parametrize("broken", ["raise RuntimeError('half written')", "def fn(:", "import nowhere_to_be_found"])
def test_a_module_that_cannot_be_imported_is_a_usage_error(broken: str, pytester: pytest.Pytester) -> None:
    pytester.path.joinpath("broken.py").write_text(broken)
    error = usage_error(pytester.runpytest_inprocess("--saliency-method=broken:fn"))
    assert "--saliency-method" in error
    assert "broken:fn: " in error


def test_the_longest_and_the_shortest_batch_are_allowed(quick: Run) -> None:
    for count in ("10", "1000"):
        result = quick("--saliency-method=gradcam", f"--saliency-images={count}", "-p", "no:randomly")
        assert result.ret == pytest.ExitCode.OK
        result.stdout.fnmatch_lines([f"  preset embedded, tier gate; {count} of its images, seed 0, device auto"])


@pytest.mark.parametrize("form", INI_FORMS)
def test_ini_twins_work_in_every_kind_of_file(form: str, collected: Ids, pytester: pytest.Pytester) -> None:
    if form == "native" and pytest.version_tuple < (9,):
        pytest.skip("[tool.pytest] is new in pytest 9")
    name, text = INI_FORMS[form]
    pytester.path.joinpath(name).write_text(text)
    assert collected() == suite_ids("gradcam", models=("vgg11",))


def test_every_ini_twin_is_read(pytester: pytest.Pytester) -> None:
    pytester.makeini(
        """
        [pytest]
        saliency_method = sobel
            gradcam
        saliency_model = vgg11
        saliency_check = label_randomization
        saliency_threshold = label_randomization=0.000001 cascading_randomization=0.5
        saliency_images = 12
        saliency_seed = 7
        saliency_device = cpu
        saliency_tier = full
        """
    )
    result = pytester.runpytest_inprocess("-p", "no:randomly")
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        [
            "saliency-sanity: sobel, gradcam x vgg11: 2 tests planned",
            "  preset embedded, tier full; 12 of its images, seed 7, device cpu",
            "*must stay below 1e-06 with its whole interval.",
            "Measured on 12 images x 1 random draw, seed 7;*",
        ]
    )


def test_the_command_line_wins_over_ini(quick: Run, pytester: pytest.Pytester) -> None:
    pytester.makeini(
        "[pytest]\nsaliency_method = sobel\nsaliency_images = 12\nsaliency_seed = 7\nsaliency_model = vgg11"
    )
    result = quick("--saliency-method=gradcam", "--saliency-images=30", "--saliency-seed=0")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(
        [
            "saliency-sanity: gradcam x alexnet: 1 test planned",
            "  preset embedded, tier gate; 30 of its images, seed 0, device auto",
        ]
    )


def test_a_threshold_is_judged_by(quick: Run) -> None:
    strict = quick("--saliency-method=gradient", "--saliency-threshold=label_randomization=0.01", "-pno:randomly")
    strict.assert_outcomes(failed=1)
    strict.stdout.fnmatch_lines(["*; it must stay below 0.01 with its whole interval."])
    quick("--saliency-method=gradient", "--saliency-threshold=label_randomization=1").assert_outcomes(passed=1)


def test_strict_settings_and_errors_for_warnings_find_nothing_without_a_method(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_other="def test_other(): pass")
    result = pytester.runpytest_subprocess("--strict-markers", "--strict-config", "-W", "error")
    assert result.ret == pytest.ExitCode.OK
    result.assert_outcomes(passed=1, warnings=0)
    assert "Warning" not in result.stdout.str() + result.stderr.str()


def test_the_markers_are_registered(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess("--markers")
    for name in ("saliency", "saliency_slow", "saliency_gpu"):
        result.stdout.fnmatch_lines([f"@pytest.mark.{name}: *"])


def test_every_option_and_ini_key_is_in_the_help(pytester: pytest.Pytester) -> None:
    shown = pytester.runpytest_inprocess("--help").stdout.str()
    for name in ("method", "model", "check", "threshold", "images", "seed", "device", "tier"):
        assert f"--saliency-{name}=" in shown
        assert f"saliency_{name} " in shown


def test_the_list_names_everything_there_is(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess("--saliency-list")
    assert result.ret == pytest.ExitCode.OK
    shown = result.stdout.str()
    names = ("gradcam", "smoothgrad", "gradient", "sobel", "input", "uniform_noise", "guided_backprop")
    for name in (
        *names,
        *MODELS,
        "label_randomization",
        "cascading_randomization",
        "similarity below",
        "without signs",
    ):
        assert name in shown
