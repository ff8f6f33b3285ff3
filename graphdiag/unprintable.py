"""Names as text: what cannot be seen in them is written as an escape."""

from __future__ import annotations


def escape_unprintable(text: str, keep: str = "") -> str:
    r"""Text without what would break a line or deceive the eye: line ends, escape sequences, changes of direction.

    Args:
        text: Any text; names in graphs come from users.
        keep: Characters to leave as they are, as ``"\n"``.

    Returns:
        The text, with each character that Python calls not printable as its escape: ``\n``, ``\x1b``, ``\u202e``. All
        that is left can be encoded as UTF-8 and stand in an XML document.
    """
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() or character in keep else _escape(character) for character in text
    )


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
