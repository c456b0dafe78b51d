"""Forms of pages: how they look and keep what was typed. What the values mean is checked where the API checks it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from django import forms
from rest_framework import serializers
from rest_framework.exceptions import ValidationError as ApiValidationError

from saas.core.api.failures import validation_failed
from saas.core.errors import DomainError, Text


class PageForm(forms.Form):
    """A form whose fields describe themselves to assistive technology and whose errors can be listed in a summary.

    `field_of` names the form's field for a field of the API that is called otherwise here.
    """

    use_required_attribute = False  # errors are told by the page, in its own language, with a summary
    field_of: ClassVar[Mapping[str, str]] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **kwargs})
        for field in self.fields.values():
            field.widget.attrs.setdefault("autocomplete", "off")
            if field.required:
                field.widget.attrs["aria-required"] = "true"

    def add_problems(self, error: DomainError) -> None:
        """Show a refusal: each problem at its field, what belongs to no field of this form above all of them."""
        named = [(self._field_named(problem.field), problem) for problem in error.errors]
        if not any(name for name, _problem in named):
            self.add_error(None, forms.ValidationError(str(error.detail or error.title), code=error.code))
            return
        for name, problem in named:
            if name is None or name not in self.errors:
                self.add_error(name, forms.ValidationError(str(problem.detail), code=problem.code))

    def _field_named(self, path: str) -> str | None:
        """The form's field for a path of the API, such as `card_numbers.0`; None where this form has none."""
        root = path.split(".", maxsplit=1)[0]
        name = self.field_of.get(path, self.field_of.get(root, root))
        return name if name in self.fields else None

    def invalid_fields(self) -> Iterator[forms.BoundField]:
        """Fields with an error, in the order of the page."""
        return (self[name] for name in self.fields if self[name].errors)


def text_field(
    label: Text, *, max_length: int, required: bool = True, help_text: Text = "", **attributes: str
) -> forms.CharField:
    """One line of text; `attributes` are those of the input, "_" for "-", `help_text` the hint below its label."""
    names = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
    words: Any = {"label": label, "help_text": help_text}
    return forms.CharField(
        max_length=max_length, required=required, widget=forms.TextInput(attrs=names), **words
    )


def date_field(label: Text, *, help_text: Text = "") -> forms.CharField:
    """A day that may be left out, with the browser's calendar; `validated` reads what was chosen (ISO 8601)."""
    words: Any = {"label": label, "help_text": help_text}
    return forms.CharField(required=False, widget=forms.TextInput(attrs={"type": "date"}), **words)


def validated(serializer: serializers.BaseSerializer[Any]) -> dict[str, Any]:
    """The values as the API understands them. Raises ValidationFailed with a problem for each field."""
    try:
        serializer.is_valid(raise_exception=True)
    except ApiValidationError as error:
        raise validation_failed(error) from error
    values: dict[str, Any] = serializer.validated_data
    return values
