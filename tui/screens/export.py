"""Export: in which format, and where to; then it is written, in a thread, and said. In a browser a
file is a download: who looks there may not see the files of this machine."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Static

from tui.drawing import figures
from tui.drawing.exports import MOST_COPIED, Export, Offer, offer_lines
from tui.drawing.segments import Line, Segment, fit, line, printable
from tui.drawing.sheet import Sheet
from tui.saving import save
from tui.screens.dialog import Choosing, Key, draw_key_bar
from tui.widgets.bar import Bar
from tui.widgets.canvas import Canvas

if TYPE_CHECKING:
    from tui.screens.base import FlowScreen

BESIDE = 11
"""Lines of the dialog, and around it, besides the formats."""


class Where(Enum):
    """Where an export goes."""

    FILE = auto()
    DOWNLOAD = auto()
    CLIPBOARD = auto()


@dataclass(frozen=True, slots=True)
class Order:
    """What somebody wants exported."""

    offer: Offer
    where: Where
    name: str
    """Of the file, as it was typed."""
    over: bool = False
    """Write over what is there."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of it: the text that is to be handed on, or what was written, or why not."""

    text: str = ""
    file: Path = Path()
    size: int = 0
    exists: bool = False
    trouble: str = ""


class ExportScreen(Choosing[Order]):
    """Lets format and file be chosen; gives the order, or None when it is left."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Back", show=False),
        Binding("ctrl+y", "copy", "Copy", show=False, priority=True),
    ]

    DEFAULT_CSS = """
    ExportScreen > Vertical { max-width: 90; }
    ExportScreen Canvas { margin: 1 0; }
    ExportScreen Horizontal { height: 1; }
    ExportScreen .label { width: 6; color: $flow-dim; }
    ExportScreen Input { width: 1fr; }
    ExportScreen #said { margin-top: 0; }
    ExportScreen #keys { margin-top: 0; }
    """

    def __init__(self, export: Export, last: Order | None = None, outcome: Outcome | None = None):
        """With `last` and its `outcome`, asks again after what was ordered could not be done."""
        super().__init__()
        self._export = export
        self._offer = last.offer if last else export.all[0]
        self._name = last.name if last else export.stem + self._offer.suffix
        self._exists = last.name if last and outcome and outcome.exists else ""
        """The file that is there, and is written over if it is asked for again."""
        self._trouble = outcome.trouble if outcome else ""

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(f"Export {self._export.what}", classes="title", markup=False)
            yield Canvas(id="offers")
            with Horizontal():
                yield Static("file", classes="label")
                yield Input(self._name, id="name", compact=True, select_on_focus=False)
            yield Bar(self._said, id="said")
            yield Bar(self._keys, id="keys")

    def on_mount(self) -> None:
        canvas = self.query_one(Canvas)
        canvas.can_focus = False
        offered = self._export.all
        self._fit(self.app.size.height)
        canvas.show(lambda width: Sheet(offer_lines(offered, width)))
        canvas.select(self._offer.name)
        self.query_one(Input).focus()

    def on_resize(self, event: events.Resize) -> None:
        self._fit(event.size.height)

    def _fit(self, height: int) -> None:
        """As many formats as there are, or as there is room for."""
        self.query_one(Canvas).styles.height = max(3, min(len(self._export.all), height - BESIDE))

    def _said(self, width: int) -> Line:
        trouble = line(Segment("      "), Segment(printable(self._trouble), "error"))
        return fit(trouble, width)

    def _keys(self, width: int) -> Line:
        does = "Download the file" if self.app.is_web else "Write the file"
        keys = [Key("enter", "Write over it" if self._over else does, "write")]
        if self._offer.write is not None:
            keys.append(Key("ctrl+y", "Copy instead", "copy"))
        keys.append(Key("esc", "Leave", "leave"))
        return draw_key_bar(keys, width)

    @property
    def _over(self) -> bool:
        return bool(self._exists) and self.query_one(Input).value == self._exists

    @on(Canvas.Selected)
    def _selected(self, selected: Canvas.Selected) -> None:
        was = self._offer
        self._offer = next(one for one in self._export.all if one.name == selected.target)
        entry = self.query_one(Input)
        if entry.value.endswith(was.suffix):
            entry.value = entry.value.removesuffix(was.suffix) + self._offer.suffix
            entry.cursor_position = len(entry.value)
        self._freshen()

    @on(Input.Changed)
    def _changed(self, changed: Input.Changed) -> None:
        if changed.value != self._name:
            self._name, self._trouble = changed.value, ""
        self._freshen()

    def _freshen(self) -> None:
        for bar in self.query(Bar):
            bar.freshen()

    @on(Input.Submitted)
    def action_write(self) -> None:
        name = self.query_one(Input).value.strip()
        if name:
            where = Where.DOWNLOAD if self.app.is_web else Where.FILE
            self.dismiss(Order(self._offer, where, name, self._over))
        else:
            self._trouble = "Give the file a name."
            self._freshen()

    def action_copy(self) -> None:
        if self._offer.write is not None:
            self.dismiss(Order(self._offer, Where.CLIPBOARD, self.query_one(Input).value))


def ask_for_export(
    screen: FlowScreen, export: Export, last: Order | None = None, outcome: Outcome | None = None
) -> None:
    """Asks what is to be exported how, and does it; asks again when that fails."""

    def done(order: Order, outcome: Outcome) -> None:
        if outcome.trouble:
            ask_for_export(screen, export, order, outcome)
        elif order.where is Where.CLIPBOARD:
            screen.app.copy_to_clipboard(outcome.text)
            _say_copied(screen, export, order.offer, outcome.size)
        else:
            where = printable(outcome.file.name)
            if order.where is Where.DOWNLOAD:
                text = io.BytesIO(outcome.text.encode("utf-8", "replace"))
                screen.app.deliver_binary(text, save_filename=outcome.file.name)
                where += "\nby your browser"
            else:
                where += f"\nin {printable(str(outcome.file.parent))}"
            what = export.what if order.offer.write else "this screen"
            said = f"{what} as {order.offer.name}, {figures.size(outcome.size)}"
            screen.notify(f"{where}\n{said}", title="Exported", markup=False, timeout=6)

    def carry_out(order: Order) -> None:
        write = order.offer.write
        if write is None:
            # Only the screen itself knows how it looks.
            picture = screen.app.export_screenshot(title="flowtap")
            write = lambda: picture  # noqa: E731
        screen.ask("export", lambda: _do(order, write), lambda said: done(order, said), again=True)

    async def ordered(order: Order | None) -> None:
        if order is not None:
            # The dialog, and what popped up before, must be gone from a picture.
            screen.app.clear_notifications()
            await screen.query("Toast").remove()
            screen.call_after_refresh(carry_out, order)

    screen.app.push_screen(ExportScreen(export, last, outcome), ordered)


def _do(order: Order, write: Callable[[], str]) -> Outcome:
    """Makes the text, and saves it where that is wanted: in a thread."""
    text = write()
    file = Path(order.name)
    if order.where is not Where.FILE:
        return Outcome(text, Path(file.name), len(text.encode("utf-8", "replace")))
    try:
        file = Path.cwd() / file.expanduser()
        return Outcome(file=file, size=save(text, file, over=order.over))
    except FileExistsError:
        if not file.is_file():
            return Outcome(trouble="This is a folder, or something else that is no file.")
        return Outcome(exists=True, trouble="It is there already. Enter again writes over it.")
    except OSError as error:
        return Outcome(trouble=f"Not written: {error.strerror or error}.")
    except (RuntimeError, ValueError) as error:
        # A home or a name that no system knows.
        return Outcome(trouble=f"Not written: {error}.")


def _say_copied(screen: FlowScreen, export: Export, offer: Offer, size: int) -> None:
    said = f"{export.what} as {offer.name}, {figures.size(size)}"
    if size > MOST_COPIED:
        screen.notify(
            f"{said}. Many terminals take no more than 74 kB: a file is safer.",
            title="Copied",
            severity="warning",
            markup=False,
            timeout=8,
        )
    else:
        screen.notify(said, title="Copied", markup=False, timeout=4)
