"""What sign-up does: take a request, mail its link, make the library, forget what is old."""

from shared_apps.signup.services.expiry import expire_sign_ups
from shared_apps.signup.services.mails import send_verification_mail
from shared_apps.signup.services.requests import request_library
from shared_apps.signup.services.verification import verify

__all__ = ["expire_sign_ups", "request_library", "send_verification_mail", "verify"]
