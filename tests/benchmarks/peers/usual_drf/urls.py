"""The same addresses as the product's."""

from django.urls import include, path
from rest_framework.routers import DefaultRouter
from rest_framework_simplejwt.views import TokenObtainPairView

from tests.benchmarks.peers.usual_drf.views import BranchViewSet, LoanView, MeView, ReturnView, TitleViewSet

router = DefaultRouter()
router.register("branches", BranchViewSet, basename="branch")
router.register("titles", TitleViewSet, basename="title")

urlpatterns = [
    path("api/v1/auth/login/", TokenObtainPairView.as_view(permission_classes=[])),
    path("api/v1/me/", MeView.as_view()),
    path("api/v1/loans/", LoanView.as_view()),
    path("api/v1/returns/", ReturnView.as_view()),
    path("api/v1/", include(router.urls)),
]
