"""Which app's tables live where. Reviewed like a schema: moving a line moves tables in every library.

An app in both lists has its tables in `public` and in each library's schema; the two never see each other, because
`public` is not on a library's search path (docs/adr/0001).
"""

# The same tables in the public schema (platform staff) and in each library (its people).
IN_BOTH = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "shared_apps.accounts",
    "shared_apps.audit",
    "shared_apps.delivery",
    "shared_apps.security",
    "allauth.account",
    "allauth.mfa",
    "rest_framework_simplejwt.token_blacklist",
]

# No tables of their own; listed once, with the public apps.
WITHOUT_TABLES = [
    "django_tenants",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "saas.core",
    "saas.demo",
    "allauth",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "csp",
    "corsheaders",
    "shared_apps.entitlements",
]

SHARED_APPS = [
    # Before django_tenants: their `migrate_schemas` is ours.
    "shared_apps.fleet",
    "shared_apps.tenants",
    *WITHOUT_TABLES,
    *IN_BOTH,
    "shared_apps.signup",
    "shared_apps.platform",
    "billing",
]

TENANT_APPS = [
    *IN_BOTH,
    # guardian only in libraries: in the public schema a grant on row 1 would be true for row 1 of every library.
    "guardian",
    "tenant_apps.preferences",
    "tenant_apps.branches",
    "tenant_apps.federation",
    "tenant_apps.collections",
    "tenant_apps.keys",
    "tenant_apps.access",
    "tenant_apps.visits",
    "tenant_apps.members",
    "tenant_apps.catalog",
    "tenant_apps.patrons",
    "tenant_apps.circulation",
]

INSTALLED_APPS = list(dict.fromkeys([*SHARED_APPS, *TENANT_APPS]))
