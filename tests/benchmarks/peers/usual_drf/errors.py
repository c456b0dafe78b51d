"""Refusals of the desk."""

from rest_framework.exceptions import APIException


class Refused(APIException):
    """A refusal with a code that clients decide by."""

    def __init__(self, code: str, status: int = 409) -> None:
        super().__init__({"code": code})
        self.status_code = status
