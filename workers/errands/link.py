"""The wire between a job and an errand program: one child process, lines of JSON both ways."""

from typing import Any, Callable, Dict, List, Optional

Part = Callable[[Any], None]
Beat = Callable[[int, int], None]


class Link:
    """One running errand program. Its first line is ``hello``."""

    hello: Dict[str, Any]

    @classmethod
    def start(cls, ssh: Optional[List[str]], name: str) -> "Link":
        """Raises Unreachable, ErrandFailed."""
        raise NotImplementedError

    def ask(
        self,
        do: str,
        asked: Dict[str, Any],
        part: Optional[Part] = None,
        beat: Optional[Beat] = None,
    ) -> Any:
        """The result. Raises Unreachable, ErrandFailed."""
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError
