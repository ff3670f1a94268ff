"""Django's settings, derived from the one typed configuration (:mod:`armillary.configuration`)."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from wsgiref.types import WSGIApplication

import dj_database_url
from django.core.exceptions import ImproperlyConfigured
from django.utils.functional import lazy

from armillary.accounts.oidc import signing_key
from armillary.accounts.providers import library_settings
from armillary.clients.revisions import provide_revision
from armillary.clients.transport import IN_PROCESS_HOST, provide_local_application
from armillary.configuration import Component, Configuration, ConfigurationError, Mode, configuration

try:
    CONFIGURATION: Configuration = configuration()
except ConfigurationError as error:
    raise ImproperlyConfigured(str(error)) from error

_public = urlsplit(str(CONFIGURATION.public_url))

# --- What runs here

_COMPONENT_APPS = {
    Component.CONFIGDB: "armillary.configdb",
    Component.DOWNTIME: "armillary.downtime",
    Component.PORTAL: "armillary.portal",
    Component.ARCHIVE: "armillary.archive",
    Component.WEB: "armillary.web",
}

# Second factors, sessions, and logins by somebody else's word: beside the portal, which is the identity provider.
_IDENTITY_APPS = [
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.github",
    "allauth.socialaccount.providers.google",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.socialaccount.providers.orcid",
]
INSTALLED_APPS = [
    "armillary.platform",
    "armillary.accounts",
    "axes",
    *(app for component, app in _COMPONENT_APPS.items() if CONFIGURATION.runs(component)),
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "corsheaders",
    *(_IDENTITY_APPS if CONFIGURATION.runs(Component.PORTAL) else ()),
    "django_filters",
    "django_htmx",
    "django_tasks",
    "django_tasks_db",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "oauth2_provider",
    "rest_framework",
    "simple_history",
]

ROOT_URLCONF = "armillary.server.urls"
WSGI_APPLICATION = "armillary.server.wsgi.application"
APPEND_SLASH = False  # addresses without the slash are answered directly: a redirected POST would lose its body

MIDDLEWARE = [
    "armillary.platform.middleware.RequestContextMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "armillary.server.middleware.AnswerWithoutSlashMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
    *(["allauth.account.middleware.AccountMiddleware"] if CONFIGURATION.runs(Component.PORTAL) else ()),
    "axes.middleware.AxesMiddleware",  # last: it answers 429 to who has just guessed once too often
]

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "DIRS": [CONFIGURATION.data_directory / "templates"],  # an observatory's own words for letters
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "armillary.server.context.installation",
            ]
        },
    }
]

# --- Safety

DEBUG = False
if CONFIGURATION.secret_key is not None:
    SECRET_KEY = CONFIGURATION.secret_key.get_secret_value()
elif CONFIGURATION.mode is Mode.TEST:
    SECRET_KEY = hashlib.sha256(b"armillary tests hold nothing worth protecting").hexdigest()
else:
    raise ImproperlyConfigured(
        "ARMILLARY_SECRET_KEY is not set. It signs sessions, tokens and links; give it at least 32 random characters, "
        "for example from: python -c 'import secrets; print(secrets.token_urlsafe(48))'"
    )
ALLOWED_HOSTS = [_public.hostname or "localhost", *CONFIGURATION.allowed_hosts, IN_PROCESS_HOST]
if not CONFIGURATION.is_production:
    ALLOWED_HOSTS += ["localhost", "127.0.0.1", "[::1]", "testserver"]
CSRF_TRUSTED_ORIGINS = [f"{_public.scheme}://{_public.netloc}", *CONFIGURATION.trusted_origins]
CORS_URLS_REGEX = r"^/(api|accounts|o|configdb|downtime|archive|frames|thumbnails|versions)/"
CORS_ALLOWED_ORIGINS = list(CONFIGURATION.trusted_origins)
CORS_ALLOW_CREDENTIALS = bool(CONFIGURATION.trusted_origins)
CORS_ALLOW_ALL_ORIGINS = not CONFIGURATION.trusted_origins  # any page may read with a token, none with a cookie
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _public.scheme == "https"
SESSION_COOKIE_SAMESITE = "Lax"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if CONFIGURATION.behind_proxy:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    USE_X_FORWARDED_HOST = True
DATA_UPLOAD_MAX_MEMORY_SIZE = 32 * 1024 * 1024  # one bulk submission of 1,000 groups fits

# --- Storage

_database: dict[str, Any] = dict(dj_database_url.parse(CONFIGURATION.effective_database_url, conn_max_age=None))
if _database["ENGINE"].endswith("sqlite3"):
    _database["OPTIONS"] = {
        # One writer at a time, who waits for its turn when the transaction begins and not at its first write:
        # otherwise two readers that both turn writers fail instead of waiting.
        "transaction_mode": "IMMEDIATE",
        "timeout": 30,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-64000;",
    }
    # Tests use a file too: with a database in memory, connections of several threads would each see another one.
    _database["TEST"] = {"NAME": str(Path(_database["NAME"]).with_suffix(".test.sqlite3"))}
    if CONFIGURATION.mode is not Mode.TEST:
        Path(_database["NAME"]).parent.mkdir(parents=True, exist_ok=True)
else:
    _database["ENGINE"] = "armillary.platform.postgresql"
    _database["CONN_HEALTH_CHECKS"] = True
DATABASES = {"default": _database}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

STATIC_URL = "/static/"
if CONFIGURATION.runs(Component.WEB):
    from bokeh.settings import settings as bokeh_settings

    # Bokeh's scripts come from its Python package: pages work without an Internet connection.
    STATICFILES_DIRS = [("bokeh", str(bokeh_settings.bokehjs_path() / "js"))]
WHITENOISE_USE_FINDERS = True  # the stylesheet and scripts come straight from the installed packages
WHITENOISE_AUTOREFRESH = CONFIGURATION.mode is Mode.TEST  # else each test client lists thousands of files
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": str(CONFIGURATION.data_directory / "media")},
    },
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

# --- People

AUTH_USER_MODEL = "armillary_accounts.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",  # first: it refuses who has guessed too often, whatever they give now
    "armillary.accounts.authentication.UsernameOrEmailBackend",
]
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]  # nobody can lock out somebody else from elsewhere
AXES_RESET_ON_SUCCESS = True
AXES_DISABLE_ACCESS_LOG = True
AXES_VERBOSE = False
AXES_USERNAME_CALLABLE = "armillary.accounts.locking.account_name"
AXES_CLIENT_IP_CALLABLE = "armillary.accounts.locking.client_address"
AXES_LOCKOUT_CALLABLE = "armillary.accounts.locking.locked"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    "django.contrib.auth.hashers.MD5PasswordHasher",  # read only: imported recordings; upgraded at the first login
]
if CONFIGURATION.mode is Mode.TEST:
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
ACCOUNT_ADAPTER = "armillary.accounts.social.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "username*"]
ACCOUNT_EMAIL_VERIFICATION = "none"  # our own link does that, see accounts.services.registration
MFA_ADAPTER = "armillary.accounts.second_factor_adapter.Adapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_ALLOW_UNVERIFIED_EMAIL = True  # the library would look into a list of addresses that we do not keep
SOCIALACCOUNT_ADAPTER = "armillary.accounts.social.SocialAdapter"
SOCIALACCOUNT_AUTO_SIGNUP = False  # terms must be accepted
SOCIALACCOUNT_EMAIL_AUTHENTICATION = False  # each provider says so for itself
SOCIALACCOUNT_FORMS = {"signup": "armillary.accounts.social.SignupForm"}
SOCIALACCOUNT_OPENID_CONNECT_URL_PREFIX = "oidc"
SOCIALACCOUNT_PROVIDERS = library_settings(CONFIGURATION.login_providers)
LOGIN_URL = "/accounts/login/"
LOGIN_REDIRECT_URL = "/accounts/loggedinstate/"
LOGOUT_REDIRECT_URL = "/"
OAUTH2_PROVIDER = {
    "SCOPES": {
        "read": "See your proposals, requests and data",
        "write": "Submit and change requests in your name",
        "openid": "Know who you are",
        "profile": "Know your name",
        "email": "Know your e-mail address",
    },
    "DEFAULT_SCOPES": ["read", "write"],
    "OIDC_ENABLED": CONFIGURATION.runs(Component.PORTAL),
    "OIDC_RSA_PRIVATE_KEY": lazy(signing_key, str)(CONFIGURATION.data_directory),  # made when first needed
    "OIDC_ISS_ENDPOINT": f"{str(CONFIGURATION.public_url).rstrip('/')}/o",
    "OIDC_RP_INITIATED_LOGOUT_ENABLED": False,
    "ACCESS_TOKEN_EXPIRE_SECONDS": 86400 * 30,
    "REFRESH_TOKEN_EXPIRE_SECONDS": 86400 * 90,
    "OAUTH2_VALIDATOR_CLASS": "armillary.accounts.oauth.Validator",
    "PKCE_REQUIRED": True,
}

# --- The wire

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["armillary.accounts.authentication.DefaultAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PAGINATION_CLASS": "armillary.platform.paging.LimitOffsetPaging",
    "DEFAULT_FILTER_BACKENDS": ["armillary.platform.filtering.FilterBackend"],
    "DEFAULT_METADATA_CLASS": "armillary.platform.metadata.Metadata",
    "DEFAULT_SCHEMA_CLASS": "armillary.platform.openapi.DocumentedSchema",
    "DEFAULT_PARSER_CLASSES": [
        "armillary.platform.parsers.UnicodeJsonParser",
        "rest_framework.parsers.FormParser",
        "rest_framework.parsers.MultiPartParser",
    ],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "EXCEPTION_HANDLER": "armillary.platform.errors.exception_handler",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Armillary",
    "DESCRIPTION": "API-driven observatory control: requests, schedules, observations, frames.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "armillary.platform.openapi.add_described",
    ],
}

# --- Work, mail, time, words

TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}
_mail = urlsplit(CONFIGURATION.email_url or f"file://{(CONFIGURATION.data_directory / 'mail').absolute()}")
if _mail.scheme == "file":
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = unquote(_mail.path)
elif _mail.scheme in {"smtp", "smtps"}:
    EMAIL_HOST, EMAIL_PORT = _mail.hostname or "localhost", _mail.port or (465 if _mail.scheme == "smtps" else 587)
    EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = unquote(_mail.username or ""), unquote(_mail.password or "")
    EMAIL_USE_SSL, EMAIL_USE_TLS = _mail.scheme == "smtps", _mail.scheme == "smtp" and bool(_mail.username)
else:
    raise ImproperlyConfigured("ARMILLARY_EMAIL_URL must begin with smtp://, smtps:// or file://")
EMAIL_TIMEOUT = 30
DEFAULT_FROM_EMAIL = SERVER_EMAIL = CONFIGURATION.organization_email

USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = False
LOGGING_CONFIG = "armillary.platform.logs.configure"
LOGGING = {"level": CONFIGURATION.log_level, "json": CONFIGURATION.is_production}


# --- Clients in this process reach the components in this process without a network


@cache
def _local_application() -> WSGIApplication:
    from armillary.server.in_process import InProcessHandler

    return InProcessHandler()


def _configdb_revision() -> str:
    from armillary.configdb.queries import current_revision

    return current_revision()


def _downtime_revision() -> str:
    from armillary.downtime.queries import current_revision

    return current_revision()


provide_local_application(_local_application)
provide_revision("configdb", _configdb_revision)
provide_revision("downtime", _downtime_revision)
