"""Whether somebody signs in with a client that they have used before."""

from __future__ import annotations

from shared_apps.accounts.clients import Client, network_of
from shared_apps.accounts.models import User, UserSession
from shared_apps.accounts.services import attempts


def is_new(user: User, client: Client) -> bool:
    """Whether this sign-in is worth a mail to the account's owner.

    A browser is known by its device cookie and by nothing else: readers share the library's own machines, with one
    browser in one network. A client that keeps no cookies (`device` is None) is known by an earlier session with its
    User-Agent from its network. The first sign-in of an account is nobody else's.
    """
    if user.last_login is None or attempts.knows_device(client.device, user):
        return False
    if client.device is not None:
        return True
    earlier = UserSession.objects.filter(user=user, network=network_of(client.address))
    return not earlier.filter(user_agent=client.short_user_agent).exists()
