"""Celery tasks that carry their library explicitly.

A task of a library names it in a header, runs in its schema, and refuses a library that is gone; it never runs
elsewhere (stack.md, traps 14 and 25). Tasks take primitives, leave a transaction only after commit, call one service
and may run twice. A task on its own may be lost with its broker: what must not get lost goes through the outbox.
"""

from __future__ import annotations

import functools
import uuid
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Any, cast

import structlog
from celery import Task, current_app, shared_task
from django.conf import settings
from django.db import DatabaseError, close_old_connections, connection, transaction
from django.utils.module_loading import import_string

from saas.core.logging import bind_log_context, request_id, start_log_context
from saas.core.tenancy import LibraryContext, current_library, in_library, in_public

log = structlog.get_logger(__name__)
LIBRARY_HEADER = "libraryhub_library"
REQUEST_HEADER = "libraryhub_request_id"
# Every task by name; tests/architecture reads that each says where it runs.
REGISTERED: dict[str, TaskHandle] = {}


class LibraryGone(RuntimeError):
    """The task's library was closed for good or never existed; the task fails and nothing runs in its place."""


class _SchemaTask(Task):  # type: ignore[type-arg]
    """Runs its body in one schema, on a connection that is checked first."""

    abstract = True
    scope = "public"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        headers = self.request.get("headers") or {}
        start_log_context(self._header(headers, REQUEST_HEADER) or "")
        bind_log_context(task=self.name)
        if not self.request.is_eager:
            close_old_connections()
        with self._schema(headers):
            return super().__call__(*args, **kwargs)

    def _header(self, headers: dict[str, Any], name: str) -> str | None:
        # Celery flattens custom headers into the request context on some transports.
        found: str | None = headers.get(name) or self.request.get(name)
        return found

    def _schema(self, headers: dict[str, Any]) -> AbstractContextManager[Any]:
        if self.scope == "public":
            return in_public()
        identifier = self._header(headers, LIBRARY_HEADER)
        if not identifier:
            raise LibraryGone(f"task {self.name} was enqueued without a library")
        library = load_library(uuid.UUID(identifier))
        bind_log_context(library=library.subdomain)
        return in_library(library)


def load_library(identifier: uuid.UUID) -> LibraryContext:
    """The library with this id. Raises LibraryGone where there is none or it is closed."""
    find = cast(
        Callable[[uuid.UUID], LibraryContext | None],
        import_string(settings.LIBRARY_BY_ID),
    )
    with in_public():
        library = find(identifier)
    if library is None or library.status in {"closed", "deleted"}:
        raise LibraryGone(f"library {identifier} is gone")
    return library


def in_each_library(libraries: Iterable[LibraryContext], work: Callable[[], object]) -> None:
    """Do the same in each library; one whose schema fails is logged, and the others have their turn.

    Raises what is not an error of the database, and that too where the server itself is away.
    """
    for library in libraries:
        try:
            with in_library(library):
                work()
        except DatabaseError:
            if not connection.is_usable():
                raise
            log.exception("task.library_failed", library=library.subdomain)


class TaskHandle:
    """What `library_task` and `public_task` return: call it to run the body here and now, `enqueue` to send it."""

    def __init__(self, body: Callable[..., None], name: str, scope: str, queue: str) -> None:
        functools.update_wrapper(cast(Any, self), body)
        self.body, self.name, self.scope, self.queue = body, name, scope, queue

    def __call__(self, **arguments: Any) -> None:
        self.body(**arguments)

    def enqueue(self, **arguments: Any) -> None:
        """Send the task after the current transaction commits (at once outside of one); nothing is sent on rollback."""
        headers = {REQUEST_HEADER: request_id()}
        if self.scope == "library":
            headers[LIBRARY_HEADER] = str(current_library().id)
        transaction.on_commit(functools.partial(self._send, arguments, headers))

    def send_at_once(self, library: LibraryContext | None, request: str) -> None:
        """Send the task, without arguments, from a thread that has no connection; `request` is an id for the log."""
        headers = {REQUEST_HEADER: request}
        if library is not None:
            headers[LIBRARY_HEADER] = str(library.id)
        self._send({}, headers)

    def _send(self, arguments: dict[str, Any], headers: dict[str, str]) -> None:
        current_app.tasks[self.name].apply_async(kwargs=arguments, headers=headers, queue=self.queue)


def library_task(
    *, name: str, queue: str = "default", **options: Any
) -> Callable[[Callable[..., None]], TaskHandle]:
    """Declare a task that belongs to one library: it runs in the schema of the library that enqueued it."""
    return functools.partial(_declare, name=name, scope="library", queue=queue, options=options)


def public_task(
    *, name: str, queue: str = "default", **options: Any
) -> Callable[[Callable[..., None]], TaskHandle]:
    """Declare a task that runs in the public schema (sweepers, sign-up, fleet)."""
    return functools.partial(_declare, name=name, scope="public", queue=queue, options=options)


def _declare(
    body: Callable[..., None],
    *,
    name: str,
    scope: str,
    queue: str,
    options: dict[str, Any],
) -> TaskHandle:
    base = type(f"{scope.title()}Task", (_SchemaTask,), {"scope": scope, "abstract": True})
    shared_task(name=name, base=base, queue=queue, **options)(body)  # type: ignore[no-untyped-call]
    REGISTERED[name] = TaskHandle(body, name, scope, queue)
    return REGISTERED[name]
