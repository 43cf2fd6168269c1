"""The one error class for what a user can mend; everything else that is raised is a bug or the
machine's.

The message is one line: what was wrong, the value, what is allowed, what to do next. The command
line prints it without a traceback and exits with 2.
"""


class UserError(ValueError):
    """A setting, a file or a request that cannot be used as it is."""


class Terminated(KeyboardInterrupt):
    """SIGTERM has asked the work to end; what Ctrl-C does is its base."""


class ConsequenceError(UserError):
    """Another process has ended, which tells why."""


class ResumableError(UserError):
    """What was done so far is of use: the same command goes on from there."""
