"""The answers of the contract, in DRF's model serializers."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from shared_apps.accounts.models import User
from tenant_apps.branches.models import Branch
from tenant_apps.catalog.models import Title, TitleContributor, TitleSubject
from tenant_apps.circulation.models import Loan
from tests.benchmarks.peers.usual_drf.permissions import ALL_PERMISSIONS


class BranchSerializer(serializers.ModelSerializer[Branch]):
    """A branch."""

    id = serializers.CharField()

    class Meta:
        model = Branch
        fields = ["id", "code", "name", "time_zone"]


class TitleListSerializer(serializers.ModelSerializer[Title]):
    """A title in a list."""

    id = serializers.CharField()
    contributors = serializers.SerializerMethodField()
    available = serializers.SerializerMethodField()
    copies_available = serializers.IntegerField()
    copies_total = serializers.IntegerField()

    class Meta:
        model = Title
        fields = [
            "id",
            "title",
            "subtitle",
            "contributors",
            "year",
            "language",
            "isbns",
            "material_type",
            "available",
            "copies_available",
            "copies_total",
        ]

    def get_contributors(self, title: Title) -> list[str]:
        """Names in the record's order, each once."""
        return list(dict.fromkeys(one.contributor.name for one in title.contributions.all()))

    def get_available(self, title: Any) -> bool:
        """Whether a copy is on the shelf."""
        return bool(title.copies_available > 0)


class ContributionSerializer(serializers.ModelSerializer[TitleContributor]):
    """A contributor's part in a title."""

    id = serializers.CharField(source="contributor_id")
    name = serializers.CharField(source="contributor.name")
    kind = serializers.CharField(source="contributor.kind")

    class Meta:
        model = TitleContributor
        fields = ["id", "name", "kind", "role"]


class SubjectSerializer(serializers.ModelSerializer[TitleSubject]):
    """A subject of a title."""

    id = serializers.CharField(source="subject_id")
    heading = serializers.CharField(source="subject.heading")

    class Meta:
        model = TitleSubject
        fields = ["id", "heading"]


class TitleSerializer(serializers.ModelSerializer[Title]):
    """A title with everything but its MARC record."""

    id = serializers.CharField()
    contributors = ContributionSerializer(source="contributions", many=True)
    subjects = SubjectSerializer(source="subject_links", many=True)
    collection = serializers.CharField(source="collection.code", default=None)
    copies_total = serializers.IntegerField()
    copies_available = serializers.IntegerField()

    class Meta:
        model = Title
        fields = [
            "id",
            "control_number",
            "title",
            "subtitle",
            "statement",
            "contributors",
            "subjects",
            "publisher",
            "place",
            "year",
            "language",
            "material_type",
            "edition",
            "extent",
            "series",
            "classification",
            "summary",
            "isbns",
            "issns",
            "urls",
            "collection",
            "copies_total",
            "copies_available",
            "created_at",
            "updated_at",
        ]


class LoanTitleSerializer(serializers.ModelSerializer[Title]):
    """What was lent."""

    id = serializers.CharField()

    class Meta:
        model = Title
        fields = ["id", "title"]


class LoanSerializer(serializers.ModelSerializer[Loan]):
    """A loan."""

    id = serializers.CharField()
    copy_barcode = serializers.CharField(source="copy.barcode")
    title = LoanTitleSerializer(source="copy.title")
    patron = serializers.CharField(source="patron_id")
    branch = serializers.SlugRelatedField(slug_field="code", read_only=True)
    return_branch = serializers.SlugRelatedField(slug_field="code", read_only=True)

    class Meta:
        model = Loan
        fields = [
            "id",
            "copy_barcode",
            "title",
            "patron",
            "card_number",
            "branch",
            "checked_out_at",
            "due_at",
            "renewals",
            "returned_at",
            "effective_return_at",
            "return_branch",
        ]


class CheckoutSerializer(serializers.Serializer[Any]):
    """The body of a checkout."""

    copy_barcode = serializers.CharField(max_length=64)
    card_number = serializers.CharField(max_length=64)
    branch = serializers.SlugRelatedField(slug_field="code", queryset=Branch.objects)
    confirm = serializers.ListField(child=serializers.CharField(), required=False, default=list)


class ReturnSerializer(serializers.Serializer[Any]):
    """The body of a return."""

    copy_barcode = serializers.CharField(max_length=64)
    branch = serializers.SlugRelatedField(slug_field="code", queryset=Branch.objects)
    effective_at = serializers.DateTimeField(required=False)


class MeSerializer(serializers.ModelSerializer[User]):
    """The caller, whose assignments (with role and branch) and patron are prefetched."""

    id = serializers.CharField()
    roles = serializers.SerializerMethodField()
    permissions = serializers.SerializerMethodField()
    branch_permissions = serializers.SerializerMethodField()
    collection_permissions = serializers.SerializerMethodField()
    kind = serializers.ReadOnlyField(default="person")
    label = serializers.ReadOnlyField(default="")
    patron = serializers.SerializerMethodField()

    class Meta:
        model = User
        fields = [
            "id",
            "email",
            "name",
            "language",
            "roles",
            "permissions",
            "branch_permissions",
            "collection_permissions",
            "kind",
            "label",
            "patron",
        ]

    def get_roles(self, user: Any) -> list[dict[str, Any]]:
        """Roles, where they hold, and what they give there."""
        return [
            {
                "assignment": str(one.pk),
                "role": one.role.code,
                "branch": one.branch.code if one.branch else None,
                "collection": one.collection.code if one.collection else None,
                "permissions": sorted(_allowed(one)),
            }
            for one in user.role_assignments.all()
        ]

    def get_permissions(self, user: Any) -> list[str]:
        """What the roles for the whole library allow."""
        held: set[str] = set()
        for one in user.role_assignments.all():
            if one.branch is None and one.collection is None:
                held.update(_allowed(one))
        return sorted(held)

    def get_branch_permissions(self, user: Any) -> dict[str, list[str]]:
        """What the roles at single branches allow there."""
        return _by_code(user, "branch")

    def get_collection_permissions(self, user: Any) -> dict[str, list[str]]:
        """What the roles for single collections allow there."""
        return _by_code(user, "collection")

    def get_patron(self, user: Any) -> dict[str, Any] | None:
        """The caller as a borrower."""
        patron = getattr(user, "patron", None)
        if patron is None:
            return None
        return {"id": str(patron.pk), "card_numbers": [card.number for card in patron.cards.all()]}


def _allowed(assignment: Any) -> Any:
    return ALL_PERMISSIONS if assignment.role.code == "admin" else assignment.role.permissions


def _by_code(user: Any, scope: str) -> dict[str, list[str]]:
    held: dict[str, set[str]] = {}
    for one in user.role_assignments.all():
        place = getattr(one, scope)
        if place is not None:
            held.setdefault(place.code, set()).update(_allowed(one))
    return {code: sorted(names) for code, names in held.items()}
