"""Every refusal and failure of the API is one kind of document, in the caller's language."""

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import SuspiciousOperation
from django.core.signals import got_request_exception
from django.http import HttpRequest
from django.template import TemplateDoesNotExist
from django.test import RequestFactory
from django.utils import translation
from django.utils.translation import gettext_lazy
from rest_framework.renderers import BaseRenderer
from rest_framework.response import Response

from saas.core import errors
from saas.core.api import problems
from saas.core.api.renderers import ORJSONRenderer
from saas.core.api.views import ApiView
from saas.core.errors import DomainError, FieldProblem
from saas.core.logging import start_log_context

Call = Callable[..., Any]
MEMBERS = {"type", "title", "status", "detail", "code", "request_id"}


class CommaRenderer(BaseRenderer):
    media_type = "text/csv"
    format = "csv"
    charset = "utf-8"

    def render(self, data: Any, *_args: Any) -> bytes:
        return b"a,b"


class Raising(ApiView):
    """Raises what the test puts into `raises`."""

    permissions = {"GET": None}
    renderer_classes = [ORJSONRenderer, CommaRenderer]
    raises: Exception | None = None

    def get(self, request: Any) -> Response:
        if self.raises:
            raise self.raises
        return Response({"fine": True})


def raising(exception: Exception) -> type[Raising]:
    return type("RaisingOne", (Raising,), {"raises": exception})


@pytest.fixture
def page(rf: RequestFactory) -> Callable[..., HttpRequest]:
    def make(path: str = "/catalogue/", **headers: str) -> HttpRequest:
        return rf.get(path, headers={"accept": "text/html", **headers})

    return make


def test_a_view_that_works_answers_its_own_data(call: Call) -> None:
    assert json.loads(call(Raising).content) == {"fine": True}


def test_a_problem_document_has_all_members(call: Call) -> None:
    start_log_context("request-0001")
    error = errors.Conflict("Lent.", errors=[FieldProblem("copy", "copy_on_loan", "Lent.")], due="2026-12-01")
    response = call(raising(error))
    assert response.status_code == 409
    assert response["Content-Type"] == "application/problem+json"
    assert response["Cache-Control"] == "no-store"
    assert json.loads(response.content) == {
        "type": "/api/problems/conflict/",
        "title": "Conflict",
        "status": 409,
        "detail": "Lent.",
        "code": "conflict",
        "request_id": "request-0001",
        "errors": [{"field": "copy", "code": "copy_on_loan", "detail": "Lent."}],
        "due": "2026-12-01",
    }


def test_an_extension_member_cannot_replace_a_standard_one() -> None:
    assert problems.document(errors.Conflict("x", status=200, code="fine"))["status"] == 409


@pytest.mark.parametrize("accept", ["application/json", "text/csv", "*/*", "application/problem+json, */*"])
def test_a_problem_is_json_whatever_was_asked_for(call: Call, accept: str) -> None:
    response = call(raising(errors.NotFound()), headers={"Accept": accept})
    assert (response.status_code, response["Content-Type"]) == (404, "application/problem+json")
    assert set(response.data) == MEMBERS


def test_the_other_form_is_on_offer_where_nothing_fails(call: Call) -> None:
    assert call(Raising, headers={"Accept": "text/csv"}).content == b"a,b"


def test_a_form_that_is_not_on_offer_is_a_problem_too(call: Call) -> None:
    response = call(Raising, headers={"Accept": "image/png"})
    assert (response.status_code, response.data["code"]) == (406, "not_acceptable")


def test_unknown_exceptions_say_nothing_and_are_logged(call: Call, caplog: pytest.LogCaptureFixture) -> None:
    heard: list[Any] = []

    def listen(**signal: Any) -> None:
        heard.append(signal["request"])

    got_request_exception.connect(listen)
    try:
        with caplog.at_level(logging.ERROR):
            response = call(raising(ValueError("password=hunter2 SELECT * FROM patrons")))
    finally:
        got_request_exception.disconnect(listen)
    assert (response.status_code, response.data["code"]) == (500, "internal_error")
    assert b"hunter2" not in response.content
    assert b"SELECT" not in response.content
    assert any(record.exc_info for record in caplog.records)
    assert len(heard) == 1


