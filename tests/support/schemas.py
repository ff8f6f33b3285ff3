"""Hold documents against the schemas that graphdiag prints."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from graphdiag.results.schemas import schema


@lru_cache
def validator(name: str) -> Draft202012Validator:
    """A validator of one of the schemas, which is itself valid."""
    read = json.loads(schema(name))
    Draft202012Validator.check_schema(read)
    return Draft202012Validator(read)


def wrong(document: Any, name: str = "report") -> str | None:
    """What is wrong with a document, or None."""
    error = best_match(validator(name).iter_errors(document))
    return error and f"{error.json_path}: {error.message}"[:500]
