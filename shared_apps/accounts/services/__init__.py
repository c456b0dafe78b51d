"""What other apps call to make accounts and to open and end sessions, in whichever schema is current."""

from shared_apps.accounts.clients import Client
from shared_apps.accounts.models import User
from shared_apps.accounts.services.email_change import confirm_email_change, request_email_change
from shared_apps.accounts.services.erasure import erase_account
from shared_apps.accounts.services.membership import (
    approve_user,
    deactivate_user,
    reactivate_user,
    refuse_user,
)
from shared_apps.accounts.services.own_factors import (
    Asker,
    Enrolled,
    PendingApp,
    Proof,
    begin_app,
    confirm_app,
    enrol_app,
    pending_app,
    remove,
    remove_app,
    renew_recovery_codes,
    reset_factors,
)
from shared_apps.accounts.services.own_sessions import end_other_sessions, end_own_session
from shared_apps.accounts.services.passwords import (
    change_password,
    check_new_password,
    check_reset_link,
    request_password_reset,
    require_password,
    reset_link_parts,
    reset_password,
)
from shared_apps.accounts.services.profiles import change_profile
from shared_apps.accounts.services.registration import (
    Verified,
    register,
    register_proved,
    resend_code,
    verify_email,
)
from shared_apps.accounts.services.second_factors import check_code, methods_of, require_code
from shared_apps.accounts.services.sessions import (
    SessionTokens,
    end_all_sessions,
    end_session,
    purge_sessions,
    refresh_session,
    sign_out,
    start_session,
)
from shared_apps.accounts.services.signing_in import (
    Credentials,
    SignedIn,
    sign_in,
    sign_in_proved,
    sign_in_with_passkey,
)
from shared_apps.accounts.services.users import create_first_user, create_user

__all__ = [
    "Asker",
    "Client",
    "Credentials",
    "Enrolled",
    "PendingApp",
    "Proof",
    "SessionTokens",
    "SignedIn",
    "User",
    "Verified",
    "approve_user",
    "begin_app",
    "change_password",
    "change_profile",
    "check_code",
    "check_new_password",
    "check_reset_link",
    "confirm_app",
    "confirm_email_change",
    "create_first_user",
    "create_user",
    "deactivate_user",
    "end_all_sessions",
    "end_other_sessions",
    "end_own_session",
    "end_session",
    "enrol_app",
    "erase_account",
    "methods_of",
    "pending_app",
    "purge_sessions",
    "reactivate_user",
    "refresh_session",
    "refuse_user",
    "register",
    "register_proved",
    "remove",
    "remove_app",
    "renew_recovery_codes",
    "request_email_change",
    "request_password_reset",
    "require_code",
    "require_password",
    "resend_code",
    "reset_factors",
    "reset_link_parts",
    "reset_password",
    "sign_in",
    "sign_in_proved",
    "sign_in_with_passkey",
    "sign_out",
    "start_session",
    "verify_email",
]
