"""The changes that are made to code, one at a time: cosmic-ray's, and those that could turn a run green by accident."""

from __future__ import annotations

from ast import literal_eval
from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

from cosmic_ray.operators import boolean_replacer, comparison_operator_replacement
from cosmic_ray.operators import unary_operator_replacement as unary
from cosmic_ray.operators.operator import Operator
from parso.python.tree import Name, Number
from parso.tree import BaseNode, Leaf, NodeOrLeaf

Place = tuple[tuple[int, int], tuple[int, int]]
Change = Callable[[], str]  # returns the new code of a node

# Of each comparison, its boundary and its opposite; a test that notices these notices the others.
COMPARISONS = {
    "Lt": ("LtE", "GtE"),
    "LtE": ("Lt", "Gt"),
    "Gt": ("GtE", "LtE"),
    "GtE": ("Gt", "Lt"),
    "Eq": ("NotEq",),
    "NotEq": ("Eq",),
    "Is": ("IsNot",),
    "IsNot": ("Is",),
}
# Whether a number is NaN or infinite, and the answer that lets every number through.
GUARDS = {"isnan": "& False", "isfinite": "| True", "isinf": "& False"}
PLAIN = {"nanmean": "mean", "nansum": "sum", "nanvar": "var", "nanmax": "max", "nanmin": "min"}
# How maps are read, which bound counts, which verdict is given.
OPPOSITES = {"low": "high", "min": "max", "any": "all", "amin": "amax"}
WORDS = {"signed": "absolute", "passed": "failed"}
GREEN = {"inconclusive": "passed", "undefined": "passed"}


class Rewrite(Operator):  # type: ignore[misc]
    """An operator that replaces a node by other code. ``changes`` returns the ways to do so."""

    def changes(self, node: NodeOrLeaf) -> Sequence[Change]:
        """Return a function for each other code of a node."""
        raise NotImplementedError

    def mutation_positions(self, node: NodeOrLeaf) -> Iterator[Place]:
        """Yield the place of the node, once for each change."""
        for _ in self.changes(node):
            yield node.start_pos, node.end_pos

    def mutate(self, node: NodeOrLeaf, index: int) -> NodeOrLeaf:
        """Return the node that stands in the place of another."""
        return parsed(node, self.changes(node)[index]())

    @classmethod
    def examples(cls) -> tuple[()]:
        """Return none: ``tests/benchmarks/test_mutation.py`` has them."""
        return ()


def parsed(node: NodeOrLeaf, code: str) -> NodeOrLeaf:
    """Return code as a leaf with what stands before the node: spaces, comments and ends of lines."""
    first = node.get_first_leaf()
    return Leaf(code, node.start_pos, prefix=first.prefix if first else "")


def text(node: NodeOrLeaf) -> str:
    """Return the code of a node without what stands before it."""
    return str(node.get_code(include_prefix=False))


def children(node: NodeOrLeaf) -> list[NodeOrLeaf]:
    """Return the children of a node, none of a leaf."""
    return list(node.children) if isinstance(node, BaseNode) else []


class NegateMembership(Rewrite):
    """``in`` becomes ``not in``, and the other way round."""

    def changes(self, node: NodeOrLeaf) -> list[Change]:
        within = node.parent is not None and node.parent.type == "comparison"
        if within and text(node) in ("in", "not in"):
            return [lambda: "in" if text(node) == "not in" else "not in"]
        return []


class NegateCondition(Rewrite):
    """A condition is turned round, unless it is a comparison: that has an operator of its own."""

    def changes(self, node: NodeOrLeaf) -> list[Change]:
        siblings = children(node.parent) if node.parent is not None else []
        before = text(siblings[siblings.index(node) - 1]) if node in siblings[1:] else ""
        is_condition = before in ("if", "elif", "while")
        return [lambda: f"not ({text(node)})"] if is_condition and node.type not in ("comparison", "not_test") else []


class DropNanGuard(Rewrite):
    """NaN and infinity are taken for numbers: ``np.isnan(x)`` is always false, ``np.nanmean`` is ``np.mean``."""

    def changes(self, node: NodeOrLeaf) -> list[Change]:
        if isinstance(node, Name) and node.value in PLAIN:
            return [lambda: PLAIN[node.value]]
        if node.type == "comparison":
            left, operator, right = (text(each) for each in children(node)[:3])
            return [lambda: f"(({text(node)}) | True)"] if left == right and operator == "==" else []
        if node.type not in ("atom_expr", "power"):
            return []
        parts = children(node)
        calls = [place for place in range(1, len(parts)) if text(parts[place - 1]).lstrip(".") in GUARDS]
        return [_guarded(parts, place) for place in calls if text(parts[place]).startswith("(")]


def _guarded(parts: list[NodeOrLeaf], call: int) -> Change:
    code = [text(each) for each in parts]
    answer = GUARDS[code[call - 1].lstrip(".")]
    return lambda: f"({''.join(code[: call + 1])} {answer}){''.join(code[call + 1 :])}"


