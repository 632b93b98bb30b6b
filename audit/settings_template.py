"""What `audit init` writes: the commented `audit.toml`, made from the settings' own declarations, and a roster."""

from __future__ import annotations

import json
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from audit import settings as s
from audit.settings.examples import ENTRIES

_HEAD = """\
# Settings of the GitOps audit. Every key is shown with its meaning; commented ones have the value shown.
# A variable AUDIT__S3__ENDPOINT_URL overrides the key s3.endpoint_url.
# Secrets never belong here: S3 credentials come from boto3's chain (environment, profile, role).
# Paths are relative to this file.
"""

_EXAMPLES: dict[str, dict[str, Any]] = {
    "break_glass": {
        "ticket": "INC-1042",
        "person": "roster-id",
        "cluster": "prod",
        "opened": "2026-07-01T10:00:00Z",
        "closed": "2026-07-01T12:00:00Z",
    },
    "owners": {"owner": "platform team", "controls": ["CHG-*"], "apps": ["checkout"]},
    "samples": {"population": "changes", "method": "random", "seed": 20261015},
}
_NAMED: dict[str, tuple[str, dict[str, Any]]] = {
    "environments": (
        "dev",
        {
            "drift_minutes": 1440,
            "failed_sync_minutes": 240,
            "recovery_minutes": 240,
            "deploy_hours": 72,
            "soak_minutes": 60,
            "alert_minutes": 60,
            "severities": {"CLU-01": "low"},
            "out_of_scope": {"CLU-02": "dev is made anew every night"},
        },
    )
}
"""Tables of which there is one for each name: a name, and values that show what may be said."""
_VALUES: dict[str, Any] = {"organisation.name": "NETBPF", "people.roster": "roster.yaml"}


def commented() -> str:
    """`audit.toml` with every key, its meaning and its default; valid as it stands."""
    plain, tables = [_HEAD], []
    for name, field in s.Settings.model_fields.items():
        model = _model_of(field)
        if model is None:
            plain.append(_key(name, field, ""))
        elif name in ENTRIES:
            tables.extend(_entries(name, model))
        elif name in _NAMED:
            tables.append(_named(name, model))
        elif name in _EXAMPLES:
            tables.append(_example(name, model))
        else:
            tables.append(_table(name, model))
    return "\n".join([*plain, *tables])


def _model_of(field: FieldInfo) -> type[BaseModel] | None:
    """The model of a sub-table or of a list's entries; None for a plain key."""
    for candidate in (field.annotation, *get_args(field.annotation)):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


def _toml(value: Any) -> str:
    if isinstance(value, tuple | list):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + "}"
    return json.dumps(value)


def _key(name: str, field: FieldInfo, table: str) -> str:
    """A key with its meaning: commented out when it has a default, or none worth showing."""
    text = f"# {field.description}\n" if field.description else ""
    dotted = f"{table}.{name}" if table else name
    if dotted in _VALUES:
        return f"{text}{name} = {_toml(_VALUES[dotted])}\n"
    return f"{text}{_unset(name, field)}\n"


def _unset(name: str, field: FieldInfo) -> str:
    """A key left at its default, commented out."""
    return f"# {name} =" if field.default in (None, ()) else f"# {name} = {_toml(field.default)}"


def _table(name: str, model: type[BaseModel]) -> str:
    keys = "".join(_key(key, field, name) for key, field in model.model_fields.items())
    return f"# {_meaning(model)}\n[{name}]\n{keys}"


def _entries(name: str, model: type[BaseModel]) -> list[str]:
    first, *others = ENTRIES[name]
    lines = [f"# {_meaning(model)}", f"[[{name}]]"]
    for key, field in model.model_fields.items():
        lines += [
            f"# {field.description}",
            f"{key} = {_toml(first[key])}" if key in first else _unset(key, field),
        ]
    blocks = ["\n".join(lines) + "\n"]
    for entry in others:
        blocks.append(
            "\n".join([f"[[{name}]]", *(f"{key} = {_toml(value)}" for key, value in entry.items())]) + "\n"
        )
    return blocks


def _example(name: str, model: type[BaseModel]) -> str:
    lines = [f"# {_meaning(model)}", f"# [[{name}]]"]
    for key, field in model.model_fields.items():
        if key not in _EXAMPLES[name]:
            lines += [f"# {field.description}", _unset(key, field)]
            continue
        value = _EXAMPLES[name][key]
        lines.append(
            f"# {key} = {value if key in ('opened', 'closed') else _toml(value)}  # {field.description}"
        )
    return "\n".join(lines) + "\n"


def _named(name: str, model: type[BaseModel]) -> str:
    one, values = _NAMED[name]
    lines = [f"# {_meaning(model)}", f"# [{name}.{one}]"]
    for key, field in model.model_fields.items():
        lines.append(f"# {key} = {_toml(values[key])}  # {field.description}")
    return "\n".join(lines) + "\n"


def _meaning(model: type[BaseModel]) -> str:
    return (model.__doc__ or "").strip().splitlines()[0]
