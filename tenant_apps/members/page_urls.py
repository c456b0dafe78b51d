"""Addresses of the pages of this app."""

from django.urls import path

from tenant_apps.members.pages import AcceptInvitationPage

urlpatterns = [path("invitations/accept/", AcceptInvitationPage.as_view(), name="members-accept-invitation")]
