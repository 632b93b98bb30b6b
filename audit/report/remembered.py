"""What WeasyPrint and pydyf work out again and again for the same input, worked out once: the same bytes in half the time.

Importing this module has it done in the whole process, which lays out reports and does nothing else. What each function
gives is what it replaces gives, but for how hard streams are compressed: a test lays a report out with and without, and
compares the bytes. The versions of both libraries are part of what a report is made with.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any

import pydyf  # type: ignore[import-untyped]
from weasyprint import layout
from weasyprint.css import StyleFor
from weasyprint.formatting_structure import boxes
from weasyprint.layout import absolute, block, column, float, grid, inline, page, percent, table
from weasyprint.text import fonts, line_break
from weasyprint.text.constants import PANGO_DIRECTION
from weasyprint.text.ffi import ffi, gobject, pango

LEVEL = 6
"""How hard streams are compressed; 9 is the hardest."""

_SIDES = ("top", "right", "bottom", "left")
_USED = (
    *(f"{kind}_{side}" for kind in ("margin", "padding") for side in _SIDES),
    *(f"{limit}{axis}" for axis in ("width", "height") for limit in ("", "min_", "max_")),
)
_BORDERS = tuple(f"border_{side}_width" for side in _SIDES)
_FEATURES = (
    "font_kerning",
    *(
        f"font_variant_{kind}"
        for kind in ("ligatures", "position", "caps", "numeric", "alternates", "east_asian")
    ),
    "font_feature_settings",
)

_PARTS = frozenset({"footnote-call", "footnote-marker", "note-call", "note-marker", "note-callback"})

_resolve = percent.resolve_percentages
_make_all_pages = layout.make_all_pages
_set_computed_styles = StyleFor.set_computed_styles
_setup = line_break.Layout.setup
_font_key = line_break._font_style_cache_key
_write = pydyf.PDF.write
_stream_data = pydyf.Stream.data
_dictionary_data = pydyf.Dictionary.data
_references = pydyf.PDF.page_references


def resolve_percentages(box: Any, containing_block: Any) -> None:
    """Lengths of a box, from its style and its container's size: boxes of the same style in the same width have the same."""
    style = box.style
    if style["box_sizing"] != "content-box" or isinstance(box, boxes.PageBox):
        _resolve(box, containing_block)
        return
    if isinstance(containing_block, boxes.Box):
        size = (containing_block.width, containing_block.height)
    else:
        size = tuple(containing_block)
    kept = style.__dict__.setdefault("_resolved", {})
    used = kept.get(size)
    if used is None:
        _resolve(box, containing_block)
        kept[size] = {name: getattr(box, name) for name in _USED}
        return
    own = box.__dict__
    own.update(used)
    collapsed = style["border_collapse"] == "collapse"
    for name in _BORDERS:
        if not (collapsed and name in own):  # set where borders of cells were weighed against each other
            own[name] = style[name]


def make_all_pages(context: Any, root_box: Any, html: Any, pages: list[Any]) -> Iterator[Any]:
    """The pages once more, where some change: with the numbers of pages that are known from before, not those of before that."""
    if pages:
        collector = context.target_collector
        lookups = collector.counter_lookup_items.values()
        for one in (*lookups, *collector.target_lookup_items.values()):
            if "pages" in one.cached_page_counter_values:
                one.cached_page_counter_values["pages"] = [len(pages)]
        for one in lookups:
            one.parse_again(one.cached_page_counter_values)
    return _make_all_pages(context, root_box, html, pages)  # type: ignore[no-any-return]


def set_computed_styles(self: Any, element: Any, parent: Any, **options: Any) -> None:
    """Styles of an element; of a mark before it or a note's parts, which a sheet has of every element, where it has such."""
    kind = options.get("pseudo_type")
    own = self._computed_styles.get((element, None)) if kind in _PARTS or kind == "marker" else None
    if own is not None:
        noted = own["float"] == "footnote" or own["position"][0] == "note()"
        if not (noted if kind in _PARTS else "list-item" in own["display"]):
            return
    _set_computed_styles(self, element, parent, **options)


