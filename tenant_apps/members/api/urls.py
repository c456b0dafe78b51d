"""Addresses of members and invitations under /api/v1/."""

from django.urls import path

from tenant_apps.members.api.invitations import AcceptInvitationView, InvitationViewSet
from tenant_apps.members.api.members import MemberViewSet

_COMMANDS = ("deactivate", "reactivate", "approve", "refuse")

urlpatterns = [
    path("members/", MemberViewSet.as_view({"get": "list"}), name="members"),
    path(
        "members/<str:pk>/",
        MemberViewSet.as_view({"get": "retrieve", "patch": "partial_update"}, detail=True),
        name="member",
    ),
    *(
        path(
            f"members/<str:pk>/{command}/",
            MemberViewSet.as_view({"post": command}, detail=True),
            name=f"member-{command}",
        )
        for command in _COMMANDS
    ),
    path(
        "members/<str:pk>/sessions/",
        MemberViewSet.as_view({"delete": "end_sessions"}, detail=True),
        name="member-sessions",
    ),
    path(
        "invitations/",
        InvitationViewSet.as_view({"get": "list", "post": "create"}),
        name="invitations",
    ),
    path("invitations/accept/", AcceptInvitationView.as_view(), name="invitation-accept"),
    path(
        "invitations/<str:pk>/",
        InvitationViewSet.as_view({"get": "retrieve", "delete": "destroy"}, detail=True),
        name="invitation",
    ),
    path(
        "invitations/<str:pk>/resend/",
        InvitationViewSet.as_view({"post": "resend"}, detail=True),
        name="invitation-resend",
    ),
]