def test_a_refusal_is_not_reported_as_a_failure(call: Call, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        call(raising(errors.Conflict()))
    assert caplog.records == []


@pytest.mark.parametrize("error", [errors.NotAuthenticated(), errors.TokenInvalid()])
def test_401_tells_how_to_sign_in(call: Call, error: DomainError) -> None:
    response = call(raising(error))
    assert (response.status_code, response["WWW-Authenticate"]) == (401, 'Name realm="tests"')


def test_wrong_credentials_are_401(call: Call) -> None:
    response = call(Raising, by="stranger")
    assert (response.status_code, response.data["code"]) == (401, "authentication_failed")
    assert response.has_header("WWW-Authenticate")


def test_405_lists_the_methods(call: Call) -> None:
    response = call(Raising, "put")
    assert (response.status_code, response.data["code"]) == (405, "method_not_allowed")
    assert "GET" in response["Allow"]


def test_retry_after_is_a_header(call: Call) -> None:
    assert call(raising(errors.Busy()))["Retry-After"] == "1"


def test_texts_follow_the_language_and_codes_do_not() -> None:
    class GreetingError(DomainError):
        """A text that Django itself translates."""

        title = gettext_lazy("Monday")
        detail = gettext_lazy("Monday")

    with translation.override("it"):
        italian = problems.document(GreetingError())
    with translation.override("en"):
        english = problems.document(GreetingError())
    assert italian["title"] == italian["detail"] == "Lunedì"
    assert english["title"] == "Monday"
    assert italian["code"] == english["code"]


# -- outside of the API views ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/api/v1/titles/", "/api/nothing", "/health/live/", "/billing/stripe/webhook/"]
)
def test_api_addresses_answer_json_even_to_a_browser(page: Any, path: str) -> None:
    response = problems.problem_response(errors.NotFound(), page(path))
    assert response["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("text/html,application/xhtml+xml,*/*;q=0.8", "text/html"),
        ("*/*", "text/html"),
        ("application/json", "application/problem+json"),
        ("application/problem+json", "application/problem+json"),
        ("application/json, text/html;q=0.5", "application/problem+json"),
    ],
)
def test_pages_answer_what_was_asked_for(page: Any, accept: str, kind: str) -> None:
    response = problems.problem_response(errors.NotFound(), page("/books/", accept=accept))
    assert response.status_code == 404
    assert response["Content-Type"].startswith(kind)


def test_the_page_is_html_even_without_its_template(page: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_args: Any, **_kwargs: Any) -> str:
        raise TemplateDoesNotExist("error.html")

    monkeypatch.setattr(problems.loader, "render_to_string", missing)
    start_log_context("request-0002")
    response = problems.problem_response(errors.NotFound("<script>alert(1)</script>"), page())
    content = response.content.decode()
    assert "<h1>Not found</h1>" in content
    assert "request-0002" in content
    assert "<script>" not in content


def test_a_broken_template_does_not_break_the_error(
    page: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_args: Any, **_kwargs: Any) -> str:
        raise RuntimeError("no database")

    monkeypatch.setattr(problems.loader, "render_to_string", broken)
    response = problems.problem_response(errors.ServiceUnavailable(), page())
    assert response.status_code == 503
    assert response["Retry-After"] == "5"
    assert "error.html failed" in caplog.text


def test_the_template_gets_the_members(page: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}

    def render(name: str, values: dict[str, Any], request: HttpRequest) -> str:
        seen.update(values, name=name)
        return "page"

    monkeypatch.setattr(problems.loader, "render_to_string", render)
    response = problems.problem_response(errors.PermissionDenied(), page())
    assert response.content == b"page"
    assert (seen["name"], seen["status"], seen["code"]) == ("error.html", 403, "permission_denied")


def test_the_page_follows_accept_language_before_any_middleware(page: Any) -> None:
    class GreetingError(DomainError):
        """A text that Django itself translates."""

        title = gettext_lazy("Monday")

    italian = page("/api/x/", **{"accept-language": "it-IT,it;q=0.9"})
    response = problems.problem_response(GreetingError(), italian)
    assert json.loads(response.content)["title"] == "Lunedì"


@pytest.mark.parametrize(
    ("handler", "exception", "status"),
    [
        (problems.handler400, SuspiciousOperation("secret"), 400),
        (problems.handler400, None, 400),
        (problems.handler400, ValueError("secret"), 400),
        (problems.handler403, None, 403),
        (problems.handler404, None, 404),
    ],
)
def test_django_handlers(page: Any, handler: Any, exception: Exception | None, status: int) -> None:
    response = handler(page("/api/v1/x/"), exception)
    assert response.status_code == status
    assert b"secret" not in response.content


def test_handler500(page: Any) -> None:
    assert json.loads(problems.handler500(page("/api/v1/x/")).content)["code"] == "internal_error"


def test_csrf_failure_keeps_its_reason_to_the_log(page: Any, caplog: pytest.LogCaptureFixture) -> None:
    response = problems.csrf_failure(page("/api/v1/x/"), reason="Origin checking failed: evil.example")
    assert json.loads(response.content)["code"] == "csrf_failed"
    assert b"evil" not in response.content
    assert "evil.example" in caplog.text


# -- the page behind `type` ------------------------------------------------------------------------------------


def test_each_type_has_its_page(page: Any) -> None:
    view = problems.ProblemPage.as_view()
    for cls in errors.all_error_classes():
        response = view(page(), code=cls.code)
        assert response.status_code == 200
        assert cls.code in response.content.decode()


def test_the_page_of_an_unknown_code_is_404(page: Any) -> None:
    assert problems.ProblemPage.as_view()(page(), code="nonsense").status_code == 404


def test_the_route_of_the_page_is_the_type(page: Any) -> None:
    (route,) = problems.problem_urls
    found = route.resolve(problems.document(errors.NotFound())["type"].removeprefix("/"))
    assert found is not None
    assert found.kwargs == {"code": "not_found"}
