"""The SQL, written by hand. asyncpg prepares each statement once on a connection and keeps it."""

from tests.benchmarks.peers.asgi_parts import libraries

LIBRARY = libraries.BY_HOST.format(host="$1")

CALLER = """
    SELECT person.id, person.email, person.name, person.language, person.password, person.is_active,
        EXISTS (
            SELECT FROM token_blacklist_outstandingtoken AS token
            LEFT JOIN token_blacklist_blacklistedtoken AS ended ON ended.token_id = token.id
            WHERE token.jti = $2 AND token.user_id = person.id AND ended.id IS NULL
        ) AS session_open,
        EXISTS (
            SELECT FROM mfa_authenticator WHERE user_id = person.id AND type IN ('totp', 'webauthn')
        ) AS has_factor,
        coalesce((SELECT ("values" -> 'admins_need_mfa')::bool FROM preferences_librarypreferences LIMIT 1), false)
            AS factor_asked,
        (
            SELECT coalesce(json_agg(json_build_object(
                'id', held.id::text, 'role', role.code, 'permissions', role.permissions,
                'branch', branch.code, 'collection', collection.code) ORDER BY held.id), '[]')
            FROM access_roleassignment AS held JOIN access_role AS role ON role.id = held.role_id
            LEFT JOIN branches_branch AS branch ON branch.id = held.branch_id
            LEFT JOIN collections_collection AS collection ON collection.id = held.collection_id
            WHERE held.user_id = person.id
        ) AS grants
    FROM accounts_user AS person WHERE person.id = $1
"""

BRANCHES = """
    SELECT id::text, code, name, time_zone FROM branches_branch WHERE code > $1 ORDER BY code LIMIT $2
"""
BRANCH = "SELECT id, code, name, time_zone FROM branches_branch WHERE code = $1"

_COUNTS = """
    LATERAL (
        SELECT count(*) AS total, count(*) FILTER (WHERE copy.damaged_at IS NULL AND NOT copy.not_for_loan
            AND NOT EXISTS (SELECT FROM circulation_loan AS loan
                            WHERE loan.copy_id = copy.id AND loan.returned_at IS NULL)) AS available
        FROM catalog_copy AS copy
        WHERE copy.title_id = title.id AND copy.withdrawn_at IS NULL AND copy.lost_at IS NULL
    ) AS copies
"""

TITLES = f"""
    SELECT title.id::text, title.title, title.subtitle, title.year, title.language, title.isbns,
        title.material_type, copies.total AS copies_total, copies.available AS copies_available,
        copies.available > 0 AS available,
        ARRAY(
            SELECT contributor.name FROM catalog_titlecontributor AS part
            JOIN catalog_contributor AS contributor ON contributor.id = part.contributor_id
            WHERE part.title_id = title.id ORDER BY part.position
        ) AS contributors
    FROM catalog_title AS title, {_COUNTS}
    WHERE title.id < $1 ORDER BY title.id DESC LIMIT $2
"""

TITLE = f"""
    SELECT title.id::text, title.control_number, title.title, title.subtitle, title.statement, title.publisher,
        title.place, title.year, title.language, title.material_type, title.edition, title.extent, title.series,
        title.classification, title.summary, title.isbns, title.issns, title.urls,
        collection.code AS collection, copies.total AS copies_total, copies.available AS copies_available,
        title.created_at, title.updated_at,
        (
            SELECT coalesce(json_agg(json_build_object('id', contributor.id::text, 'name', contributor.name,
                'kind', contributor.kind, 'role', part.role) ORDER BY part.position), '[]')
            FROM catalog_titlecontributor AS part
            JOIN catalog_contributor AS contributor ON contributor.id = part.contributor_id
            WHERE part.title_id = title.id
        ) AS contributors,
        (
            SELECT coalesce(json_agg(json_build_object('id', subject.id::text, 'heading', subject.heading)
                ORDER BY part.position), '[]')
            FROM catalog_titlesubject AS part JOIN catalog_subject AS subject ON subject.id = part.subject_id
            WHERE part.title_id = title.id
        ) AS subjects
    FROM catalog_title AS title LEFT JOIN collections_collection AS collection
        ON collection.id = title.collection_id, {_COUNTS}
    WHERE title.id = $1
"""

PATRON_OF_USER = """
    SELECT patron.id::text, ARRAY(
        SELECT number FROM patrons_card WHERE patron_id = patron.id AND lost_at IS NULL ORDER BY id
    ) AS card_numbers
    FROM patrons_patron AS patron WHERE patron.user_id = $1
"""

# -- the desk: lock, look, decide in Python, write -----------------------------------------------------------------------

LOCK_COPY = "SELECT id FROM catalog_copy WHERE barcode = $1 FOR NO KEY UPDATE"
LOCK_PATRON = """
    SELECT patron.id FROM patrons_patron AS patron JOIN patrons_card AS card ON card.patron_id = patron.id
    WHERE card.number = $1 FOR NO KEY UPDATE OF patron
"""