class _Text:
    """What every line of a style begins with.

    Attributes:
        context: of Pango. language: of the text.
        features: of the font; None without any.
    """

    def __init__(self, style: Any) -> None:
        config = style.font_config
        self.context = ffi.gc(pango.pango_font_map_create_context(config.font_map), gobject.g_object_unref)
        pango.pango_context_set_round_glyph_positions(self.context, False)
        pango.pango_context_set_base_dir(self.context, PANGO_DIRECTION[style["direction"]])
        if style["lang"]:
            self.language = pango.pango_language_from_string(style["lang"].encode())
            pango.pango_context_set_language(self.context, self.language)
        else:
            self.language = pango.pango_language_get_default()
        self.font = fonts.get_font_description(style)
        features = fonts.font_features(*(style[name] for name in _FEATURES))
        told = ",".join(f"{name} {value}" for name, value in features.items()).encode()
        if told and told not in config.font_features:
            config.font_features[told] = pango.pango_attr_font_features_new(told)
        self.features = config.font_features[told] if told else None


def setup(self: Any, style: Any) -> None:
    """Begins a line of text."""
    if style["text_decoration_line"] != "none" or style["font_language_override"] != "normal":
        _setup(self, style)
        return
    kept = style.__dict__.get("_text")
    if kept is None:
        kept = style._text = _Text(style)
    self.style, self.language, self.first_line_direction = style, kept.language, 0
    self.ascent = self.underline_position = self.strikethrough_position = None
    self.layout = ffi.gc(pango.pango_layout_new(kept.context), gobject.g_object_unref)
    pango.pango_layout_set_auto_dir(self.layout, False)
    pango.pango_layout_set_font_description(self.layout, kept.font)
    if kept.features is not None:
        attributes = pango.pango_attr_list_new()
        pango.pango_attr_list_insert(attributes, kept.features)
        pango.pango_layout_set_attributes(self.layout, attributes)


def _font_style_cache_key(style: Any, include_size: bool = False) -> str:
    """What a style's font is known by."""
    kept: dict[bool, str] = style.__dict__.setdefault("_font_key", {})
    if include_size not in kept:
        kept[include_size] = _font_key(style, include_size)
    return kept[include_size]


def _page_references(pdf: Any) -> tuple[bytes, ...]:
    """They are asked for by each element of the structure."""
    kids = pdf.pages["Kids"]
    kept: tuple[int, tuple[bytes, ...]] = pdf.__dict__.get("_kept_references", (0, ()))
    if kept[0] != len(kids):
        kept = (len(kids), _references.fget(pdf))
        pdf._kept_references = kept
    return kept[1]


_writing: dict[int, bytes] | None = None


def _plain(item: Any) -> bytes:
    """The same of a dictionary: those that have a number stay as they are, others are gone at once."""
    if _writing is None or item.number is None:
        return bytes(_dictionary_data.fget(item))
    kept = _writing.get(id(item))
    if kept is None:
        kept = _writing[id(item)] = _dictionary_data.fget(item)
    return kept


def _data(stream: Any) -> bytes:
    """The bytes of a stream: while a file is written, those that stand in it are those that its identifier is made of."""
    if _writing is None:
        return bytes(_stream_data.fget(stream))
    kept = _writing.get(id(stream))
    if kept is None:
        kept = _writing[id(stream)] = _stream_data.fget(stream)
    return kept


class _Zlib:
    """What pydyf asks for: a file that is a little larger is written in half the time."""

    @staticmethod
    def compressobj(level: int) -> Any:
        """One that tries less hard than the best."""
        return zlib.compressobj(min(level, LEVEL))


def write(self: Any, *arguments: Any, **options: Any) -> None:
    """Writes a file, and compresses each of its streams once."""
    global _writing  # noqa: PLW0603  # files are written one after the other
    _writing = {}
    try:
        _write(self, *arguments, **options)
    finally:
        _writing = None


_REPLACED: list[tuple[Any, str, Any]] = [
    *(
        (module, "resolve_percentages", resolve_percentages)
        for module in (absolute, block, column, float, grid, inline, page, percent, table)
    ),
    (layout, "make_all_pages", make_all_pages),
    (StyleFor, "set_computed_styles", set_computed_styles),
    (line_break.Layout, "setup", setup),
    (line_break, "_font_style_cache_key", _font_style_cache_key),
    (pydyf.PDF, "page_references", property(_page_references)),
    (pydyf.PDF, "write", write),
    (pydyf, "zlib", _Zlib),
    (pydyf.Stream, "data", property(_data)),
    (pydyf.Dictionary, "data", property(_plain)),
]
_ORIGINAL = [(holder, name, getattr(holder, name)) for holder, name, _ in _REPLACED]


def remember(wanted: bool = True) -> None:
    """Has it done from now on, or no longer."""
    for holder, name, value in _REPLACED if wanted else _ORIGINAL:
        setattr(holder, name, value)


remember()
