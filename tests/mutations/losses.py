"""What keeps answered work from getting lost or being done twice."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

_OUTBOX = "tests/shared_apps/delivery/test_outbox.py"
_IDEMPOTENCY = "tests/shared_apps/delivery/test_idempotency.py"
_TASKS = "tests/saas/core/test_tasks.py"
_RACES = "tests/races/test_checkout_races.py"
_IMPORTS = "tests/tenant_apps/catalog/services/test_import_runs.py"

LOSSES = (
    Mutation(
        name="tasks-sent-before-commit",
        file="saas/core/tasks.py",
        old="transaction.on_commit(functools.partial(self._send, arguments, headers))",
        new="self._send(arguments, headers)",
        tests=(f"{_TASKS}::test_nothing_is_sent_when_the_transaction_rolls_back",),
        why="a task would run for rows that were never written",
    ),
    Mutation(
        name="closed-library-takes-tasks",
        file="saas/core/tasks.py",
        old='if library is None or library.status in {"closed", "deleted"}:',
        new="if library is None:",
        tests=(f"{_TASKS}::test_a_library_that_has_closed_is_refused_and_nothing_runs",),
        why="work would go on in a library that is gone",
    ),
    Mutation(
        name="outbox-written-after-commit",
        file="shared_apps/delivery/services/outbox.py",
        old="    insert(message, skip_taken",
        new="    transaction.on_commit(lambda: insert(message)) or (lambda *_, **__: None)(skip_taken",
        tests=(f"{_OUTBOX}::test_many_messages_wake_one_relay",),
        why="a crash between commit and message would lose the message of a change that stands",
    ),
    Mutation(
        name="outbox-without-lease",
        file="shared_apps/delivery/services/outbox.py",
        old="        Q(leased_until=None) | Q(leased_until__lte=now),\n",
        new="",
        tests=(f"{_OUTBOX}::test_a_killed_workers_message_is_taken_up_when_its_lease_ends",),
        why="two workers would deliver one message at the same time",
    ),
    Mutation(
        name="outbox-claims-without-lock",
        file="shared_apps/delivery/services/outbox.py",
        old="_due(now).select_for_update(skip_locked=True).order_by",
        new="_due(now).order_by",
        tests=(f"{_OUTBOX}::test_two_relays_at_once_deliver_each_message_once",),
        why="the same, between looking and leasing",
    ),
    Mutation(
        name="outbox-drops-failures",
        file="shared_apps/delivery/services/outbox.py",
        old="        _put_back(message, error)\n        return\n",
        new="",
        tests=(f"{_OUTBOX}::test_a_failure_is_tried_again_later_and_later_then_parked",),
        why="a message whose handler failed would be lost",
    ),
    Mutation(
        name="outbox-failure-without-lease",
        file="shared_apps/delivery/services/outbox.py",
        old=".filter(pk=message.pk, attempts=message.attempts, delivered_at=None)",
        new=".filter(pk=message.pk)",
        tests=(f"{_OUTBOX}::test_who_fails_after_its_lease_does_not_disturb_who_has_taken_over",),
        why="a slow worker would take the lease of the one that has taken over",
    ),
    Mutation(
        name="sweeper-stops-at-a-bad-library",
        file="saas/core/tasks.py",
        old="            if not connection.is_usable():\n                raise\n",
        new="            raise\n",
        tests=(f"{_OUTBOX}::test_the_sweeper_passes_over_a_library_that_cannot_be_read",),
        why="one library that cannot be read would keep the messages of all after it",
    ),
    Mutation(
        name="loan-without-its-event",
        file="tenant_apps/circulation/services/checkout.py",
        old='        delivery.message_part(kind="loan.created", of="loan", member="loan"),\n',
        new="",
        tests=(
            "tests/tenant_apps/circulation/services/test_checkout.py"
            "::test_audit_and_event_are_written_with_the_loan_and_name_nobody",
        ),
        why="whoever waits for loans would never hear of it",
    ),
    Mutation(
        name="idempotency-key-never-claimed",
        file="shared_apps/delivery/services/idempotency.py",
        old='RETURNING id"',
        new="RETURNING id\".replace('DO NOTHING', 'DO UPDATE SET state = \\'running\\'')",
        tests=(
            f"{_IDEMPOTENCY}::TestOneCaller::test_the_same_request_gets_the_same_answer_and_is_done_once",
        ),
        why="a repeated request would be carried out again",
    ),
    Mutation(
        name="idempotency-key-not-locked",
        file="shared_apps/delivery/services/idempotency.py",
        old="pg_try_advisory_xact_lock(hashtextextended(%(place)s::text, 0)) AS is_free",
        new="true AS is_free",
        tests=(f"{_IDEMPOTENCY}::test_while_the_first_is_running_the_second_is_told_so",),
        why="a repeated request would wait in the insert, for as long as the first one runs",
    ),
    Mutation(
        name="idempotency-insert-fails-on-repeat",
        file="shared_apps/delivery/services/idempotency.py",
        old=" ON CONFLICT (caller, key) DO NOTHING",
        new="",
        tests=(
            f"{_IDEMPOTENCY}::TestOneCaller::test_the_same_request_gets_the_same_answer_and_is_done_once",
        ),
        why="the second request would get a conflict and not the first one's answer",
    ),
    Mutation(
        name="idempotency-ignores-the-body",
        file="shared_apps/delivery/services/idempotency.py",
        old="if of_request != fingerprint:",
        new="if not of_request:",
        tests=(
            f"{_IDEMPOTENCY}::TestOneCaller::test_the_key_with_another_body_is_refused_and_changes_nothing",
        ),
        why="another request would be answered as if it had been carried out",
    ),
    Mutation(
        name="idempotency-shared-by-callers",
        file="shared_apps/delivery/services/idempotency.py",
        old='return f"address:{client_address(request)}"',
        new='return "address"',
        tests=(f"{_IDEMPOTENCY}::TestOneCaller::test_another_caller_with_the_same_key_is_another_request",),
        why="one caller would be shown another's answer",
    ),
    Mutation(
        name="idempotency-shared-behind-a-proxy",
        file="shared_apps/delivery/services/idempotency.py",
        old='return f"address:{client_address(request)}"',
        new="return f\"address:{request.META['REMOTE_ADDR']}\"",
        tests=(f"{_IDEMPOTENCY}::TestOneCaller::test_behind_a_proxy_the_caller_is_the_one_in_front_of_it",),
        why="the same, for all strangers behind one proxy",
    ),
    Mutation(
        name="idempotency-keeps-refused-work",
        file="shared_apps/delivery/services/idempotency.py",
        old="        with transaction.atomic():\n            response = work()",
        new="        if work:\n            response = work()",
        tests=(f"{_IDEMPOTENCY}::TestOneCaller::test_a_refusal_is_stored_and_its_work_undone",),
        why="a refusal would leave half of its work",
    ),
    Mutation(
        name="copy-not-locked",
        file="saas/core/writes/units.py",
        old='sql.SQL("{} FOR NO KEY UPDATE OF {}").format(super()._composed(), sql.Identifier(self._alias))',
        new="super()._composed()",
        tests=("tests/races/test_return_races.py::test_the_second_return_waits_and_finds_the_copy_back",),
        why="two desks would return one loan, each with its own audit entry and event",
    ),
    Mutation(
        name="facts-before-the-locks",
        file="tenant_apps/circulation/services/checkout.py",
        old="    patron = unit.lock(PATRON_BY_CARD, values)\n    if patron is None:\n        raise errors.UnknownCard\n"
        '    values["copy"], values["patron"] = copy[0], patron[0]\n    facts = read_facts(unit, values)\n',
        new="    plain = type(PATRON_BY_CARD).__base__\n"
        "    patron = plain(PATRON_BY_CARD._template, **PATRON_BY_CARD._tables).row(values)\n"
        "    if patron is None:\n        raise errors.UnknownCard\n"
        '    values["copy"], values["patron"] = copy[0], patron[0]\n    facts = read_facts(unit, values)\n'
        "    unit._has_looked = False\n    unit.lock(PATRON_BY_CARD, values)\n",
        tests=(f"{_RACES}::test_a_card_reported_lost_while_the_desk_waits_is_refused",),
        why="what was true before the wait would decide: a card reported lost meanwhile would be lent on",
    ),
    Mutation(
        name="locks-in-any-order",
        file="saas/core/writes/units.py",
        old="        if lock.place < reached:\n",
        new="        if lock.place < 0:\n",
        tests=(
            "tests/saas/core/writes/test_writes.py"
            "::test_locking_against_the_order_raises_before_anything_is_locked",
        ),
        why="two commands could wait for each other in a circle, and one of them would fail",
    ),
    Mutation(
        name="locks-after-the-facts",
        file="saas/core/writes/units.py",
        old="        if self._has_looked:\n",
        new="        if False:\n",
        tests=("tests/saas/core/writes/test_writes.py::test_locking_after_the_facts_raises",),
        why="a command could decide by what was true before it waited for its lock",
    ),
    Mutation(
        name="refusal-commits-what-was-written",
        file="saas/core/writes/units.py",
        old="                if is_outermost or unit.has_written:\n",
        new="                if is_outermost:\n",
        tests=(
            "tests/saas/core/writes/test_writes.py::test_an_error_that_somebody_swallows_undoes_what_was_written_all_the_same",
        ),
        why="a refusal would leave half of its work in the transaction around it",
    ),
    Mutation(
        name="broker-told-inside-the-request",
        file="shared_apps/delivery/services/waking.py",
        old="        if current_app.conf.task_always_eager:\n",
        new="        if True:\n",
        tests=("tests/shared_apps/delivery/test_waking.py::test_a_request_leaves_the_broker_to_the_thread",),
        why="a broker that is slow would keep every desk waiting",
    ),
    Mutation(
        name="forked-process-without-its-thread",
        file="shared_apps/delivery/services/waking.py",
        old="    waker.forget()\n",
        new="    pass\n",
        tests=("tests/shared_apps/delivery/test_waking.py::test_a_forked_process_has_a_thread_of_its_own",),
        why="a worker that was forked would wake nobody, and messages would wait for the sweeper",
    ),
    Mutation(
        name="second-open-loan-is-a-crash",
        file="tenant_apps/circulation/services/checkout.py",
        old='ending="ON CONFLICT DO NOTHING RETURNING',
        new='ending="RETURNING',
        tests=("tests/tenant_apps/circulation/services/test_checkout.py::test_the_index_is_the_last_guard",),
        why="the last guard against a double loan would answer as our fault",
    ),
    Mutation(
        name="limit-counted-without-lock",
        file="tenant_apps/circulation/services/checkout.py",
        old="    patron = unit.lock(PATRON_BY_CARD, values)\n",
        new="    plain = type(PATRON_BY_CARD).__base__\n    patron = plain(PATRON_BY_CARD._template, **PATRON_BY_CARD._tables).row(values)\n",
        tests=(f"{_RACES}::test_s6_the_last_allowed_loan_goes_to_exactly_one_of_two_desks",),
        why="two desks would each lend the last allowed copy",
    ),
    Mutation(
        name="a-closed-loan-is-returned-again",
        file="tenant_apps/circulation/services/return_facts.py",
        old=" AND {loan.returned_at} IS NULL",
        new="",
        tests=(
            "tests/tenant_apps/circulation/services/test_returns.py"
            "::test_it_may_be_returned_a_second_time_as_a_copy_that_is_not_on_loan",
        ),
        why="a second return would overwrite when and where the first one was",
    ),
    Mutation(
        name="provisioning-in-pieces",
        file="shared_apps/tenants/services/provisioning.py",
        old="    with in_public(), transaction.atomic():\n        library = _insert_library(",
        new="    with in_public():\n        library = _insert_library(",
        tests=("tests/shared_apps/tenants/test_provisioning.py::test_a_seeder_that_fails_leaves_a_spare",),
        why="a crash would leave a library without its admin, and its name taken",
    ),
    Mutation(
        name="spare-claimed-without-a-lock",
        file="shared_apps/fleet/services/schemas.py",
        old="ORDER BY name LIMIT 1 FOR UPDATE SKIP LOCKED",
        new="ORDER BY name LIMIT 1",
        tests=(
            "tests/shared_apps/fleet/services/test_schemas.py"
            "::test_claims_at_once_take_different_spares_and_none_waits",
        ),
        why="two libraries would be made in one schema, or one would wait for the other",
    ),
    Mutation(
        name="spare-half-made",
        file="shared_apps/fleet/services/schemas.py",
        old="            with transaction.atomic(using=OWNER):\n                row.save(",
        new="            with in_public():\n                row.save(",
        tests=(
            "tests/shared_apps/fleet/services/test_schemas.py"
            "::test_a_preparer_that_fails_leaves_nothing_that_could_be_claimed",
        ),
        why="a crash would leave a spare without its starting rows, for the next library to be made in",
    ),
    Mutation(
        name="sign-up-link-not-locked",
        file="shared_apps/signup/services/verification.py",
        old="SignUp.objects.select_for_update().filter(",
        new="SignUp.objects.filter(",
        tests=(
            "tests/shared_apps/signup/test_verification_race.py::test_two_clicks_at_once_make_one_library",
        ),
        why="two clicks would both begin to make the library",
    ),
    Mutation(
        name="import-forgets-its-place",
        file="tenant_apps/catalog/services/imports/batches.py",
        old="    job.next_number, job.next_offset = end.number, end.offset\n",
        new="",
        tests=(f"{_IMPORTS}::test_a_killed_import_goes_on_and_counts_each_record_once",),
        why="a killed import would begin anew and count its records twice",
    ),
    Mutation(
        name="import-runs-twice",
        file="tenant_apps/catalog/services/imports/batches.py",
        old="if job.cancel_requested or (job.next_number, job.next_offset) != (begin.number, begin.offset):",
        new="if job.cancel_requested:",
        tests=(f"{_IMPORTS}::test_two_runners_at_the_same_place_write_one_batch",),
        why="two workers would write the same batch",
    ),
    Mutation(
        name="if-match-ignored",
        file="saas/core/api/etags.py",
        old="    if not any(tag.startswith(prefix) for tag in _tags(header)):\n        raise PreconditionFailed",
        new="    _ = prefix",
        tests=("tests/contract/test_problems.py::test_a_change_without_and_with_an_old_version",),
        why="a change would be lost under another that never saw it",
    ),
    Mutation(
        name="if-match-optional",
        file="saas/core/api/etags.py",
        old="    if header is None:\n        raise PreconditionRequired",
        new="    if header is None:\n        return",
        tests=("tests/contract/test_problems.py::test_a_change_without_and_with_an_old_version",),
        why="the same, for clients who do not send it",
    ),
    Mutation(
        name="webhook-event-stored-twice",
        file="billing/services.py",
        old="            event_id=event.event_id,\n            defaults={",
        new='            event_id=f"{event.event_id}.{now.timestamp()}",\n            defaults={',
        tests=(
            "tests/billing/test_webhook.py::test_the_same_event_again_is_acknowledged_and_changes_nothing",
        ),
        why="Stripe delivers again: a payment would count twice",
    ),
    Mutation(
        name="refresh-token-not-spent",
        file="shared_apps/accounts/services/sessions.py",
        old="            _extend(user, session, now)\n            BlacklistedToken.objects.create(token=row)\n",
        new="            _extend(user, session, now)\n",
        tests=("tests/shared_apps/accounts/test_sessions.py",),
        why="a stolen refresh token would work beside its owner's",
    ),
)
