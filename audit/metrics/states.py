"""How long production was not as Git has it, or not well; and how long versions ran before production got them."""

from __future__ import annotations

from audit.metrics.failures import APPLICATION
from audit.metrics.interface import Grouped, Median, Metric, Span, Tables, by, hours

_VERSION = ["repo", "app", "image", "version"]


def _lasted(tables: Tables, span: Span, aspect: str, state: str) -> Grouped:
    """Spans in which an application of production was in a state, that began in the span."""
    rows = tables["app_states"]
    rows = rows[rows["aspect"].eq(aspect) & rows["state"].eq(state) & span.holds(rows["start"])]
    known = tables["deployments"].sort_values("started_at", kind="stable")
    places = known.drop_duplicates(APPLICATION, keep="last")[[*APPLICATION, "app", "environment"]]
    rows = rows.merge(places, on=APPLICATION, how="left")
    clusters = {name: span.settings.environment_of(name) for name in rows["cluster"].unique()}
    where = rows["environment"].fillna(rows["cluster"].map(clusters).astype("str"))
    rows = rows[where.isin(span.settings.production)]
    over = rows["end"] < span.now
    rows = rows.assign(hours=hours((rows["end"] - rows["start"]).where(over)))
    named = rows["app"].fillna(rows["application"].str.rsplit("/", n=1).str[-1])
    return by(rows, app=rows.assign(group=named))


def _drift(tables: Tables, span: Span) -> Grouped:
    return _lasted(tables, span, "sync", "OutOfSync")


def _degraded(tables: Tables, span: Span) -> Grouped:
    return _lasted(tables, span, "health", "Degraded")


def _soak(tables: Tables, span: Span) -> Grouped:
    rows = tables["promotions"]
    before = rows[rows["environment"].isin(span.settings.promotion)]
    last = before.groupby(_VERSION)["set_at"].max().rename("ready_at").reset_index()
    got = rows[rows["environment"].isin(span.settings.production) & span.holds(rows["set_at"])]
    got = got.merge(last, on=_VERSION, how="left")
    ran = got["ready_at"].mask(got["ready_at"] > got["set_at"])
    got = got.assign(hours=hours(got["set_at"] - ran))
    return by(got, app=got.assign(group=got["app"]))


METRICS = (
    Metric(
        "drift_time",
        "Time out of sync",
        "hours",
        "Median hours for which an application of production was out of sync, over the times that it began to be so in the "
        "quarter. Undetermined: it still was when evidence was last collected.",
        "states",
        "state",
        _drift,
        Median("hours"),
    ),
    Metric(
        "degraded_time",
        "Time in degraded health",
        "hours",
        "Median hours for which an application of production was degraded, over the times that it began to be so in the "
        "quarter. Undetermined: it still was when evidence was last collected.",
        "states",
        "state",
        _degraded,
        Median("hours"),
    ),
    Metric(
        "promotion_soak",
        "Soak before production",
        "hours",
        "Median hours from when the last environment before production that asked for an image version did so to when "
        "production did, over versions that production first asked for in the quarter. Undetermined: versions that no "
        "environment before it asked for, or one of them only later.",
        "promotions",
        "promotion",
        _soak,
        Median("hours"),
    ),
)
