"""Addresses of circulation under /api/v1/."""

from django.urls import path

from tenant_apps.circulation.api.rule_views import LoanRuleViewSet
from tenant_apps.circulation.api.views import LoanViewSet, PatronLoanViewSet, ReturnView
from tenant_apps.circulation.rules import PARTS

urlpatterns = [
    path("loans/", LoanViewSet.as_view({"get": "list", "post": "create"}), name="loans"),
    path("loans/<str:pk>/", LoanViewSet.as_view({"get": "retrieve"}, detail=True), name="loan"),
    path("returns/", ReturnView.as_view(), name="returns"),
    path("patrons/<str:pk>/loans/", PatronLoanViewSet.as_view({"get": "list"}), name="patron-loans"),
    path("loan-rules/", LoanRuleViewSet.as_view({"get": "list", "post": "create"}), name="loan-rules"),
    path(
        "loan-rules/explain/",
        LoanRuleViewSet.as_view({"get": "explain"}, pagination_class=None, query_parameters=frozenset(PARTS)),
        name="loan-rule-explain",
    ),
    path(
        "loan-rules/<str:pk>/",
        LoanRuleViewSet.as_view(
            {"get": "retrieve", "patch": "partial_update", "delete": "destroy"}, detail=True
        ),
        name="loan-rule",
    ),
]
