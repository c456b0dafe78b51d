"""What a process stands in front of the world: kept connections, sockets, the proxy."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

_KEPT = "tests/saas/core/db/test_kept.py"
_SOCKETS = "tests/saas/core/sockets/test_sockets.py"
_NGINX = "tests/infra/test_nginx.py"
_TEMPLATE = "infra/nginx/libraryhub.conf.template"

FRONTS = (
    Mutation(
        name="sessions-not-looked-at",
        file="saas/core/db/kept.py",
        old="    return not poll.poll(0)\n",
        new="    return True\n",
        tests=(_KEPT,),
        why="after a restart of the server each connection would fail one request",
    ),
    Mutation(
        name="sessions-asked-each-time",
        file="saas/core/db/kept.py",
        old="asks = time.monotonic() - self._used > IDLE_SECONDS or",
        new="asks = True or",
        tests=(f"{_KEPT}::test_a_request_sends_its_own_statements_and_nothing_else",),
        why="each request would cost a round trip more",
    ),
    Mutation(
        name="sessions-see-every-library",
        file="saas/core/db/kept.py",
        old="        if most and len(self._schemas) > most and not self.in_atomic_block:\n            self.close()\n",
        new="",
        tests=(f"{_KEPT}::test_a_session_ends_after_some_libraries_but_not_within_a_request",),
        why="a backend's memory would grow with the number of libraries",
    ),
    Mutation(
        name="sockets-from-any-page",
        file="saas/core/sockets/admission.py",
        old="        raise ForeignOrigin\n",
        new="        return\n",
        tests=(f"{_SOCKETS}::test_a_page_of_another_site_is_refused",),
        why="another site's page would open a socket with the reader's cookies",
    ),
    Mutation(
        name="sockets-of-closed-libraries",
        file="saas/core/sockets/admission.py",
        old="            raise forbidden\n",
        new="            pass\n",
        tests=(f"{_SOCKETS}::test_a_library_that_is_not_open_has_no_sockets",),
        why="a suspended library would go on over sockets",
    ),
    Mutation(
        name="sockets-without-admission",
        file="saas/core/sockets/admission.py",
        old="        route.admits(request)\n",
        new="        pass\n",
        tests=(f"{_SOCKETS}::test_the_route_says_who_is_let_in",),
        why="a route's own rule would never be asked",
    ),
    Mutation(
        name="sockets-of-any-size",
        file="saas/core/sockets/socket.py",
        old="if data is None or _bytes_of(data) > self._limits.message_bytes:",
        new="if data is None:",
        tests=(f"{_SOCKETS}::test_a_message_that_is_too_large_ends_the_socket",),
        why="one client could fill the memory of all",
    ),
    Mutation(
        name="proxy-believes-the-client",
        file=_TEMPLATE,
        old="proxy_set_header X-Forwarded-For $remote_addr;",
        new="proxy_set_header X-Forwarded-For $http_x_forwarded_for;",
        tests=(f"{_NGINX}::test_nothing_that_a_client_says_of_itself_is_believed",),
        why="limits by address would count whatever address the client makes up",
    ),
    Mutation(
        name="libraries-on-any-process",
        file=_TEMPLATE,
        old="    hash $host consistent;\n    ${WEB_SERVERS}\n",
        new="    ${WEB_SERVERS}\n",
        tests=(f"{_NGINX}::test_a_library_finds_the_same_process_and_libraries_spread",),
        why="no prepared plan would live until it is used again",
    ),
    Mutation(
        name="slow-bodies-passed-on",
        file=_TEMPLATE,
        old="    proxy_request_buffering on;\n",
        new="    proxy_request_buffering off;\n",
        tests=(f"{_NGINX}::test_slow_clients_never_reach_a_process",),
        why="slow clients would take the threads of a process",
    ),
)
