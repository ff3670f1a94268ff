from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from armillary.accounts import services
from armillary.accounts.models import ApiToken, User
from armillary.platform.errors import Refusal

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"username": "taken"}, "username"),
        ({"username": "with space"}, "username"),
        ({"username": ""}, "username"),
        ({"username": "n" * 151}, "username"),
        ({"username": "new", "email": "TAKEN@example.org"}, "email"),
        ({"username": "new", "email": "no address"}, "email"),
        ({"username": "new", "token": "short"}, "token"),
        ({"username": "new", "token": "the token that somebody has"}, "token"),
    ],
)
def test_an_account_that_cannot_be_is_refused_with_the_field(arguments: dict[str, str], field: str) -> None:
    services.create_user("taken", email="taken@example.org", token="the token that somebody has".replace(" ", "-"))
    arguments = {
        name: value.replace("the token that somebody has", "the-token-that-somebody-has")
        for name, value in arguments.items()
    }
    with pytest.raises(Refusal) as refusal:
        services.create_user(**arguments)
    assert list(refusal.value.errors) == [field]
    assert User.objects.count() == 1


def test_several_accounts_may_have_no_address() -> None:
    services.create_user("scheduler")
    services.create_user("telescope")
    assert User.objects.count() == 2


def test_an_account_without_password_cannot_log_in_with_one() -> None:
    assert not services.create_user("scheduler").has_usable_password()


def test_a_given_token_is_the_accounts_token() -> None:
    user = services.create_user("scheduler", token="a-token-that-the-demo-knows")
    assert services.api_token(user) == "a-token-that-the-demo-knows"
    assert services.authenticate_token("a-token-that-the-demo-knows") is not None


def test_the_api_token_stays_the_same_until_it_is_revoked() -> None:
    user = services.create_user("astronomer")
    first = services.api_token(user)
    assert services.api_token(user) == first
    second = services.revoke_token(user)
    assert second != first
    assert services.api_token(user) == second
    assert services.authenticate_token(first) is None


def test_a_named_token_is_kept_as_a_hash_only() -> None:
    user = services.create_user("astronomer")
    row, key = services.create_named_token(user, "laptop")
    assert row.sealed == ""
    found = services.authenticate_token(key)
    assert found is not None
    assert found.user == user
    with pytest.raises(Refusal):
        services.create_named_token(user, "laptop")


def test_an_expired_token_is_unknown() -> None:
    user = services.create_user("astronomer")
    _, key = services.create_named_token(user, "laptop", expires=datetime(2001, 1, 1, tzinfo=UTC))
    assert services.authenticate_token(key) is None


def test_using_a_token_is_noted_at_most_once_an_hour(django_assert_num_queries: object) -> None:
    key = services.api_token(services.create_user("astronomer"))
    services.authenticate_token(key)
    used = ApiToken.objects.get().last_used
    assert used is not None
    with django_assert_num_queries(1):  # type: ignore[operator]  # the fixture is a context manager factory
        services.authenticate_token(key)


@pytest.mark.django_db(transaction=True)
def test_of_two_first_askers_both_get_the_same_token() -> None:
    user = services.create_user("astronomer")
    keys: list[str] = []
    barrier = threading.Barrier(6)

    def ask() -> None:
        barrier.wait(10)
        keys.append(services.api_token(user))
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(keys) == 6
    assert len(set(keys)) == 1


def test_a_shadow_follows_what_the_portal_says() -> None:
    profile = {"username": "pi", "email": "pi@example.org", "is_staff": False, "tokens": {"api_token": "k" * 40}}
    shadow = services.remember_account(profile)
    assert not shadow.has_usable_password()
    again = services.remember_account(profile | {"is_staff": True, "profile": {"staff_view": True}, "new": 1})
    assert again.pk == shadow.pk
    assert again.is_staff
    assert again.profile.staff_view


def test_a_shadow_that_does_not_change_is_not_written(django_assert_max_num_queries: object) -> None:
    profile = {"username": "pi", "first_name": "P", "tokens": {"api_token": "k" * 40}}
    services.remember_account(profile)
    with django_assert_max_num_queries(6) as queries:  # type: ignore[operator]  # as above
        services.remember_account(profile)
    assert not [query for query in queries if query["sql"].startswith(("INSERT", "UPDATE"))]


def test_an_address_that_moved_at_the_portal_moves_here() -> None:
    services.remember_account({"username": "old", "email": "obs@example.org"})
    services.remember_account({"username": "new", "email": "obs@example.org"})
    assert User.objects.get(email="obs@example.org").username == "new"


def test_an_activation_link_works_once_and_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    from django.core import signing

    from armillary.accounts.services import registration

    user = services.register(username="new", email="new@example.org", password="a password of some length")
    assert not user.is_active
    key = signing.dumps("new", salt=registration._SALT)
    with pytest.raises(Refusal, match="not complete"):
        services.activate(key[:-1])
    with monkeypatch.context() as later:
        real = signing.time.time
        later.setattr(signing.time, "time", lambda: real() + timedelta(days=8).total_seconds())
        with pytest.raises(Refusal, match="older than 7 days"):
            services.activate(key)
    assert services.activate(key).is_active
    with pytest.raises(Refusal, match="already active"):
        services.activate(key)


def test_an_account_that_was_blocked_after_its_activation_stays_blocked() -> None:
    from django.core import signing

    from armillary.accounts.services import registration

    services.register(username="new", email="new@example.org", password="a password of some length")
    key = signing.dumps("new", salt=registration._SALT)
    services.activate(key)
    User.objects.update(is_active=False)
    with pytest.raises(Refusal):
        services.activate(key)
    assert not User.objects.get().is_active
