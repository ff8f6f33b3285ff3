from __future__ import annotations

from graphdiag.modeldiff.differ import diff
from graphdiag.modeldiff.summary import headline, notes, sections
from graphdiag.phrases import counted, some
from tests.modeldiff.models import snapshot


def told(old, new, **options):
    return {section.title: list(section.lines) for section in sections(diff(old, new), **options)}


def test_nothing_to_tell():
    same = snapshot("in InputLayer", "a Dense < in")
    assert headline(diff(same, same)) == "No difference."
    assert told(same, same) == {}


def test_every_sort_of_change_is_counted():
    old = snapshot("in InputLayer", "a Dense < in", "b Dense(4) < a, in", "c Conv1D < b", "out Flatten < c, a")
    new = snapshot(
        "in InputLayer",
        "a2 Dense < in",
        "b Dense(5) < a2",
        "new ReLU < in",
        "out Flatten < a2, b, new",
        model_name="net",
    )
    assert headline(diff(old, new)) == (
        "Model renamed, 1 layer added, 1 layer removed, 1 layer renamed, 1 edge removed, 1 layer changed; everything "
        "else is the same."
    )
    assert told(old, new) == {
        "model": ["the model model renamed net"],
        "layers": [
            "a renamed a2 (Dense)",
            "c (Conv1D) removed between b and out",
            "new (ReLU) added after in, before out",
        ],
        "edges": ["edge in -> b removed"],
        "settings": ["b: output shape (None, 4) -> (None, 5), parameters 4 -> 5"],
        "weights": [
            "by name: 2 of 5 layers with weights load; 2 are new, a2 first; 1 does not fit: b (parameters 4 -> 5); 2 "
            "old ones are not used, a first",
            "by structure: 3 of 5 layers with weights load; 1 is new, "
            "new first; 1 does not fit: b (parameters 4 -> 5); "
            "1 old one is not used, c first",
        ],
    }


def test_nothing_is_the_same_where_no_layer_is_left():
    old = snapshot("in InputLayer", "a Dense < in", "b Dense(4) < a")
    apart = snapshot("photo InputLayer(99)", "c Conv2D < photo")
    assert not diff(old, apart).matching.layers
    assert headline(diff(old, apart)) == (
        "2 layers added, 3 layers removed, other inputs and outputs; the two have no layer in common."
    )
    assert headline(diff(snapshot(), snapshot(model_name="net"))) == "Model renamed; everything else is the same."
    one = snapshot("in InputLayer", "c Conv2D < in")
    assert headline(diff(old, one)).endswith("; everything else is the same.")


def test_layers_that_take_the_same_in_place_of_the_same_are_one_line():
    lines = ["x InputLayer", "y InputLayer", *[f"a{number} Conv1D({number}) < x" for number in range(9)]]
    names = ", ".join(f"a{number}" for number in range(9))
    old = snapshot(*lines, f"join Add < {names}, y")
    new = snapshot(*[line.replace("< x", "< y") for line in lines], f"join Add < {names}, x")
    assert told(old, new)["edges"] == ["a0, a1, a2 and 6 more take y instead of x", "join takes x instead of y"]


def test_sizes_that_follow_are_counted():
    def net(size):
        chain = [f"c{number} Conv2D({size + number}) < {f'c{number - 1}' if number else 'in'}" for number in range(30)]
        return snapshot(f"in InputLayer({size})", *chain)

    assert told(net(10), net(20))["settings"] == [
        "in: output shape (None, 10) -> (None, 20), parameters 10 -> 20",
        "and 30 layers that follow have other output shapes or parameters: c0, c1, c2 and 27 more",
    ]


def test_long_sections_are_cut_and_say_so():
    old = snapshot("in InputLayer", *[f"a{number} Dense({number}) < in" for number in range(1, 41)])
    new = snapshot("in InputLayer", *[f"a{number} Conv{number}({number}) < in" for number in range(1, 41)])
    [section] = [section for section in sections(diff(old, new)) if section.title == "settings"]
    assert 5 < len(section.lines) < 20
    assert len(section.lines) + section.more == 40
    [whole] = [section for section in sections(diff(old, new), None) if section.title == "settings"]
    assert (len(whole.lines), whole.more) == (40, 0)


def test_names_that_keras_made_up_are_a_note():
    old, new = (snapshot("in InputLayer", f"dense_{number} Dense < in") for number in (3, 9))
    assert list(notes(diff(old, new))) == ["1 name that Keras made up changed as well, which is not a difference."]


def test_words():
    assert [some([*"abcdef"[:number]]) for number in range(6)] == [
        "",
        "a",
        "a and b",
        "a, b and c",
        "a, b, c and d",
        "a, b, c and 2 more",
    ]
    assert (counted(1, "layer"), counted(1204, "layer")) == ("1 layer", "1,204 layers")
