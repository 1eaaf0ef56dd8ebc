"""What this installation's settings say of datasets."""

from django.conf import settings

from portal.datasets.doctor import UploadLimits


def upload_limits() -> UploadLimits:
    """Of this installation."""
    return UploadLimits(int(settings.ENV.max_upload_bytes), settings.ENV.max_upload_rows)
