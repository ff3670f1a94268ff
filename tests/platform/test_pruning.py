from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.http import HttpResponse
from django.urls import Resolver404, URLPattern, URLResolver, get_resolver, include, path, re_path
from django.urls.resolvers import RoutePattern
from hypothesis import given
from hypothesis import strategies as st

from armillary.server.pruning import PrunedResolver


def _view(*_: Any, **__: Any) -> HttpResponse:
    return HttpResponse()


ADDRESSES = [
    path("", _view, name="home"),
    path("api/", include([path("frames/", _view, name="frames"), path("frames/<int:pk>/", _view, name="frame")])),
    path("", include([re_path(r"^api/frames/(?P<pk>[^/.]+)/$", _view, name="frame by name")])),
    re_path(r"^ap?i?/old/$", _view, name="old"),
    re_path(r"^(?i:api)/loud/$", _view, name="loud"),
    re_path(r"^api/one/$|^api/two/$", _view, name="either"),
    re_path(r"frames/$", _view, name="anywhere"),
    path("<slug:site>/", include(([path("now/", _view, name="now")], "site"), namespace="site")),
    path("api/frames", _view, name="no slash"),
]
ALL = URLResolver(RoutePattern("", is_endpoint=False), ADDRESSES)
PRUNED = PrunedResolver(ADDRESSES)


def _found(resolver: URLResolver, address: str) -> Any:
    try:
        match = resolver.resolve(address)
    except Resolver404:
        return None
    return match.view_name, match.args, match.kwargs, match.route, match.namespaces


WORDS = st.sampled_from(["api", "frames", "7", "x.fits", "old", "ap", "API", "loud", "one", "two", "lsc", "now", ""])


@given(st.lists(WORDS, max_size=5), st.booleans())
def test_what_is_found_is_what_django_finds(words: list[str], ends_with_slash: bool) -> None:
    address = "/".join(words) + ("/" if ends_with_slash else "")
    assert _found(PRUNED, address) == _found(ALL, address)


def _examples(addresses: list[URLPattern | URLResolver], before: str = "") -> Iterator[str]:
    for address in addresses:
        text = re.sub(r"\(\?P<\w+>[^)]*\)|<[^>]*>", "1", str(address.pattern)).strip("^$").replace("\\", "")
        if isinstance(address, URLResolver):
            yield from _examples(address.url_patterns, before + text)
        else:
            yield before + text


def test_every_address_of_the_server_leads_where_it_led() -> None:
    (ours,) = get_resolver().url_patterns
    assert isinstance(ours, PrunedResolver)
    theirs = URLResolver(RoutePattern("", is_endpoint=False), ours.url_patterns)
    examples = list(_examples(ours.url_patterns))
    assert len(examples) > 300
    found = [_found(theirs, example) for example in examples]
    assert [_found(ours, example) for example in examples] == found
    assert sum(each is not None for each in found) > 200


@pytest.mark.parametrize("address", ["nowhere/", "api/nowhere/", "api/frames/7/nowhere/"])
def test_what_leads_nowhere_is_said_to(address: str) -> None:
    with pytest.raises(Resolver404):
        PRUNED.resolve(address)
