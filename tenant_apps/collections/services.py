"""Making, changing and removing collections."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.db import models, transaction
from django.db.models import ProtectedError

from saas.core.db.integrity import refused_if_taken
from saas.core.errors import NotFound
from saas.core.principals import Actor
from shared_apps.audit import services as audit
from tenant_apps.collections.errors import CollectionCodeTaken, CollectionInUse
from tenant_apps.collections.models import Collection

Expectation = Callable[[Collection], None]


def create_collection(*, code: str, name: str, by: Actor, now: datetime) -> Collection:
    """Make a collection. Raises CollectionCodeTaken."""
    collection = Collection(code=code, name=name)
    with transaction.atomic():
        with refused_if_taken(CollectionCodeTaken):
            collection.save(force_insert=True)
        changes = {"code": code, "name": name}
        audit.record(action="collection.created", target=collection, by=by, changes=changes, now=now)
    return collection


def rename_collection(
    *, collection_id: int, name: str, by: Actor, now: datetime, expect: Expectation | None = None
) -> Collection:
    """Give a collection another name; its code stays, clients name it by that. The same name changes nothing.

    `expect` is called with the locked row and raises if the caller saw another version. Raises NotFound.
    """
    with transaction.atomic():
        collection = _checked(Collection.objects.select_for_update(no_key=True), collection_id, expect)
        if collection.name == name:
            return collection
        changes = {"name": [collection.name, name]}
        collection.name = name
        collection.bump()
        collection.save(update_fields=["name", "version"])
        audit.record(action="collection.changed", target=collection, by=by, changes=changes, now=now)
    return collection


def delete_collection(
    *, collection_id: int, by: Actor, now: datetime, expect: Expectation | None = None
) -> None:
    """Remove a collection that nothing refers to any more. Raises NotFound, CollectionInUse.

    The full lock keeps out whoever is about to put a title into it (`lock_collection`).
    """
    with transaction.atomic():
        collection = _checked(Collection.objects.select_for_update(), collection_id, expect)
        changes = {"code": collection.code, "name": collection.name}
        audit.record(action="collection.deleted", target=collection, by=by, changes=changes, now=now)
        try:
            collection.delete()
        except ProtectedError as error:
            raise CollectionInUse from error


def lock_collection(collection_id: int) -> Collection:
    """Hold a collection until the transaction ends, so that it is not deleted meanwhile. Raises NotFound."""
    return _checked(Collection.objects.select_for_update(no_key=True), collection_id, None)


def _checked(rows: models.QuerySet[Collection], collection_id: int, expect: Expectation | None) -> Collection:
    collection = rows.filter(pk=collection_id).first()
    if collection is None:
        raise NotFound
    if expect is not None:
        expect(collection)
    return collection
