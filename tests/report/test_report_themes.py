"""A theme is the organisation's: its sections, words, colours, logo and templates; it reaches nothing and lies about nothing."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pypdf
import pytest
import report_tables as made
from verified import CONTROLS, report_of, store_at
from worded import strings, titles

from audit.cli import main
from audit.controls import registry
from audit.errors import UsageError
from audit.report import contents, model, pdf, result, themes
from audit.report.pieces import Theme
from audit.report.publish import last_manifest
from audit.report.shapes import Report
from audit.report.templates import folder
from audit.report.wording import ENGLISH, shipped
from audit.verify import Verdict
from tests.documented import of

GUIDE = "docs/how-to/theme-the-report.md"
ROOT = Path(__file__).parents[2]
LOGO = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 10"><title>ACME</title><rect width="40" height="10" fill="#fff"/></svg>'
WHOLE = {
    "theme.toml": """
sections = ["cover", "summary", "approach", "matrix", "subjects", "controls", "changes", "deployments", "figures", "evidence", "sign-off"]

[own.approach]
title = "Wie wir vorgehen"

[colours]
deep = "#14532d"
chart-1 = "#166534"

[texts]
"Owner" = "Verantwortlich"
""",
    "theme.css": ".approach { font-style: italic; }\n",
    "logo.svg": LOGO,
    "templates/approach.html": '<section class="page" id="approach"><h1>{{ _("Wie wir vorgehen") }}</h1><p class="approach">{{ report.organisation }} &lt;fragt&gt;.</p></section>',
    "templates/summary.html": '{% extends "default/summary.html" %}{% block lead %}<p>Vorab: {{ report.quarter }}.</p>{{ super() }}{% endblock %}',
}


def theme(place: Path, files: dict[str, str]) -> Theme:
    for name, text in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text, encoding="utf-8")
    return themes.read(place)


def small(language: str = "en", used: Theme | None = None) -> Report:
    tables = made.quarter(6, 2)
    for name in ("conclusions", "exceptions"):
        tables[name] = tables[name][tables[name]["control"].isin(CONTROLS)].reset_index(drop=True)
    return model.build(
        tables, made.settings(report={"language": language}), made.PERIOD, as_of=made.AS_OF, version="0.1.0",
        catalogue=[entry for entry in made.CATALOGUE if entry.id in CONTROLS], theme=used,
    )  # fmt: skip


def test_every_language_words_every_text_of_ours_and_no_other() -> None:
    known = strings()
    assert len(known) > 450
    assert {control.title for control in registry.CONTROLS} == titles()
    for path in sorted((folder() / "languages").glob("*.toml")):
        texts = tomllib.loads(path.read_text(encoding="utf-8"))["texts"]
        assert sorted(known - set(texts)) == []
        assert sorted(set(texts) - known - titles()) == []
        assert [text for text, other in texts.items() if not other.strip()] == []
        assert all(
            sorted(re.findall(r"\{\w+\}", text)) == sorted(re.findall(r"\{\w+\}", other))
            for text, other in texts.items()
        )


def test_a_page_in_another_language_says_no_sentence_of_ours_in_english() -> None:
    page = pdf.html(small("de"))
    assert '<html lang="de">' in page
    shown = re.sub(r"<[^>]+>", " ", page)
    for told in ("1. Juli 2026", "Was zuerst zu tun ist", "Kontrollmatrix", "Nicht geprüft"):
        assert told in shown
    texts = shipped("de").texts
    long = [text for text in texts if len(text) > 40 and texts[text] != text and "{" not in text]
    assert [text for text in long if text in shown.replace("&#39;", "'").replace("&lt;", "<")] == []


def test_prose_that_is_there_in_english_alone_says_so() -> None:
    page = pdf.html(small("de"))
    assert page.count('<div lang="en">') > len(CONTROLS)
    assert 'lang="en"' not in pdf.html(small()).replace('<html lang="en">', "")


def test_numbers_and_days_have_the_languages_form() -> None:
    w = shipped("de")
    assert w.number("1,234.5") == "1.234,5"
    assert w.many(1, "{n} change", "{n} changes") == "1 Änderung"
    assert w.many(1200, "{n} change", "{n} changes") == "1.200 Änderungen"
    assert ENGLISH.many(1200, "{n} change", "{n} changes") == "1,200 changes"
    assert w.html("from {source}", source="<b>") == "aus &lt;b&gt;"


@pytest.fixture(scope="module")
def themed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Report, Path]:
    place = tmp_path_factory.mktemp("themed")
    used = theme(place / "theme", WHOLE)
    chain = store_at(place / "store")
    report = report_of(chain, 12, language="de", theme=used)
    pdf.render(report, place / "report.pdf", manifest=last_manifest(chain))
    return report, place / "report.pdf"


def test_a_theme_shows_its_sections_words_and_templates_in_the_file(themed: tuple[Report, Path]) -> None:
    _, path = themed
    reader = pypdf.PdfReader(path)
    assert reader.trailer["/Root"]["/Lang"] == "de"
    chapters = [item.title for item in reader.outline if not isinstance(item, list)]
    assert chapters[1:4] == ["Zusammenfassung", "Wie wir vorgehen", "Kontrollmatrix"]
    assert "Verlauf" not in chapters
    text = [" ".join(page.extract_text().split()) for page in reader.pages]
    assert "Vorab: 2026Q3." in text[1]
    assert "Verantwortlich" in text[1]
    assert "Vom 1. Juli 2026 bis 30. September 2026 gelangten 12 Änderungen auf den Standardzweig" in text[1]
    assert "Example Organisation <fragt>." in text[2]
    assert all(f"Seite {n} von {len(text)}" in page for n, page in enumerate(text, 1) if n > 1)


def test_a_themed_report_is_verified_from_the_file_alone(
    themed: tuple[Report, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    _, path = themed
    assert main(["verify", str(path), "--json"]) == 0
    checks = json.loads(capsys.readouterr().out)["checks"]
    left_out = [each["text"] for each in checks if "the theme leaves its section out" in each["text"]]
    assert len(left_out) == 6  # waivers, reconciliation, emergencies, access, clauses, samples
    assert {each["verdict"] for each in checks} <= {Verdict.AGREES, Verdict.NOTE}
    assert "same file, byte for byte" in checks[-1]["text"]


def test_a_theme_comes_back_from_the_results_as_it_went_in(tmp_path: Path) -> None:
    report = small("de", theme(tmp_path, WHOLE))
    back, _ = result.from_json(result.to_json(report))
    assert back == report
    assert pdf.html(back) == pdf.html(report)


def test_colours_of_a_theme_reach_style_and_charts(tmp_path: Path) -> None:
    used = theme(
        tmp_path,
        {
            "theme.toml": '[colours]\ndeep = "#14532d"\nchart-1 = "#166534"\nalarm = "#7f1d1d"\n',
            "logo.svg": LOGO,
        },
    )
    page = pdf.html(small("en", used))
    assert "--deep: #14532d;" in page
    assert "#166534" in page
    assert "#1d4e7e" not in page
    assert 'class="logo"><svg' in page
    assert used.sections == [*contents.PARTS]


def test_a_theme_may_bring_a_language_of_its_own(tmp_path: Path) -> None:
    used = theme(tmp_path, {"languages/fr.toml": '[texts]\n"Summary" = "Résumé"\n'})
    page = pdf.html(small("fr", used))
    assert '<html lang="fr">' in page
    assert "<h1>Résumé</h1>" in page
    with pytest.raises(UsageError, match=r"report\.language: there is no 'fr'"):
        small("fr")


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"theme.toml": "sections = ["}, "theme.toml: not TOML"),
        ({"theme.toml": "colors = 1"}, "theme.toml: unknown key 'colors'"),
        ({"theme.toml": 'sections = ["sumary"]'}, "theme.toml: sections: there is no 'sumary'"),
        ({"theme.toml": 'sections = ["matrix", "matrix"]'}, "'matrix' stands twice"),
        ({"theme.toml": '[colours]\ndeep = "red; }"'}, "colours.deep: 'red; }' is no colour"),
        ({"theme.toml": '[colours]\ndepp = "#000000"'}, "colours: there is no 'depp'"),
        ({"theme.toml": '[own.about]\ntitle = "About"'}, "templates/about.html is missing"),
        ({"theme.toml": "[own.about]\nhead = 1", "templates/about.html": ""}, "own.about: has no title"),
        ({"theme.toml": '[texts]\n"{n} change" = "{m}"'}, "'{n} change' has other {places}"),
        ({"languages/fr.toml": "[dates]\nmonths = []"}, "fr.toml: a value is no text, or the months"),
        ({"theme.css": "</style><script>"}, "theme.css: '</' ends a style sheet"),
        ({"logo.svg": "<svg"}, "logo.svg: no SVG"),
        ({"logo.svg": '<!DOCTYPE svg [<!ENTITY a "b">]><svg xmlns="http://www.w3.org/2000/svg"/>'}, "has a document type"),
        ({"logo.svg": '<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>'}, "has <script>"),
        ({"logo.svg": '<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>'}, "has <image>"),
        ({"logo.svg": '<svg xmlns="http://www.w3.org/2000/svg"><rect fill="url(file:///x)"/></svg>'}, "reaches out by 'fill'"),
        ({"logo.svg": '<svg xmlns="http://www.w3.org/2000/svg"><rect onload="x"/></svg>'}, "reaches out by 'onload'"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_theme_is_told_with_its_file_and_remedy(
    tmp_path: Path, files: dict[str, str], told: str
) -> None:
    with pytest.raises(UsageError) as error:
        theme(tmp_path, files)
    assert told in error.value.problem
    assert error.value.remedy


@pytest.mark.parametrize(
    ("template", "told"),
    [
        ("one\n{% if %}", "trends.html:2:"),
        ("one\n\n{{ report.nothing }}", "trends.html:3:"),
        ("{{ ''.__class__.__mro__ }}", "trends.html:1:"),
        ("{{ report.controls.clear() }}", "trends.html:1:"),
        ("{% for a in range(1000000) %}{% endfor %}", "trends.html:1:"),
        ("{{ 'x' * 2000000000 }}", "trends.html:1: '*' would make more than a page needs"),
        ("{{ 9 ** 9 }}", "trends.html:1: '**' would make more"),
        ("{% include '/etc/passwd' %}", "/etc/passwd"),
        ("{% include '../../../pyproject.toml' %}", "pyproject.toml"),
        ("{{ report.summary.findings[0].due | figure('days') }}", "trends.html:1:"),
    ],
)
def test_a_template_that_fails_or_reaches_out_is_told_with_its_line(
    tmp_path: Path, template: str, told: str
) -> None:
    report = small("en", theme(tmp_path, {"templates/trends.html": template}))
    with pytest.raises(UsageError) as error:
        pdf.html(report)
    assert told in error.value.problem
    assert "mend the template" in error.value.remedy


def test_every_section_has_blocks_of_its_own_to_put_others_into() -> None:
    own = {
        "cover.html": {"band", "note"},
        "summary.html": {"lead", "findings", "worse", "figures", "untested"},
    }
    for part in contents.PARTS.values():
        text = (folder() / part.template).read_text(encoding="utf-8")
        blocks = set(re.findall(r"{% block (\w+) %}", text))
        assert blocks == own.get(part.template, {"content"}), part.template


def test_the_access_review_can_be_worded_otherwise(tmp_path: Path) -> None:
    changed = '{% extends "default/access.html" %}{% block content %}<p>Vorab.</p>{{ super() }}{% endblock %}'
    page = pdf.html(small("de", theme(tmp_path, {"templates/access.html": changed})))
    assert '<section class="page" id="access">\n<p>Vorab.</p>' in page
    assert f"<h2>{shipped('de').texts['Rights by system']}</h2>" in page


def test_settings_that_name_no_folder_are_told() -> None:
    with pytest.raises(UsageError, match=r"report\.theme: .*there is no such folder"):
        themes.read(Path("/nowhere/at/all"))


def test_an_unknown_language_is_told_with_those_that_are_there() -> None:
    with pytest.raises(UsageError, match="there is no 'xx'") as error:
        themes.wording("xx", None)
    assert "en, de" in error.value.remedy


def test_what_the_guide_shows_is_a_theme_that_says_so_on_the_page(tmp_path: Path) -> None:
    settings, whole, said, catalogue = of(GUIDE, "toml")
    for text in (settings, whole):
        made.settings(report=tomllib.loads(text)["report"])
    (summary,) = of(GUIDE, "html")
    own = re.search(
        r'`(<section class="page" id="approach">.+</section>)`', (ROOT / GUIDE).read_text(encoding="utf-8")
    )
    assert own is not None
    used = theme(
        tmp_path,
        {"theme.toml": said, "templates/summary.html": summary, "templates/approach.html": own[1], "languages/fr.toml": catalogue},
    )  # fmt: skip
    page = pdf.html(small("fr", used))
    for words in (
        "Prepared for the audit committee.",
        "How we work",
        "Decisions for the steering group",
        "Résumé",
    ):
        assert words in page, words
    assert "#14532d" in page
