"""Every control, in the order in which reports list them, and the catalogue that documents are made from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from audit.controls import (
    acc_01,
    acc_02,
    acc_03,
    acc_04,
    acc_05,
    chg_01,
    chg_02,
    chg_03,
    chg_04,
    chg_05,
    chg_06,
    chg_07,
    chg_08,
    chg_09,
    clu_01,
    clu_02,
    clu_03,
    clu_04,
    clu_05,
    clu_06,
    clu_07,
    clu_08,
    clu_09,
    dep_01,
    dep_02,
    dep_03,
    dep_04,
    dep_05,
    dep_06,
    doc_01,
    doc_02,
    evd_01,
    evd_02,
    evd_03,
    evd_04,
    pol_01,
    pol_02,
    scn_01,
    scn_02,
    sec_01,
    sec_02,
    sec_03,
    sec_04,
    str_01,
    str_02,
    trn_01,
    wvr_01,
)
from audit.controls.interface import Control, Example

CONTROLS: tuple[Control, ...] = (
    chg_01.CONTROL,
    chg_02.CONTROL,
    chg_03.CONTROL,
    chg_04.CONTROL,
    chg_05.CONTROL,
    chg_06.CONTROL,
    chg_07.CONTROL,
    chg_08.CONTROL,
    chg_09.CONTROL,
    dep_01.CONTROL,
    dep_02.CONTROL,
    dep_03.CONTROL,
    dep_04.CONTROL,
    dep_05.CONTROL,
    dep_06.CONTROL,
    clu_01.CONTROL,
    clu_02.CONTROL,
    clu_03.CONTROL,
    clu_04.CONTROL,
    clu_05.CONTROL,
    clu_06.CONTROL,
    clu_07.CONTROL,
    clu_08.CONTROL,
    clu_09.CONTROL,
    evd_01.CONTROL,
    evd_02.CONTROL,
    evd_03.CONTROL,
    evd_04.CONTROL,
    acc_01.CONTROL,
    acc_02.CONTROL,
    acc_03.CONTROL,
    acc_04.CONTROL,
    acc_05.CONTROL,
    sec_01.CONTROL,
    sec_02.CONTROL,
    sec_03.CONTROL,
    sec_04.CONTROL,
    pol_01.CONTROL,
    pol_02.CONTROL,
    scn_01.CONTROL,
    scn_02.CONTROL,
    str_01.CONTROL,
    str_02.CONTROL,
    doc_01.CONTROL,
    doc_02.CONTROL,
    trn_01.CONTROL,
    wvr_01.CONTROL,
)


@dataclass(frozen=True)
class Page:
    """A control's page in the catalogue: plain values only.

    Attributes:
        title: the statement that is tested.
        needs: evidence it needs, in words, with the format's name.
        formats: formats of that evidence; `git` for the repositories, `roster` for the roster.
        remedy: what to do about an exception, one short sentence; `remediation` is the whole section.
    """

    id: str
    title: str
    clause: str
    severity: str
    frameworks: dict[str, tuple[str, ...]]
    needs: tuple[str, ...]
    formats: tuple[str, ...]
    remedy: str
    why: str
    evidence: str
    limits: str
    remediation: str
    examples: tuple[Example, ...]


def catalogue(controls: Iterable[Control] = CONTROLS) -> tuple[Page, ...]:
    """The page of every control, in order."""
    return tuple(_page(control) for control in controls)


def _page(control: Control) -> Page:
    return Page(
        id=control.id,
        title=control.title,
        clause=control.clause,
        severity=control.severity.value,
        frameworks=control.frameworks,
        needs=tuple(f"{need.what} ({need.name})" for need in control.needs),
        formats=tuple(
            dict.fromkeys(
                name for need in control.needs for name in getattr(need, "formats", ()) or (need.name,)
            )
        ),
        remedy=control.remediation,
        why=control.section("Why"),
        evidence=control.section("Evidence"),
        limits=control.section("Limits"),
        remediation=control.section("Remediation"),
        examples=control.examples,
    )
