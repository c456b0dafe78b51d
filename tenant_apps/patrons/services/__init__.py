"""What others may do with patrons."""

from tenant_apps.patrons.services.cards import replace_cards, report_card_lost
from tenant_apps.patrons.services.categories import create_category, prepare_library, seed_library
from tenant_apps.patrons.services.patrons import (
    PatronChanges,
    create_patron,
    erase_account,
    link_account,
    update_patron,
)

__all__ = [
    "PatronChanges",
    "create_category",
    "create_patron",
    "erase_account",
    "link_account",
    "prepare_library",
    "replace_cards",
    "report_card_lost",
    "seed_library",
    "update_patron",
]
