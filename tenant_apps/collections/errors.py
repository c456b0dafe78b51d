"""What can go wrong with collections."""

from django.utils.translation import gettext_lazy as _

from saas.core.errors import Conflict, FieldProblem, ValidationFailed


class CollectionCodeTaken(ValidationFailed):
    """Another collection of this library has the code already."""

    code = "collection_code_taken"
    title = _("Collection code taken")
    detail = _("Another collection has this code.")

    def __init__(self) -> None:
        """Name the field `code`."""
        super().__init__(errors=[FieldProblem("code", self.code, self.detail)])


class CollectionInUse(Conflict):
    """Titles are in the collection, or somebody holds a role for it."""

    code = "collection_in_use"
    title = _("Collection in use")
    detail = _("The collection still has titles, or somebody holds a role for it.")
