"""As whom Postgres runs: it refuses to run as root.

An ordinary user runs it as himself. For root there are two ways, tried in this order and noted in the data
folder:

* `namespace`: a user namespace in which our own uid has another number (`unshare --user`): Postgres sees no
  root, its files stay root's, nothing has to be readable for anybody else.
* `nobody`: where user namespaces are forbidden (Docker's default profile,
  `kernel.unprivileged_userns_clone=0`, `user.max_user_namespaces=0`), as the user nobody. The records then
  lie in a folder of nobody's under /var/tmp.

In a namespace root has no power over other users' files, so below a folder that root itself does not own and
may not enter (sudo in somebody's mode-700 home) the records lie under /var/tmp too. macOS has no namespaces:
`nobody`.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from saas.embedded.errors import EmbeddedError

SELF, NAMESPACE, NOBODY = "self", "namespace", "nobody"
# It survives a reboot, unlike /tmp; the folder in it is checked by layout.private_dir.
OUTSIDE = Path("/var/tmp")  # noqa: S108


@dataclass(frozen=True)
class Account:
    """`prefix` goes before the command line; `user` is the (uid, gid) to become first, or None."""

    kind: str
    prefix: tuple[str, ...] = ()
    user: tuple[int, int] | None = None

    def may(self, test: Sequence[str]) -> bool:
        """May it read, write, enter these places? `test` holds expressions of test(1), joined by -a."""
        return run(self, ["/bin/sh", "-c", 'test "$@"', "sh", *test]).returncode == 0


def run(
    account: Account, command: Sequence[str], *, pass_fds: Sequence[int] = ()
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end as `account`, in `/`, and return what it printed."""
    user, group = account.user or (None, None)
    return subprocess.run(  # noqa: S603 (our own command lines)
        [*account.prefix, *command],
        cwd="/",
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        user=user,
        group=group,
        extra_groups=None if account.user is None else [],
        pass_fds=pass_fds,
        check=False,
    )


def environment() -> dict[str, str]:
    """Ours without the variables that Postgres and libpq would take as settings."""
    return {key: value for key, value in os.environ.items() if not key.startswith(("PG", "LC_", "LANG"))}


def named(kind: str) -> Account:
    """The account that an earlier start chose."""
    if kind == SELF:
        return Account(SELF)
    if kind == NAMESPACE:
        # initdb looks its user up by number, so the number inside must be one that the system knows
        return Account(NAMESPACE, prefix=("unshare", "--user", f"--map-user={_nobody().pw_uid}"))
    if kind == NOBODY:
        return Account(NOBODY, user=(_nobody().pw_uid, _nobody().pw_gid))
    raise EmbeddedError(
        f"The data folder was made by a later version (account {kind!r}); choose another folder."
    )


def choose() -> Account:
    """The account for a first start."""
    if os.geteuid() != 0:
        return named(SELF)
    if namespaces_allowed():
        return named(NAMESPACE)
    return named(NOBODY)


def namespaces_allowed() -> bool:
    """Can root make a user namespace here and be somebody else in it?"""
    if shutil.which("unshare") is None:
        return False
    return named(NAMESPACE).may(["-n", "x"])


def _nobody() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam("nobody")
    except KeyError:
        others = [entry for entry in pwd.getpwall() if entry.pw_uid != 0]
    if not others:
        raise EmbeddedError("Postgres refuses to run as root, and this system has no other user; add one.")
    return others[0]
