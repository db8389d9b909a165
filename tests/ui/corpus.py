"""Strings that a hostile node could send, each with what it would do if it got through."""

MARK = "pwned"  # never in anything a terminal would act on

CORPUS = {
    "escape": f"\x1b[31m{MARK}\x1b[0m",
    "title": f"\x1b]0;{MARK}\x07",
    "clipboard": "\x1b]52;c;cHduZWQ=\x07",
    "hyperlink": f"\x1b]8;;http://{MARK}\x1b\\x\x1b]8;;\x1b\\",
    "reset": f"\x1bc{MARK}",
    "c1 csi": f"\x9b31m{MARK}",
    "c1 osc": f"\x9d52;c;cHduZWQ=\x9c{MARK}",
    "bell and backspace": f"a\x07b\x08\x08{MARK}",
    "carriage return": f"good\r{MARK}",
    "newlines": f"one\ntwo\n{MARK}",
    "tab": f"a\tb\t{MARK}",
    "bidi": f"\u202e{MARK}\u2066x\u2069\u200f",
    "separators": f"a\u2028{MARK}\u2029b\x85c",
    "surrogate": f"\udcff{MARK}\ud800",
    "nul": f"a\x00{MARK}\x7f",
    "closing markup": f"[/x]{MARK}",
    "action markup": f"[@click=app.quit]{MARK}[/]",
    "style markup": f"[bold red on green]{MARK}[/bold red on green]",
    "open markup": f"[{MARK}",
    "brackets": f"[[[]]]{MARK}[/]",
    "wide": f"界界界{MARK}" * 3,
    "combining": f"e\u0301\u0301\u0301{MARK}" + "\u0300" * 50,
    "emoji": f"👩‍👩‍👧‍👦{MARK}🏳️‍🌈",
    "invisible": f"a\u200b\u2060\ufeff\u00ad{MARK}",
    "long": MARK * 2000,
    "empty": "",
    "blank": " ",
    "variables": f"$primary {MARK} {{0}} %s",
}
