"""Where a dataset's files lie in the store: all that holds its text, so that deleting finds it."""

from dataclasses import dataclass

from wire.ids import BundleUri, DatasetId, TenantId


@dataclass(frozen=True, slots=True)
class DatasetPlaces:
    """The URIs of one dataset."""

    tenant_id: TenantId
    dataset_id: DatasetId

    @property
    def folder_uri(self) -> BundleUri:
        """The folder of the upload and its rows."""
        return BundleUri(f"tenants/{self.tenant_id}/datasets/{self.dataset_id}")

    @property
    def original_uri(self) -> BundleUri:
        """The bytes as uploaded."""
        return BundleUri(f"{self.folder_uri}/original")

    @property
    def rows_uri(self) -> BundleUri:
        """JSON lines {"row", "text", "label"}."""
        return BundleUri(f"{self.folder_uri}/rows.jsonl")

    @property
    def segment_uri(self) -> BundleUri:
        """What the dataset contributes to its domain; a segment can nearly be read back as text."""
        return BundleUri(f"tenants/{self.tenant_id}/segments/{self.dataset_id}")


def upload_folder_uri(tenant_id: TenantId, upload_id: str) -> BundleUri:
    """The chunks of a file on its way."""
    return BundleUri(f"tenants/{tenant_id}/uploads/{upload_id}")
