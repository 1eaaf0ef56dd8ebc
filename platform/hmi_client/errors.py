"""What can go wrong, as the one who calls reads it."""


class ClientError(Exception):
    """The message says what to do."""


class ApiError(ClientError):
    """An answer that is not a success. ``code`` is stable (docs/api.md); ``details`` are the answer's."""

    def __init__(
        self, status: int, code: str, message: str, *, details: object = None, retry_after_s: float = 0.0
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.details = details
        self.retry_after_s = retry_after_s  # as the answer asks; 0: it does not
