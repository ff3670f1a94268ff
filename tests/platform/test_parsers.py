from __future__ import annotations

from typing import Any

import pytest
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView


class EchoView(APIView):
    authentication_classes = ()
    permission_classes = ()

    def post(self, request: Request) -> Response:
        return Response(request.data)


def answer_to(body: str) -> Any:
    request = APIRequestFactory().post("/api/things/", data=body, content_type="application/json")
    return EchoView.as_view()(request).render()


@pytest.mark.parametrize(
    "body",
    [r'{"name": "\ud8ed"}', r'{"\udc00": 1}', r'[[{"a": [null, "x\udcd3\ud8ed"]}]]', r'"\ud83d \ude00"'],
)
def test_half_a_character_is_refused_and_shown(body: str) -> None:
    answer = answer_to(body)
    assert answer.status_code == 400
    assert r"\ud" in answer.data["detail"]
    assert "half of a character" in answer.data["detail"]


@pytest.mark.parametrize("body", [r'{"name": "\ud83d\ude00"}', '{"π": "😀"}', "[" * 200 + "]" * 200])
def test_whole_characters_are_taken_escaped_or_not(body: str) -> None:
    assert answer_to(body).status_code == 200
