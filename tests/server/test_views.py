"""Named views over HTTP."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from db.views import MOST_VIEWS
from server.schemas import View, Views

VIEWS = "/api/v1/views"


def save(client: TestClient, name: str, query: str = "") -> View:
    answer = client.post(VIEWS, json={"page": "runs", "name": name, "query": query})
    assert answer.status_code == 200, answer.text
    return View.model_validate_json(answer.content)


def saved(client: TestClient) -> list[tuple[str, str]]:
    found = Views.model_validate_json(client.get(VIEWS, params={"page": "runs"}).content)
    return [(view.name, view.query) for view in found.views]


def test_views_are_saved_replaced_by_name_and_deleted(client: TestClient) -> None:
    first = save(client, " best ", "sort=-accuracy")
    save(client, "Adam", "where=optimizer.kind+%3D+adam")
    assert saved(client) == [("Adam", "where=optimizer.kind+%3D+adam"), ("best", "sort=-accuracy")]
    again = save(client, "best", "sort=accuracy")
    assert (again.id, again.changed_at >= first.changed_at) == (first.id, True)
    assert client.delete(f"{VIEWS}/{first.id}").status_code == 204
    assert saved(client) == [("Adam", "where=optimizer.kind+%3D+adam")]
    gone = client.delete(f"{VIEWS}/{first.id}")
    assert gone.status_code == 404 and "may have been deleted" in gone.json()["detail"]


def test_a_page_has_so_many_views_and_no_more(client: TestClient) -> None:
    for number in range(MOST_VIEWS):
        save(client, f"view {number}")
    refused = client.post(VIEWS, json={"page": "runs", "name": "one more", "query": ""})
    assert refused.status_code == 409 and "delete one first" in refused.json()["detail"]
    save(client, "view 7", "replaced")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"page": "nowhere"}, "page"),
        ({"name": "  "}, "name"),
        ({"name": "n" * 101}, "name"),
        ({"name": "\0"}, "name"),
        ({"query": "q" * 8_001}, "query"),
        ({"query": "\0"}, "query"),
        ({"other": 1}, "other"),
    ],
)
def test_a_view_that_cannot_be_is_refused(asker: TestClient, change: dict[str, Any], field: str) -> None:
    answer = asker.post(VIEWS, json={"page": "runs", "name": "n", "query": ""} | change)
    assert answer.status_code == 422
    assert [each["field"] for each in answer.json()["detail"]] == [field]
    assert asker.get(VIEWS, params={"page": "x"}).status_code == 422
    assert asker.delete(f"{VIEWS}/A-B").status_code == 422
