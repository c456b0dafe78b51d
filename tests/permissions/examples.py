"""For each address and method a real request that succeeds for whoever is allowed, made from the rows of a scene.

An example is built in the library (or on the public site) that it is sent to, before the test looks at the tables.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile

from saas.core import clock
from saas.core.api.etags import etag_of
from saas.core.principals import SYSTEM
from shared_apps.accounts import services as accounts
from shared_apps.accounts.models import MailedCode
from shared_apps.accounts.services import codes
from shared_apps.signup import tokens
from tenant_apps.access import services as access
from tenant_apps.catalog.marc import TitleDraft, build_record
from tenant_apps.members.rules import token_for
from tenant_apps.preferences import services as preferences
from tests.authenticators import (
    SoftPasskey,
    app_of,
    code_at,
    passkey_of,
    recovery_code,
    unused_code,
)
from tests.factories import NOW, PASSWORD, unique
from tests.permissions.matrix import ADMIN, ANONYMOUS, SUPPORT
from tests.permissions.scene import PublicScene, Scene


@dataclass(frozen=True)
class Example:
    """A request. `status` is what an allowed caller gets; `form` sends the body as a browser's form would."""

    path: str
    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    form: bool = False
    raw: bytes | None = None


def send(client: Any, method: str, example: Example) -> Any:
    """Send an example with a test client and return the answer."""
    call = getattr(client, method.lower())
    if example.raw is not None:
        return client.generic(
            method, example.path, example.raw, content_type="application/json", headers=dict(example.headers)
        )
    if method == "GET":
        return call(example.path, headers=dict(example.headers))
    form = "multipart" if example.form else "json"
    return call(example.path, example.body, format=form, headers=dict(example.headers))


Builder = Callable[[Any], Example]


def plain(path: str, **more: Any) -> Builder:
    """A request that needs nothing of the scene."""
    return lambda scene: Example(path, **more)


def _if_match(row: Any) -> dict[str, str]:
    row.refresh_from_db()
    return {"If-Match": etag_of(row)}


# -- signing in, the same on both sites ---------------------------------------------------------------------------------


def _login(scene: Scene | PublicScene) -> Example:
    body = {"email": scene.account.email, "password": PASSWORD}
    if isinstance(scene, PublicScene):
        body["otp"] = unused_code(scene.account)
    return Example("/api/v1/auth/login/", body)


def _logout(scene: Scene | PublicScene) -> Example:
    session = accounts.start_session(user=scene.account, now=clock.now())
    return Example("/api/v1/auth/logout/", {"refresh": session.refresh}, 204)


def _refresh(scene: Scene | PublicScene) -> Example:
    session = accounts.start_session(user=scene.account, now=clock.now())
    return Example("/api/v1/auth/refresh/", {"refresh": session.refresh})


def _session_end(scene: Scene | PublicScene) -> Example:
    row = scene.session if isinstance(scene, Scene) and scene.caller == ADMIN else None
    if row is None:
        sid = accounts.start_session(user=scene.account, now=clock.now()).session
        row = scene.account.sessions.get(sid=sid)
    return Example(f"/api/v1/auth/sessions/{row.pk}/", status=204)


def _email_change(scene: Scene | PublicScene) -> Example:
    body = {"email": "elsewhere@example.org", "password": PASSWORD}
    return Example("/api/v1/auth/email/change/", body, 202)


def _email_change_confirm(scene: Scene | PublicScene) -> Example:
    code = MailedCode(purpose="change", user=scene.account, address="elsewhere@example.org")
    codes.renew(code, now=clock.now())
    return Example("/api/v1/auth/email/change/confirm/", {"code": codes.text_of(code)})


def _password_change(scene: Scene | PublicScene) -> Example:
    body = {"old_password": PASSWORD, "new_password1": "another-long-pass-phrase"}
    return Example("/api/v1/auth/password/change/", body)


def _password_reset(scene: Scene | PublicScene) -> Example:
    return Example("/api/v1/auth/password/reset/", {"email": scene.account.email})


def _password_reset_confirm(scene: Scene | PublicScene) -> Example:
    body = {**accounts.reset_link_parts(scene.account), "new_password1": "another-long-pass-phrase"}
    return Example("/api/v1/auth/password/reset/confirm/", body)


def _proved(path: str, status: int = 200) -> Builder:
    """A change of one's own factors, by somebody who has an authenticator app."""

    def build(scene: Scene | PublicScene) -> Example:
        return Example(path, {"password": PASSWORD, "otp": unused_code(scene.account)}, status)

    return build


def _app_delete(scene: Scene | PublicScene) -> Example:
    passkey_of(scene.account)  # so that it is not the last factor of somebody who must have one
    return Example(f"{MFA}totp/", {"password": PASSWORD, "otp": unused_code(scene.account)}, 204)


def _app_confirm(scene: Scene | PublicScene) -> Example:
    # The client's token belongs to no session: what it began is kept under the token's own id, which only it knows.
    secret = app_of(scene.account)
    return Example("/api/v1/auth/mfa/totp/confirm/", {"code": code_at(secret, clock.now())}, 409)


