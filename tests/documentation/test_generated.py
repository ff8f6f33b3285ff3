"""Pages that are made from the program, and what they are made of."""

from __future__ import annotations

import json
import shlex

import click
import pytest

from docs.generate import commands, contracts, rules, schemas
from graphdiag import compare
from graphdiag.checking.contracts.registry import KINDS
from graphdiag.cli import _app as application
from graphdiag.diagnosis.diagnose import RULES
from tests.conftest import ROOT
from tests.diagnosis.test_catalog import CATALOGUE

SAVED = sorted(rules.SAVED.glob("*.json"))


@pytest.fixture(scope="module")
def rule_pages() -> dict[str, str]:
    return {page.path: page.content for page in rules.pages()}


def test_examples_of_rules_are_those_of_the_catalog():
    shown = {code: example.partition("/")[2] for code, example in rules.EXAMPLES.items() if code != "GD200"}
    assert shown == {row[0]: row[2] for row in CATALOGUE}


@pytest.mark.parametrize("file", SAVED, ids=lambda file: file.stem)
def test_a_saved_example_is_what_the_model_gives(file):
    model = f"fixtures/models/{file.stem}.py"
    assert f"models/{file.stem}.py" in rules.EXAMPLES.values()
    live = json.loads(json.dumps(compare(ROOT / model).to_dict()))
    saved = json.loads(file.read_text(encoding="utf-8"))
    assert saved["findings"] == live["findings"]
    assert saved["layer_graph"]["edges"] == live["layer_graph"]["edges"]


def test_every_rule_has_a_page_that_shows_it(rule_pages):
    for rule in RULES:
        page = rule_pages[f"rules/{rule.code}.md"]
        shown = page.partition("## What graphdiag prints")[2]
        assert f"\n{rule.code} {rule.name}: " in shown
        assert "\n## Fix\n" in page
        assert f"({rule.code}.md)" in rule_pages["rules/index.md"]
    pictures = [path for path in rule_pages if path.endswith(".svg")]
    assert len(pictures) > 25
    assert all("<svg" in rule_pages[path] for path in pictures)


def test_numbers_of_issues_are_links(rule_pages):
    page = rule_pages["rules/GD101.md"]
    assert "[tensorboard#1514](https://github.com/tensorflow/tensorboard/issues/1514)" in page
    assert "[Stack Overflow 52586853](https://stackoverflow.com/questions/52586853)" in page


@pytest.mark.parametrize("kind", [kind.type for kind in KINDS])
def test_every_kind_of_contract_has_a_page(kind):
    page = (ROOT / "docs" / "contracts" / f"{kind}.md").read_text(encoding="utf-8")
    assert f"<!-- contract: {kind} -->" in page
    assert f'type = "{kind}"' in page
    assert "$ graphdiag check\n" in page


def test_the_options_of_a_contract_come_from_its_docstring():
    text = contracts.described("forbidden")
    assert text.startswith("No path of activations leads from these layers to those")
    assert "| `through` | Layers through which a path may lead all the same; none by default. |" in text
    words = contracts.described("budget")
    assert "## What can be counted" in words
    assert "| `class:CLASS` | Layers of a Keras class, or of classes that fit a glob. |" in words


def test_every_option_of_a_command_is_on_its_page():
    pages = {page.path: page.content for page in commands.pages()}
    context = click.Context(application, info_name="graphdiag")
    for name in application.list_commands(context):
        command = application.get_command(context, name)
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.opts[-1] in pages[f"commands/{name}.md"]
        assert f"[`{name}`]({name}.md)" in pages["commands/index.md"]


def test_the_examples_of_a_command_can_be_typed():
    context = click.Context(application, info_name="graphdiag")
    examples = 0
    for name in application.list_commands(context):
        command = application.get_command(context, name)
        for line in (command.epilog or "").splitlines():
            program, first, *arguments = shlex.split(line)
            assert (program, first) == ("graphdiag", name)
            # Options and their values are checked; nothing is run.
            command.make_context(name, arguments)
            examples += 1
    assert examples > 15


def test_schemas_are_files_of_the_site():
    pages = {page.path: page.content for page in schemas.pages()}
    assert json.loads(pages["schemas/report.schema.json"])["title"] == "graphdiag.report/2"
