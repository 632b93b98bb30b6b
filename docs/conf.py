"""How Sphinx makes a web site of these documents: `make site`. Nothing in it asks the network, or the clock."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

project = "GitOps audit"
version = release = metadata.version("gitops-audit")
extensions = ["myst_parser"]
myst_heading_anchors = 4
root_doc = "index"
html_title = project
html_theme = "furo"
html_theme_options = {"footer_icons": [], "top_of_page_buttons": []}
html_static_path = ["site.css"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_copyright = False
html_domain_indices = html_use_index = False
smartquotes = False  # what is written stays as it is: --json


class Drawings(SphinxPostTransform):
    """Puts drawings (SVG) into the page itself: their words can be found, copied and read aloud, and follow its colours."""

    default_priority = 200
    formats = ("html",)

    def run(self, **_: Any) -> None:
        for image in list(self.document.findall(nodes.image)):
            path = Path(self.app.srcdir, image["uri"])
            if path.suffix == ".svg":
                image.replace_self(nodes.raw("", path.read_text(encoding="utf-8"), format="html"))


def setup(app: Sphinx) -> dict[str, bool]:
    """Sphinx calls this."""
    app.add_post_transform(Drawings)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