def _passkey_create(scene: Scene | PublicScene) -> Example:
    key = SoftPasskey("http://north.localhost", "north.localhost")
    options = {"publicKey": {"challenge": "AAAA", "user": {"id": "AAAA"}}}
    return Example(f"{MFA}webauthn/", {"name": "Phone", "credential": key.create(options)}, 400)


def _passkey(scene: Scene | PublicScene) -> Example:
    return Example(f"{MFA}webauthn/{_key_of(scene).pk}/")


def _passkey_delete(scene: Scene | PublicScene) -> Example:
    key = _key_of(scene)
    app_of(key.user)  # so that it is not the last factor of somebody who must have one
    body = {"password": PASSWORD, "otp": recovery_code(key.user)}
    return Example(f"{MFA}webauthn/{key.pk}/", body, 204)


def _key_of(scene: Scene | PublicScene) -> Any:
    return scene.passkey if isinstance(scene, Scene) else passkey_of(scene.account)


def _passkey_sign_in(scene: Scene | PublicScene) -> Example:
    """With a key that nobody has registered: who may ask is told so, and no more."""
    key = SoftPasskey("http://north.localhost", "north.localhost", handle="AAAA")
    body = {"credential": key.get({"publicKey": {"challenge": "AAAA"}})}
    return Example("/api/v1/auth/webauthn/", body, 401)


def _proved_form(page: str, status: int = 303) -> Builder:
    """A form of the pages for one's own factors, sent by somebody who has an authenticator app."""

    def build(scene: Scene) -> Example:
        body = {"password": PASSWORD, "otp": unused_code(scene.account)}
        return Example(f"/account/security/{page}", body, status, form=True)

    return build


def _passkey_page(scene: Scene) -> str:
    return f"/account/security/passkeys/{scene.passkey.pk}/remove/"


MFA = "/api/v1/auth/mfa/"
AUTH: dict[str, Builder] = {
    "GET /api/v1/auth/mfa/": plain(MFA),
    "POST /api/v1/auth/mfa/totp/": _proved(f"{MFA}totp/"),
    "DELETE /api/v1/auth/mfa/totp/": _app_delete,
    "POST /api/v1/auth/mfa/totp/confirm/": _app_confirm,
    "POST /api/v1/auth/mfa/recovery-codes/": _proved(f"{MFA}recovery-codes/", 201),
    "POST /api/v1/auth/mfa/webauthn/": _passkey_create,
    "POST /api/v1/auth/mfa/webauthn/options/": _proved(f"{MFA}webauthn/options/"),
    "GET /api/v1/auth/mfa/webauthn/{pk}/": _passkey,
    "DELETE /api/v1/auth/mfa/webauthn/{pk}/": _passkey_delete,
    "POST /api/v1/auth/webauthn/": _passkey_sign_in,
    "POST /api/v1/auth/webauthn/options/": plain("/api/v1/auth/webauthn/options/", body={}),
    "POST /api/v1/auth/login/": _login,
    "POST /api/v1/auth/logout/": _logout,
    "POST /api/v1/auth/refresh/": _refresh,
    "GET /api/v1/auth/sessions/": plain("/api/v1/auth/sessions/"),
    "DELETE /api/v1/auth/sessions/": plain("/api/v1/auth/sessions/", status=204),
    "DELETE /api/v1/auth/sessions/{pk}/": _session_end,
    "POST /api/v1/auth/email/change/": _email_change,
    "POST /api/v1/auth/email/change/confirm/": _email_change_confirm,
    "POST /api/v1/auth/password/change/": _password_change,
    "POST /api/v1/auth/password/reset/": _password_reset,
    "POST /api/v1/auth/password/reset/confirm/": _password_reset_confirm,
}
DOCUMENTS: dict[str, Builder] = {
    "GET /api/schema/": plain("/api/schema/", headers={"Accept": "application/vnd.oai.openapi+json"}),
    "GET /api/docs/": plain("/api/docs/"),
    "GET /api/redoc/": plain("/api/redoc/"),
    "GET /api/deprecations/": plain("/api/deprecations/"),
    "GET /api/problems/{code}/": plain("/api/problems/not_found/"),
    "GET /health/live/": plain("/health/live/"),
    "GET /health/ready/": plain("/health/ready/"),
}


def _reset_page(scene: Scene | PublicScene) -> Example:
    return Example(f"/password/reset/confirm/?{urlencode(accounts.reset_link_parts(scene.account))}")


def _reset_form(scene: Scene | PublicScene) -> Example:
    body = {**accounts.reset_link_parts(scene.account), "password": "another-long-pass-phrase"}
    return Example("/password/reset/confirm/", body, form=True)


PASSWORD_PAGES: dict[str, Builder] = {
    "GET /password/reset/confirm/": _reset_page,
    "POST /password/reset/confirm/": _reset_form,
}


# -- a library ------------------------------------------------------------------------------------------------------------


def _registration(scene: Scene) -> Example:
    preferences.change(values={"registration": "open"}, by=SYSTEM, now=clock.now())
    body = {"email": "newcomer@example.org", "name": "New Comer", "password": "another-long-pass-phrase"}
    return Example("/api/v1/auth/registration/", body, 202)


