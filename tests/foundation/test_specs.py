"""What a user writes to name a method or a network: every form that is documented, and nothing else."""

from __future__ import annotations

import ast
import sys
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.properties import quick

from pytest_saliency_sanity.foundation.specs import FORMS, Spec, parse_keywords, parse_spec, parse_value

FORMS_DOCUMENTED = [
    ("gradcam", "gradcam", None, None, {}),
    ("my-method_2", "my-method_2", None, None, {}),
    ("group.method", "group.method", None, None, {}),
    ("_private", "_private", None, None, {}),
    ("smoothgrad?n_samples=50", "smoothgrad", None, None, {"n_samples": 50}),
    ("package.module:attribute", "package.module", "attribute", None, {}),
    ("module:Class.method", "module", "Class.method", None, {}),
    ("module:Class?a=1&b=two", "module", "Class", None, {"a": 1, "b": "two"}),
    ("captum:LayerGradCam:features.10", "captum", "LayerGradCam", "features.10", {}),
    ("captum:LayerGradCam:0", "captum", "LayerGradCam", "0", {}),  # layers of a Sequential are numbers
    (
        "captum:IntegratedGradients?n_steps=20&baselines=-0.42",
        "captum",
        "IntegratedGradients",
        None,
        {"n_steps": 20, "baselines": -0.42},
    ),
    (
        "captum:LayerGradCam:features.10?relu_attributions=True",
        "captum",
        "LayerGradCam",
        "features.10",
        {"relu_attributions": True},
    ),
]
LITERALS = [
    ("20", 20),
    ("-3", -3),
    ("+3", 3),
    ("1_000", 1000),
    ("0x10", 16),
    ("0.5", 0.5),
    ("-.5", -0.5),
    ("1e-3", 1e-3),
    ("2j", 2j),
    ("True", True),
    ("False", False),
    ("None", None),
    ("(3,8,8)", (3, 8, 8)),
    ("()", ()),
    ("(1,(2,3))", (1, (2, 3))),
    ("{'a':1}", {"a": 1}),
    ("{1,2}", {1, 2}),
    ("'quoted'", "quoted"),
    ('"a?b=c:d"', "a?b=c:d"),
    ("b'x'", b"x"),
]
WORDS = ["riemann_trapezoid", "features.10", "cuda-0", "true", "none", "nan", "_x", "__import__", "lambda"]
CODE = [
    *("__import__('os')", "f()", "1/0", "2*3", "2**9", "a+b", "a.b()", "x==1", "lambda:0", "not-True!", "a,b"),
    *(
        "f'{x}'",
        "-word",
        "--1",
        "(a,)",
        "{'a':b}",
        "`x`",
        "$x",
        "1if",
        "01",
        "1.2.3",
        "'open",
        "(1",
        "\x00",
        "*",
        "...",
    ),
]
CHARACTERS = [" ", "\t", "\n", "\u00a0", "/", "[", "]", "::"]


def one_type_and_value(value: object) -> tuple[type, object]:
    """Return what tells True from 1 and 1 from 1.0."""
    return type(value), value


@pytest.mark.parametrize(("text", "name", "attribute", "layer", "keywords"), FORMS_DOCUMENTED)
def test_every_form_is_taken_apart(
    text: str, name: str, attribute: str | None, layer: str | None, keywords: dict[str, Any]
) -> None:
    assert parse_spec(text) == Spec(text, name, attribute, layer, keywords)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("gradcam?layer=features.0", "gradcam"),
        ("a.b:c.d?x=1", "a.b:c.d"),
        ("captum:LayerGradCam:features.10", "captum:LayerGradCam"),
    ],
)
def test_the_path_has_neither_layer_nor_keywords(text: str, path: str) -> None:
    assert parse_spec(text).path == path


def test_specs_do_not_change() -> None:
    with pytest.raises(AttributeError):
        parse_spec("gradcam").name = "other"  # type: ignore[misc]


@pytest.mark.parametrize(("text", "value"), LITERALS)
def test_literals_of_every_kind_are_values(text: str, value: object) -> None:
    assert one_type_and_value(parse_value(text)) == one_type_and_value(value)
    assert one_type_and_value(parse_spec(f"name?x={text}").keywords["x"]) == one_type_and_value(value)


