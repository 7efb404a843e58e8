"""The one exception for what a user can mend."""


class InputError(ValueError):
    """Bad input. Its message says what is wrong, where, and how to mend it; it needs no traceback."""
