"""The portal as an ASGI application (`uvicorn portal.config.asgi:application`)."""

import os
import warnings
from concurrent.futures import ThreadPoolExecutor

from django.conf import settings
from django.core.asgi import get_asgi_application
from django.db import connections

from portal.common.body_limit import FORM_BYTES, BodyLimit
from portal.config.database_release import end_on_tables_of_another_release

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.config.settings")

# Static files are small: reading one whole, as Django does with a plain file under ASGI, is what we want.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")

application = BodyLimit(get_asgi_application(), max_bytes=settings.ENV.max_upload_bytes + FORM_BYTES)

# On a thread: uvicorn imports this within its event loop, where Django asks no database.
with ThreadPoolExecutor(max_workers=1) as alone:
    alone.submit(end_on_tables_of_another_release).result()

# Under ASGI each request runs on a thread of its own: without a pool each would open a connection.
connections.settings["default"]["OPTIONS"]["pool"] = {"min_size": 1, "max_size": 16, "timeout": 10}
