"""The one typed place that settings come from.

Values are read from the environment (``ARMILLARY_*``) and from ``armillary.toml`` in the working directory (or the file
named by ``ARMILLARY_CONFIGURATION_FILE``); the environment wins. A secret may also be read from a file:
``ARMILLARY_X_FILE`` holds the path of a file with the value of ``ARMILLARY_X``. A misspelt name or an insecure
production setting stops the start with a sentence (:class:`ConfigurationError`); there is no default secret, and
nothing is guessed.
"""

from __future__ import annotations

import difflib
import json
import os
import tomllib
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import (
    AnyHttpUrl,
    BaseModel,
    ConfigDict,
    EmailStr,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

PREFIX: Final = "ARMILLARY_"
_NOT_SETTINGS: Final = {"ARMILLARY_CLOCK_FILE", "ARMILLARY_CONFIGURATION_FILE"}
_SHORTEST_SECRET: Final = 32
_FEWEST_DIFFERENT: Final = 10
_THIS_MACHINE: Final = {"localhost", "127.0.0.1", "::1"}


class ConfigurationError(RuntimeError):
    """A setting is misspelt, malformed or insecure; the message says which and what would be accepted."""


class Mode(StrEnum):
    """What this installation is for."""

    PRODUCTION = "production"
    DEVELOPMENT = "development"
    DEMO = "demo"
    TEST = "test"


class Component(StrEnum):
    """What a server process can run."""

    CONFIGDB = "configdb"
    DOWNTIME = "downtime"
    PORTAL = "portal"
    ARCHIVE = "archive"
    WEB = "web"


SERVICES: Final = (Component.CONFIGDB, Component.DOWNTIME, Component.PORTAL, Component.ARCHIVE)


class LoginProvider(BaseModel):
    """Somebody whose word about who a person is counts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["orcid", "google", "github", "openid_connect"]
    client_id: str = Field(min_length=1)
    client_secret: SecretStr
    id: str = Field("", pattern=r"^[a-z0-9-]*$", description="a short name for addresses (openid_connect only)")
    name: str = Field("", description="what people read")
    server_url: AnyHttpUrl | None = Field(None, description="the issuer (openid_connect only)")
    trust_email: bool = Field(
        default=False, description="a verified address of this provider opens the account with that address"
    )

    @model_validator(mode="after")
    def _is_whole(self) -> LoginProvider:
        if self.kind == "openid_connect" and (self.server_url is None or not self.id):
            raise ValueError("a provider of kind openid_connect needs an id and a server_url")
        return self

    @property
    def shown_name(self) -> str:
        """What people read."""
        return self.name or {"orcid": "ORCID", "google": "Google", "github": "GitHub"}.get(self.kind, self.id)

    @property
    def address(self) -> str:
        """Where a login with this provider begins, on this server."""
        return f"/accounts/oidc/{self.id}/login/" if self.kind == "openid_connect" else f"/accounts/{self.kind}/login/"


class Configuration(BaseSettings):
    """All settings of an installation, validated together."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    # What runs here, and where the rest is
    mode: Mode = Field(
        Mode.PRODUCTION, description="production, development, demo or test; only production is hardened"
    )
    components: Annotated[frozenset[Component], NoDecode] = Field(
        frozenset(Component), description="components this process runs, comma-separated; default: all of them"
    )
    public_url: AnyHttpUrl = Field(AnyHttpUrl("http://localhost:8000"), description="where people reach this server")
    portal_url: AnyHttpUrl | None = Field(None, description="the portal, when it runs elsewhere")
    configdb_url: AnyHttpUrl | None = Field(None, description="the configuration database, when it runs elsewhere")
    downtime_url: AnyHttpUrl | None = Field(None, description="the downtime database, when it runs elsewhere")
    archive_url: AnyHttpUrl | None = Field(None, description="the archive, when it runs elsewhere")
    api_token: SecretStr | None = Field(None, description="token with which service processes call the services")

    # The server
    secret_key: SecretStr | None = Field(None, description="signs sessions, links and tokens; at least 32 characters")
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="host names this server answers to besides the one in public_url, comma-separated"
    )
    trusted_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="other origins whose pages may call with the user's session, comma-separated (https://host)"
    )
    behind_proxy: bool = Field(
        default=False, description="trust X-Forwarded-Proto and X-Forwarded-Host of a reverse proxy"
    )
    database_url: str | None = Field(None, description="sqlite:///path or postgresql://user:password@host:port/name")
    data_directory: Path = Field(Path("armillary-data"), description="files this installation keeps")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    server_threads: int = Field(64, ge=4, le=1024, description="threads of each web process")
    server_processes: int = Field(1, ge=1, le=64, description="web processes")

    # Identity
    oauth_server_key: SecretStr | None = Field(None, description="key shared with OCS siblings for addupdateuser calls")
    oauth_client_apps_base_urls: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="OCS siblings told about changed accounts, comma-separated base addresses"
    )
    oauth_password_grant: bool = Field(default=True, description="allow the password grant that today's siblings use")
    login_providers: Annotated[tuple[LoginProvider, ...], NoDecode] = Field(
        (), description="who else may say who somebody is: a JSON list of {kind, client_id, client_secret, ...}"
    )
    read_access_is_public: bool = Field(default=True, description="anybody may read the configuration and downtimes")

    # Mail
    email_url: str | None = Field(
        None,
        description="smtp://user:password@host:port, smtps://... or file:///directory; default: data_directory/mail",
    )
    organization_name: str = "Armillary Observatory"
    organization_email: EmailStr = "armillary@localhost.example"
    organization_support_email: EmailStr | None = None

    webhooks_into_private_networks: bool = Field(
        default=False, description="people's webhooks may lead to addresses that the public cannot reach"
    )

    # Science rules (names and defaults of the reference, see docs/reference)
    min_ipp_value: float = Field(0.5, ge=0)
    max_ipp_value: float = Field(2.0, gt=0)
    proposal_time_overuse_allowance: float = Field(1.1, ge=1)
    max_failures_per_request: int = Field(0, ge=0, description="0: a request may fail any number of times")
    max_unauthenticated_offset: int = Field(10_000, ge=0)
    max_unauthenticated_limit: int = Field(100, ge=1)
    downtime_longest_days: float = Field(366.0, gt=0, description="a longer downtime is refused as a probable mistake")

    # The archive
    archive_store: str | None = Field(
        None, description="file:///directory or s3://bucket/prefix?endpoint_url=...; default: data_directory/archive"
    )
    archive_link_lifetime_s: int = Field(48 * 3600, ge=60, description="seconds for which a download address works")
    archive_searchable_keywords: Annotated[tuple[str, ...], NoDecode] = Field(
        ("USERID", "AIRMASS", "L1FWHM", "L1ELLIP", "MOONDIST", "MOONFRAC", "MOLUID", "TRACKNUM"),
        description="header keywords that frames can be searched by (word.NAME=, word.NAME.min=, word.NAME.max=)",
    )
    archive_configuration_types: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="kinds of frames beyond the usual ones, comma-separated"
    )
    archive_name_resolvers: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="entry points asked about names of objects that are not known offline, comma-separated: sesame"
    )
    archive_amqp_url: SecretStr | None = Field(
        None, description="amqp://user:password@host/ of a broker that is told about every archived frame; needs [amqp]"
    )
    archive_amqp_exchange: str = Field(
        "archived_fits", description="the exchange (fanout) that frames are announced at"
    )
    archive_webhook_urls: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="addresses that are told about every archived frame by POST, comma-separated"
    )
    archive_webhook_secret: SecretStr | None = Field(
        None, description="signs what is posted there (X-Armillary-Signature: sha256=HMAC of the body)"
    )
    archive_zip_name: str = Field("ocs_archive_data", description="beginning of the names of zip downloads")
    days_until_public: int = Field(365, ge=0)

    # The scheduler
    scheduler_horizon_days: float = Field(7.0, gt=0)
    scheduler_interval_s: float = Field(300.0, gt=0, description="longest time between two runs, if nothing changes")
    scheduler_time_limit_s: float = Field(10.0, gt=0, description="real seconds for one solution")
    scheduler_monitors: Path | None = Field(
        None, description="JSON file of the monitors of weather, telescopes and seeing (see how-to/monitors)"
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what :func:`load` passes in counts, so that every name can be checked for typing mistakes first."""
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)

    @field_validator(
        "components",
        "allowed_hosts",
        "trusted_origins",
        "oauth_client_apps_base_urls",
        "archive_searchable_keywords",
        "archive_configuration_types",
        "archive_name_resolvers",
        "archive_webhook_urls",
        mode="before",
    )
    @classmethod
    def _split_at_commas(cls, value: object) -> object:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator("login_providers", mode="before")
    @classmethod
    def _read_json(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except json.JSONDecodeError as error:
            raise ValueError(f"not a JSON list: {error}") from error

    @model_validator(mode="after")
    def _is_safe_and_whole(self) -> Configuration:
        if not self.components:
            raise ValueError(f"components is empty; name at least one of {', '.join(Component)}")
        if self.archive_webhook_urls and self.archive_webhook_secret is None:
            raise ValueError("archive_webhook_urls needs archive_webhook_secret, with which listeners check who calls")
        if self.min_ipp_value > self.max_ipp_value:
            raise ValueError("min_ipp_value is larger than max_ipp_value")
        if self.secret_key is not None:
            _require_strong(self.secret_key.get_secret_value())
        if self.is_production:
            self._require_safe_addresses()
        return self

    def _require_safe_addresses(self) -> None:
        if "*" in self.allowed_hosts:
            raise ValueError("allowed_hosts is *, with which anyone can forge links in mails; name the hosts instead")
        if "*" in self.trusted_origins:
            raise ValueError("trusted_origins is *, with which any page could act as the person; name them instead")
        for name, address in (
            ("public_url", str(self.public_url)),
            *(("trusted_origins", it) for it in self.trusted_origins),
        ):
            parts = urlsplit(address)
            if parts.scheme == "http" and parts.hostname not in _THIS_MACHINE:
                raise ValueError(
                    f"{name} is {address}: passwords and tokens would travel readable by everybody; use https (a "
                    "reverse proxy with a certificate and behind_proxy = true), or mode = development"
                )

    @property
    def is_production(self) -> bool:
        """Whether this installation must be hardened."""
        return self.mode is Mode.PRODUCTION

    def runs(self, component: Component | str) -> bool:
        """Whether this process runs a component."""
        return Component(component) in self.components

    def url_of(self, service: Component | str) -> str | None:
        """Where a service runs, if it runs elsewhere; without a trailing slash."""
        url = {
            Component.PORTAL: self.portal_url,
            Component.CONFIGDB: self.configdb_url,
            Component.DOWNTIME: self.downtime_url,
            Component.ARCHIVE: self.archive_url,
        }[Component(service)]
        return None if url is None else str(url).rstrip("/")

    @property
    def effective_database_url(self) -> str:
        """The database in use: SQLite in the data directory unless another one is named."""
        return self.database_url or f"sqlite:///{(self.data_directory / 'armillary.sqlite3').absolute()}"


def _require_strong(secret: str) -> None:
    if len(secret) < _SHORTEST_SECRET:
        raise ValueError(f"secret_key is shorter than {_SHORTEST_SECRET} characters")
    if len(set(secret)) < _FEWEST_DIFFERENT:
        raise ValueError(f"secret_key has fewer than {_FEWEST_DIFFERENT} different characters: it can be guessed")


def load(environment: Mapping[str, str] | None = None) -> Configuration:
    """Read and check the settings.

    Raises:
        ConfigurationError: A name is unknown (with the nearest known one), or a value is not accepted (with why).
    """
    environment = os.environ if environment is None else environment
    values = _from_file(environment) | _from_environment(environment)
    try:
        return Configuration(**values)
    except ValidationError as error:
        raise ConfigurationError(_sentences(error)) from error


@cache
def configuration() -> Configuration:
    """The settings of this process, read once."""
    return load()


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, value in environment.items():
        if not name.startswith(PREFIX) or name in _NOT_SETTINGS:
            continue
        key = name.removeprefix(PREFIX).lower()
        if key not in Configuration.model_fields and key.endswith("_file"):
            key, value = key.removesuffix("_file"), _read_secret(name, value)  # noqa: PLW2901  the file's content is the value
        _require_known(key, name)
        values[key] = value
    return values


def _from_file(environment: Mapping[str, str]) -> dict[str, Any]:
    named = environment.get("ARMILLARY_CONFIGURATION_FILE")
    path = Path(named or "armillary.toml")
    if not named and not path.exists():
        return {}
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"the configuration file {str(path)!r} cannot be read: {error}") from error
    for key in values:
        _require_known(key, f"{key} in {path}")
    return values


def _read_secret(name: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigurationError(f"{name} names {path!r}, which cannot be read: {error.strerror}") from error


def _require_known(key: str, shown: str) -> None:
    if key in Configuration.model_fields:
        return
    near = difflib.get_close_matches(key, Configuration.model_fields, n=1)
    hint = f"; did you mean {PREFIX}{near[0].upper()}?" if near else ""
    raise ConfigurationError(f"{shown} is not a setting of Armillary{hint}")


def _sentences(error: ValidationError) -> str:
    lines = []
    for problem in error.errors(include_url=False, include_input=False):
        name = PREFIX + "_".join(str(part) for part in problem["loc"][:1]).upper() if problem["loc"] else "The settings"
        lines.append(f"{name}: {problem['msg'].removeprefix('Value error, ')}")
    return "; ".join(lines)
