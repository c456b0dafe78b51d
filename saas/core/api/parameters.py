"""Query parameters: only known names, each at most once (ASVS 15.3.7)."""

from collections.abc import Collection, Sequence

from django.http import QueryDict
from django.utils.translation import gettext as _

from saas.core.api.fields import forbidden_character
from saas.core.api.serializers import nearest_name
from saas.core.errors import FieldProblem, InvalidParameter, UnknownParameter

CURSOR = "cursor"
MAX_VALUE_LENGTH = 4096
# What stands for bytes that are no UTF-8 once the query string was read.
_NOT_UTF_8 = "\ufffd"


def check_query_parameters(
    query: QueryDict, allowed: Collection[str], may_be_empty: Collection[str] = ()
) -> None:
    """Raise UnknownParameter for a name that is not in `allowed`, with the nearest one that is.

    Raises InvalidParameter for a name given twice, for values that no filter could mean and for none at all: an empty
    value is a filter that somebody forgot to fill in, but of `may_be_empty`.
    """
    unknown = [_unknown(name, allowed) for name in query if name not in allowed]
    if unknown:
        raise UnknownParameter(unknown[0].detail, errors=unknown[:10])
    wrong = [problem for name, values in query.lists() if (problem := _wrong(name, values))]
    wrong += [_empty(name) for name, value in query.items() if not value and name not in may_be_empty]
    if wrong:
        raise InvalidParameter(wrong[0].detail, errors=wrong)


def invalid_parameter(name: str, code: str, detail: str) -> InvalidParameter:
    """Return the error for one parameter with a value that is not allowed."""
    return InvalidParameter(detail, errors=[FieldProblem(name, code, detail)])


def _unknown(name: str, allowed: Collection[str]) -> FieldProblem:
    near = nearest_name(name, allowed)
    shown = name[:64]
    if near is None:
        detail = _('Unknown query parameter "%(name)s".') % {"name": shown}
    else:
        text = _('Unknown query parameter "%(name)s". Did you mean "%(near)s"?')
        detail = text % {"name": shown, "near": near}
    return FieldProblem(shown, "unknown_parameter", detail)


def _empty(name: str) -> FieldProblem:
    return FieldProblem(name, "blank", _('Send a value for "%(name)s", or leave it out.') % {"name": name})


def _wrong(name: str, values: Sequence[object]) -> FieldProblem | None:
    if len(values) > 1:
        return FieldProblem(name, "repeated", _('Send "%(name)s" only once.') % {"name": name})
    value = str(values[0])
    if len(value) > MAX_VALUE_LENGTH:
        return FieldProblem(name, "max_length", _('The value of "%(name)s" is too long.') % {"name": name})
    if forbidden_character(value, multiline=False) or _NOT_UTF_8 in value:
        return FieldProblem(
            name, "control_character", _('"%(name)s" has a character that is not allowed.') % {"name": name}
        )
    return None
