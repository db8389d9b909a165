"""How an errand can end without its result.

ErrandFault
├── Unreachable     the machine could not be reached, or fell silent: whether the last act was done is unknown
└── ErrandFailed    the machine answered: no; ``code`` says of what kind
"""

CODES = (
    "bad_request",  # not an errand, or not of this shape
    "unsafe_name",  # a name that may not form a path
    "gone",  # the file or folder is not there
    "changed",  # it is not the file that was listed
    "corrupt",  # the bytes are not those that were announced
    "conflict",  # a larger or newer file is there
    "busy",  # somebody else is at work on it
    "fenced",  # a newer job has been here
    "no_space",  # the disk is full
    "not_permitted",
    "failed",
    "no_python",  # no Python new enough
)


class ErrandFault(Exception):
    """``text`` is for people."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class Unreachable(ErrandFault):
    @property
    def reason(self) -> str:
        return self.text


class ErrandFailed(ErrandFault):
    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
