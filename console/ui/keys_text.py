"""How a key is written for people: `ctrl+r` as Ctrl-R, `question_mark` as ?."""

from __future__ import annotations

from textual.keys import key_to_character

_NAMES = {
    "enter": "Enter",
    "escape": "Esc",
    "space": "Space",
    "tab": "Tab",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "home": "Home",
    "end": "End",
    "delete": "Del",
    "backspace": "Backspace",
    "slash": "/",
    "backslash": "\\",
    "plus": "+",
    "minus": "-",
}


def key_text(key: str) -> str:
    """The name of a key as Textual calls it, in the form people know."""
    if key in _NAMES:
        return _NAMES[key]
    *modifiers, last = key.split("+")
    if modifiers:
        return "-".join([*(m.capitalize() for m in modifiers), _plain(last)])
    return _plain(key) if len(key) > 1 else key


def _plain(key: str) -> str:
    if key in _NAMES:
        return _NAMES[key]
    character = key_to_character(key)
    if character is not None and len(character) == 1 and character.isprintable():
        return character.upper() if len(key) == 1 else character
    return key.capitalize() if len(key) > 2 else key.upper()
