"""The page behind the mailed link to a new password; works without JavaScript, on both kinds of site."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from saas.core import clock
from saas.core.errors import FieldProblem, ValidationFailed
from shared_apps.accounts import services
from shared_apps.accounts.errors import ResetTokenInvalid


@sensitive_post_parameters("password", "token")
@require_http_methods(["GET", "HEAD", "POST"])
def new_password(request: HttpRequest) -> HttpResponse:
    """GET shows the form and changes nothing, so that a mail scanner spends no link.

    POST sets the password.
    """
    sent = request.POST if request.method == "POST" else request.GET
    uid, token = sent.get("uid", ""), sent.get("token", "")
    try:
        if request.method != "POST":
            services.check_reset_link(uid=uid, token=token)
            return _form(request, uid, token)
        password = request.POST.get("password", "")
        services.reset_password(uid=uid, token=token, new_password=password, now=clock.now())
    except ResetTokenInvalid as refusal:
        return _done(request, str(refusal.title), str(refusal.detail), status=HTTPStatus.BAD_REQUEST)
    except ValidationFailed as refusal:
        return _form(request, uid, token, refusal.errors)
    return _done(request, _("Password set"), _("Sign in with your new password."))


def _form(request: HttpRequest, uid: str, token: str, problems: Sequence[FieldProblem] = ()) -> HttpResponse:
    status = HTTPStatus.BAD_REQUEST if problems else HTTPStatus.OK
    context = {"uid": uid, "token": token, "problems": problems}
    return render(request, "accounts/new_password.html", context, status=status)


def _done(request: HttpRequest, title: str, detail: str, *, status: int = HTTPStatus.OK) -> HttpResponse:
    return render(
        request, "accounts/new_password_done.html", {"title": title, "detail": detail}, status=status
    )
