"""The pages of the public site: what this is, the sign-up form, and the page behind the mailed link.

All of them work without JavaScript. A GET never changes anything: mail scanners follow links.
"""

from __future__ import annotations

import uuid
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_safe
from django.views.decorators.vary import vary_on_headers

from saas.core import clock
from saas.core.api.throttling import ANONYMOUS, address_subject, check_limit
from saas.core.errors import Conflict, DomainError, NotFound, RateLimited
from saas.core.tenancy import LibraryContext
from shared_apps.entitlements import selectors as plans
from shared_apps.signup import applications, rules, selectors, services
from shared_apps.signup.errors import TokenExpired, TokenInvalid, TokenUsed
from shared_apps.signup.forms import SignUpForm
from shared_apps.signup.models import SignUp, SignUpStatus
from shared_apps.tenants import addresses, subdomains
from shared_apps.tenants.errors import SubdomainTaken


@require_safe
@vary_on_headers("Accept-Language")
def home(request: HttpRequest) -> HttpResponse:
    """What LibraryHub is, the plans, and the sign-up form; `?plan=` chooses one of them beforehand."""
    plan = request.GET.get("plan", "")
    initial = {"language": getattr(request, "LANGUAGE_CODE", "en")}
    if plan in plans.plan_codes():
        initial["plan"] = plan
    return render(request, "signup/home.html", _form_context(SignUpForm(initial=initial)))


@require_http_methods(["GET", "HEAD", "POST"])
def sign_up(request: HttpRequest) -> HttpResponse:
    """The form alone; a POST stores the request and leads to "check your mail", or shows what is wrong."""
    if request.method != "POST":
        form = SignUpForm(initial={"language": getattr(request, "LANGUAGE_CODE", "en")})
        return render(request, "signup/sign_up.html", _form_context(form))
    form = SignUpForm(request.POST)
    if form.was_filled_by_a_robot:
        # The robot sees what a person sees, and nothing is stored.
        return _see_other(reverse("signup-check-your-mail"))
    try:
        row = _request_library(request, form)
    except RateLimited as refusal:
        text = _("Too many sign-ups came from your network. Try again in an hour.")
        form.add_error(None, text)
        return _refused(request, form, refusal.status, refusal.headers)
    if row is None:
        return _refused(request, form, HTTPStatus.BAD_REQUEST)
    return _see_other(f"{reverse('signup-check-your-mail')}?{urlencode({'id': str(row.pk)})}")


@require_safe
def check_your_mail(request: HttpRequest) -> HttpResponse:
    """What happens next. `?id=` adds how the sign-up stands; it names no person and no mail address."""
    row = _sign_up_of(request.GET.get("id", ""))
    context: dict[str, Any] = {"hours": int(rules.LINK_LIFETIME.total_seconds() // 3600)}
    if row is not None:
        context["status"] = selectors.status_of(row, now=clock.now())
        context["address"] = addresses.library_host(subdomains.display(row.subdomain))
    return render(request, "signup/check_your_mail.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def verify(request: HttpRequest) -> HttpResponse:
    """The page of the mailed link: one button, which makes the library."""
    if request.method == "POST":
        return _use_link(request, request.POST.get("token", ""))
    token = request.GET.get("token", "")
    row = selectors.sign_up_for_token(token)
    refusal = _refusal(row)
    if row is None or refusal is not None:
        return _link_refused(request, row, refusal or TokenInvalid())
    context = {
        "token": token,
        "name": row.library_name,
        "address": addresses.library_host(subdomains.display(row.subdomain)),
    }
    return render(request, "signup/verify.html", context)


@require_GET
def robots(request: HttpRequest) -> HttpResponse:
    """robots.txt: the start page may be found, links out of mails may not."""
    lines = ["User-agent: *", "Disallow: /signup/", "Disallow: /api/", ""]
    return HttpResponse("\n".join(lines), content_type="text/plain; charset=utf-8")


# -- sign-up ---------------------------------------------------------------------------------------------


def _request_library(request: HttpRequest, form: SignUpForm) -> SignUp | None:
    """The stored request, or None with the form's errors filled in. Raises RateLimited.

    Only what would be stored counts as a sign-up, together with those over the API; what is refused counts
    as an ordinary request.
    """
    subject = address_subject(request)
    form.full_clean()
    application, password = form.application()
    problems, _found = applications.problems_of(application.normalised(), password)
    form.add_problems(problems)
    if form.errors:
        check_limit(ANONYMOUS, subject)
        return None
    check_limit("signup", subject)
    return services.request_library(application=application, password=password, now=clock.now())


def _refused(
    request: HttpRequest, form: SignUpForm, status: int, headers: dict[str, str] | None = None
) -> HttpResponse:
    response = render(request, "signup/sign_up.html", _form_context(form), status=status)
    for name, value in (headers or {}).items():
        response[name] = value
    return response


def _form_context(form: SignUpForm) -> dict[str, Any]:
    bound = [form[name] for name in SignUpForm.LABELS]
    return {
        "form": form,
        "plans": plans.all_plans(),
        "invalid_fields": [field for field in bound if field.errors],
        "base_domain": addresses.library_host("x").removeprefix("x"),
    }


def _sign_up_of(identifier: str) -> SignUp | None:
    try:
        return selectors.sign_up(uuid.UUID(identifier))
    except (ValueError, NotFound):
        return None


def _see_other(address: str) -> HttpResponse:
    return HttpResponseRedirect(address, status=HTTPStatus.SEE_OTHER)


# -- the mailed link -------------------------------------------------------------------------------------


def _use_link(request: HttpRequest, token: str) -> HttpResponse:
    try:
        library = services.verify(token=token, now=clock.now())
    except (TokenInvalid, TokenExpired, TokenUsed, SubdomainTaken) as refusal:
        return _link_refused(request, selectors.sign_up_for_token(token), refusal)
    context = _links_of(library)
    return render(request, "signup/done.html", context, status=HTTPStatus.CREATED)


def _refusal(row: SignUp | None) -> DomainError | None:
    """Why a link cannot be used, as far as can be seen without trying."""
    if row is None:
        return TokenInvalid()
    status = selectors.status_of(row, now=clock.now())
    if status == SignUpStatus.VERIFIED:
        return TokenUsed()
    return TokenExpired() if status == SignUpStatus.EXPIRED else None


def _link_refused(request: HttpRequest, row: SignUp | None, refusal: DomainError) -> HttpResponse:
    library = selectors.library_of(row) if row is not None else None
    context: dict[str, Any] = {"refusal": refusal, "is_conflict": isinstance(refusal, Conflict)}
    if library is not None:
        context |= _links_of(library)
    return render(request, "signup/link_refused.html", context, status=refusal.status)


def _links_of(library: LibraryContext) -> dict[str, Any]:
    """What a page says of a new library. Not named `library`: the layout would take it for the site's own."""
    return {
        "new_library": library,
        "address": addresses.library_host(subdomains.display(library.subdomain)),
        "url": addresses.library_url(library.subdomain),
        "sign_in_url": addresses.sign_in_url(library.subdomain),
    }
