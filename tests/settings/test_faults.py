"""What is said of settings that are wrong: file, line, key, what was wanted; never a value."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.errors import SettingsError
from console.settings.load import load


def faults(tmp_path: Path, text: str) -> list[str]:
    file = tmp_path / "s.yaml"
    file.write_text(text)
    file.chmod(0o600)
    with pytest.raises(SettingsError) as caught:
        load(file, environ={})
    return [line.removeprefix(f"{file}:") for line in str(caught.value).splitlines()]


def test_all_faults_at_once_in_the_order_of_the_lines(tmp_path: Path) -> None:
    text = """ui:
  asci: true
nodes:
  - a
  - {name: b, port: "22"}
  - {nam: c}
read_only: yes
interval: 1 fortnight
"""
    assert faults(tmp_path, text) == [
        "2: ui.asci: is not known; did you mean ascii?",
        "5: nodes.b.port: wanted a whole number, found text",
        "6: nodes.#3.nam: is not known; did you mean name?",
        "6: nodes.#3.name: is missing",
        "7: read_only: wanted true or false, found text",
        "8: interval: wanted a duration such as 5s, 60m, 2h or 1d",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nodes: [{name: a, prot: 22}]", "1: nodes.a.prot: is not known; did you mean port?"),
        ("nodez: []", "1: nodez: is not known; did you mean nodes?"),
        ("zzz: 1", "1: zzz: is not known"),
        ("nodes: a", "1: nodes: wanted a list, found text"),
        ("nodes: {a: b}", "1: nodes: wanted a list, found keys and values"),
        ("ui: []", "1: ui: wanted keys and values (key: value), found a list"),
        ("ui: {layout: pane}", "1: ui.layout: wanted 'auto', 'panes' or 'table'"),
        ("ui: {theme: 5}", "1: ui.theme: wanted text, found a number"),
        ("nodes: [{name: a, port: 0}]", "1: nodes.a.port: wanted greater than or equal to 1"),
        ("alerts: {memory: {for: soon}}", "1: alerts.memory.for: wanted a duration such as 5s, 60m, 2h or 1d"),
        ("alerts: {memori: {}}", "1: alerts.memori: is not known; did you mean memory?"),
        ("datasets: [{name: d, paths: []}]", "1: datasets.d.paths: wanted at least one"),
        ("datasets: [{name: d, paths: x, count: rows}]", "1: datasets.d.count: wanted lines, shards, sqlite:TABLE, parquet or files"),
        ("datasets: [{name: d, paths: x, nodes: 'tag:'}]", "1: datasets.d.nodes: 'tag:' is no selector"),
        ("nodes: [a, b, a]", "1: nodes.a: is here twice"),
        ("ui: {theme: a, theme: b}", "1: theme: is here twice"),
        ("- a", "1: wanted keys and values (key: value)"),
        ("interval: -1", "1: interval: wanted a duration"),
        ("interval: .inf", "1: interval: wanted a duration"),
        ("notify: {webhook: {url: ftp://x}}", "1: notify.webhook.url: wanted an https:// or http:// address"),
        ("notify: {webhook: {url: {from_env: 'a b'}}}", "1: notify.webhook.url.from_env: wanted the name of an environment variable"),
        ("notify: {webhook: {url: http://x, token: abc}}", "1: notify.webhook.token: wanted keys and values"),
    ],
)  # fmt: skip
def test_one_fault(tmp_path: Path, text: str, said: str) -> None:
    found = faults(tmp_path, text + "\n")
    assert len(found) == 1
    assert found[0].startswith(said)


def test_a_name_twice_over_lines_names_both_places(tmp_path: Path) -> None:
    (fault,) = faults(tmp_path, "nodes:\n  - {name: a}\n  - b\n  - {name: a}\n")
    assert fault.startswith("4: nodes.a: is here twice; first at ")
    assert fault.endswith("s.yaml:2")


def test_values_are_never_repeated(tmp_path: Path) -> None:
    canary = "hunter2canary"
    text = f"""nodes:
  - {{name: a, environment: {{TOKEN: [{canary}]}}}}
notify: {{webhook: {{url: "{canary}", token: {canary}, tokn: {canary}}}}}
ui: {{layout: {canary}, ascii: {canary}}}
interval: {canary}
"""
    found = faults(tmp_path, text)
    assert len(found) >= 6
    assert canary not in "\n".join(found)


def test_the_faults_of_all_files_are_said(tmp_path: Path) -> None:
    for name, text in (("a.yaml", "ui: [\n"), ("b.yaml", "ui: {x: *y}\n"), ("c.yaml", "ui: {}\n")):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o600)
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, environ={})
    assert [line.split(": ")[0] for line in str(caught.value).splitlines()] == [
        f"{tmp_path}/a.yaml:2",
        f"{tmp_path}/b.yaml:1",
    ]
