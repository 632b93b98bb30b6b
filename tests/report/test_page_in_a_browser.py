"""The web page of a report in a real browser: it asks nobody for anything, has no errors, and keyboard and printer can use it."""

from __future__ import annotations

import base64
import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pypdf
import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.common.print_page_options import PrintOptions
from test_report_forms import HOSTILE, results

from audit.report.forms import page

SCRIPT = '<script>document.title = "ran"</script>'
FLAGS = (
    "--headless",
    "--no-sandbox",  # as root there is none
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--window-size=1200,900",
)


def hostile() -> dict[str, Any]:
    """Results with markup and worse in the titles and remedies of every control."""
    said = results()
    texts = [([SCRIPT, *HOSTILE] * 9)[number] for number in range(len(said["controls"]))]
    controls = [
        {**control, "title": text, "remedy": text}
        for control, text in zip(said["controls"], texts, strict=True)
    ]
    return {**said, "controls": controls}


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """Chromium with the page open."""
    folder = tmp_path_factory.mktemp("browser")
    (folder / "report.html").write_bytes(page.make(hostile()))
    options = ChromeOptions()
    options.binary_location = str(shutil.which("chromium"))
    for flag in (*FLAGS, f"--user-data-dir={folder / 'profile'}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = Chrome(options=options, service=Service(str(shutil.which("chromedriver"))))
    try:
        driver.get((folder / "report.html").as_uri())
        yield driver
    finally:
        driver.quit()


@pytest.fixture(scope="module")
def asked(browser: Chrome) -> list[str]:
    """Addresses that were asked for by the page, its own among them; not by the browser's first tab, nor the fonts in the page."""
    messages = [json.loads(each["message"])["message"] for each in browser.get_log("performance")]
    sent = [each["params"] for each in messages if each["method"] == "Network.requestWillBeSent"]
    urls = [str(each["request"]["url"]) for each in sent if each["documentURL"].endswith("/report.html")]
    return [url for url in urls if not url.startswith("data:font/woff2;base64,")]


def test_nothing_is_asked_for_but_the_page_itself(asked: list[str]) -> None:
    assert len(asked) == 1
    assert Path(asked[0]).name == "report.html"


def test_the_console_is_silent_and_no_script_ran(browser: Chrome) -> None:
    assert browser.get_log("browser") == []
    assert browser.execute_script("return document.scripts.length") == 0
    assert SCRIPT in browser.find_element(By.TAG_NAME, "body").text


def test_the_keyboard_reaches_a_link_that_shows_it_and_follows_it(browser: Chrome) -> None:
    browser.find_element(By.TAG_NAME, "body").send_keys(Keys.TAB)
    focused = browser.switch_to.active_element
    assert focused.tag_name == "a"
    assert focused.value_of_css_property("outline-style") != "none"
    target = str(focused.get_dom_attribute("href"))
    focused.send_keys(Keys.ENTER)
    assert browser.execute_script("return location.hash") == target
    assert browser.find_element(By.CSS_SELECTOR, f"[id='{target[1:]}']").is_displayed()


@pytest.mark.parametrize("width", [1200, 400])
def test_the_page_itself_never_scrolls_sideways(browser: Chrome, width: int) -> None:
    """Wide tables may, in their own frames; text that never breaks does not widen the page."""
    browser.set_window_size(width, 900)
    overflow = browser.execute_script(
        "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    assert overflow <= 0


def test_what_is_printed_holds_every_control(browser: Chrome) -> None:
    printed = pypdf.PdfReader(io.BytesIO(base64.b64decode(browser.print_page(PrintOptions()))))
    text = "".join(sheet.extract_text() for sheet in printed.pages)
    assert len(printed.pages) > 1
    for control in results()["controls"]:
        assert control["id"] in text
