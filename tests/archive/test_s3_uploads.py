"""Ingesters that only know S3 store their files with the archive itself.

The client is boto3, the library that OCS's own ingester uploads with, over a real socket.
"""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from rest_framework.test import APIClient

from armillary.archive.signatures import SignedRequest, check_signature, claim_of

if TYPE_CHECKING:
    from pytest_django.live_server_helper import LiveServer

    from armillary.accounts.models import User

pytestmark = pytest.mark.django_db(transaction=True)
PLACE = "tst/kb01/20261122/raw/a-e00.fits"
MEBIBYTE = 1024 * 1024


@pytest.fixture
def s3(live_server: LiveServer, superuser: User) -> Callable[..., Any]:
    from armillary.accounts.services import api_token

    def connected(access_key: str = superuser.username, secret_key: str = "", **settings: Any) -> Any:
        return boto3.client(
            "s3",
            endpoint_url=f"{live_server.url}/archive/s3",
            region_name="us-west-2",
            aws_access_key_id=access_key,
            aws_secret_access_key=secret_key or api_token(superuser),
            config=Config(retries={"max_attempts": 1}, s3={"addressing_style": "path", **settings}),
        )

    return connected


@pytest.mark.parametrize("settings", [{}, {"payload_signing_enabled": False}])
@pytest.mark.parametrize("size", [0, 1, 3 * MEBIBYTE + 5])
def test_an_object_is_kept_and_recorded(
    settings: dict[str, Any], size: int, s3: Callable[..., Any], web: APIClient, record: Callable[..., dict[str, Any]]
) -> None:
    content = os.urandom(size)
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    answer = s3(**settings).put_object(Bucket="frames", Key=PLACE, Body=io.BytesIO(content), ContentType="image/fits")
    assert answer["ETag"] == f'"{md5}"'
    version = {"key": answer["VersionId"], "md5": md5, "extension": ".fits"}
    frame = web.post("/frames/", record(basename="a-e00", version_set=[version]), format="json").json()
    assert b"".join(APIClient().get(frame["url"]).streaming_content) == content


@pytest.mark.parametrize(
    ("access_key", "secret_key", "code"),
    [("nobody", "x" * 40, "InvalidAccessKeyId"), ("ingester", "x" * 40, "SignatureDoesNotMatch")],
)
def test_who_cannot_prove_to_be_permitted_stores_nothing(
    access_key: str, secret_key: str, code: str, s3: Callable[..., Any]
) -> None:
    from armillary.archive.models import StoredFile

    with pytest.raises(ClientError) as refusal:
        s3(access_key, secret_key).put_object(Bucket="frames", Key=PLACE, Body=b"x")
    assert refusal.value.response["Error"]["Code"] == code
    assert not StoredFile.objects.exists()


def test_a_member_stores_nothing(s3: Callable[..., Any]) -> None:
    from armillary.accounts.services import api_token, create_user

    with pytest.raises(ClientError, match="permitted to store frames"):
        s3("member", api_token(create_user("member"))).put_object(Bucket="frames", Key=PLACE, Body=b"x")


@pytest.mark.parametrize("place", ["..%2F..%2Fetc/passwd.fits", "a b/c.fits", ".hidden/c.fits"])
def test_an_object_that_leads_out_of_the_store_is_refused(place: str, s3: Callable[..., Any]) -> None:
    with pytest.raises(ClientError) as refusal:
        s3().put_object(Bucket="frames", Key=place, Body=b"x")
    assert refusal.value.response["ResponseMetadata"]["HTTPStatusCode"] in {400, 403, 404}


def test_what_is_no_upload_is_refused_in_the_words_of_s3(s3: Callable[..., Any]) -> None:
    with pytest.raises(ClientError) as refusal:
        s3().get_object(Bucket="frames", Key=PLACE)
    assert refusal.value.response["Error"]["Code"] == "NotImplemented"


def test_an_unsigned_request_is_refused(live_server: LiveServer) -> None:
    answer = httpx.put(f"{live_server.url}/archive/s3/frames/{PLACE}", content=b"x")
    assert answer.status_code == 403
    assert "<Code>AccessDenied</Code>" in answer.text


def test_an_altered_body_is_refused(s3: Callable[..., Any], live_server: LiveServer) -> None:
    signed: dict[str, Any] = {}
    client = s3()
    client.meta.events.register("before-send", lambda request, **_: signed.update(request.headers))
    client.put_object(Bucket="frames", Key=PLACE, Body=b"right")
    headers = {name: value.decode() if isinstance(value, bytes) else value for name, value in signed.items()}
    answer = httpx.put(f"{live_server.url}/archive/s3/frames/{PLACE}", content=b"wrong", headers=headers)
    assert answer.status_code == 400
    assert "<Code>XAmzContentSHA256Mismatch</Code>" in answer.text


def test_the_published_example_of_a_signature_is_right() -> None:
    # Source: Amazon S3 API reference, "Authenticating Requests: Using the Authorization Header", example of PUT Object
    from datetime import UTC, datetime

    headers = {
        "authorization": "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
        "SignedHeaders=date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class,"
        "Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        "date": "Fri, 24 May 2013 00:00:00 GMT",
        "host": "examplebucket.s3.amazonaws.com",
        "x-amz-content-sha256": "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
        "x-amz-date": "20130524T000000Z",
        "x-amz-storage-class": "REDUCED_REDUNDANCY",
    }
    request = SignedRequest("PUT", "/test$file.text", [], headers)
    claim = claim_of(request, real_now=datetime(2013, 5, 24, 0, 5, tzinfo=UTC))
    check_signature(request, claim, "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")


def test_the_ingester_of_ocs_works_unchanged(
    fits_file: Callable[..., Path], live_server: LiveServer, superuser: User, web: APIClient
) -> None:
    """OCS's own package, in an environment of its own: name its interpreter in OCS_INGESTER_PYTHON."""
    from armillary.accounts.services import api_token

    interpreter = os.environ.get("OCS_INGESTER_PYTHON")
    if interpreter is None:
        pytest.skip("OCS_INGESTER_PYTHON is not set (python -m venv X; X/bin/pip install ocs_ingester)")
    token = api_token(superuser)
    path = fits_file("tst1m0a-kb01-20261122-0001-e00.fits")
    environment = os.environ | {
        "API_ROOT": f"{live_server.url}/", "AUTH_TOKEN": token, "FILESTORE_TYPE": "s3", "BUCKET": "frames",
        "S3_ENDPOINT_URL": f"{live_server.url}/archive/s3", "AWS_ACCESS_KEY_ID": superuser.username,
        "AWS_SECRET_ACCESS_KEY": token, "AWS_DEFAULT_REGION": "us-west-2",
        "OBSERVATION_PORTAL_BASE_URL": live_server.url, "OBSERVATION_PORTAL_API_TOKEN": token,
    }  # fmt: skip
    command = [str(Path(interpreter).parent / "ocs_ingest_frame"), str(path)]
    first = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert first.returncode == 0, first.stdout + first.stderr
    again = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert again.returncode == 0, again.stdout + again.stderr
    found = web.get("/frames/").json()
    assert found["count"] == 1
    assert b"".join(APIClient().get(found["results"][0]["url"]).streaming_content) == path.read_bytes()
