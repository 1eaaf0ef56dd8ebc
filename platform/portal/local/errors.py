"""What stops the embedded installation: a message for the person at the terminal, never a stack trace."""


class InstallationError(Exception):
    """The installation cannot go on; the text says what is wrong and what to do about it."""
