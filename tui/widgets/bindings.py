"""Key bindings out of the table of actions."""

from __future__ import annotations

from textual.binding import Binding, BindingType

from tui.actions import Place, actions_of


def bindings(*places: Place) -> list[BindingType]:
    """Bindings of all that can be done at these places."""
    return [
        Binding(",".join(action.keys), action.name, action.label, show=False)
        for place in places
        for action in actions_of(place)
    ]