def _verify_email(scene: Scene) -> Example:
    preferences.change(values={"registration": "open"}, by=SYSTEM, now=clock.now())
    code = MailedCode(purpose="verify", address="newcomer@example.org", password_hash="!")
    codes.renew(code, now=clock.now())
    body = {"email": code.address, "code": codes.text_of(code)}
    return Example("/api/v1/auth/registration/verify-email/", body)


def _erase(scene: Scene) -> Example:
    if scene.caller == ADMIN:
        # The last admin cannot go.
        access.create_member(
            email=f"{unique('admin')}@example.org",
            name="Another",
            password=PASSWORD,
            role=ADMIN,
            by=SYSTEM,
            now=clock.now(),
        )
    return Example("/api/v1/me/erase/", {"password": PASSWORD}, 204)


REGISTRATION: dict[str, Builder] = {
    "POST /api/v1/auth/registration/": _registration,
    "POST /api/v1/auth/registration/verify-email/": _verify_email,
    "POST /api/v1/auth/registration/resend/": plain(
        "/api/v1/auth/registration/resend/", body={"email": "newcomer@example.org"}, status=202
    ),
}


def _settings_patch(scene: Scene) -> Example:
    from tenant_apps.preferences import selectors

    return Example(
        "/api/v1/settings/", {"name": "Renamed Library"}, headers={"If-Match": etag_of(selectors.current())}
    )


def _file() -> SimpleUploadedFile:
    record = build_record(
        TitleDraft(title=unique("Uploaded "), control_number=unique("up")), entered_on=NOW.date()
    )
    return SimpleUploadedFile("books.mrc", record, content_type="application/marc")


def _upload(scene: Scene) -> Example:
    return Example("/api/v1/imports/", {"file": _file()}, 202, form=True)


def _patron(scene: Scene) -> Example:
    body = {
        "name": "Grace Hopper",
        "category": scene.category.code,
        "home_branch": scene.branch.code,
        "card_numbers": [unique("C-new-")],
    }
    return Example("/api/v1/patrons/", body, 201)


def _copy(scene: Scene) -> Example:
    body = {
        "title": str(scene.title.pk),
        "barcode": unique("4000"),
        "item_type": scene.item_type.code,
        "home_branch": scene.branch.code,
    }
    return Example("/api/v1/copies/", body, 201)


def _loan(scene: Scene) -> Example:
    body = {"copy_barcode": scene.copy.barcode, "card_number": scene.card.number, "branch": "main"}
    return Example("/api/v1/loans/", body, 201)


def _return(scene: Scene) -> Example:
    return Example("/api/v1/returns/", {"copy_barcode": scene.loan.copy.barcode, "branch": "main"}, 201)


def _explain(scene: Scene) -> Example:
    query = f"branch={scene.branch.code}&category={scene.category.code}&item_type={scene.item_type.code}"
    return Example(f"/api/v1/loan-rules/explain/?{query}")


def _member(name: str = "", body: Any = None, status: int = 200, row: str = "user") -> Builder:
    """A request about one member, by default one who reads."""
    return lambda s: Example(f"/api/v1/members/{getattr(s, row).pk}/{name}", body, status)


def _invitation(name: str = "", body: Any = None, status: int = 200) -> Builder:
    return lambda s: Example(f"/api/v1/invitations/{s.invitation.pk}/{name}", body, status)


def _invite(scene: Scene) -> Example:
    body = {"email": f"{unique('new')}@people.example", "role": "librarian", "branch": scene.branch.code}
    return Example("/api/v1/invitations/", body, 201)


def _acceptance(scene: Scene) -> dict[str, str]:
    return {"token": token_for(scene.invitation.token_nonce), "password": "another-long-pass-phrase"}


MEMBERS: dict[str, Builder] = {
    "GET /api/v1/members/": plain("/api/v1/members/?search=e&state=active"),
    "GET /api/v1/members/{pk}/": _member(),
    "PATCH /api/v1/members/{pk}/": _member(body={"name": "Lea Rossi"}),
    "POST /api/v1/members/{pk}/deactivate/": _member("deactivate/", {}),
    # Waits for approval: reactivating lets them in.
    "POST /api/v1/members/{pk}/reactivate/": _member("reactivate/", {}, row="applicant"),
    "POST /api/v1/members/{pk}/approve/": _member("approve/", {}, row="applicant"),
    "POST /api/v1/members/{pk}/refuse/": _member("refuse/", {}, row="applicant"),
    "DELETE /api/v1/members/{pk}/sessions/": _member("sessions/", status=204),
    "GET /api/v1/invitations/": plain("/api/v1/invitations/?state=open"),
    "POST /api/v1/invitations/": _invite,
    "POST /api/v1/invitations/accept/": lambda s: Example("/api/v1/invitations/accept/", _acceptance(s), 201),
    "GET /api/v1/invitations/{pk}/": _invitation(),
    "DELETE /api/v1/invitations/{pk}/": _invitation(status=204),
    "POST /api/v1/invitations/{pk}/resend/": _invitation("resend/", {}),
}