@pytest.mark.parametrize("word", WORDS)
def test_bare_words_are_strings(word: str) -> None:
    assert parse_value(word) == word
    assert parse_keywords(f"method={word}") == {"method": word}


@pytest.mark.parametrize("code", CODE)
@pytest.mark.filterwarnings("ignore::SyntaxWarning")
def test_anything_else_is_no_value(code: str) -> None:
    with pytest.raises(ValueError, match="is not a value: give a word or a literal"):
        parse_value(code)


@pytest.mark.parametrize("code", ["__import__('os')", "f()", "1*0", "open('x','w')"])
def test_code_in_a_spec_is_refused_and_named(code: str) -> None:
    with pytest.raises(ValueError, match="is not a value") as raised:
        parse_spec(f"gradcam?layer={code}")
    assert repr(code) in str(raised.value)


def test_a_division_is_refused_as_a_spec() -> None:
    # It stands in patterns "method/model/check", so it could not be told apart.
    with pytest.raises(ValueError, match="contains '/'"):
        parse_spec("gradcam?layer=1/0")


@pytest.mark.parametrize("character", CHARACTERS)
@pytest.mark.parametrize("place", ["{}gradcam", "grad{}cam", "gradcam{}", "a:b{}c", "a:b:c{}d", "gradcam?x='{}'"])
def test_what_node_ids_and_patterns_need_is_refused_everywhere(character: str, place: str) -> None:
    with pytest.raises(ValueError, match="which no spec may contain") as raised:
        parse_spec(place.format(character))
    assert repr(character) in str(raised.value)


def test_a_list_is_refused_with_advice() -> None:
    with pytest.raises(ValueError, match=r"write a list as a tuple: \(1,2\)"):
        parse_spec("captum:Occlusion?strides=[3,8,8]")


@pytest.mark.parametrize(
    "text",
    [
        *("", ":", "a:", ":b", "a:b:", ":b:c", "a::c"[:2], "a:b:c:d", "?x=1", ":?x=1", "a:?x=1", "a:b:?x=1"),
        *(
            ".",
            "a.",
            ".a",
            "a..b",
            "a:b.",
            "a:.b",
            "1a",
            "a:1b",
            "-a",
            "a.-b",
            "a:b()",
            "a=1",
            "a&b",
            "f()",
            "a,b",
            "*",
        ),
    ],
)
def test_parts_that_are_empty_or_no_names_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not of the form") as raised:
        parse_spec(text)
    assert FORMS in str(raised.value)
    assert repr(text) in str(raised.value)


@pytest.mark.parametrize("text", ["gradcam?", "a:b?", "a:b:c?"])
def test_a_question_mark_without_keywords_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"has no keyword after '\?'"):
        parse_spec(text)


@pytest.mark.parametrize("text", ["", "x", "x=", "=1", "=", "&", "x=1&", "&x=1", "x=1&&y=2", "1x=1", "x-y=1", "x.y=1"])
def test_what_is_no_keyword_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not of the form keyword=value"):
        parse_keywords(text)


@pytest.mark.parametrize("text", ["x=1&x=2", "x=1&y=2&x=1"])
def test_a_keyword_twice_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="the keyword 'x' is given twice"):
        parse_keywords(text)
    with pytest.raises(ValueError, match="the keyword 'x' is given twice"):
        parse_spec(f"name?{text}")


