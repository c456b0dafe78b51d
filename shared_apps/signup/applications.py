"""What somebody who wants a library has to say, and everything that can be wrong with it.

The API and the HTML form ask the same function, so that they refuse the same things in the same words.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from saas.core.errors import FieldProblem
from saas.core.own_words import is_mostly_own_words
from shared_apps.entitlements import selectors as plans
from shared_apps.signup import places, rules
from shared_apps.signup.availability import Availability, availability_of


@dataclass(frozen=True, slots=True)
class Application:
    """A wanted library. `country` may be empty; so may `time_zone`, which then is the country's usual one."""

    library_name: str
    subdomain: str
    admin_name: str
    admin_email: str
    plan: str = plans.DEFAULT_PLAN
    country: str = ""
    language: str = "en"
    time_zone: str = ""

    def normalised(self) -> Application:
        """Return the form that is stored: country in capitals, a time zone, lower case after the @."""
        country = self.country.upper()
        return replace(
            self,
            country=country,
            time_zone=self.time_zone or places.usual_time_zone(country),
            admin_email=get_user_model().objects.normalize_email(self.admin_email),
        )


def problems_of(application: Application, password: str) -> tuple[list[FieldProblem], Availability]:
    """Return all that is wrong with a normalised application, and how its subdomain stands."""
    found = availability_of(application.subdomain)
    problems = [
        *_name_problems(application),
        *_subdomain_problems(found),
        *_email_problems(application),
        *_password_problems(application, password),
        *_choice_problems(application),
    ]
    return problems, found


def _name_problems(application: Application) -> Iterator[FieldProblem]:
    texts = {
        "links_not_allowed": _("Write a name without an internet address."),
        "bad_characters": _("This name has characters that are not allowed."),
    }
    for field in ("library_name", "admin_name"):
        code = rules.name_problem(getattr(application, field))
        if code:
            yield FieldProblem(field, code, texts[code])


def _subdomain_problems(found: Availability) -> Iterator[FieldProblem]:
    if found.reason:
        yield FieldProblem("subdomain", found.reason, found.text)


def _email_problems(application: Application) -> Iterator[FieldProblem]:
    try:
        validate_email(application.admin_email)
    except ValidationError:
        yield FieldProblem("admin_email", "invalid", _("Enter an e-mail address, such as anna@example.org."))


def _password_problems(application: Application, password: str) -> Iterator[FieldProblem]:
    person = get_user_model()(email=application.admin_email, name=application.admin_name)
    try:
        validate_password(password, person)
    except ValidationError as error:
        for problem in error.error_list:
            yield FieldProblem("password", problem.code or "invalid", " ".join(problem.messages))
    own = (
        application.library_name,
        application.subdomain,
        application.admin_name,
        application.admin_email,
    )
    if is_mostly_own_words(password, own):
        text = _("The password is little more than your library's or your own name.")
        yield FieldProblem("password", "password_own_words", text)


def _choice_problems(application: Application) -> Iterator[FieldProblem]:
    languages = [code for code, _name in settings.LANGUAGES]
    checks = (
        ("plan", plans.plan_codes(), "unknown_plan", _("There is no such plan.")),
        ("language", languages, "unknown_language", _("This language is not available.")),
        ("country", ("", *places.countries()), "unknown_country", _("Give the country as ISO 3166 code.")),
        ("time_zone", places.known_time_zones(), "unknown_time_zone", _("There is no such time zone.")),
    )
    for field, known, code, text in checks:
        if getattr(application, field) not in known:
            yield FieldProblem(field, code, text)
