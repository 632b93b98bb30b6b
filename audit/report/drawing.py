"""WeasyPrint, set up for the report: its stylesheet, its fonts, and no file but those of the templates' folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from weasyprint import CSS, HTML
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import URLFetcher, URLFetcherResponse

from audit.report import remembered  # noqa: F401  # sets WeasyPrint up


class OwnAssets(URLFetcher):  # type: ignore[misc]  # WeasyPrint is untyped
    """Reaches the files of one folder, and nothing else."""

    def __init__(self, folder: Path) -> None:
        super().__init__(allowed_protocols=("file",), allow_redirects=False)
        self._folder = folder.resolve()

    def fetch(self, url: str, headers: Any = None) -> URLFetcherResponse:
        """The file that `url` names.

        Raises:
            ValueError: it is not a file of the folder.
        """
        parts = urlsplit(url)
        path = Path(unquote(parts.path)).resolve()
        if parts.scheme != "file" or parts.netloc or not path.is_relative_to(self._folder):
            raise ValueError(f"{url}: not one of the report's own files")
        return super().fetch(path.as_uri(), headers)


class Drawing:
    """Renders pages with the stylesheet of a folder of templates.

    Args:
        assets: that folder.
        more: a stylesheet that goes before it.
    """

    def __init__(self, assets: Path, more: str = "") -> None:
        self._fetcher = OwnAssets(assets)
        self._fonts = FontConfiguration()
        self._base = f"{assets.resolve().as_uri()}/"
        own = CSS(filename=assets / "report.css", url_fetcher=self._fetcher, font_config=self._fonts)
        self._styles = [CSS(string=more, url_fetcher=self._fetcher), own] if more else [own]

    def render(self, page: str, variant: str) -> Any:
        """The laid out document (WeasyPrint's) of a page."""
        html = HTML(string=page, base_url=self._base, url_fetcher=self._fetcher)
        return html.render(stylesheets=self._styles, font_config=self._fonts, pdf_variant=variant)