@pytest.mark.parametrize("text", ["name?x=1?y=2", "name?x=1:2", "name?x=1=2", "name?x='a&b'"])
def test_the_separators_are_not_read_in_any_other_order(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a value|is not of the form"):
        parse_spec(text)


@pytest.mark.parametrize("text", ["{{1}}", "{{}}", "{{}:1}", "{():{{}}}", "{{1:2}}"])
def test_what_python_can_not_hash_is_no_value(text: str) -> None:
    # ast.literal_eval raises a TypeError for a set of sets, which no caller of ours expects.
    with pytest.raises(ValueError, match="is not a value"):
        parse_value(text)


@pytest.mark.parametrize("text", ["(" * 5_000, "-" * 20_000 + "1", "9" * 10_000, "(" * 90 + ")" * 90 + "!"])
def test_what_is_too_deep_or_too_long_is_no_value(text: str) -> None:
    with pytest.raises(ValueError, match="is not a value"):
        parse_value(text)


# The alphabet of specs, so that many texts are almost one; and any other text.
PIECES = st.lists(
    st.sampled_from([*"ab_1.:?&=-'\"(){},#\\*", "gradcam", "captum", "x=", "f()", "10", "None", "é", "\ud800", "["]),
    max_size=14,
).map("".join)
TEXTS = PIECES | st.text(max_size=30)


def value_or_error(parse: Callable[[str], object], text: str) -> object:
    """Return what a parser makes of a text, or the ValueError; anything else goes through."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)  # Python's, of '\d' and the like
        try:
            return parse(text)
        except ValueError as error:
            return error


@pytest.mark.parametrize("parse", [parse_spec, parse_keywords, parse_value])
@settings(quick, max_examples=300)
@given(text=TEXTS)
@example(text="{{}}")
@example(text="a?x={{}}")
@example(text="x={{}}")
def test_any_text_parses_or_is_a_value_error(parse: Callable[[str], object], text: str) -> None:
    value_or_error(parse, text)


@settings(quick, max_examples=300)
@given(text=TEXTS)
def test_a_spec_is_its_parts_put_together(text: str) -> None:
    spec = value_or_error(parse_spec, text)
    if isinstance(spec, Spec):
        body = ":".join(part for part in (spec.name, spec.attribute, spec.layer) if part is not None)
        assert text == body or text.startswith(f"{body}?")
        assert bool(spec.keywords) == ("?" in text)


@settings(quick, max_examples=300)
@given(text=TEXTS)
@example(text=r"'\_'")  # of which Python warns
def test_a_value_is_pythons_literal_or_the_text_itself(text: str) -> None:
    value = value_or_error(parse_value, text)
    if not isinstance(value, ValueError) and value != text:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert repr(value) == repr(value_or_error(ast.literal_eval, text))


NESTED = st.recursive(
    st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.booleans() | st.none() | st.text("abc.-é"),
    lambda inner: st.tuples(inner, inner) | st.dictionaries(st.integers(), inner, max_size=3),
    max_leaves=6,
)


@settings(quick, max_examples=200)
@given(values=st.dictionaries(st.from_regex(r"[a-z_][a-z0-9_]*", fullmatch=True), NESTED, min_size=1, max_size=4))
def test_what_is_written_as_a_literal_comes_back(values: dict[str, object]) -> None:
    text = "&".join(f"{name}={value!r}" for name, value in values.items()).replace(" ", "")
    parsed = parse_spec(f"name?{text}").keywords
    assert repr(parsed) == repr(values)


AUDITED = ("exec", "import", "open", "os.", "subprocess.", "socket.", "ctypes.", "shutil.")


class Listener:
    """Hears of every import, file, process and code object that runs; audit hooks stay, so it can be switched off."""

    def __init__(self) -> None:
        self.heard: list[str] | None = None
        sys.addaudithook(self)

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        if self.heard is not None and event.startswith(AUDITED):
            self.heard.append(event)


@pytest.fixture(scope="module")
def listener() -> Listener:
    return Listener()


def heard_of(listener: Listener, action: Callable[[], object]) -> list[str]:
    listener.heard = []
    try:
        action()
        return listener.heard
    finally:
        listener.heard = None


@settings(quick, max_examples=300)
@given(text=TEXTS | st.sampled_from(CODE))
@example(text="__import__('os')")
def test_nothing_is_ever_evaluated(listener: Listener, text: str) -> None:
    for parse in (parse_spec, parse_keywords, parse_value):
        action = partial(value_or_error, parse, text)
        action()  # a first warning or traceback may read a source file
        assert heard_of(listener, action) == []


def test_an_evaluation_would_be_noticed(listener: Listener) -> None:
    # Shows that the test above can fail.
    assert "exec" in heard_of(listener, lambda: eval("1 + 1"))
