"""What a person wrote that a model refuses, in words, with the nearest valid key or value."""

import difflib
import re
from collections.abc import Iterable
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from engine.errors import Problem
from engine.settings.model import LAYERS, Settings

MAX_HINTS = 50
"""Problems of one file that come with the nearest valid key or value: each takes a comparison with
all of them."""

OR_CONTENT = ", or `content`"
"""What else than a number a `size` may be."""

MAX_COMPARED = 100
"""Characters of what is compared."""


def problems_of(error: ValidationError, model: type[BaseModel]) -> list[Problem]:
    """pydantic's errors as `Problem`s, the first with the nearest valid key or value."""
    problems = (
        _problem(dict(details), model, hint=number < MAX_HINTS)
        for number, details in enumerate(error.errors(include_url=False))
    )
    return list(problems)


# What is expected, by pydantic's error types; the keys in braces are of its error context.
_EXPECTED = {
    "bool_type": "true or false",
    "dict_type": "a mapping of names to values",
    "finite_number": "a finite number",
    "float_type": "a number",
    "greater_than": "more than {gt}",
    "greater_than_equal": "at least {ge}",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
    "list_type": "a list",
    "literal_error": "{expected}",
    "missing": "a value",
    "model_type": "a mapping of names to values",
    "string_too_short": "some text",
    "string_type": "text",
    "too_long": "at most {max_length} entries",
}


def _problem(details: dict[str, Any], model: type[BaseModel], *, hint: bool) -> Problem:
    # The path without pydantic's own names of a mapping's key and of a union's branch.
    path = tuple(part for part in details["loc"] if not re.fullmatch(r"\[\w+\]", str(part)))
    kind, given, context = details["type"], details["input"], details.get("ctx", {})
    if kind == "extra_forbidden":
        known = _keys_at(model, path[:-1])
        hinted = nearest(path[-1], known if hint else [])
        expected = f"one of {', '.join(known)}" if len(known) <= 8 else "a known key"
        return Problem(path, "unknown key", expected, hinted)
    if kind == "value_error":
        hinted = nearest(given, LAYERS if hint else [])
        return Problem(path, repr(given), str(context["error"]), hinted)
    choices = re.findall(r"'([^']+)'", context.get("expected", ""))
    hinted = nearest(given, choices if hint else [])
    expected = _EXPECTED[kind].format(**context) if kind in _EXPECTED else details["msg"]
    if "[side]" in details["loc"]:
        expected += OR_CONTENT
    shown = "missing" if kind == "missing" else repr(given)
    return Problem(path, shown[:80], expected, hinted)


def nearest(given: object, known: Iterable[str]) -> str | None:
    """The one of `known` that is most like `given`, None where none is much like it."""
    return next(iter(difflib.get_close_matches(str(given)[:MAX_COMPARED], list(known), n=1)), None)


def _keys_at(model: type[BaseModel], path: tuple[str | int, ...]) -> list[str]:
    """The keys that are valid in the (possibly nested) model at `path`."""
    for part in path:
        field = model.model_fields.get(str(part))
        inner = (
            [
                kind
                for kind in (field.annotation, *get_args(field.annotation))
                if isinstance(kind, type) and issubclass(kind, BaseModel)
            ]
            if field
            else []
        )
        if not inner:
            return []
        model = inner[0]
    return list(model.model_fields)


def misplaced_setting(path: tuple[str | int, ...]) -> Problem | None:
    """The problem of an unknown key that is a setting, in a document that has these under
    `settings`; None where it is no setting."""
    if len(path) != 1 or path[0] not in Settings.model_fields:
        return None
    return Problem(path, "unknown key", f"`settings: {{{path[0]}: ...}}`, since it is a setting")
