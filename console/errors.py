"""The error tree. Foreign errors are translated into it at the border and nowhere else.

QuarterdeckError
├── SettingsError          a settings file is wrong: file, line, key, wanted type
├── UsageError             the command line is wrong (exit code 2)
├── Refused                a guard said no: read-only, an identity that changed (exit code 4)
├── LinkError              no link to a node; carries a `Problem` (what, and what to do)
├── RequestFailed          the agent answered with a Failure; carries its code
└── RequestLost            the link ended before the answer: the outcome is unknown
"""

from __future__ import annotations

from console.fleet.model import Problem


class QuarterdeckError(Exception):
    """The root: its text can be shown to a person as it is."""


class SettingsError(QuarterdeckError):
    """One or more faults in the settings; each line of the text is `file:line: key: what`."""


class UsageError(QuarterdeckError):
    """The command line cannot be understood."""


class Refused(QuarterdeckError):
    """A guard refused; the text says which and why."""


class LinkError(QuarterdeckError):
    """A node cannot be reached, or its agent cannot run there."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.text)
        self.problem = problem


class RequestFailed(QuarterdeckError):
    """The agent answered with a failure."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


class RequestLost(QuarterdeckError):
    """The link was lost before the reply: whether it happened is unknown."""
