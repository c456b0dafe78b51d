"""`python -m tests.contract.renew`: write docs/api/*.json and docs/deprecations.md anew. Read the difference before you commit it: it is the contract."""

from __future__ import annotations

import os

from tests.contract import deprecations
from tests.contract.documents import FOLDER, SITES, generate, snapshot_of, text_of


def main() -> None:
    """Write both documents, and the page of what will go."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "saas.settings.test")
    import django

    django.setup()
    FOLDER.mkdir(parents=True, exist_ok=True)
    for site in SITES:
        document, said = generate(site)
        snapshot_of(site).write_text(text_of(document))
        print(f"{snapshot_of(site).name}: {len(document['paths'])} paths, {len(said)} warnings")
    deprecations.PAGE.write_text(deprecations.page())


if __name__ == "__main__":
    main()
