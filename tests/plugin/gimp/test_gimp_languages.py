"""The catalogues: every text of the interface in every language, with its fields and mnemonics."""

import ast
import gettext
import io
import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

from hotfolder.cli.gimp.catalogues import compile_catalogue, read_catalogue

PLUGIN = Path(__file__).parents[3] / "plugin" / "gimp" / "impasto"
CATALOGUES = sorted((PLUGIN / "translations").glob("*.po"))
OWN = {
    "layer": ("window", "layer_settings", "region_list"),
    "texture": ("texture", "texture_settings"),
}
"""Modules of `dialog` that one of the two dialogs has for itself."""


def dialog_modules(other: str) -> list[Path]:
    """Those of a dialog: all but those of the other."""
    found = sorted((PLUGIN / "dialog").glob("*.py"))
    return [path for path in found if path.stem not in OWN[other]]


DIALOGS = [
    (dialog_modules("texture"), {"_Choose", "_Open"}),  # those are of the file choosers
    (dialog_modules("layer"), {"_Choose", "_Open"}),
    (sorted((PLUGIN / "results").glob("*.py")), set()),
]


def texts(*modules: Path) -> Iterator[str]:
    """What the plug-in's modules hand to `_`."""
    for path in modules or sorted(PLUGIN.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "_":
                yield ast.literal_eval(node.args[0])


def translations(catalogue: Path) -> gettext.GNUTranslations:
    return gettext.GNUTranslations(io.BytesIO(compile_catalogue(catalogue.read_text())))


def fields(text: str) -> list[str]:
    return sorted(f"{name}:{form}" for _, name, form, _ in string.Formatter().parse(text) if name)


def test_the_languages_are_four() -> None:
    assert [each.stem for each in CATALOGUES] == ["de", "es", "fr", "ja"]


@pytest.mark.parametrize("catalogue", CATALOGUES, ids=lambda path: path.stem)
def test_every_text_is_translated_and_nothing_else_is(catalogue: Path) -> None:
    translated = read_catalogue(catalogue.read_text())
    assert f"Language: {catalogue.stem}\n" in translated.pop("")
    assert set(translated) == set(texts())
    assert all(translated.values())


@pytest.mark.parametrize("catalogue", CATALOGUES, ids=lambda path: path.stem)
def test_the_fields_and_the_mnemonics_of_a_text_are_those_of_the_original(catalogue: Path) -> None:
    spoken = translations(catalogue)
    for text in texts():
        there = spoken.gettext(text)
        assert fields(there) == fields(text), text
        assert len(re.findall(r"_\w", there)) == len(re.findall(r"_\w", text)), text


@pytest.mark.parametrize("catalogue", CATALOGUES, ids=lambda path: path.stem)
@pytest.mark.parametrize(("modules", "others"), DIALOGS, ids=["paint", "texture", "import"])
def test_no_two_widgets_of_a_dialog_have_the_same_key(
    catalogue: Path, modules: list[Path], others: set[str]
) -> None:
    labels = {translations(catalogue).gettext(text) for text in set(texts(*modules)) - others}
    keys = [match[1].lower() for label in labels if (match := re.search(r"_(\w)", label))]
    assert sorted(keys) == sorted(set(keys)), sorted(keys)


def test_quotes_and_lines_are_read_as_gettext_reads_them() -> None:
    source = 'msgid ""\nmsgstr "A: b\\n"\n\n# no\nmsgid "a \\"b\\""\nmsgstr ""\n"é "\n"ü"\n'
    assert read_catalogue(source) == {"": "A: b\n", 'a "b"': "é ü"}
    header = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n'
    compiled = compile_catalogue(header + 'msgid "a"\nmsgstr "ä"\nmsgid "b"\nmsgstr ""\n')
    spoken = gettext.GNUTranslations(io.BytesIO(compiled))
    assert (spoken.gettext("a"), spoken.gettext("b")) == ("ä", "b")
