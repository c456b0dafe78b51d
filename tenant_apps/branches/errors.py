"""What can go wrong with branches."""

from django.utils.translation import gettext_lazy as _

from saas.core.errors import FieldProblem, ValidationFailed


class BranchCodeTaken(ValidationFailed):
    """Another branch of this library has the code already."""

    code = "branch_code_taken"
    title = _("Branch code taken")
    detail = _("Another branch has this code.")

    def __init__(self) -> None:
        """Name the field `code`."""
        super().__init__(errors=[FieldProblem("code", self.code, self.detail)])