def _rule(scene: Scene) -> Example:
    body = {
        "name": "loan_period_days",
        "value": 5,
        "branch": scene.branch.code,
        "category": scene.category.code,
    }
    return Example("/api/v1/loan-rules/", body, 201)


def _code_and_name(path: str, **more: Any) -> Builder:
    return lambda scene: Example(path, {"code": unique("made"), "name": "Made here", **more}, 201)


# -- its pages -----------------------------------------------------------------------------------------------------------


def _sign_in_page(scene: Scene) -> Example:
    # Who is signed in already is led on.
    return Example("/sign-in/", status=200 if scene.caller == ANONYMOUS else 303)


def _form(path: str, **body: Any) -> Example:
    return Example(path, body, 303, form=True)


def _new_copy_form(scene: Scene) -> Example:
    values = {"barcode": unique("6000"), "item_type": scene.item_type.code, "home_branch": scene.branch.code}
    return _form(f"/titles/{scene.title.pk}/copies/new/", **values)


def _new_patron_form(scene: Scene) -> Example:
    values = {"name": "Grace Hopper", "category": scene.category.code, "home_branch": scene.branch.code}
    return _form("/patrons/new/", card_number=unique("C-form-"), **values)


def _begin_elsewhere(scene: Scene) -> Example:
    return Example(f"/api/v1/auth/social/{scene.provider.code}/", {})


def _callback(scene: Scene, path_query: str = "", **more: Any) -> Example:
    # Nobody has begun: who may come back is told so (tests/tenant_apps/federation has the rest).
    return Example(f"/api/v1/auth/social/{scene.provider.code}/callback/{path_query}", **more)


def _link_identity(scene: Scene) -> Example:
    from tenant_apps.federation import tickets

    token = tickets.new_secret()
    waiting = {"provider": scene.provider.pk, "issuer": "https://github.com", "subject": unique("sub")}
    tickets.keep("link", token, {**waiting, "user": scene.account.pk})
    return Example("/api/v1/auth/social/link/", {"token": token}, 201)


def _own_identity(scene: Scene) -> Example:
    type(scene.identity).objects.filter(pk=scene.identity.pk).update(user=scene.account)
    return Example(f"/api/v1/auth/social/identities/{scene.identity.pk}/", status=204)


def _new_provider(scene: Scene) -> Example:
    body = {
        "name": "A School",
        "kind": "oidc",
        "issuer": "https://login.school.example",
        "client_id": "library",
    }
    return Example(
        "/api/v1/identity-providers/", {**body, "code": unique("school"), "client_secret": "a secret"}, 201
    )