CHECKOUT_FACTS = """
    SELECT title.id::text AS title_id, title.title, copy.item_type_id, copy.withdrawn_at, copy.lost_at,
        copy.damaged_at, copy.not_for_loan, card.lost_at AS card_lost_at, patron.expires_on,
        EXISTS (SELECT FROM circulation_loan WHERE copy_id = copy.id AND returned_at IS NULL) AS is_on_loan,
        (
            SELECT coalesce(json_agg(json_build_object('branch_id', loan.branch_id, 'item_type_id', lent.item_type_id)),
                '[]')
            FROM circulation_loan AS loan JOIN catalog_copy AS lent ON lent.id = loan.copy_id
            WHERE loan.patron_id = patron.id AND loan.returned_at IS NULL
        ) AS loans,
        (
            SELECT coalesce(json_agg(json_build_object('id', rule.id, 'name', rule.name, 'value', rule.value,
                'branch_id', rule.branch_id, 'category_id', rule.category_id, 'item_type_id', rule.item_type_id)), '[]')
            FROM circulation_loanrule AS rule
            WHERE rule.category_id IS NULL OR rule.category_id = patron.category_id
        ) AS rules
    FROM catalog_copy AS copy JOIN catalog_title AS title ON title.id = copy.title_id,
        patrons_patron AS patron JOIN patrons_card AS card ON card.patron_id = patron.id
    WHERE copy.id = $1 AND patron.id = $2 AND card.number = $3
"""

_PLACED = """
    placed AS (
        UPDATE catalog_copy SET current_branch_id = {branch}, lost_at = NULL, version = version + 1
        WHERE id = {copy} AND (current_branch_id <> {branch} OR lost_at IS NOT NULL)
    )
"""
_ENTRY = """
    entry AS (
        INSERT INTO audit_auditentry
            (at, action, target_type, target_id, actor_kind, actor_user_id, actor_label, request_id, changes)
        SELECT {now}, {action}, 'circulation.loan', loan.id::text, 'person', {user}, '', {request}, {changes}::jsonb
        FROM loan
    )
"""
_MESSAGE = """
    message AS (
        INSERT INTO delivery_outboxmessage
            (kind, payload, dedupe_key, created_at, available_at, attempts, last_error)
        SELECT {action}, jsonb_build_object('loan', loan.id), {action} || ':' || loan.id, {now}, {now}, 0, ''
        FROM loan
    )
"""

LEND = f"""
    WITH loan AS (
        INSERT INTO circulation_loan (version, copy_id, patron_id, card_number, branch_id, checked_out_at,
            checked_out_by_id, due_at, renewals, rules)
        VALUES (1, $1, $2, $3, $4, $5, $6, $7, 0, $8::jsonb)
        ON CONFLICT DO NOTHING RETURNING id
    ), {_PLACED.format(branch="$4", copy="$1")},
    {_ENTRY.format(now="$5", action="'loan.created'", user="$6", request="$9", changes="$10")},
    {_MESSAGE.format(now="$5", action="'loan.created'")}
    SELECT id::text FROM loan
"""

RETURN_FACTS = """
    SELECT copy.withdrawn_at, copy.lost_at, copy.current_branch_id, copy.home_branch_id, home.code AS home_branch,
        title.id::text AS title_id, title.title, loan.id AS loan_id, loan.patron_id::text AS patron, loan.card_number,
        lent_at.code AS branch, loan.checked_out_at, loan.due_at, loan.renewals
    FROM catalog_copy AS copy JOIN catalog_title AS title ON title.id = copy.title_id
    JOIN branches_branch AS home ON home.id = copy.home_branch_id
    LEFT JOIN circulation_loan AS loan ON loan.copy_id = copy.id AND loan.returned_at IS NULL
    LEFT JOIN branches_branch AS lent_at ON lent_at.id = loan.branch_id
    WHERE copy.id = $1
"""

CLOSE = f"""
    WITH loan AS (
        UPDATE circulation_loan SET returned_at = $3, effective_return_at = $4, return_branch_id = $5,
            returned_by_id = $6, version = version + 1
        WHERE id = $1 AND returned_at IS NULL RETURNING id
    ), {_PLACED.format(branch="$5", copy="$2")},
    {_ENTRY.format(now="$3", action="'loan.returned'", user="$6", request="$7", changes="$8")},
    {_MESSAGE.format(now="$3", action="'loan.returned'")}
    SELECT id FROM loan
"""

HAND_IN = f"""
    WITH loan AS (SELECT $1::bigint AS id), {_PLACED.format(branch="$2", copy="$1")},
    {_ENTRY.format(now="$3", action="'copy.handed_in'", user="$4", request="$5", changes="$6")}
    SELECT id FROM loan
"""
