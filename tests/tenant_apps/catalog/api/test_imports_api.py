"""`/api/v1/imports/`: upload, report, cancel; clear problems and nothing half done."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile

from saas.core.principals import SYSTEM
from saas.core.tenancy import in_library
from shared_apps.delivery.models import IdempotentAnswer, OutboxMessage
from shared_apps.delivery.services import relay
from tenant_apps.catalog import services, tasks
from tenant_apps.catalog.models import ImportJob, Title
from tests.tenant_apps.catalog.records import NOW, marc, marc_file, run

URL = "/api/v1/imports/"


@pytest.fixture(autouse=True)
def _own_media(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def upload(api: Any) -> Callable[..., Any]:
    def send(
        library: Any, data: bytes = b"", *, user: Any = "librarian", name: str = "books.mrc", **form: Any
    ) -> Any:
        headers = {key: form.pop(key) for key in list(form) if key.startswith("HTTP_")}
        body = {"file": SimpleUploadedFile(name, data), **form}
        return api(library, user).post(URL, body, format="multipart", **headers)

    return send


def state_of(library: Any) -> tuple[int, int, int, int]:
    """Jobs, messages, titles and stored files: what a refused upload must not add to."""
    with in_library(library):
        files = sum(1 for path in Path(default_storage.path("")).rglob("*") if path.is_file())
        return ImportJob.objects.count(), OutboxMessage.objects.count(), Title.objects.count(), files


def work_off(library: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Deliver the outbox and run what it starts, as the relay and a worker would."""
    monkeypatch.setattr(tasks.run_import, "enqueue", lambda import_id: tasks.run_import(import_id=import_id))
    with in_library(library):
        relay()


