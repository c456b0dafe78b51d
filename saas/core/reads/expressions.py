"""The SQL of which compiled answers are made, as expressions of Django's ORM."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import models
from django.db.models import F, Func, Subquery
from django.db.models.expressions import BaseExpression, Expression
from django.db.models.functions import Cast


def TextOf(expression: Any) -> Cast:  # noqa: N802 - used like a class
    """The value as text."""
    return Cast(expression, models.TextField())


class UtcText(Func):
    """A moment as saas.core.api.fields.utc_text writes it: UTC with Z, six digits of a second or none."""

    template = (
        "to_char(%(expressions)s AT TIME ZONE 'UTC', CASE WHEN date_trunc('second', %(expressions)s) = %(expressions)s"
        """ THEN 'YYYY-MM-DD"T"HH24:MI:SS"Z"' ELSE 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"' END)"""
    )
    output_field = models.TextField()

    def as_sql(self, compiler: Any, connection: Any, *args: Any, **context: Any) -> tuple[str, Any]:
        """Return the SQL; the moment stands in it three times, and its parameters with it."""
        sql, params = super().as_sql(compiler, connection, *args, **context)
        return sql, [*params, *params, *params]


class FixedText(Func):
    """A decimal number as text with as many places as `places` says."""

    function = "round"
    output_field = models.TextField()

    def __init__(self, expression: Any, places: int) -> None:
        super().__init__(expression, template=f"%(function)s(%(expressions)s, {int(places)})::text")


class RowJson(Func):
    """A JSON object of named expressions, in this order; null where `present`, if there is one, is null.

    row_to_json() and not json_build_object(): no limit of a hundred arguments, and no blanks between the members.
    """

    output_field = models.TextField()

    def __init__(self, names: Sequence[str], *expressions: Any, present: F | None = None) -> None:
        self.names = tuple(names)
        self.has_presence = present is not None
        super().__init__(*expressions, *([present] if present is not None else []))

    def as_sql(self, compiler: Any, connection: Any, *args: Any, **context: Any) -> tuple[str, Any]:
        """Return a sub-select without a table: the planner turns it into one expression."""
        sources = self.get_source_expressions()
        members = sources[: len(self.names)]
        shared = _repeated(members)
        swaps = {id(one): _Shared(f"v{at}", one.output_field) for at, one in enumerate(shared)}
        columns, params = _columns(compiler, self.names, [_swapped(member, swaps) for member in members])
        origin = ""
        if shared:
            # The offset keeps the planner from putting the expression back where it is used, and so often.
            inner, given = _columns(compiler, [one.name for one in swaps.values()], shared)
            origin, params = f" FROM (SELECT {inner} OFFSET 0) AS _v", [*params, *given]
        # Expressions that Django has compiled, and names of serializer fields.
        sql = f"(SELECT row_to_json(_r) FROM (SELECT {columns}{origin}) AS _r)"  # noqa: S608
        if not self.has_presence:
            return sql, params
        present, given = compiler.compile(sources[-1])
        return f"CASE WHEN {present} IS NOT NULL THEN {sql} END", [*given, *params]


class _Shared(Expression):
    """A value that several members of a row are made of, computed beside them."""

    def __init__(self, name: str, output_field: Any) -> None:
        self.name = name
        super().__init__(output_field=output_field)

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        return f"_v.{connection.ops.quote_name(self.name)}", []


def _columns(compiler: Any, names: Sequence[str], expressions: Sequence[Any]) -> tuple[str, list[Any]]:
    columns, params = [], []
    for name, expression in zip(names, expressions, strict=True):
        sql, given = compiler.compile(expression)
        columns.append(f"{sql} AS {compiler.connection.ops.quote_name(name)}")
        params += given
    return ", ".join(columns), params


def _repeated(members: Sequence[Any]) -> list[Subquery]:
    """Annotations of the query set that stand in several members: Django puts the same object into each."""
    seen: dict[int, Subquery] = {}
    repeated: dict[int, Subquery] = {}
    pending = list(members)
    while pending:
        one = pending.pop(0)
        if isinstance(one, Subquery):
            (repeated if id(one) in seen else seen)[id(one)] = one
        elif isinstance(one, BaseExpression):
            pending += one.get_source_expressions()
    return list(repeated.values())


def _swapped(expression: Any, swaps: dict[int, _Shared]) -> Any:
    if id(expression) in swaps:
        return swaps[id(expression)]
    if not isinstance(expression, BaseExpression) or isinstance(expression, Subquery):
        return expression
    clone = expression.copy()
    clone.set_source_expressions([_swapped(one, swaps) for one in expression.get_source_expressions()])
    return clone


class ListJson(Subquery):
    """The only column of a query set, in its order, as a JSON array; empty where there are no rows."""

    template = "to_json(ARRAY(%(subquery)s))"
    output_field = models.TextField()


class CountOf(Subquery):
    """The number of rows of a query set; a subquery for each row costs less than a join with GROUP BY."""

    template = "(SELECT count(*) FROM (%(subquery)s) AS _c)"
    output_field = models.IntegerField()

    def __init__(self, queryset: Any) -> None:
        super().__init__(queryset.order_by().values("pk"))


class KeysJson(Func):
    """Sort values as a JSON array."""

    function = "json_build_array"
    output_field = models.TextField()


class TagText(Func):
    """The strong entity tag of a row: id, version and form (saas.core.api.etags), with values that name the form."""

    function = "concat"
    output_field = models.TextField()


class Unless(Func):
    """The second expression, null and not evaluated where the first equals any of the values of a bind."""

    template = "CASE WHEN %(first)s = %(any)s THEN NULL ELSE %(second)s END"
    output_field = models.TextField()

    def as_sql(self, compiler: Any, connection: Any, *args: Any, **context: Any) -> tuple[str, Any]:
        """Return the SQL; the parameters stand in the order of the template."""
        written = [compiler.compile(expression) for expression in self.get_source_expressions()]
        sql = self.template % dict(
            zip(("first", "any", "second"), (text for text, _given in written), strict=True)
        )
        return sql, [param for _text, given in written for param in given]