class NanIsZero(Rewrite):
    """``np.nan`` and its like become 0."""

    def changes(self, node: NodeOrLeaf) -> list[Change]:
        if text(node) in ("np.nan", "torch.nan"):
            return [lambda: "0.0"]
        alone = isinstance(node, Name) and node.value in ("nan", "NAN") and not node.is_definition()
        return [lambda: "0.0"] if alone and node.parent is not None and node.parent.type != "trailer" else []


class SwapReading(Rewrite):
    """Another reading of a map, another bound of an interval, another verdict; undefined and inconclusive are green."""

    def changes(self, node: NodeOrLeaf) -> list[Change]:
        if node.type == "string":
            return [_constant(f'"{other}"') for other in _others(text(node).strip("'\""), WORDS, GREEN)]
        is_used = isinstance(node, Name) and not node.is_definition() and not _is_keyword(node)
        return [_constant(other) for other in _others(text(node), OPPOSITES)] if is_used else []


def _is_keyword(node: NodeOrLeaf) -> bool:
    """Return whether a name is that of an argument or a parameter: another would be no mutant, but an error."""
    if node.parent is None:
        return False
    is_first = node.parent.type in ("argument", "param") and node.parent.children[0] is node
    return is_first or node.parent.type in ("import_from", "import_as_name", "import_as_names")


def _constant(code: str) -> Change:
    return lambda: code


def _others(word: str, both_ways: dict[str, str], one_way: dict[str, str] | None = None) -> list[str]:
    pairs = {**both_ways, **{other: each for each, other in both_ways.items()}, **(one_way or {})}
    return [pairs[word]] if word in pairs else []


class OneMore(Rewrite):
    """A number is one more."""

    def changes(self, node: NodeOrLeaf) -> list[Change]:
        return [lambda: str(literal_eval(node.value) + 1)] if isinstance(node, Number) else []


class SkipFirst(Rewrite):
    """A loop or a comprehension loses its first element: a stage, a draw, an image, a method."""

    def changes(self, node: NodeOrLeaf) -> list[Change]:
        over = node.parent is not None and node.parent.type in ("for_stmt", "sync_comp_for", "comp_for")
        siblings = children(cast(NodeOrLeaf, node.parent)) if over else []
        if over and len(siblings) > 3 and siblings[3] is node:
            return [lambda: f"list({text(node)})[1:]"]
        return []


class ReuseSeed(Rewrite):
    """A seed does not depend on what it is for: ``derived_seed(seed, draw)`` becomes ``derived_seed(seed)``."""

    def changes(self, node: NodeOrLeaf) -> list[Change]:
        if node.type == "arglist" and node.parent is not None and node.parent.parent is not None:
            called = text(children(node.parent.parent)[0])
            given = [text(each) for each in children(node) if text(each) != ","]
            return [lambda: ", ".join(given[:-1])] if called == "derived_seed" else []
        if node.type == "arith_expr" and any("seed" in text(each) for each in children(node)[::2]):
            return [lambda: text(children(node)[0])]
        return []


class DropStatement(Rewrite):
    """A call, an assignment to a part or an attribute, or a yield is left out: so is a question, or a validation."""

    def changes(self, node: NodeOrLeaf) -> list[Change]:
        if node.parent is None or node.parent.type != "simple_stmt":
            return []
        called = node.type in ("atom_expr", "power", "yield_expr")
        changed = node.type == "expr_stmt" and children(node)[0].type in ("atom_expr", "power")
        added = node.type == "expr_stmt" and text(children(node)[1]) in ("+=", "-=", "|=", "&=", "^=")
        return [lambda: "pass"] if called or changed or added else []


class DropArgument(Rewrite):
    """A keyword argument of a call is left out, so that its default counts: a threshold, a seed, a part of images."""

    def changes(self, node: NodeOrLeaf) -> list[Change]:
        if node.type not in ("arglist",):
            return []
        given = [each for each in children(node) if text(each) != ","]
        keywords = [each for each in given if each.type == "argument" and text(children(each)[1]) == "="]
        return [_without(given, each) for each in keywords]


def _without(given: list[NodeOrLeaf], one: NodeOrLeaf) -> Change:
    return lambda: ", ".join(text(each) for each in given if each is not one)


def operators() -> dict[str, Operator]:
    """Return every operator by its name."""
    compare = comparison_operator_replacement
    found: list[Any] = [
        *(
            getattr(compare, f"ReplaceComparisonOperator_{one}_{other}")()
            for one, others in COMPARISONS.items()
            for other in others
        ),
        *(getattr(boolean_replacer, name)() for name in BOOLEANS),
        unary.ReplaceUnaryOperator_Delete_Not(),
        *(kind() for kind in OWN),
    ]
    return {type(each).__name__.replace("ReplaceComparisonOperator", "Compare"): each for each in found}


BOOLEANS = ("ReplaceAndWithOr", "ReplaceOrWithAnd", "ReplaceTrueWithFalse", "ReplaceFalseWithTrue")
OWN: tuple[type[Rewrite], ...] = (
    NegateMembership,
    NegateCondition,
    OneMore,
    DropNanGuard,
    NanIsZero,
    SwapReading,
    SkipFirst,
    ReuseSeed,
    DropStatement,
    DropArgument,
)
