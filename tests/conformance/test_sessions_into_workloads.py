"""Sessions into workloads that others labelled are what CLU-02 finds, and nothing else of their samples is."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from audit import settings as s
from audit import tables as t
from audit.controls import clu_02
from audit.controls.examples import AS_OF, frames
from audit.controls.interface import Context as Judged
from audit.joins.access import writes
from audit.joins.identity import Resolver
from audit.normalise.interface import Context
from audit.normalise.reader import parse
from audit.period import Period

CONTEXT = Context("samples", "sample.json", cluster="sample", repository="netbpf/netbpf-gitops")
RULE = "Attach/Exec Pod"


def found(path: Path, settings: s.Settings) -> list[str]:
    """What CLU-02 finds of one sample, in the quarter of its records."""
    rows = parse(path, CONTEXT, format="kubernetes-audit").rows.get("cluster_access", [])
    access = t.frame(t.ClusterAccess, rows)
    if access.empty:
        return []
    empty = frames("")
    resolver = Resolver(empty["people"], empty["identities"], settings.machines)
    tables = empty | {"cluster_writes": writes(access, empty["deployments"], resolver, settings)}
    year, month = access["at"].min().year, access["at"].min().month
    period = Period.quarter(f"{year}Q{(month - 1) // 3 + 1}")
    assert period.holds(access["at"]).all()
    return sorted(clu_02.test(tables, Judged(settings, period, AS_OF)).exceptions["found"])


def test_sessions_that_falco_alerts_of_are_the_ones_that_are_found(data: Path) -> None:
    """2 of 47 traces; the others write, read or create roles, which is no session and no edit."""
    cases = json.loads((data / "falco-k8saudit/cases.json").read_text(encoding="utf-8"))
    labelled = {
        case["trace"] for case in cases if any(RULE in counts for counts in case["detect_counts"] or ())
    }
    settings = s.validate(
        {
            "organisation": {"name": "NETBPF"},
            "clusters": [{"name": "sample", "environment": "sample"}],
        },
        where=Path("audit.toml"),
    )
    traces = sorted((data / "falco-k8saudit/traces").iterdir())
    assert len(traces) == 47
    told = {path.name: found(path, settings) for path in traces}
    assert {name for name, words in told.items() if words} == labelled == {"exec_pod.json", "attach_pod.json"}
    words = pd.Series([word for each in told.values() for word in each], dtype="str")
    assert words.str.contains(r" pods/(?:exec|attach) ").all()
