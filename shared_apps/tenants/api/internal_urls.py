"""What the machines around us ask, below /internal/ of the public site; the proxy shows none of it to the world."""

from django.urls import path

from shared_apps.tenants.api.certificates import ask

urlpatterns = [path("tls/ask", ask, name="tls-ask")]
