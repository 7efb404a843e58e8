"""The one exception for errors that a user can fix."""


class InputError(ValueError):
    """Bad input. The message says what is wrong, where, and how to fix it, so no traceback is shown."""
