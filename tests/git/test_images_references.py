"""Image references are read as they are written: nothing is added, nothing is guessed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.git.images import kustomize
from audit.git.images.references import LONGEST, Reference, parse, version

DIGEST = "sha256:" + "0a" * 32

WRITTEN = f"""
text                                     | image                       | tag       | digest
nginx                                    | nginx                       |           |
nginx:1.10                               | nginx                       | 1.10      |
registry.example.org:5000/shop/web       | registry.example.org:5000/shop/web |    |
registry.example.org:5000/shop/web:v1.2  | registry.example.org:5000/shop/web | v1.2 |
localhost:5000/web:1                     | localhost:5000/web          | 1         |
[2001:db8::1]:5000/web:1                 | [2001:db8::1]:5000/web      | 1         |
ghcr.io/shop/web@{DIGEST}                | ghcr.io/shop/web            |           | {DIGEST}
ghcr.io/shop/web:v1@{DIGEST}             | ghcr.io/shop/web            | v1        | {DIGEST}
ghcr.io/shop/web:{{{{ .Values.tag }}}}   | ghcr.io/shop/web            |           |
{{{{ .Values.registry }}}}/web:v3        | {{{{ .Values.registry }}}}/web | v3     |
ghcr.io/web:v1-${{SUFFIX}}               | ghcr.io/web                 |           |
$(image)                                 | $(image)                    |           |
"""


def rows(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("|")] for line in table.strip().splitlines()[1:]]


@pytest.mark.parametrize(("text", "image", "tag", "digest"), rows(WRITTEN))
def test_a_reference_is_taken_apart_as_written(text: str, image: str, tag: str, digest: str) -> None:
    """A port is no tag, a missing tag is not `latest`, and a template is no version."""
    assert parse(text) == Reference(image, tag or None, digest or None)


@pytest.mark.parametrize(
    "text",
    ["", " nginx", "nginx:", "nginx:a b", "https://example.org/a.png", "user:word@host/web:1", "a//b", "web@v1",
     "web\n", "\ue000", "a" * (LONGEST + 1), "{{" * 400],
)  # fmt: skip
def test_other_text_is_no_reference(text: str) -> None:
    assert parse(text) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [("1.10", "1.10"), (f"v1@{DIGEST}", f"v1@{DIGEST}"), (DIGEST, DIGEST), ("", None), ("null", None), ("~", None),
     ("{{ .tag }}", None), ("two words", None), ("v" * 129, None), (["v1"], None), (None, None)],
)  # fmt: skip
def test_a_version_by_itself_is_what_a_registry_would_take(value: object, expected: str | None) -> None:
    assert version(value) == expected


_PART = st.text("abcdefghijklmnopqrstuvwxyz0123456789._-", min_size=1, max_size=12)
_TAG = st.from_regex(r"\A[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}\Z")
_HOST = st.from_regex(r"\A[a-z0-9.-]{1,20}(:[0-9]{1,5})?\Z")


@given(
    host=st.none() | _HOST,
    parts=st.lists(_PART, min_size=1, max_size=4),
    tag=st.none() | _TAG,
    digest=st.none() | st.just(DIGEST),
)
def test_a_reference_put_together_is_taken_apart_again(
    host: str | None, parts: list[str], tag: str | None, digest: str | None
) -> None:
    """Every reference, with any of its parts missing, gives back exactly what it was made of."""
    image = "/".join(([host] if host else []) + parts)
    text = image + (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")
    assert parse(text) == Reference(image, tag, digest)


@given(st.text(max_size=60))
def test_no_text_is_too_odd(text: str) -> None:
    """Any text is a reference whose image is within it, or none."""
    found = parse(text)
    assert found is None or found.image in text


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("web=ghcr.io/shop/web:v2", ("web", "ghcr.io/shop/web", "v2")),
        (f"web=ghcr.io/shop/web@{DIGEST}", ("web", "ghcr.io/shop/web", DIGEST)),
        ("web=ghcr.io/shop/web", ("web", "ghcr.io/shop/web", None)),
        ("ghcr.io/shop/web:v2", ("ghcr.io/shop/web", "ghcr.io/shop/web", "v2")),
        ("web=", None),
    ],
)
def test_argo_cds_short_form_of_kustomize_images(
    entry: str, expected: tuple[str, str, str | None] | None
) -> None:
    assert kustomize.of_text(entry) == expected
