"""Forms of pages: problems of the API stand at the fields of the form, and what fits nowhere above them."""

from __future__ import annotations

from typing import ClassVar

import pytest
from django import forms
from rest_framework import serializers

from saas.core.errors import Conflict, FieldProblem, ValidationFailed
from saas.core.forms import PageForm, date_field, text_field, validated


class Card(PageForm):
    field_of: ClassVar = {"card_numbers": "number", "home.branch": "branch"}
    number = text_field("Number", max_length=5, inputmode="numeric", help_text="Scan it.")
    branch = forms.ChoiceField(label="Branch", choices=[("main", "Main")], required=False)
    since = date_field("Since")


def test_fields_describe_themselves() -> None:
    form = Card()
    assert (
        str(form["number"]) == '<input type="text" name="number" inputmode="numeric" maxlength="5"'
        ' autocomplete="off" aria-required="true" aria-describedby="id_number_helptext" id="id_number">'
    )
    assert 'type="date"' in str(form["since"])
    assert "maxlength" not in str(form["since"])


def test_an_invalid_field_says_so_to_everybody() -> None:
    form = Card({"number": "123456"})
    assert [field.name for field in form.invalid_fields()] == ["number"]
    assert 'aria-invalid="true"' in str(form["number"])
    assert 'aria-describedby="id_number_helptext id_number_error"' in str(form["number"])


def test_problems_stand_at_the_fields_they_belong_to() -> None:
    form = Card({"number": "1"})
    problems = [
        FieldProblem("card_numbers.0", "card_number_taken", "Taken."),
        FieldProblem("card_numbers.1", "card_number_taken", "Taken too."),
        FieldProblem("home.branch", "does_not_exist", "No such branch."),
        FieldProblem("other", "invalid", "Something else."),
    ]
    form.add_problems(ValidationFailed(errors=problems))
    assert form.errors == {
        "number": ["Taken."],
        "branch": ["No such branch."],
        "__all__": ["Something else."],
    }


@pytest.mark.parametrize("errors", [(), (FieldProblem("other", "invalid", "Something else."),)])
def test_what_belongs_to_no_field_is_said_above_them(errors: tuple[FieldProblem, ...]) -> None:
    form = Card({"number": "1"})
    form.add_problems(Conflict("It has changed.", errors=errors))
    assert form.non_field_errors() == ["It has changed."]


class Body(serializers.Serializer[None]):
    amount = serializers.IntegerField(max_value=3)


def test_values_are_checked_where_the_api_checks_them() -> None:
    assert validated(Body(data={"amount": "3"})) == {"amount": 3}
    with pytest.raises(ValidationFailed) as refused:
        validated(Body(data={"amount": "4"}))
    assert [problem.field for problem in refused.value.errors] == ["amount"]
