"""The permission check of every API view: what is not declared is refused.

No view is imported here: DRF loads its default classes while its views module is still loading.
"""

import logging
from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from saas.core.errors import (
    DomainError,
    MethodNotAllowed,
    MfaEnrolmentRequired,
    NotAuthenticated,
    PermissionDenied,
)
from saas.core.principals import Principal, principal_of

logger = logging.getLogger(__name__)


class HasDeclaredPermission(BasePermission):
    """Lets a caller through who holds the permission that the view declares for this method or action.

    A permission held for one branch alone opens the route; the look-up of the row must then keep to that
    branch. A row that can be shared with a person opens its own route to them (`shareable`); the look-up must then ask
    for the share. A view that declares nothing is refused: deny by default (ASVS 8.2.1).
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        """Return True.

        Raises NotAuthenticated (401), PermissionDenied or MfaEnrolmentRequired (403), MethodNotAllowed (405).
        """
        key = declared_key(request, view)
        declared = getattr(view, "permissions", {})
        if key is None:
            raise MethodNotAllowed
        if key not in declared:
            logger.error("no permission is declared for %s of %s", key, type(view).__qualname__)
            raise PermissionDenied
        permission = declared[key]
        if permission is None:
            return True
        principal = principal_of(request)
        if principal.may_anywhere(permission):
            return True
        if key in getattr(view, "shareable", frozenset()) and principal.may_have_shares:
            return True
        raise refusal_for(principal)


def refusal_for(principal: Principal) -> DomainError:
    """Why this caller, who lacks a permission, is refused."""
    if principal.lacks_factor:
        return MfaEnrolmentRequired()
    return PermissionDenied() if principal.is_authenticated else NotAuthenticated()


def declared_key(request: Request, view: Any) -> str | None:
    """Return the name under which `view` declares the permission of this request.

    It is the action of a view set, else the method, HEAD as GET; None where nothing handles the method.
    """
    method = (request.method or "").lower()
    if hasattr(view, "action_map"):
        action = view.action_map.get(method) or (view.action_map.get("get") if method == "head" else None)
        return str(action) if action else None
    handler = "get" if method == "head" else method
    known = handler in view.http_method_names and hasattr(view, handler)
    return handler.upper() if known and handler != "options" else None
