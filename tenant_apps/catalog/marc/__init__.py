"""Reading and writing MARC 21 (ISO 2709), without a database, settings or Django models.

The way in: `sniff` the beginning of a file, `read_records` (or `split_records` and `parse_record`) for its
records, `extract` for the facts of one. The way out: `to_iso2709`, `to_marcxml`; `build_record` for a title
that was typed in. Everything a caller needs is named here; the modules behind are nobody else's business.
"""

from .build import DraftContributor, TitleDraft, build_record
from .errors import REJECT_REASONS, WARNING_REASONS, RecordRejected, RejectCode, WarningCode
from .extract import extract, is_web_address
from .facts import (
    ClassificationFacts,
    ContributorFacts,
    ContributorKind,
    LinkFacts,
    MaterialType,
    Role,
    SeriesFacts,
    SubjectFacts,
    SubjectKind,
    TitleFacts,
)
from .fold import clean_text, fold, normalise_name, search_words
from .numbers import isbn13
from .parse import parse_record
from .read import read_item, read_records, reject
from .record import ControlField, DataField, ParsedRecord, RawRecord, RejectedRecord, RejectedRun, Subfield
from .sniff import SNIFF_SIZE, Format, sniff
from .split import split_records
from .write import marcxml_documents, to_iso2709, to_marcxml

__all__ = [
    "REJECT_REASONS",
    "SNIFF_SIZE",
    "WARNING_REASONS",
    "ClassificationFacts",
    "ContributorFacts",
    "ContributorKind",
    "ControlField",
    "DataField",
    "DraftContributor",
    "Format",
    "LinkFacts",
    "MaterialType",
    "ParsedRecord",
    "RawRecord",
    "RecordRejected",
    "RejectCode",
    "RejectedRecord",
    "RejectedRun",
    "Role",
    "SeriesFacts",
    "Subfield",
    "SubjectFacts",
    "SubjectKind",
    "TitleDraft",
    "TitleFacts",
    "WarningCode",
    "build_record",
    "clean_text",
    "extract",
    "fold",
    "is_web_address",
    "isbn13",
    "marcxml_documents",
    "normalise_name",
    "parse_record",
    "read_item",
    "read_records",
    "reject",
    "search_words",
    "sniff",
    "split_records",
    "to_iso2709",
    "to_marcxml",
]
