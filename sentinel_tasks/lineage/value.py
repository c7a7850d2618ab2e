"""What a small set of facts is, in place of NamedTuple: `typing` and what that loads are 1.6 MB of every launcher.

A module that a launcher imports has what only annotations need behind `TYPE_CHECKING = False`, as typing has it.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeVar

    Same = TypeVar("Same", bound="Value")


class Value:
    """Equal to one of its kind with equal facts, which are named in `__slots__` and never change.

    One that is named with an underscore is told by the property of its name.
    """

    __slots__: tuple[str, ...] = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, type(self)) and other._facts() == self._facts()

    def __hash__(self) -> int:
        return hash(self._facts())

    def __repr__(self) -> str:
        told = zip(self._names(), self._facts(), strict=True)
        return f"{type(self).__name__}({', '.join(f'{name}={fact!r}' for name, fact in told)})"

    def replaced(self: Same, **facts: Any) -> Same:
        """The same but for these facts."""
        return type(self)(**{**dict(zip(self._names(), self._facts(), strict=True)), **facts})

    def _facts(self) -> tuple[object, ...]:
        return tuple(getattr(self, name) for name in self._names())

    def _names(self) -> tuple[str, ...]:
        return tuple(name.removeprefix("_") for name in self.__slots__)
