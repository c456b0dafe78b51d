"""Scenes in both libraries and on the public site, shared by the tests of a module."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from saas.core.tenancy import in_library, in_public
from shared_apps.tenants.selectors import find_library_by_subdomain
from tests.database import sandbox
from tests.pages import open_session
from tests.permissions.examples import Example, build
from tests.permissions.matrix import ANONYMOUS
from tests.permissions.scene import PublicScene, Scene, build_public_scene, build_scene


@dataclass(frozen=True)
class Scenes:
    """One of everything in two libraries and on the public site."""

    north: Scene
    south: Scene
    public: PublicScene

    def of(self, site: str) -> Scene | PublicScene:
        """North's scene for the library site, else the public one."""
        return self.north if site == "library" else self.public

    def client(self, scene: Scene | PublicScene, caller: str, *, browser: bool = False) -> Any:
        """A client on the scene's own site, signed in as a role of the matrix: with a token, by `browser` in the pages."""
        from rest_framework.test import APIClient
        from rest_framework_simplejwt.tokens import RefreshToken

        from tests.conftest import client_for

        if isinstance(scene, Scene):
            client = client_for(scene.library, None if caller == ANONYMOUS else caller)
            if browser and caller != ANONYMOUS:
                open_session(client, scene.library, caller)
            return client
        client = APIClient(HTTP_HOST="localhost")
        if caller != ANONYMOUS:
            account = dataclasses.replace(scene, caller=caller).account
            client.credentials(HTTP_AUTHORIZATION=f"Bearer {RefreshToken.for_user(account).access_token}")
        return client

    def example(self, site: str, key: str, scene: Scene | PublicScene, caller: str = ANONYMOUS) -> Example:
        """The example request of an endpoint, built where the scene lives."""
        where = in_library(scene.library) if isinstance(scene, Scene) else in_public()
        with where:
            return build(site, key, dataclasses.replace(scene, caller=caller))


@contextmanager
def open_scenes() -> Iterator[Scenes]:
    """Make the scenes in an open transaction and undo them at the end."""
    with sandbox():
        north, south = find_library_by_subdomain("north"), find_library_by_subdomain("south")
        yield Scenes(build_scene(north), build_scene(south), build_public_scene())
