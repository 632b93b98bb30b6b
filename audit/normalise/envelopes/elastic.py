"""Dumps of Elasticsearch and OpenSearch: documents, pages of hits, and bulk requests, whose actions say nothing."""

from __future__ import annotations

from audit.normalise.envelopes.shape import Contents, Opener, Top, as_array, as_object, each, each_text, keys

_ACTIONS = frozenset({"index", "create", "update", "delete"})
_OF_ACTIONS = frozenset(
    {"_index", "_id", "_type", "routing", "_routing", "version", "version_type", "op_type", "require_alias"}
    | {"if_seq_no", "if_primary_term", "retry_on_conflict", "pipeline", "dynamic_templates"}
)


def _document(top: Top) -> Contents | None:
    if not {"_index", "_id"} & top.keys() or bytes(top["_source"])[:1] != b"{":
        return None
    return Contents([bytes(top["_source"])])


def _fields(top: Top) -> Contents | None:
    """A hit that was asked for with `fields`, each of which is a list of its values."""
    fields = as_object(top["fields"]) or {}
    for name in ("event.original", "message", "log"):
        texts = as_array(fields[name]) if name in fields else None
        if texts:
            return each_text(texts)
    return None


def _page(top: Top) -> Contents | None:
    inner = as_object(top["hits"])
    hits = as_array(inner["hits"]) if inner is not None and "hits" in inner else None
    if hits is None:
        return None
    found = each(hits)
    if bytes(top.get("timed_out", b"")) == b"true":
        found.failed.append("a search that timed out: not all hits are on its page")
    return found


def _answers(top: Top) -> Contents | None:
    """Several pages, as `_msearch` gives them; or one, as an asynchronous search does."""
    several = "responses" in top
    pages = as_array(top["responses"]) if several else [top["response"]]
    if not pages or not all("hits" in (as_object(page) or ()) for page in pages):
        return None
    return each(pages)


def _action(top: Top) -> Contents | None:
    (name,) = top.keys() if len(top) == 1 else ("",)
    inner = as_object(top[name]) if name in _ACTIONS else None
    return Contents(noise=1) if inner is not None and inner.keys() <= _OF_ACTIONS else None


OPENERS = (
    Opener("elasticsearch", keys("_source"), _document),
    Opener("elasticsearch", keys("_index", "fields"), _fields),
    Opener("elasticsearch-page", keys("hits"), _page),
    Opener("elasticsearch-page", keys("responses"), _answers),
    Opener("elasticsearch-page", keys("response", "is_partial"), _answers),
    *(Opener("elasticsearch-bulk", keys(name), _action) for name in sorted(_ACTIONS)),
)
