"""The pages, held against what is attached: the rows of a printed table, one by one, against those that are expected."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from audit.report import environment, words
from audit.report.shapes import ControlResult, Figure, Report
from audit.report.wording import Wording
from audit.verify.pages import Printed, squeezed
from audit.verify.recounted import Populations


@dataclass(frozen=True)
class Against:
    """What stands on the pages beside what is attached to them.

    Attributes:
        w: the wording of the pages.
    """

    printed: Printed
    populations: Populations
    report: Report
    w: Wording

    def rows(
        self,
        head: Sequence[str],
        where: str,
        expected: Sequence[tuple[str, ...]],
        *,
        columns: Iterable[int],
        prefix: Iterable[int] = (),
    ) -> Iterator[str]:
        """What differs between the rows of a printed table and those that are expected, in their order.

        Args:
            head: in English; `~` where a line may be broken.
            columns: of the table, to which the expected texts belong.
            prefix: of them, those whose cell only begins with the expected text.
        """
        names = [self.w.text(name).replace("~", "") for name in head]
        table = self.printed.table(*names)
        shown = table.rows if table else []
        if len(shown) != len(expected):
            yield f"{where}: {len(shown):,} rows are printed, {len(expected):,} are attached"
            return
        begins = set(prefix)
        for cells, texts in zip(shown, expected, strict=True):
            for column, text in zip(columns, texts, strict=True):
                cell, wanted = (cells[column] if column < len(cells) else ""), self.shown(text)
                if not (cell.startswith(wanted) if column in begins else cell == wanted):
                    name = head[column].replace("~", "")
                    yield f"{where}, {texts[0]:.60}: {name} is printed as {cell:.80}, by what is attached it is {text:.80}"

    def shown(self, text: str) -> str:
        """A text as it is found on a page: fitted to it, without white space."""
        return squeezed(str(self.w.fit(text)))

    def says(self, text: str) -> bool:
        """Whether a text stands in a paragraph of its own."""
        return squeezed(str(words.printable(text))) in self.printed.paragraphs

    def count(self, number: float) -> str:
        """A whole number as it is printed."""
        return words.count(number, self.w)

    def dashed(self, number: int) -> str:
        """The same, a dash for none."""
        return self.count(number) if number else "–"

    def value(self, figure: Figure) -> str:
        """A figure as it is printed."""
        if figure.value is None:
            return self.w.text("not determined")
        return words.figure(figure.value, figure.unit, self.w)

    def previous(self, figure: Figure) -> str:
        """Its value of the quarter before."""
        return "–" if figure.previous is None else words.figure(figure.previous, figure.unit, self.w)

    def difference(self, figure: Figure) -> str:
        """What changed between the two."""
        if figure.value is None or figure.previous is None:
            return "–"
        return words.change(figure.value, figure.previous, figure.unit, self.w)

    def basis(self, figure: Figure) -> str:
        """What it is made of."""
        return words.basis(figure, self.w)

    def mark(self, conclusion: str) -> str:
        """A conclusion as it is printed."""
        return f"{environment.SYMBOLS[conclusion]} {self.w.text(conclusion.capitalize())}"

    def concluded(self, control: ControlResult) -> str:
        """What a control comes to, counted anew, as it is printed."""
        return self.mark(self.populations.conclusion(control))

    def population(self, control: ControlResult) -> str:
        """A control's population as it is printed."""
        if control.population is None:
            return self.w.text("not known")
        if control.population == 0:
            return self.w.text("none seen" if control.conclusion == "not tested" else "none")
        return self.count(control.population)
