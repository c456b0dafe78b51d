"""Addresses of the desk and of a reader's own account."""

from django.urls import path

from tenant_apps.circulation.pages.account import AccountPage
from tenant_apps.circulation.pages.desk import BranchChoice, CheckoutPage, DeskPage, ReturnPage

urlpatterns = [
    path("account/", AccountPage.as_view(), name="account"),
    path("desk/", DeskPage.as_view(), name="desk"),
    path("desk/branch/", BranchChoice.as_view(), name="desk-branch"),
    path("desk/checkouts/", CheckoutPage.as_view(), name="desk-checkout"),
    path("desk/returns/", ReturnPage.as_view(), name="desk-return"),
]
