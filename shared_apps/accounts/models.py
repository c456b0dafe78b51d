"""People who can sign in.

The same table in the public schema (platform staff) and in each library (its people).
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models, transaction
from django.db.models.functions import Lower
from django.utils import timezone

from saas.core.fields import Versioned


class UserManager(BaseUserManager["User"]):
    """Creates users; addresses are compared without regard to case."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """A user with an unusable password unless one is given. Raises ValueError without an address."""
        if not email:
            raise ValueError("a user needs an e-mail address")
        user = self.model(email=self.normalize_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Platform staff with every right on the public site, for `createsuperuser`.

        The address counts as confirmed.
        """
        from allauth.account.models import EmailAddress

        with transaction.atomic():
            user = self.create_user(email, password, **{"is_staff": True, "is_superuser": True, **fields})
            EmailAddress.objects.create(user=user, email=user.email.lower(), verified=True, primary=True)
        return user

    def get_by_natural_key(self, username: str | None) -> User:
        """The user with this address in any spelling of its case."""
        return self.get(email__iexact=username)


class User(AbstractBaseUser, PermissionsMixin, Versioned):
    """One person's account in one library, or on the platform. A person in two libraries has two accounts."""

    email = models.EmailField(max_length=254)
    name = models.CharField(max_length=200, blank=True)
    language = models.CharField(max_length=10, blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    date_joined = models.DateTimeField(default=timezone.now)
    # Inactive until the library's staff has approved or refused the registration.
    awaiting_approval = models.BooleanField(default=False, db_default=False)
    # The person is gone and their values with them; the row stays for what points at it.
    erased_at = models.DateTimeField(null=True)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(Lower("email"), name="accounts_user_email_unique")]

    def __str__(self) -> str:
        return self.email

    def get_full_name(self) -> str:
        """The name a person gave, or the address."""
        return self.name or self.email


class UserSession(models.Model):
    """What the owner of a session is told about it. Whether it is open stands in simplejwt's rows (services.sessions).

    `network` is the network of the address, not the address (clients.network_of); `last_seen_at` the time of the last
    renewal, so that a request writes nothing.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sessions")
    sid = models.CharField(max_length=32, unique=True)
    started_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    user_agent = models.CharField(max_length=200, blank=True)
    network = models.CharField(max_length=50, blank=True)
    opened_with = models.CharField(max_length=20, blank=True)

    def __str__(self) -> str:
        return f"session {self.pk} of user {self.user_id}"


class MailedCode(models.Model):
    """A code on its way to somebody's mailbox, one for each purpose, address and user; and what it will confirm.

    The code itself is nowhere: it is computed from the nonce with a key of the library (services.codes). A row to
    verify an address carries the registration that waits for it, password hash and all, until it is used or purged.
    """

    class Purpose(models.TextChoices):
        """What the code does: verify an address, or give an account another one."""

        VERIFY = "verify"
        CHANGE = "change"

    purpose = models.CharField(max_length=10, choices=Purpose.choices)
    address = models.EmailField(max_length=254)
    user = models.ForeignKey(User, on_delete=models.CASCADE, null=True, related_name="mailed_codes")
    name = models.CharField(max_length=200, blank=True)
    language = models.CharField(max_length=10, blank=True)
    password_hash = models.CharField(max_length=128, blank=True)
    nonce = models.CharField(max_length=32)
    tries = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["purpose", "address", "user"], nulls_distinct=False, name="accounts_code_unique"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} code {self.pk}"
