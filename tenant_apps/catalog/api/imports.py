"""HTTP for imports."""

from __future__ import annotations

from typing import ClassVar

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from saas.core import clock
from saas.core.api.lookups import visible_or_404
from saas.core.api.parameters import invalid_parameter
from saas.core.api.throttling import check_limit
from saas.core.api.views import ApiViewSet
from saas.core.errors import BodyTooLarge, InvalidParameter, NotFound, UnsupportedMediaType, ValidationFailed
from shared_apps.delivery import services as delivery
from tenant_apps.catalog import selectors, services
from tenant_apps.catalog.api.import_serializers import (
    ImportRecordSerializer,
    ImportSerializer,
    NewImportSerializer,
)
from tenant_apps.catalog.api.parsers import ImportUploadParser
from tenant_apps.catalog.errors import EmptyFile, ImportFinished, ImportInProgress
from tenant_apps.catalog.models import ImportJob, ImportRecord
from tenant_apps.catalog.rules.matching import Outcome

_IMPORT = "catalog.import"


class ImportViewSet(ApiViewSet):
    """Files of records on their way into the catalogue."""

    permissions: ClassVar = {
        "list": _IMPORT,
        "retrieve": _IMPORT,
        "create": _IMPORT,
        "cancel": _IMPORT,
    }
    error_codes: ClassVar = {
        "retrieve": (NotFound,),
        "create": (ValidationFailed, EmptyFile, ImportInProgress, BodyTooLarge, UnsupportedMediaType),
        "cancel": (NotFound, ImportFinished),
    }
    ordering_fields: ClassVar = ("id",)
    default_ordering = "-id"
    idempotent = True
    serializer_class = ImportSerializer

    def get_queryset(self) -> QuerySet[ImportJob]:
        """Return every import of the library."""
        return selectors.all_imports()

    def get_parsers(self) -> list[BaseParser]:
        """Read a file for the upload, JSON for everything else."""
        # The OpenAPI document is made without a request.
        uploads = self.request is not None and self.request.method == "POST" and not self.detail
        return [ImportUploadParser()] if uploads else super().get_parsers()

    @extend_schema(summary="List imports", responses=ImportSerializer(many=True))
    def list(self, request: Request) -> Response:
        """A page of imports, the newest first."""
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(ImportSerializer(page, many=True).data)

    @extend_schema(summary="Show an import", responses=ImportSerializer)
    def retrieve(self, request: Request, pk: str) -> Response:
        """One import with its counts so far."""
        return Response(ImportSerializer(self.get_object()).data)

    @extend_schema(
        summary="Import a file",
        request={"multipart/form-data": NewImportSerializer},
        responses={202: ImportSerializer},
    )
    @delivery.idempotent
    def create(self, request: Request) -> Response:
        """Take in a file of MARC 21 records (ISO 2709) and import it in the background.

        A record with a control number updates the title that has it and replaces its record; one without is
        new unless the library has the very same record. With `dry_run` the report is the same and nothing is
        written.
        """
        body = NewImportSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        check_limit("import", f"user:{self.principal.user_id}")
        upload = body.validated_data["file"]
        job = services.request_import(
            chunks=upload.chunks(),
            file_name=upload.name or "",
            format=body.validated_data.get("format", ""),
            dry_run=body.validated_data["dry_run"],
            by=self.principal.actor,
            now=clock.now(),
        )
        return Response(
            ImportSerializer(job).data, status=202, headers={"Location": f"{request.path}{job.pk}/"}
        )

    @extend_schema(summary="Cancel an import", request=None, responses=ImportSerializer)
    @delivery.idempotent
    def cancel(self, request: Request, pk: str) -> HttpResponseBase:
        """Stop an import; what it has written stays."""
        found = visible_or_404(self.get_queryset(), "pk", pk)
        job = services.cancel_import(import_id=found.pk, by=self.principal.actor, now=clock.now())
        return Response(ImportSerializer(job).data)


class ImportRecordViewSet(ApiViewSet):
    """The report of one import."""

    permissions: ClassVar = {"list": _IMPORT}
    error_codes: ClassVar = {"list": (NotFound, InvalidParameter)}
    query_parameters: ClassVar = frozenset({"outcome"})
    default_ordering = "number"
    serializer_class = ImportRecordSerializer

    def get_queryset(self) -> QuerySet[ImportRecord]:
        """Return the report lines of every import; an answer keeps to one."""
        return ImportRecord.objects.all()

    @extend_schema(
        summary="List what became of the records",
        parameters=[OpenApiParameter("outcome", str, enum=[str(outcome) for outcome in Outcome])],
        responses=ImportRecordSerializer(many=True),
    )
    def list(self, request: Request, pk: str) -> Response:
        """A page of the report, in the order of the file; `outcome` keeps the records with that one."""
        job = visible_or_404(selectors.all_imports(), "pk", pk)
        outcome = request.query_params.get("outcome", "")
        if outcome and outcome not in list(Outcome):
            choices = {"choices": ", ".join(Outcome)}
            raise invalid_parameter("outcome", "invalid_choice", _("Choose one of: %(choices)s.") % choices)
        page = self.paginate_queryset(selectors.records_of(job, outcome=outcome))
        return self.get_paginated_response(ImportRecordSerializer(page, many=True).data)
