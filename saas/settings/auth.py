"""Who signs in and how: dj-rest-auth over allauth, JWT signed with a key of the library."""

from datetime import timedelta

AUTH_USER_MODEL = "accounts.User"
# Pages: where people sign in and out, and where they are led afterwards.
LOGIN_URL, LOGOUT_URL, LOGIN_REDIRECT_URL = "/sign-in/", "/sign-out/", "/account/"
# Where people are led who must have a second factor and have none.
ENROLMENT_URL = "/account/security/"
# A browser stays signed in as long as an API client that never renews its session, and no longer (ASVS 7.3.2).
SESSION_COOKIE_AGE = 14 * 24 * 3600
# The address is unique without regard to case, by a constraint on lower(email); the check knows unique=True alone.
SILENCED_SYSTEM_CHECKS = ["auth.W004"]
AUTHENTICATION_BACKENDS = [
    "allauth.account.auth_backends.AuthenticationBackend",
    "guardian.backends.ObjectPermissionBackend",
    "tenant_apps.access.backends.WholeLibraryBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "shared_apps.accounts.password_validation.GuessablePasswordValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("email", "name")},
    },
]
# A mailed link to a new password works once and for an hour.
PASSWORD_RESET_TIMEOUT = 3600

# Second factors: allauth.mfa's models; none of its addresses are ours. Codes of 10 digits are 33 bits (ASVS 6.5.4).
MFA_ADAPTER = "shared_apps.accounts.factor_adapter.FactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_RECOVERY_CODE_COUNT, MFA_RECOVERY_CODE_DIGITS = 10, 10

# Rights of a caller, by site: what the kernel asks, answered by the app that knows (saas.core.principals).
PRINCIPAL_LOADERS = {
    "library": "tenant_apps.access.callers.load_principal",
    "public": "shared_apps.platform.selectors.load_principal",
}
# The row of a token's user and, where one query can bring both, their rights (saas.core.api.authentication).
CALLER_LOADERS = {
    "library": "tenant_apps.access.callers.load_caller",
    "public": "shared_apps.platform.selectors.load_caller",
}
# Visits of platform staff: what the kernel (saas.core.api.visits) and the platform (shared_apps.platform.ports) call in
# the schema of the library that is visited.
VISITS = {
    "admit": "tenant_apps.visits.services.require_admitted",
    "begin": "tenant_apps.visits.services.begin_visit",
    "end": "tenant_apps.visits.services.end_visit",
    "load": "tenant_apps.visits.selectors.load_visit",
    "record": "tenant_apps.visits.services.record_request",
}
# (API key) -> who presents it, in one query, or None; a site without a loader takes no keys.
KEY_LOADERS = {"library": "tenant_apps.access.machines.load_key"}
# What keys ask of the app above them: the names of permissions, and (id of a service account) -> what its roles give.
PERMISSION_NAMES = "tenant_apps.access.rules.PERMISSIONS"
SERVICE_ACCOUNT_RIGHTS = "tenant_apps.access.machines.rights_of_service_account"
# (card number) -> id of the user who may sign in with it, or None.
CARD_ACCOUNT_RESOLVER = "tenant_apps.patrons.selectors.user_id_for_card"
# () -> what the sign-in page offers besides the password: names, and addresses that their forms are sent to.
SIGN_IN_WAYS = "tenant_apps.federation.selectors.ways_in"
# () -> "closed", "approval" or "open": how the current library takes registrations.
REGISTRATION_MODE = "tenant_apps.preferences.selectors.registration_mode"
# (user_id, by, now): gives somebody who has registered what readers have.
READER_ADMITTER = "tenant_apps.access.services.admit_reader"
# Each (user id) -> FieldProblem with the reason why the account must not be closed, or erased, now; None without one.
DEACTIVATION_BLOCKERS = ["tenant_apps.access.services.reason_to_stay"]
ERASURE_BLOCKERS = ["tenant_apps.circulation.services.reason_to_stay"]
# Each (user id) -> members of the export of an account; each (user_id, by, now) forgets what an app holds of it.
ACCOUNT_EXPORTERS = [
    "tenant_apps.access.selectors.export_of_account",
    "tenant_apps.federation.selectors.export_of_account",
    "tenant_apps.catalog.selectors.export_of_account",
    "tenant_apps.patrons.selectors.export_of_account",
    "tenant_apps.circulation.selectors.export_of_account",
]
ACCOUNT_ERASERS = [
    "tenant_apps.access.services.erase_account",
    "tenant_apps.federation.services.erase_account",
    "tenant_apps.catalog.services.erase_account",
    "tenant_apps.patrons.services.erase_account",
    "tenant_apps.members.services.erase_account",
]
# Members that apps add to the answer of /api/v1/me/: each a query set with the Bind `user`, of one column (JSON as
# text) and at most one row, null where it finds none. All of them are one statement.
ME_EXTENSIONS = {"patron": "tenant_apps.patrons.selectors.own_patron"}

# Providers whose addresses are known (tenant_apps.federation): the issuer of Google's tokens, and what GitHub offers.
GOOGLE_ISSUER = "https://accounts.google.com"
GITHUB = {
    "issuer": "https://github.com",
    "authorize": "https://github.com/login/oauth/authorize",
    "token": "https://github.com/login/oauth/access_token",
    "user": "https://api.github.com/user",
    "emails": "https://api.github.com/user/emails",
}

ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
# allauth's signed key holds the address's row number alone and would be true in another library (stack.md, trap 4).
ACCOUNT_EMAIL_CONFIRMATION_HMAC = False
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_RATE_LIMITS = False

GUARDIAN_RAISE_403 = False
ANONYMOUS_USER_NAME = None

# The cookies and tokens are ours (saas.core.api.authentication, shared_apps.accounts); what is set here keeps every
# class of dj-rest-auth that somebody may use later from opening a second way in.
REST_AUTH = {
    "USE_JWT": True,
    "SESSION_LOGIN": False,
    "TOKEN_MODEL": None,
    "OLD_PASSWORD_FIELD_ENABLED": True,
    "LOGOUT_ON_PASSWORD_CHANGE": False,
    "JWT_AUTH_COOKIE_USE_CSRF": True,
    "JWT_AUTH_HTTPONLY": True,
    "JWT_AUTH_SECURE": True,
    "JWT_AUTH_SAMESITE": "Lax",
}
SIMPLE_JWT = {
    "ALGORITHM": "HS256",
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=10),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=14),
    # Web processes on several machines never agree on the second.
    "LEEWAY": 5,
    "ROTATE_REFRESH_TOKENS": True,
    "BLACKLIST_AFTER_ROTATION": True,
    "UPDATE_LAST_LOGIN": False,
    "CHECK_REVOKE_TOKEN": True,
    "REVOKE_TOKEN_CLAIM": "pwd",
    "USER_ID_CLAIM": "sub",
}
# However often it is refreshed, a session ends this long after its sign-in (ASVS 7.3.2).
SESSION_MAX_AGE = timedelta(days=90)