def test_an_upload_is_accepted_queued_and_imported(
    north: Any, api: Any, upload: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    response = upload(north, marc_file(3), name="new books.mrc")
    assert response.status_code == 202
    job = response.json()
    assert response["Location"] == f"{URL}{job['id']}/"
    assert (job["state"], job["total"], job["file_name"], job["error"]) == (
        "queued",
        0,
        "new books.mrc",
        None,
    )
    work_off(north, monkeypatch)
    done = api(north, "librarian").get(response["Location"]).json()
    assert (done["state"], done["total"], done["created"], done["rejected"]) == ("done", 3, 3, 0)
    assert done["started_at"] is not None
    assert done["finished_at"] is not None
    assert api(north).get("/api/v1/search/", {"q": "title 2"}).json()["count"] == 1


def test_the_report_names_each_bad_record(north: Any, api: Any) -> None:
    good = marc("Emma", control_number="n1")
    with in_library(north):
        job = run(good + b"not a record\x1d" + marc("Persuasion"))
    address = f"{URL}{job.pk}/records/"
    client = api(north, "librarian")
    (row,) = client.get(address, {"outcome": "rejected"}).json()["results"]
    assert (row["number"], row["offset"], row["outcome"], row["title_id"]) == (2, len(good), "rejected", None)
    assert row["code"]
    assert row["detail"]
    every = client.get(address, {"page_size": 2}).json()
    assert [line["number"] for line in every["results"]] == [1, 2]
    assert every["results"][0]["title"] == "Emma"
    assert [line["number"] for line in client.get(every["next"]).json()["results"]] == [3]
    assert client.get(address, {"outcome": "lost"}).status_code == 400


def test_the_report_of_an_unchanged_record_shows_the_stored_title(north: Any, api: Any) -> None:
    with in_library(north):
        run(marc("Emma"))
        job = run(marc("Emma"))
    (row,) = api(north, "librarian").get(f"{URL}{job.pk}/records/").json()["results"]
    assert (row["outcome"], row["title"]) == ("unchanged", "Emma")


def test_a_wrong_file_fails_as_not_marc(
    north: Any, api: Any, upload: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    response = upload(north, b"PK\x03\x04 zipped", name="books.zip")
    assert response.status_code == 202
    work_off(north, monkeypatch)
    job = api(north, "librarian").get(response["Location"]).json()
    assert (job["state"], job["error"]["code"]) == ("failed", "not_marc")
    assert "zip" in job["error"]["detail"]


def test_the_same_file_twice_at_once_and_afterwards(
    north: Any, api: Any, upload: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = upload(north, marc_file(2)).json()
    before = state_of(north)
    second = upload(north, marc_file(2), name="other.mrc")
    assert (second.status_code, second.json()["code"]) == (409, "import_in_progress")
    assert second.json()["import_id"] == first["id"]
    assert state_of(north) == before
    work_off(north, monkeypatch)
    third = upload(north, marc_file(2))
    assert third.status_code == 202
    work_off(north, monkeypatch)
    job = api(north, "librarian").get(third["Location"]).json()
    assert (job["total"], job["unchanged"]) == (2, 2)


@pytest.mark.parametrize(
    ("form", "status", "code"),
    [
        ({"data": b""}, 400, "empty_file"),
        ({"match": "isbn"}, 400, "validation_failed"),
        ({"overlay": "merge"}, 400, "validation_failed"),
        ({"format": "csv"}, 400, "validation_failed"),
        ({"dry_run": "perhaps"}, 400, "validation_failed"),
        ({"dry-run": "true"}, 400, "unknown_field"),
    ],
)
def test_a_wrong_form_keeps_nothing(
    north: Any, upload: Any, form: dict[str, Any], status: int, code: str
) -> None:
    before = state_of(north)
    response = upload(north, **{"data": marc("Emma"), **form})
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert state_of(north) == before


def test_other_bodies_keep_nothing(north: Any, api: Any) -> None:
    client, before = api(north, "librarian"), state_of(north)
    assert client.post(URL, {"file": "x"}, format="json").status_code == 415
    assert client.post(URL, {"dry_run": "true"}, format="multipart").json()["errors"][0]["field"] == "file"
    assert client.post(URL, {"file": "text"}, format="multipart").status_code == 400
    two = [SimpleUploadedFile(name, b"x") for name in ("a", "b")]
    assert client.post(URL, {"file": two}, format="multipart").json()["errors"][0]["code"] == "one_file"
    broken = client.generic("POST", URL, b"--x\r\n", content_type="multipart/form-data; boundary=y")
    assert broken.status_code == 400
    no_boundary = client.generic("POST", URL, b"abc", content_type="multipart/form-data")
    assert no_boundary.status_code == 400
    assert state_of(north) == before


def test_a_file_beyond_the_limit_is_refused_before_it_is_read(north: Any, upload: Any, settings: Any) -> None:
    before = state_of(north)
    settings.IMPORT_MAX_BYTES = 1_000
    response = upload(north, b"x" * 200_000)
    assert (response.status_code, response.json()["code"]) == (413, "body_too_large")
    assert upload(north, b"x" * 1_001).status_code == 413
    assert state_of(north) == before


def test_a_large_upload_does_not_count_as_a_large_body(north: Any, upload: Any, settings: Any) -> None:
    assert upload(north, b"x" * (settings.API_MAX_BODY_BYTES + 1)).status_code == 202


def test_a_dry_run(north: Any, api: Any, upload: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    response = upload(
        north, marc_file(2), dry_run="true", format="marc21", match="control_number", overlay="replace"
    )
    assert response.status_code == 202
    assert response.json()["dry_run"] is True
    work_off(north, monkeypatch)
    assert api(north, "librarian").get(response["Location"]).json()["created"] == 2
    with in_library(north):
        assert not Title.objects.exists()


def test_a_repeated_request_gets_the_same_answer_and_one_job(north: Any, upload: Any) -> None:
    first = upload(north, marc_file(1), HTTP_IDEMPOTENCY_KEY="k1")
    again = upload(north, marc_file(1), HTTP_IDEMPOTENCY_KEY="k1")
    assert (first.status_code, again.status_code) == (202, 202)
    assert again.json() == first.json()
    assert again["Idempotent-Replayed"] == "true"
    assert again["Location"] == first["Location"]
    other = upload(north, marc_file(2), HTTP_IDEMPOTENCY_KEY="k1")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    with in_library(north):
        assert ImportJob.objects.count() == 1
        assert IdempotentAnswer.objects.count() == 1


def test_cancelling(north: Any, api: Any, upload: Any) -> None:
    address = upload(north, marc_file(1))["Location"]
    client = api(north, "librarian")
    assert client.post(f"{address}cancel/").json()["state"] == "cancelled"
    assert client.post(f"{address}cancel/").status_code == 200
    with in_library(north):
        done = run(marc_file(3))
    response = client.post(f"{URL}{done.pk}/cancel/")
    assert (response.status_code, response.json()["code"]) == (409, "import_finished")


def test_the_list_has_the_newest_first(north: Any, api: Any, upload: Any) -> None:
    ids = [upload(north, marc_file(count)).json()["id"] for count in (1, 2, 3)]
    body = api(north, "librarian").get(URL).json()
    assert [job["id"] for job in body["results"]] == ids[::-1]


def test_imports_are_for_those_who_may_import(north: Any, api: Any, upload: Any) -> None:
    address = upload(north, marc_file(1))["Location"]
    before = state_of(north)
    for user, status in ((None, 401), ("reader", 403)):
        assert upload(north, marc_file(2), user=user).status_code == status
        client = api(north, user)
        for path in (URL, address, f"{address}records/"):
            assert client.get(path).status_code == status
        assert client.post(f"{address}cancel/").status_code == status
    assert state_of(north) == before


def test_an_import_of_another_library_does_not_exist(north: Any, south: Any, api: Any, upload: Any) -> None:
    address = upload(north, marc_file(1))["Location"]
    before = state_of(north)
    client = api(south, "librarian")
    for path in (address, f"{address}records/"):
        assert client.get(path).status_code == 404
    assert client.post(f"{address}cancel/").status_code == 404
    assert state_of(north) == before
    with in_library(north):
        assert (
            services.cancel_import(import_id=ImportJob.objects.get().pk, by=SYSTEM, now=NOW).state
            == "cancelled"
        )
