"""Refusals of the catalogue."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from saas.core.errors import Conflict, DomainError, FieldProblem, NotFound


class UnknownBarcode(NotFound):
    """No copy of this library has the barcode."""

    code = "unknown_barcode"
    title = _("Unknown barcode")
    detail = _("No copy has this barcode.")


class BarcodeTaken(DomainError):
    """Another copy of this library has the barcode."""

    code = "barcode_taken"
    status = 400
    title = _("Barcode taken")
    detail = _("Another copy has this barcode.")

    def __init__(self) -> None:
        super().__init__(errors=[FieldProblem("barcode", self.code, self.detail)])


class ItemTypeCodeTaken(DomainError):
    """Another item type of this library has the code."""

    code = "item_type_code_taken"
    status = 400
    title = _("Code taken")
    detail = _("Another item type has this code.")

    def __init__(self) -> None:
        super().__init__(errors=[FieldProblem("code", self.code, self.detail)])


class RecordNotWritable(DomainError):
    """The values do not fit into a MARC record: too long for its field or for a record as a whole."""

    code = "record_not_writable"
    status = 400
    title = _("Record not writable")
    detail = _("The values do not fit into a MARC record.")


class EmptyFile(DomainError):
    """The uploaded file has no bytes."""

    code = "empty_file"
    status = 400
    title = _("Empty file")
    detail = _("The file is empty.")

    def __init__(self) -> None:
        super().__init__(errors=[FieldProblem("file", self.code, self.detail)])


class ImportInProgress(Conflict):
    """The same file waits for its import or is being imported; `import_id` names that job."""

    code = "import_in_progress"
    title = _("This file is being imported")
    detail = _("The same file is already waiting or being imported.")


class ImportFinished(Conflict):
    """The import has ended and cannot be cancelled any more."""

    code = "import_finished"
    title = _("Import finished")
    detail = _("This import has already ended.")


class NotMarc(DomainError):
    """An import's file has not one readable MARC 21 record; stands as `error` in the job."""

    code = "not_marc"
    status = 422
    title = _("Not a MARC 21 file")
    detail = _("The file has not one readable MARC 21 record.")


class ImportFileMissing(DomainError):
    """An import's stored file is gone from the storage; stands as `error` in the job."""

    code = "import_file_missing"
    status = 500
    title = _("File missing")
    detail = _("The stored file of this import is missing. Upload it again.")


class ImportGivenUp(DomainError):
    """An import stopped again and again at the same record; stands as `error` in the job."""

    code = "import_given_up"
    status = 500
    title = _("Import given up")
    detail = _(
        "The import stopped several times at the same place and was given up. The records before it are kept."
    )
