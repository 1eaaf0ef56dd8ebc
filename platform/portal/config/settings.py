"""Django's settings: everything that differs between installations comes from config.env."""

import mimetypes
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.urls import reverse_lazy

from portal.common.logging import logging_config
from portal.common.mail import mail_config
from portal.common.queue import HOUSEKEEPING_QUEUE, QUEUES
from portal.config.env import database_config, read_settings

ENV = read_settings()

DEBUG = ENV.debug
SECRET_KEY = ENV.secret_key.get_secret_value()
ALLOWED_HOSTS = ENV.hosts
CSRF_TRUSTED_ORIGINS = [ENV.public_url]
ROOT_URLCONF = "portal.config.urls"
ASGI_APPLICATION = "portal.config.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TIME_ZONE = "UTC"
USE_TZ = True
LANGUAGE_CODE = "en"
APPEND_SLASH = False
SITE_NAME = "HMI"

INSTALLED_APPS = [
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.headless",
    "axes",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "portal.config",
    "portal.common",
    "portal.audit",
    "portal.tenants",
    "portal.webhooks",
    "portal.datasets",
    "portal.catalog",
    "portal.usage",
    "portal.training",
    "portal.serving",
    "portal.domains",
]

MIDDLEWARE = [
    "portal.common.metrics.MetricsMiddleware",
    "portal.common.logging.RequestLogMiddleware",
    "portal.common.security.SecurityHeadersMiddleware",
    "portal.common.throttle.RateLimitHeadersMiddleware",
    "portal.common.conditional.ConditionalMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "portal.common.parsers.FormsInUtf8Middleware",
    "portal.tenants.account_bodies.AccountBodiesMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "portal.common.console.OperatorScopeMiddleware",
    "axes.middleware.AxesMiddleware",  # last: it replaces the answer to a locked-out sign-in
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# The portal's own role, under row-level security.
DATABASES: dict[str, dict[str, Any]] = {"default": database_config(ENV.database_url.get_secret_value())}
if ENV.database_owner_url is not None:
    # `manage.py migrate --database owner` makes the tables; the portal's role may not.
    DATABASES["owner"] = database_config(ENV.database_owner_url.get_secret_value())
# Holds counts of requests, those of this process; so many that a flood does not push others' out.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}

# Accounts
AUTH_USER_MODEL = "tenants.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
HEADLESS_ONLY = True
HEADLESS_CLIENTS = ("browser",)
# Keys stand after "#": browsers do not send that part, so that no server's log has them.
HEADLESS_FRONTEND_URLS = {
    "account_confirm_email": f"{ENV.public_url}/confirm-email#{{key}}",
    "account_reset_password": f"{ENV.public_url}/forgotten-password",
    "account_reset_password_from_key": f"{ENV.public_url}/new-password#{{key}}",
    "account_signup": f"{ENV.public_url}/sign-up",
}
ACCOUNT_ADAPTER = "portal.tenants.accounts.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = ENV.email_verification
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_EMAIL_NOTIFICATIONS = True  # a changed password, a second factor: its owner is told by mail
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ALLAUTH_TRUSTED_PROXY_COUNT = 1  # as common.logging.client_address
ACCOUNT_RATE_LIMITS = {"login": False, "login_failed": False}  # axes counts these
ACCOUNT_DEFAULT_HTTP_PROTOCOL = ENV.public_url.partition(":")[0]
MFA_ADAPTER = "portal.tenants.accounts.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = SITE_NAME
MFA_TOTP_TOLERANCE = 1  # half a minute to either side: clocks differ
LOGIN_URL = reverse_lazy("admin:login")

AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_USERNAME_CALLABLE = "portal.tenants.accounts.sign_in_name"
AXES_CLIENT_IP_CALLABLE = "portal.common.logging.client_address"
AXES_LOCKOUT_CALLABLE = "portal.common.exception_handler.locked_out"
AXES_DISABLE_ACCESS_LOG = True
AXES_VERBOSE = False

# Cookies and headers
IS_HTTPS = ENV.public_url.startswith("https:")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_HTTPS
SESSION_ENGINE = "portal.tenants.sessions"
SESSION_COOKIE_NAME = "hmi_session"
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 14 * 24 * 3600
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if IS_HTTPS else None
SECURE_HSTS_SECONDS = 31_536_000 if IS_HTTPS else 0
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "portal.common.exception_handler.csrf_failed"

# Uploads: files go to disk as they arrive; everything else in a body must fit in memory.
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440
FILE_UPLOAD_MAX_MEMORY_SIZE = 1_048_576

# Static files: the console's and the API pages' under /static/, the built dashboard at the root.
STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False
WHITENOISE_ROOT = ENV.frontend_dir if ENV.frontend_dir is not None and ENV.frontend_dir.is_dir() else None
WHITENOISE_INDEX_FILE = False  # index.html is answered by common.frontend, uncached
WHITENOISE_IMMUTABLE_FILE_TEST = r"^/assets/.+$"
mimetypes.add_type("text/javascript", ".js", strict=True)  # some systems' tables say text/plain

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "portal.tenants.authentication.KeyAuthentication",
        "portal.tenants.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_THROTTLE_CLASSES": ["portal.common.throttle.CallerThrottle"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["portal.common.parsers.JsonParser"],
    "DEFAULT_PAGINATION_CLASS": "portal.common.pagination.PageNumbers",
    "DEFAULT_SCHEMA_CLASS": "portal.common.schema.Schema",
    "EXCEPTION_HANDLER": "portal.common.exception_handler.handle",
    "UNICODE_JSON": False,  # an error may quote half a surrogate pair, which UTF-8 cannot write
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "HMI",
    "DESCRIPTION": "Make, deploy and watch your own language models.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "ENUM_NAME_OVERRIDES": {
        "ErrorCode": "portal.common.schema.ERROR_CODES",
        "Scope": "portal.common.schema.SCOPES",
        "Role": "portal.tenants.models.Role",
        "KeyKind": "portal.tenants.models.KeyKind",
        "DatasetFormat": "portal.datasets.models.DatasetFormat",
        "DatasetState": "portal.datasets.models.DatasetState",
        "Severity": "portal.datasets.shapes.SEVERITIES",
        "FixKind": "portal.datasets.shapes.FIX_KINDS",
        "JobState": "portal.training.models.JobState",
        "VersionState": "portal.catalog.models.VersionState",
        "TaskKind": "portal.common.task_kinds.TASK_KINDS",
        "TimeLimitName": "portal.common.schema.TIME_LIMITS",
        "EventType": "portal.webhooks.models.EventType",
        "WebhookEvent": "portal.webhooks.apis.SUBSCRIBABLE",
        "DeliveryState": "portal.webhooks.models.DeliveryState",
        "DeploymentState": "portal.serving.models.DeploymentState",
        "TrialKind": "portal.serving.models.TrialKind",
        "QuotaPeriod": "portal.usage.models.QuotaPeriod",
        "TrialState": "portal.serving.models.TrialState",
    },
}

