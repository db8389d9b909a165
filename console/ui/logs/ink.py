"""The colours of logs on the theme's paper: a worker may choose any, and every one of them can be read."""

from __future__ import annotations

from rich.color import Color as RichColor
from rich.style import Style
from textual.color import Color

from console.fleet.logs.look import RGB, Look
from console.ui.paint import Inks

_LEAST_CONTRAST = 3.4
_STEPS = 8
_DARK = (
    "#3b4252", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#c8ccd4",
    "#7f848e", "#ff7b86", "#b5e890", "#ffd68a", "#82c4ff", "#dd9bf5", "#7fdbe6", "#ffffff",
)  # fmt: skip
_LIGHT = (
    "#24292f", "#b3202c", "#1c7c3c", "#8a5a00", "#0b5cad", "#8a2da5", "#0b7285", "#57606a",
    "#57606a", "#cf222e", "#1a7f37", "#9a6700", "#0969da", "#a040c0", "#1b7c83", "#24292f",
)  # fmt: skip
_CUBE = (0, 95, 135, 175, 215, 255)
_HUES = ("#5fb3d4", "#f0b35a", "#79c98b", "#c792ea", "#f2727a", "#56d4c0", "#d4c15f", "#8fa3f0")


class LogInks:
    """Styles for looks and for sources, made once a theme."""

    def __init__(self, inks: Inks) -> None:
        self.inks = inks
        self._paper = inks.paper
        self._plain_terminal = inks.paper.ansi is not None
        self._dark = self._plain_terminal or inks.paper.brightness < 0.5
        self._styles: dict[tuple[Look, bool], Style] = {}
        self._tags: dict[int, Style] = {}

    def style(self, look: Look, found: bool = False) -> Style:
        """Of text with this look; ``found``: it is what was searched for."""
        key = (look, found)
        known = self._styles.get(key)
        if known is None:
            if len(self._styles) > 4000:  # a log may use every colour there is
                self._styles.clear()
            known = self._styles[key] = self._found(look) if found else self._make(look)
        return known

    def tag(self, place: int) -> Style:
        """Of the place-th source: neighbours differ, whatever the theme."""
        known = self._tags.get(place)
        if known is None:
            hue = Color.parse(_HUES[place % len(_HUES)])
            known = self._tags[place] = (
                Style(
                    color=RichColor.parse(f"color({1 + place % 6})"), bgcolor=self.inks.text.bgcolor
                )
                if self._plain_terminal
                else self._on(self._readable(hue, self._paper), self._paper)
            )
        return known

    # ------------------------------------------------------------ within

    def _make(self, look: Look) -> Style:
        if self._plain_terminal:
            return self._as_it_is(look)
        paper = self._paper if look.paper is None else self._colour(look.paper)
        ink = self._ink(look)
        if look.reverse:
            ink, paper = paper, ink
        if look.dim and not look.reverse:
            ink = ink.blend(paper, 0.35, alpha=1.0)
        return self._on(self._readable(ink, paper), paper, bold=look.bold, underline=look.underline)

    def _found(self, look: Look) -> Style:
        if self._plain_terminal:
            return self._as_it_is(look._replace(reverse=not look.reverse))
        paper = Color(*(self.inks.key.color or RichColor.parse("yellow")).get_truecolor())
        ink = Color.parse("#000000" if paper.brightness > 0.45 else "#ffffff")
        return self._on(ink, paper, bold=True, underline=look.underline)

    def _ink(self, look: Look) -> Color:
        if look.ink is not None:
            return self._colour(look.ink)
        text = self.inks.text.color
        return Color(*text.get_truecolor()) if text else Color.parse("#808080")

    def _colour(self, number: int) -> Color:
        if number & RGB:
            return Color(number >> 16 & 255, number >> 8 & 255, number & 255)
        if number < 16:
            return Color.parse((_DARK if self._dark else _LIGHT)[number])
        if number >= 232:
            grey = 8 + (number - 232) * 10
            return Color(grey, grey, grey)
        number -= 16
        return Color(_CUBE[number // 36], _CUBE[number // 6 % 6], _CUBE[number % 6])

    def _readable(self, ink: Color, paper: Color) -> Color:
        """The ink, moved towards black or white as far as it takes to be read on this paper."""
        far = Color.parse("#ffffff" if paper.brightness < 0.5 else "#000000")
        now = ink
        for step in range(1, _STEPS + 1):
            if _contrast(now, paper) >= _LEAST_CONTRAST:
                return now
            now = ink.blend(far, step / _STEPS, alpha=1.0)
        return now

    def _on(self, ink: Color, paper: Color, bold: bool = False, underline: bool = False) -> Style:
        return Style(
            color=ink.rich_color,
            bgcolor=paper.rich_color,
            bold=bold or None,
            underline=underline or None,
        )

    def _as_it_is(self, look: Look) -> Style:
        """In a theme of the terminal's own colours, the terminal's own colours."""
        ink, paper = (_of_the_terminal(number) for number in (look.ink, look.paper))
        return Style(
            color=ink or self.inks.text.color, bgcolor=paper or self.inks.text.bgcolor,
            bold=look.bold or None, dim=look.dim or None,
            underline=look.underline or None, reverse=look.reverse or None,
        )  # fmt: skip


def _of_the_terminal(number: int | None) -> RichColor | None:
    if number is None:
        return None
    if number & RGB:
        return RichColor.from_rgb(number >> 16 & 255, number >> 8 & 255, number & 255)
    return RichColor.parse(f"color({number})")


def _contrast(one: Color, other: Color) -> float:
    """As WCAG has it: 1 to 21."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: Color) -> float:
    parts = [
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4
        for part in (colour.r / 255, colour.g / 255, colour.b / 255)
    ]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]