FEDERATION: dict[str, Builder] = {
    "GET /api/v1/auth/social/": plain("/api/v1/auth/social/"),
    "POST /api/v1/auth/social/{code}/": _begin_elsewhere,
    "GET /api/v1/auth/social/{code}/callback/": lambda s: _callback(s, path_query="?state=none", status=401),
    "POST /api/v1/auth/social/{code}/callback/": lambda s: _callback(s, body={"state": "none"}, status=401),
    "POST /api/v1/auth/social/second-factor/": plain(
        "/api/v1/auth/social/second-factor/", body={"otp": "123456"}, status=401
    ),
    "POST /api/v1/auth/social/link/": _link_identity,
    "GET /api/v1/auth/social/identities/": plain("/api/v1/auth/social/identities/"),
    "DELETE /api/v1/auth/social/identities/{pk}/": _own_identity,
    "GET /api/v1/identity-providers/": plain("/api/v1/identity-providers/"),
    "POST /api/v1/identity-providers/": _new_provider,
    "GET /api/v1/identity-providers/{pk}/": lambda s: Example(f"/api/v1/identity-providers/{s.provider.pk}/"),
    "PATCH /api/v1/identity-providers/{pk}/": lambda s: Example(
        f"/api/v1/identity-providers/{s.provider.pk}/", {"name": "Renamed"}, headers=_if_match(s.provider)
    ),
    "DELETE /api/v1/identity-providers/{pk}/": lambda s: Example(
        f"/api/v1/identity-providers/{s.provider.pk}/", status=204, headers=_if_match(s.provider)
    ),
}
PAGES: dict[str, Builder] = {
    **PASSWORD_PAGES,
    "GET /": plain("/"),
    "GET /titles/{pk}/": lambda s: Example(f"/titles/{s.title.pk}/"),
    "GET /sign-in/": _sign_in_page,
    "GET /password/reset/": plain("/password/reset/"),
    "POST /password/reset/": lambda s: _form("/password/reset/", email=s.account.email),
    "POST /sign-in/": lambda s: _form("/sign-in/", identifier=s.account.email, password=PASSWORD),
    "POST /sign-in/passkey/": lambda s: Example(
        "/sign-in/passkey/",
        {"credential": json.dumps(_passkey_sign_in(s).body["credential"])},
        400,
        form=True,
    ),
    "POST /sign-in/with/{code}/": lambda s: Example(f"/sign-in/with/{s.provider.code}/", {}, form=True),
    # Nobody waits for these in this browser.
    "GET /sign-in/second-factor/": plain("/sign-in/second-factor/", status=400),
    "POST /sign-in/second-factor/": plain(
        "/sign-in/second-factor/", body={"otp": "123456"}, status=400, form=True
    ),
    "GET /sign-in/connect/": plain("/sign-in/connect/", status=400),
    "POST /sign-in/connect/": lambda s: Example(
        "/sign-in/connect/", {}, 303 if s.caller == ANONYMOUS else 400, form=True
    ),
    "POST /sign-out/": lambda s: _form("/sign-out/"),
    "GET /invitations/accept/": lambda s: Example(
        f"/invitations/accept/?{urlencode({'token': token_for(s.invitation.token_nonce)})}"
    ),
    "POST /invitations/accept/": lambda s: Example("/invitations/accept/", _acceptance(s), form=True),
    "GET /account/": plain("/account/"),
    "GET /account/security/": plain("/account/security/"),
    "GET /account/security/app/": plain("/account/security/app/"),
    "POST /account/security/app/": _proved_form("app/"),
    "GET /account/security/app/confirm/": plain("/account/security/app/confirm/", status=303),
    "POST /account/security/app/confirm/": lambda s: _form("/account/security/app/confirm/", code="123456"),
    "GET /account/security/app/remove/": plain("/account/security/app/remove/"),
    "POST /account/security/app/remove/": _proved_form("app/remove/"),
    "GET /account/security/codes/": plain("/account/security/codes/"),
    "POST /account/security/codes/": _proved_form("codes/", 200),
    "GET /account/security/passkeys/": plain("/account/security/passkeys/"),
    "POST /account/security/passkeys/": _proved_form("passkeys/"),
    "GET /account/security/passkeys/add/": plain("/account/security/passkeys/add/", status=303),
    "POST /account/security/passkeys/add/": lambda s: _form(
        "/account/security/passkeys/add/", name="Phone", credential="{}"
    ),
    "GET /account/security/passkeys/{pk}/remove/": lambda s: Example(_passkey_page(s)),
    "POST /account/security/passkeys/{pk}/remove/": lambda s: _form(
        _passkey_page(s), **_passkey_delete(s).body
    ),
    "GET /titles/{pk}/copies/new/": lambda s: Example(f"/titles/{s.title.pk}/copies/new/"),
    "POST /titles/{pk}/copies/new/": _new_copy_form,
    "GET /imports/": plain("/imports/"),
    "POST /imports/": lambda s: _form("/imports/", file=_file()),
    "GET /imports/{pk}/": lambda s: Example(f"/imports/{s.job.pk}/"),
    "POST /imports/{pk}/cancel/": lambda s: _form(f"/imports/{s.queued_job.pk}/cancel/"),
    "GET /patrons/": plain("/patrons/"),
    "GET /patrons/new/": plain("/patrons/new/"),
    "POST /patrons/new/": _new_patron_form,
    "GET /desk/": plain("/desk/"),
    "POST /desk/branch/": lambda s: _form("/desk/branch/", branch=s.branch.code),
    "POST /desk/checkouts/": lambda s: _form(
        "/desk/checkouts/", card=s.card.number, barcode=s.copy.barcode, branch="main"
    ),
    "POST /desk/returns/": lambda s: _form("/desk/returns/", barcode=s.loan.copy.barcode, branch="main"),
}
LIBRARY: dict[str, Builder] = {
    **AUTH,
    **REGISTRATION,
    **DOCUMENTS,
    "GET /api/v1/me/": plain("/api/v1/me/"),
    "PATCH /api/v1/me/": plain("/api/v1/me/", body={"name": "Another Name"}),
    "GET /api/v1/permissions/": plain("/api/v1/permissions/"),
    "GET /api/v1/permissions/explain/": plain("/api/v1/permissions/explain/?permission=roles.manage"),
    "GET /api/v1/me/export/": plain("/api/v1/me/export/"),
    "POST /api/v1/me/erase/": _erase,
    "GET /api/v1/roles/": plain("/api/v1/roles/"),
    "POST /api/v1/roles/": _code_and_name("/api/v1/roles/", permissions=["catalog.view"]),
    "GET /api/v1/roles/{pk}/": lambda s: Example(f"/api/v1/roles/{s.role.pk}/"),
    "PATCH /api/v1/roles/{pk}/": lambda s: Example(
        f"/api/v1/roles/{s.role.pk}/", {"permissions": ["catalog.view"]}, headers=_if_match(s.role)
    ),
    "DELETE /api/v1/roles/{pk}/": lambda s: Example(
        f"/api/v1/roles/{s.role.pk}/", status=204, headers=_if_match(s.role)
    ),
    "GET /api/v1/security-events/": plain("/api/v1/security-events/"),
    "GET /api/v1/role-assignments/": plain("/api/v1/role-assignments/"),
    "POST /api/v1/role-assignments/": lambda s: Example(
        "/api/v1/role-assignments/",
        {"user": str(s.user.pk), "role": "librarian", "branch": s.branch.code},
        201,
    ),
    "DELETE /api/v1/role-assignments/{pk}/": lambda s: Example(
        f"/api/v1/role-assignments/{s.assignment.pk}/", status=204
    ),
    "GET /api/v1/settings/": plain("/api/v1/settings/"),
    "PATCH /api/v1/settings/": _settings_patch,
    "GET /api/v1/visits/": plain("/api/v1/visits/"),
    "POST /api/v1/visits/{visit_id}/end/": lambda s: Example(f"/api/v1/visits/{s.visit.pk}/end/", {}),
    "GET /api/v1/audit/": plain("/api/v1/audit/"),
    "GET /api/v1/domains/": plain("/api/v1/domains/"),
    "POST /api/v1/domains/": lambda s: Example(
        "/api/v1/domains/", {"domain": f"{unique('catalogue')}.example.org"}, 201
    ),
    **MEMBERS,
    "GET /api/v1/service-accounts/": plain("/api/v1/service-accounts/"),
    "POST /api/v1/service-accounts/": _code_and_name("/api/v1/service-accounts/"),
    "GET /api/v1/service-accounts/{pk}/": lambda s: Example(
        f"/api/v1/service-accounts/{s.service_account.pk}/"
    ),
    "PATCH /api/v1/service-accounts/{pk}/": lambda s: Example(
        f"/api/v1/service-accounts/{s.service_account.pk}/", {"name": "Renamed"}
    ),
    "DELETE /api/v1/service-accounts/{pk}/": lambda s: Example(
        f"/api/v1/service-accounts/{s.service_account.pk}/", status=204
    ),
    "GET /api/v1/api-keys/": plain("/api/v1/api-keys/"),
    "POST /api/v1/api-keys/": plain(
        "/api/v1/api-keys/", body={"name": "Website", "permissions": ["catalog.view"]}, status=201
    ),
    "GET /api/v1/api-keys/{pk}/": lambda s: Example(f"/api/v1/api-keys/{s.api_key.pk}/"),
    "DELETE /api/v1/api-keys/{pk}/": lambda s: Example(f"/api/v1/api-keys/{s.api_key.pk}/", status=204),
    "POST /api/v1/api-keys/{pk}/rotate/": lambda s: Example(
        f"/api/v1/api-keys/{s.api_key.pk}/rotate/", {}, 201
    ),
    "DELETE /api/v1/domains/{pk}/": lambda s: Example(f"/api/v1/domains/{s.domain.pk}/", status=204),
    # Nobody has written the record: who may ask is told so (tests/shared_apps/tenants has the rest).
    "POST /api/v1/domains/{pk}/verify/": lambda s: Example(f"/api/v1/domains/{s.domain.pk}/verify/", {}, 409),
    **FEDERATION,
    "GET /api/v1/branches/": plain("/api/v1/branches/"),
    "POST /api/v1/branches/": _code_and_name("/api/v1/branches/", time_zone="Europe/Rome"),
    "GET /api/v1/branches/{pk}/": lambda s: Example(f"/api/v1/branches/{s.branch.pk}/"),
    "PATCH /api/v1/branches/{pk}/": lambda s: Example(
        f"/api/v1/branches/{s.branch.pk}/", {"name": "Renamed"}, headers=_if_match(s.branch)
    ),
    "GET /api/v1/collections/": plain("/api/v1/collections/"),
    "POST /api/v1/collections/": _code_and_name("/api/v1/collections/"),
    "GET /api/v1/collections/{pk}/": lambda s: Example(f"/api/v1/collections/{s.collection.pk}/"),
    "PATCH /api/v1/collections/{pk}/": lambda s: Example(
        f"/api/v1/collections/{s.collection.pk}/", {"name": "Renamed"}, headers=_if_match(s.collection)
    ),
    "DELETE /api/v1/collections/{pk}/": lambda s: Example(
        f"/api/v1/collections/{s.collection.pk}/", status=204, headers=_if_match(s.collection)
    ),
    "GET /api/v1/search/": plain("/api/v1/search/?q=secret"),
    "GET /api/v1/titles/": plain("/api/v1/titles/"),
    "POST /api/v1/titles/": plain("/api/v1/titles/", body={"title": "A Made-up Title"}, status=201),
    "GET /api/v1/titles/{pk}/": lambda s: Example(f"/api/v1/titles/{s.title.pk}/"),
    "PATCH /api/v1/titles/{pk}/": lambda s: Example(
        f"/api/v1/titles/{s.title.pk}/", {"year": 1998}, headers=_if_match(s.title)
    ),
    "GET /api/v1/titles/{pk}/marc/": lambda s: Example(f"/api/v1/titles/{s.title.pk}/marc/"),
    "GET /api/v1/titles/{pk}/availability/": lambda s: Example(f"/api/v1/titles/{s.title.pk}/availability/"),
    "GET /api/v1/titles/{pk}/shares/": lambda s: Example(f"/api/v1/titles/{s.title.pk}/shares/"),
    "POST /api/v1/titles/{pk}/shares/": lambda s: Example(
        f"/api/v1/titles/{s.title.pk}/shares/", {"user": str(s.user.pk), "permission": "edit"}, 201
    ),
    "DELETE /api/v1/title-shares/{pk}/": lambda s: Example(f"/api/v1/title-shares/{s.share.pk}/", status=204),
    "GET /api/v1/item-types/": plain("/api/v1/item-types/"),
    "POST /api/v1/item-types/": _code_and_name("/api/v1/item-types/"),
    "GET /api/v1/copies/": plain("/api/v1/copies/"),
    "POST /api/v1/copies/": _copy,
    "GET /api/v1/copies/by-barcode/{barcode}/": lambda s: Example(
        f"/api/v1/copies/by-barcode/{s.copy.barcode}/"
    ),
    "GET /api/v1/copies/{pk}/": lambda s: Example(f"/api/v1/copies/{s.copy.pk}/"),
    "PATCH /api/v1/copies/{pk}/": lambda s: Example(
        f"/api/v1/copies/{s.copy.pk}/", {"call_number": "813.54"}, headers=_if_match(s.copy)
    ),
    "GET /api/v1/imports/": plain("/api/v1/imports/"),
    "POST /api/v1/imports/": _upload,
    "GET /api/v1/imports/{pk}/": lambda s: Example(f"/api/v1/imports/{s.job.pk}/"),
    "GET /api/v1/imports/{pk}/records/": lambda s: Example(f"/api/v1/imports/{s.job.pk}/records/"),
    "POST /api/v1/imports/{pk}/cancel/": lambda s: Example(f"/api/v1/imports/{s.queued_job.pk}/cancel/"),
    "GET /api/v1/patron-categories/": plain("/api/v1/patron-categories/"),
    "POST /api/v1/patron-categories/": _code_and_name("/api/v1/patron-categories/"),
    "GET /api/v1/patrons/": plain("/api/v1/patrons/"),
    "POST /api/v1/patrons/": _patron,
    "GET /api/v1/patrons/by-card/{card}/": lambda s: Example(f"/api/v1/patrons/by-card/{s.card.number}/"),
    "GET /api/v1/patrons/{pk}/": lambda s: Example(f"/api/v1/patrons/{s.patron.pk}/"),
    "PATCH /api/v1/patrons/{pk}/": lambda s: Example(
        f"/api/v1/patrons/{s.patron.pk}/", {"name": "Ada King"}, headers=_if_match(s.patron)
    ),
    "GET /api/v1/patrons/{pk}/loans/": lambda s: Example(f"/api/v1/patrons/{s.patron.pk}/loans/"),
    "GET /api/v1/loans/": plain("/api/v1/loans/"),
    "POST /api/v1/loans/": _loan,
    "GET /api/v1/loans/{pk}/": lambda s: Example(f"/api/v1/loans/{s.loan.pk}/"),
    "POST /api/v1/returns/": _return,
    "GET /api/v1/loan-rules/": plain("/api/v1/loan-rules/"),
    "POST /api/v1/loan-rules/": _rule,
    "GET /api/v1/loan-rules/explain/": _explain,
    "GET /api/v1/loan-rules/{pk}/": lambda s: Example(f"/api/v1/loan-rules/{s.rule.pk}/"),
    "PATCH /api/v1/loan-rules/{pk}/": lambda s: Example(
        f"/api/v1/loan-rules/{s.rule.pk}/", {"value": 21}, headers=_if_match(s.rule)
    ),
    "DELETE /api/v1/loan-rules/{pk}/": lambda s: Example(
        f"/api/v1/loan-rules/{s.rule.pk}/", status=204, headers=_if_match(s.rule)
    ),
    **PAGES,
}


# -- the public site ------------------------------------------------------------------------------------------------------


def sign_up_values(name: str) -> dict[str, str]:
    """Values that a sign-up for the subdomain `name` is accepted with, over the API and by the form."""
    return {
        "library_name": "Meadow Library",
        "subdomain": name,
        "admin_name": "Mia Meadow",
        "admin_email": f"mia@{name}.example",
        "password": "seven wild ponies sing",
        "plan": "free",
        "country": "IT",
        "language": "en",
        "time_zone": "Europe/Rome",
    }


def stripe_event(**changes: Any) -> dict[str, Any]:
    """A small Stripe event with an id of its own."""
    event = {"id": unique("evt_"), "object": "event", "type": "invoice.paid", "created": 1_790_000_000}
    return {**event, "livemode": False, "api_version": "2026-01-01", "data": {"object": {}}, **changes}


def signed_webhook(
    event: Mapping[str, Any], *, secret: str | None = None, at: float | None = None
) -> Example:
    """The request that Stripe makes for an event: `secret` by default the configured one, `at` now (Unix seconds)."""
    payload, moment = json.dumps(event).encode(), int(at if at is not None else time.time())
    key = (secret if secret is not None else settings.STRIPE_WEBHOOK_SECRETS[0]).encode()
    signature = hmac.new(key, f"{moment}.".encode() + payload, hashlib.sha256).hexdigest()
    headers = {"Stripe-Signature": f"t={moment},v1={signature}"}
    return Example("/billing/stripe/webhook/", raw=payload, headers=headers)


