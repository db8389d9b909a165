"""Three themes beside Textual's own: a light one, one of high contrast, one for colour-blind eyes.

Nothing is said by colour alone, whatever the theme: each state has its glyph and word.
"""

from __future__ import annotations

from textual.theme import Theme

DEFAULT = "quarterdeck"

THEMES = (
    Theme(
        name="quarterdeck",
        primary="#5fb3d4",
        secondary="#7f8fd9",
        accent="#f0b35a",
        success="#79c98b",
        warning="#eec05c",
        error="#f2727a",
        foreground="#d7dde6",
        background="#10151c",
        surface="#161d26",
        panel="#1e2732",
        dark=True,
    ),
    Theme(
        name="quarterdeck-light",
        primary="#0b6e99",
        secondary="#4b53a8",
        accent="#a85a00",
        success="#1c7c3c",
        warning="#945f00",
        error="#b3202c",
        foreground="#1d242c",
        background="#fbfaf7",
        surface="#f1efe9",
        panel="#e5e2da",
        dark=False,
    ),
    Theme(
        name="high-contrast",
        primary="#00ffff",
        secondary="#ffffff",
        accent="#ffff00",
        success="#00ff5f",
        warning="#ffff00",
        error="#ff6b6b",
        foreground="#ffffff",
        background="#000000",
        surface="#000000",
        panel="#1c1c1c",
        dark=True,
        text_alpha=1.0,
    ),
    # The palette of Okabe and Ito: told apart with every common colour vision.
    Theme(
        name="colour-blind",
        primary="#56b4e9",
        secondary="#cc79a7",
        accent="#f0e442",
        success="#56b4e9",
        warning="#f0e442",
        error="#f28e4b",
        foreground="#e6e6e6",
        background="#12161c",
        surface="#191f27",
        panel="#222a34",
        dark=True,
    ),
)
