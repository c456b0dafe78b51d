"""Why a record was refused or kept with a remark: stable codes and their sentences.

Codes are part of the HTTP contract (per-record import report) and never change; the sentences may.
"""

from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class RejectCode(StrEnum):
    """Why a record could not be kept."""

    RECORD_TRUNCATED = "record_truncated"
    RECORD_TOO_LONG = "record_too_long"
    FIELD_TOO_LONG = "field_too_long"
    EMPTY_RECORD = "empty_record"
    BAD_LEADER = "bad_leader"
    BAD_DIRECTORY = "bad_directory"
    LENGTH_MISMATCH = "length_mismatch"
    UNDECODABLE_TEXT = "undecodable_text"
    CONTROL_CHARACTERS = "control_characters"
    NOT_MARC21 = "not_marc21"
    AUTHORITY_RECORD = "authority_record"
    HOLDINGS_RECORD = "holdings_record"
    CLASSIFICATION_RECORD = "classification_record"
    COMMUNITY_RECORD = "community_record"
    NO_TITLE = "no_title"


class WarningCode(StrEnum):
    """What was odd about a record that was kept whole."""

    LENGTH_CORRECTED = "length_corrected"
    LEADER_CORRECTED = "leader_corrected"
    DIRECTORY_REBUILT = "directory_rebuilt"
    UNREFERENCED_DATA = "unreferenced_data"
    UTF8_DESPITE_LEADER = "utf8_despite_leader"
    UNKNOWN_ENCODING = "unknown_encoding"
    CONTROL_CHARACTERS = "control_characters"
    TAG_MALFORMED = "tag_malformed"
    INDICATORS_MALFORMED = "indicators_malformed"
    SUBFIELD_CODE_MALFORMED = "subfield_code_malformed"
    EMPTY_SUBFIELD = "empty_subfield"
    TITLE_TAG_DAMAGED = "title_tag_damaged"


REJECT_REASONS: dict[RejectCode, Promise] = {
    RejectCode.RECORD_TRUNCATED: _("The record ends before its end: the file was cut or damaged here."),
    RejectCode.RECORD_TOO_LONG: _("The record is longer than the 99,999 bytes that MARC allows."),
    RejectCode.FIELD_TOO_LONG: _("A field is longer than the 9,999 bytes that MARC allows."),
    RejectCode.EMPTY_RECORD: _("The record has no fields."),
    RejectCode.BAD_LEADER: _("This is not a MARC record: its leader cannot be read."),
    RejectCode.BAD_DIRECTORY: _("The directory of the record does not fit its fields."),
    RejectCode.LENGTH_MISMATCH: _("The lengths in the record do not fit its content."),
    RejectCode.UNDECODABLE_TEXT: _("The record holds bytes that are no text in its character set."),
    RejectCode.CONTROL_CHARACTERS: _("The record holds a NUL character."),
    RejectCode.NOT_MARC21: _("The record is not MARC 21 (perhaps UNIMARC)."),
    RejectCode.AUTHORITY_RECORD: _("This is an authority record, not a title."),
    RejectCode.HOLDINGS_RECORD: _("This is a holdings record, not a title."),
    RejectCode.CLASSIFICATION_RECORD: _("This is a classification record, not a title."),
    RejectCode.COMMUNITY_RECORD: _("This is a community information record, not a title."),
    RejectCode.NO_TITLE: _("The record has no title (field 245)."),
}

WARNING_REASONS: dict[WarningCode, Promise] = {
    WarningCode.LENGTH_CORRECTED: _("The length in the leader was wrong; nothing was lost."),
    WarningCode.LEADER_CORRECTED: _("The leader was wrong in a part that could be worked out again."),
    WarningCode.DIRECTORY_REBUILT: _("The directory was wrong; each field was found by its end mark."),
    WarningCode.UNREFERENCED_DATA: _(
        "The record holds data that its directory does not name; it was left out."
    ),
    WarningCode.UTF8_DESPITE_LEADER: _(
        "The leader says MARC-8, but the text is UTF-8; it was read as UTF-8."
    ),
    WarningCode.UNKNOWN_ENCODING: _(
        "The leader names no known character set; it was worked out from the text."
    ),
    WarningCode.CONTROL_CHARACTERS: _("The text holds control characters; they are kept, but not shown."),
    WarningCode.TAG_MALFORMED: _("A field has a tag that MARC does not allow."),
    WarningCode.INDICATORS_MALFORMED: _("A field has not exactly two indicators."),
    WarningCode.SUBFIELD_CODE_MALFORMED: _("A subfield has a code that MARC does not allow."),
    WarningCode.EMPTY_SUBFIELD: _("A subfield has neither code nor text."),
    WarningCode.TITLE_TAG_DAMAGED: _("The tag of the title field is damaged; the title was read from it."),
}


class RecordRejected(Exception):
    """A record that cannot be kept. `code` is stable; `detail` says where (bytes from 0), may be empty."""

    def __init__(self, code: RejectCode, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else str(code))
        self.code = code
        self.detail = detail


# A remark: its code and where it applies ("field 245"), or an empty string.
Remark = tuple[WarningCode, str]