def _used_token(scene: PublicScene) -> str:
    row = scene.used_sign_up
    return tokens.token_for(row.pk, row.token_nonce)


def _token(scene: PublicScene) -> str:
    return tokens.token_for(scene.sign_up.pk, scene.sign_up.token_nonce)


def _command(name: str) -> Builder:
    return lambda scene: Example(
        f"/api/v1/platform/libraries/{scene.library.pk}/{name}/", {"reason": "Asked for by the library"}
    )


def _visit_to_end(scene: PublicScene) -> Example:
    from saas.core.principals import Principal
    from shared_apps.platform.services import begin_visit

    begun = begin_visit(
        library_id=scene.visited.pk,
        staff=Principal(user_id=scene.members[SUPPORT].pk, name="Stella Staff"),
        reason="Ticket 118",
        minutes=30,
        access="read",
        now=clock.now(),
    )
    return Example(f"/api/v1/platform/visits/{begun.visit.pk}/end/", {})


PUBLIC: dict[str, Builder] = {
    **AUTH,
    **DOCUMENTS,
    **PASSWORD_PAGES,
    "GET /api/v1/plans/": plain("/api/v1/plans/"),
    "GET /api/v1/signup/availability/": plain("/api/v1/signup/availability/?subdomain=meadow"),
    "POST /api/v1/signup/": lambda s: Example("/api/v1/signup/", sign_up_values(unique("meadow")), 202),
    # A used link: everybody may try, and making a library takes seconds (tests/shared_apps/signup has it).
    "POST /api/v1/signup/verify/": lambda s: Example(
        "/api/v1/signup/verify/", {"token": _used_token(s)}, 409
    ),
    "GET /api/v1/signup/{sign_up_id}/": lambda s: Example(f"/api/v1/signup/{s.sign_up.pk}/"),
    # Without its token it is not there.
    "GET /metrics": plain("/metrics", status=404),
    "GET /api/v1/platform/libraries/": plain("/api/v1/platform/libraries/"),
    "GET /api/v1/platform/migrations/": plain("/api/v1/platform/migrations/"),
    "GET /api/v1/platform/security-events/": plain("/api/v1/platform/security-events/"),
    "GET /api/v1/platform/libraries/{library_id}/": lambda s: Example(
        f"/api/v1/platform/libraries/{s.library.pk}/"
    ),
    **{
        f"POST /api/v1/platform/libraries/{{library_id}}/{name}/": _command(name)
        for name in ("suspend", "resume", "restrict", "close", "restore")
    },
    "POST /api/v1/platform/libraries/{library_id}/impersonate/": lambda s: Example(
        f"/api/v1/platform/libraries/{s.visited.pk}/impersonate/",
        {"reason": "Ticket 118", "minutes": 30},
        201,
    ),
    "GET /api/v1/platform/visits/": plain("/api/v1/platform/visits/"),
    "POST /api/v1/platform/visits/{visit_id}/end/": _visit_to_end,
    "POST /api/v1/platform/libraries/{library_id}/delete/": lambda s: Example(
        f"/api/v1/platform/libraries/{s.closed_library.pk}/delete/", {"reason": "Contract ended"}, 201
    ),
    "GET /api/v1/platform/deletions/": plain("/api/v1/platform/deletions/"),
    "POST /api/v1/platform/deletions/{request_id}/approve/": lambda s: Example(
        f"/api/v1/platform/deletions/{s.deletion.pk}/approve/", {}
    ),
    "POST /api/v1/platform/deletions/{request_id}/reject/": lambda s: Example(
        f"/api/v1/platform/deletions/{s.deletion.pk}/reject/", {}
    ),
    "GET /api/v1/platform/staff/": plain("/api/v1/platform/staff/"),
    "POST /api/v1/platform/staff/": lambda s: Example(
        "/api/v1/platform/staff/",
        {"email": f"{unique('new')}@platform.example", "name": "Nora New", "roles": ["support"]},
        201,
    ),
    "PATCH /api/v1/platform/staff/{pk}/": lambda s: Example(
        f"/api/v1/platform/staff/{s.staff.pk}/", {"roles": ["billing"]}
    ),
    "POST /api/v1/platform/staff/{pk}/deactivate/": lambda s: Example(
        f"/api/v1/platform/staff/{s.staff.pk}/deactivate/", {}
    ),
    "GET /api/v1/platform/audit/": plain("/api/v1/platform/audit/"),
    "GET /internal/tls/ask": plain("/internal/tls/ask?domain=north.localhost"),
    "POST /billing/stripe/webhook/": lambda s: signed_webhook(stripe_event()),
    "GET /": plain("/"),
    "GET /signup/": plain("/signup/"),
    "POST /signup/": lambda s: Example("/signup/", sign_up_values(unique("meadow")), 303, form=True),
    "GET /signup/check-your-mail/": plain("/signup/check-your-mail/"),
    "GET /signup/verify/": lambda s: Example(f"/signup/verify/?token={_token(s)}"),
    "POST /signup/verify/": lambda s: Example("/signup/verify/", {"token": _used_token(s)}, 409, form=True),
    "GET /robots.txt": plain("/robots.txt"),
}

EXAMPLES: dict[str, dict[str, Builder]] = {"library": LIBRARY, "public": PUBLIC}


def build(site: str, key: str, scene: Any) -> Example:
    """The example of an endpoint for a scene; call it in the scene's own library or in the public schema."""
    return EXAMPLES[site][key](scene)
