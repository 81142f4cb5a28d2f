"""A run's description that was pasted as JSON, and what it gives the form's inputs."""

import json
from difflib import get_close_matches
from typing import Any

from dashboard.form.parts import Choice, Constant, Group, Part
from dashboard.form.renamed import GivenTwice, with_current_names
from dashboard.form.values import Values, values_of


class PastedWrong(ValueError):
    """It cannot fill the form; the message names where and why."""


def read_pasted(form: Group, text: str) -> Values:
    """What every input holds under this description; what it leaves out has its default.

    Values are not looked at: the server says at the field what is wrong with one.

    Raises:
        PastedWrong: it is no JSON object, has a name that the form does not know, or says two things of one field.
    """
    try:
        config = json.loads(text)
    except json.JSONDecodeError as error:
        raise PastedWrong(f"This is not valid JSON: {error.msg}, line {error.lineno}, column {error.colno}.") from error
    if not isinstance(config, dict):
        raise PastedWrong('This is not a run config: paste an object, such as {"training": {"epochs": 40}}.')
    _refuse_unknown(form.parts, config, "")
    return values_of(form, config)


def _refuse_unknown(parts: tuple[Part, ...], config: dict[str, Any], path: str) -> None:
    known = {part.field.rsplit(".", 1)[-1]: part for part in parts}
    try:
        config = with_current_names(parts, config)
    except GivenTwice as problem:
        raise PastedWrong(str(problem)) from problem
    for name, value in config.items():
        if name not in known:
            close = get_close_matches(name, known, n=1)
            meant = f" Did you mean {path}{close[0]}?" if close else ""
            raise PastedWrong(f"{path}{name} is not a config field.{meant}")
        _refuse_within(known[name], value, f"{path}{name}.")


def _refuse_within(part: Part, value: Any, path: str) -> None:
    match part:
        case Group() if isinstance(value, dict):
            _refuse_unknown(part.parts, value, path)
        case Choice() if isinstance(value, dict):
            chosen = value.get(part.discriminator, part.default.get(part.discriminator))
            found = next((variant for variant in part.variants if variant.key == chosen), None)
            if found is None:
                kinds = ", ".join(variant.key for variant in part.variants)
                raise PastedWrong(f"{path}{part.discriminator} is {chosen!r}: choose one of {kinds}.")
            others = {name: each for name, each in value.items() if name != part.discriminator}
            _refuse_unknown(found.parts, others, path)
        case Group() | Choice():
            raise PastedWrong(f"{path.removesuffix('.')} must be an object.")
        case Constant():
            return
