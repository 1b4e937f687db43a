"""How things fail here: with what was wrong, and what to do."""


class LabError(Exception):
    """Something that ends the run; `hint` says what to do."""

    def __init__(self, message, hint=None, status=1):
        super().__init__(message)
        self.hint = hint
        self.status = status


class UsageError(LabError):
    """The command line or this machine does not fit; nothing was done."""

    def __init__(self, message, hint=None):
        super().__init__(message, hint, 2)
