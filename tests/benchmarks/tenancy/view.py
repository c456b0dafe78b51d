"""The measured view: three queries on the tables of one library, as JSON. The same code for ours and both peers."""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse
from django.urls import path

from tenant_apps.branches.models import Branch
from tenant_apps.catalog.models import ItemType, Title

PATH = "/three/"


def three(_request: HttpRequest) -> JsonResponse:
    """Branches, item types, and the newest titles."""
    return JsonResponse(
        {
            "branches": list(Branch.objects.order_by("code").values("code", "name")[:10]),
            "item_types": list(ItemType.objects.order_by("code").values("code", "name")[:10]),
            "titles": list(Title.objects.order_by("-id").values("id", "title")[:10]),
        }
    )


urlpatterns = [path(PATH.lstrip("/"), three)]