# Jobs: the broker may deliver one twice; the jobs claim their rows in the database (training.jobs).
CELERY_BROKER_URL = ENV.broker_url.get_secret_value()
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 3600,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    "socket_connect_timeout": 3,
    "socket_timeout": 5,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_DEFAULT_QUEUE = HOUSEKEEPING_QUEUE
CELERY_TASK_ROUTES = QUEUES
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_PUBLISH_RETRY = (
    False  # a lost message is found by the reaper; a request must not wait for the broker
)
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# Of the trainings' worker, one place being for a domain's job; the others are given theirs.
CELERY_WORKER_CONCURRENCY = ENV.training_places + 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_TIMEZONE = "UTC"
# In memory: one that cannot write its file, on a full disk, ends, and nobody starts it again. So all waits
# begin anew at each start; they are ten minutes at most, or who never runs so long would wait for good.
CELERY_BEAT_SCHEDULER = "celery.beat:Scheduler"
CELERY_BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    "training-reap": {"task": "training.reap", "schedule": 5.0, "options": {"expires": 5.0}},
    "datasets-sweep": {"task": "datasets.sweep", "schedule": 300.0, "options": {"expires": 300.0}},
    "datasets-tidy": {"task": "datasets.tidy", "schedule": 60.0, "options": {"expires": 60.0}},
    "domains-reconcile": {"task": "domains.reconcile", "schedule": 10.0, "options": {"expires": 10.0}},
    "trials-judge": {"task": "serving.trials_judge", "schedule": 10.0, "options": {"expires": 10.0}},
    "drift-watch": {"task": "serving.drift_watch", "schedule": 600.0, "options": {"expires": 600.0}},
    "quotas-watch": {"task": "usage.quotas_watch", "schedule": 60.0, "options": {"expires": 60.0}},
    "webhooks-deliver": {"task": "webhooks.deliver", "schedule": 2.0, "options": {"expires": 2.0}},
    "webhooks-prune": {"task": "webhooks.prune", "schedule": 600.0, "options": {"expires": 600.0}},
    "usage-prune": {"task": "usage.prune", "schedule": 600.0, "options": {"expires": 600.0}},
    "store-sweep": {"task": "domains.store_sweep", "schedule": 300.0, "options": {"expires": 300.0}},
}

LOGGING_CONFIG = "portal.common.logging.configure"
LOGGING = logging_config(level=ENV.log_level, is_json=ENV.log_format == "json")

MAIL = mail_config(ENV.mail_url.get_secret_value())
EMAIL_BACKEND = MAIL.backend
EMAIL_HOST, EMAIL_PORT = MAIL.host, MAIL.port
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = MAIL.user, MAIL.password
EMAIL_USE_SSL, EMAIL_USE_TLS = MAIL.is_ssl, MAIL.is_starttls
EMAIL_TIMEOUT = 10
EMAIL_FILE_PATH: Path | None = MAIL.folder
DEFAULT_FROM_EMAIL = SERVER_EMAIL = ENV.mail_from

UNFOLD = {
    "SITE_TITLE": "HMI",
    "SITE_HEADER": "HMI operator console",
    "SITE_SUBHEADER": "Times are UTC",
    "SHOW_HISTORY": False,
    "SIDEBAR": {
        "show_all_applications": True,
        "navigation": [
            {
                "title": "Installation",
                "items": [
                    {"title": "Dashboard", "icon": "home", "link": "/", "active": lambda request: False},
                    {
                        "title": "Tenants",
                        "icon": "groups",
                        "link": reverse_lazy("admin:tenants_tenant_changelist"),
                    },
                    {
                        "title": "Trainings",
                        "icon": "model_training",
                        "link": reverse_lazy("admin:training_trainingjob_changelist"),
                    },
                    {
                        "title": "Audit log",
                        "icon": "history",
                        "link": reverse_lazy("admin:audit_auditentry_changelist"),
                    },
                    {"title": "Memory", "icon": "memory", "link": reverse_lazy("console-memory")},
                    {"title": "Mail", "icon": "mail", "link": reverse_lazy("console-mail")},
                ],
            }
        ],
    },
}
