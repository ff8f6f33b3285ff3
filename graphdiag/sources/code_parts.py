"""The Python code of a source in the parts that are run one after the other: a file is one, a notebook has cells."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Any, TypeGuard

from graphdiag.errors import ModelError


@dataclass(frozen=True)
class CodePart:
    """A piece of code.

    Attributes:
        filename: What tracebacks call it: the file, or ``net.ipynb (cell 3)``.
        source: The code.
    """

    filename: str
    source: bytes

    def compiled(self) -> Any:
        """The code, ready to run.

        Raises:
            ModelError: It is not Python.
        """
        try:
            return compile(self.source, self.filename, "exec")
        except SyntaxError as error:
            line = f" (line {error.lineno})" if error.lineno else ""
            raise ModelError(f"{self.filename} is not valid Python: {error.msg}{line}.") from error
        except ValueError as error:
            raise ModelError(f"{self.filename} is not valid Python: {error}.") from error

    def main_block(self) -> Any | None:
        """What stands under ``if __name__ == "__main__"``, ready to run; ``None`` if there is nothing."""
        body = [part for node in ast.parse(self.source).body if _is_main(node) for part in node.body]
        return compile(ast.Module(body=body, type_ignores=[]), self.filename, "exec") if body else None


def _is_main(node: ast.stmt) -> TypeGuard[ast.If]:
    if not isinstance(node, ast.If) or not isinstance(node.test, ast.Compare):
        return False
    sides = [node.test.left, *node.test.comparators]
    names = {side.id for side in sides if isinstance(side, ast.Name)}
    return names == {"__name__"} and any(isinstance(side, ast.Constant) and side.value == "__main__" for side in sides)
