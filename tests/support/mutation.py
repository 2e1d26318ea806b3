"""Wrong input of every kind: texts, bytes and JSON made of hostile parts, and mutations of what is right."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from hypothesis import strategies as st

LONG = 100_000  # characters

# What would be run, unpickled or looked up if a parser evaluated its input.
CODE = (
    *("__import__('os').system('true')", "eval('1+1')", "().__class__", "lambda:0", "{x}", "%s", "${HOME}", "{{7*7}}"),
    *("!!python/object/apply:os.system ['true']", "cos\nsystem\n(S'true'\ntR.", "f'{1}'", "`true`", "$(true)"),
)
NUMBERS = (
    *(
        "0",
        "-0",
        "1",
        "10",
        "0.5",
        "1.0",
        "-1",
        "+7",
        "1_0",
        "0x10",
        "1e3",
        "1e999",
        "-1e999",
        "nan",
        "inf",
        "٣",
        "\uff11",
    ),
    *("1e-400", "9" * 20, "9" * 5000, "0." + "1" * 400, "None", "True", "true", "null", "NaN", "Infinity"),
)
ODD = (
    *("", " ", "\t", "\n", "\r", "\x00", "\x1b[31m", "\x7f", "\u2028", "\ufeff", "\u202e", "é", "схема", "🙂"),
    *("\ud800", "=", ":", "::", "?", "&", "/", "\\", "[", "]", "(", ")", "{", "}", '"', "'", ",", ".", "..", "*", "**"),
    *(
        "~",
        "~nobody-of-this-name",
        "-",
        "--",
        "->",
        "#",
        ";",
        "|",
        "<",
        ">",
        "<script>",
        "(" * 300,
        "[" * 300,
        "-" * 300,
    ),
)
PARTS = (*CODE, *NUMBERS, *ODD)
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 0.5, -1.5, 1e308, 2**31, 2**63, -(2**63), 10**400, 5e-324, "", "text", "\ud800"),
    *([], {}, [[]], [None], ["a", "b"], {"a": 1}, {"": None}, [0.5, 0.25, 0.75], "1", "nan", *CODE, "é", "\x00", "a/b"),
)


def texts(*words: str) -> st.SearchStrategy[str]:
    """Return a strategy of texts: any, made of hostile parts and these words, or one of the words."""
    parts = st.sampled_from((*words, *PARTS))
    return st.one_of(
        st.text(max_size=40),
        st.lists(parts, max_size=6).map("".join),
        st.tuples(st.sampled_from(words or ("",)), parts).map("".join),
        st.sampled_from(words or ("",)),
    )


def values() -> st.SearchStrategy[Any]:
    """Return a strategy of what JSON can hold."""
    leaves = st.sampled_from(VALUES) | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
    return st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner), max_leaves=5
    )


def documents(*samples: Any) -> st.SearchStrategy[str]:
    """Return a strategy of JSON texts: a sample in which something was replaced, and anything else."""

    def replaced(sample: Any, place: int, value: Any) -> str:
        content = json.loads(json.dumps(sample))
        owner, key = places_in(content)[place % len(places_in(content))]
        owner[key] = value
        return json.dumps(content)

    edited = st.builds(replaced, st.sampled_from(samples), st.integers(0, 10_000), values())
    return edited | values().map(json.dumps) | st.text(max_size=40)


def places_in(content: Any) -> list[tuple[Any, Any]]:
    """Return every place in JSON, as what holds it and the key there."""
    found: list[tuple[Any, Any]] = []
    if isinstance(content, dict | list):
        for key in list(content) if isinstance(content, dict) else range(len(content)):
            found += [(content, key), *places_in(content[key])]
    return found


# A mutation takes a source of random numbers and an input, and returns another input.


def mutated_text(random: Random, text: str) -> str:
    """Return a text in which parts were removed, repeated, replaced or inserted; now and then a very long one."""
    for _ in range(random.choice((1, 1, 2, 4))):
        text = _once_mutated(random, text)[: 2 * LONG]
    if random.randrange(500) == 0:
        at = random.randrange(len(text) + 1)
        text = text[:at] + (text[at : at + 5] or "a") * (LONG // 5) + text[at:]
    return text


def _once_mutated(random: Random, text: str) -> str:
    at, end = sorted(random.randrange(len(text) + 1) for _ in range(2))
    end = random.choice((end, min(end, at + 3)))
    kind = random.randrange(7)
    if kind == 0:
        return text[:at] + text[end:]
    if kind == 1:
        return text[:end] + text[at:]
    if kind == 2:
        return text[:at] + text[at:end] * random.choice((2, 3, 50)) + text[end:]
    if kind == 3:
        return text[:at] + chr(random.choice((random.randrange(128), random.randrange(0x3000)))) + text[at + 1 :]
    if kind == 4:
        return text[:at].swapcase() + text[at:]
    return text[:at] + random.choice(PARTS) + text[random.choice((at, end)) :]


def mutated_texts(random: Random, lines: list[str]) -> list[str]:
    """Return texts of which one was mutated, repeated or removed."""
    found = list(lines) or [""]
    at = random.randrange(len(found))
    kind = random.randrange(8)
    if kind == 0:
        found.insert(at, found[random.randrange(len(found))])
    elif kind == 1:
        del found[at]
    else:
        found[at] = mutated_text(random, found[at])
    return found


def mutated_bytes(random: Random, content: bytes) -> bytes:
    """Return bytes in which some were flipped, set to an extreme, removed, repeated or inserted."""
    found = bytearray(content)
    for _ in range(random.choice((1, 1, 2, 8))):
        at = random.randrange(len(found) + 1)
        # Headers decide what is read, and they come first or last.
        at = random.choice((at, at, at % 64, max(0, len(found) - 1 - at % 64)))
        size = random.choice((1, 1, 2, 4, 8, 40))
        kind = random.randrange(6)
        if kind == 0 and at < len(found):
            found[at] ^= 1 << random.randrange(8)
        elif kind == 1:
            found[at : at + size] = random.choice((b"\x00", b"\xff", b"\x7f", b"\x80", b"\x01")) * size
        elif kind == 2:
            del found[at : at + size]
        elif kind == 3:
            found[at:at] = found[at : at + size] * random.choice((1, 2, 30))
        elif kind == 4:
            found[at : at + size] = random.randbytes(size)
        elif random.randrange(4) == 0:
            del found[at:]
        else:
            found[at:at] = random.choice(PARTS).encode(errors="surrogatepass")
    return bytes(found)


def mutated_json(random: Random, text: str) -> str:
    """Return JSON in which values were replaced, removed, exchanged or repeated; or a mutated text."""
    try:
        content = json.loads(text)
        places = places_in(content)
    except (ValueError, RecursionError):
        places = []
    if not places or random.randrange(6) == 0:
        return mutated_text(random, text)
    for _ in range(random.choice((1, 1, 2, 4))):
        owner, key = random.choice(places)
        kind = random.randrange(7)
        if isinstance(owner, dict) and kind == 0:
            owner.pop(key, None)
        elif isinstance(owner, dict) and kind == 1:
            owner[random.choice(PARTS)] = random.choice(VALUES)
        elif isinstance(owner, list) and kind < 2:
            owner += owner[-1:] * random.choice((1, 2))
        elif kind < 4:
            other_owner, other_key = random.choice(places)
            owner[_within(owner, key)] = _copy_of(_at(other_owner, other_key))
        elif kind == 4 and isinstance(_at(owner, key), str):
            owner[_within(owner, key)] = mutated_text(random, owner[_within(owner, key)])
        else:
            owner[_within(owner, key)] = random.choice(VALUES)
    if random.randrange(300) == 0:
        depth = random.choice((50, 5_000, LONG // 2))
        owner, key = random.choice(places)
        owner[_within(owner, key)] = "nested"
        return json.dumps(content).replace('"nested"', "[" * depth + "]" * depth)
    return json.dumps(content)


def _at(owner: Any, key: Any) -> Any:
    try:
        return owner[_within(owner, key)]
    except (IndexError, KeyError):
        return None


def _within(owner: Any, key: Any) -> Any:
    """Return a key that can be set, though the list became shorter."""
    if isinstance(owner, list):
        if not owner:
            owner.append(None)
        return min(key, len(owner) - 1)
    return key


def _copy_of(value: Any) -> Any:
    """Return a copy, so that nothing ever holds itself."""
    return json.loads(json.dumps(value))


def one_of_them(mutate: Callable[[Random, Any], Any]) -> Callable[[Random, Sequence[Any]], tuple[Any, ...]]:
    """Return a mutation of several inputs, of which one is mutated."""

    def change(random: Random, several: Sequence[Any]) -> tuple[Any, ...]:
        at = random.randrange(len(several))
        return (*several[:at], mutate(random, several[at]), *several[at + 1 :])

    return change
