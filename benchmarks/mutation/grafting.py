"""Puts the code of a mutant into functions that are already imported, so that nothing is imported anew.

That is far faster. What is done on import, such as constants, defaults and decorators, can't be changed so.
"""

from __future__ import annotations

import gc
from collections.abc import Collection, Iterator, Sequence
from types import CodeType, FunctionType

OF_A_FUNCTION = 0x1  # CO_OPTIMIZED: its variables are in slots, unlike those of a module or a class


def graft(path: str, source: str, code: str, functions: Sequence[FunctionType]) -> bool:
    """Give the functions of a file the code of a mutant, in this process; return whether that was possible.

    ``functions``: those of this process that are of the file, or more.
    """
    before, after = compile(source, path, "exec"), compile(code, path, "exec")
    if not are_alike(before, after):
        return False
    changed = [
        (old, new) for old, new in functions_in(before, after) if old.co_code != new.co_code or is_other(old, new)
    ]
    live = [(function, old, new) for old, new in changed for function in functions if is_of(function, path, old)]
    if not changed or len(live) != len(changed):
        return False
    try:
        for function, _, new in live:
            function.__code__ = new
    except ValueError:  # other variables of an outer function
        return False
    return True


def are_alike(before: CodeType, after: CodeType) -> bool:
    """Return whether two modules or classes do the same on import, but for the bodies of their functions."""
    if is_other(before, after, deep=False):
        return False
    pairs = zip(inner(before), inner(after), strict=True)
    return all(is_function(one) or are_alike(one, other) for one, other in pairs)


def is_other(before: CodeType, after: CodeType, *, deep: bool = True) -> bool:
    """Return whether code differs in more than numbers of lines; unless ``deep``, without what is defined in it."""
    if len(inner(before)) != len(inner(after)) or visible(before) != visible(after):
        return True
    return deep and any(is_other(*pair) for pair in zip(inner(before), inner(after), strict=True))


def visible(code: CodeType) -> tuple[object, ...]:
    """Return what code consists of, without numbers of lines and what is defined in it."""
    constants = [repr(each) for each in code.co_consts if not isinstance(each, CodeType)]
    return code.co_code, constants, code.co_names, code.co_varnames, code.co_freevars, code.co_name


def inner(code: CodeType) -> list[CodeType]:
    """Return the code of what is defined in code."""
    return [each for each in code.co_consts if isinstance(each, CodeType)]


def is_function(code: CodeType) -> bool:
    """Return whether code is that of a function."""
    return bool(code.co_flags & OF_A_FUNCTION)


def functions_in(before: CodeType, after: CodeType) -> Iterator[tuple[CodeType, CodeType]]:
    """Yield the outermost functions of a module, in both versions."""
    for one, other in zip(inner(before), inner(after), strict=True):
        if is_function(one):
            yield one, other
        else:
            yield from functions_in(one, other)


def functions_of(paths: Collection[str]) -> list[FunctionType]:
    """Return the functions of this process that are defined in files."""
    found = [each for each in gc.get_objects() if type(each) is FunctionType]  # not what only passes for one
    return [each for each in found if each.__code__.co_filename in paths]


def is_of(function: FunctionType, path: str, code: CodeType) -> bool:
    """Return whether a function has such code of a file."""
    own = function.__code__
    place = own.co_filename, own.co_qualname, own.co_firstlineno
    return place == (path, code.co_qualname, code.co_firstlineno)
