"""The shapes and the numbers of weights of Keras's own layers, computed from their settings.

A ``.keras`` file and Keras's JSON record the shape of what a layer takes, or nothing but the shape of the inputs. What
follows from that is computed as ``compute_output_shape`` and ``build`` of Keras's classes do
(``keras/src/layers/*/*.py``; ``keras/src/ops/operation_utils.py`` for convolutions and pooling), without running them.
"""

from __future__ import annotations

import ast
import re
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from math import prod
from typing import Any

from graphdiag.graphs.layer_graph import Layer, LayerTensor, TensorEdge
from graphdiag.keras_facts import has_weights, is_raw_op
from graphdiag.sources.keras_settings import default_of, has_defaults

Shape = tuple[int | None, ...]
"""Sizes, the batch first; ``None`` for one that is left open."""
_Shapes = Sequence[Shape | None]


def completed(layers: Mapping[str, Layer], tensors: Iterable[TensorEdge]) -> dict[str, Layer]:
    """Layers with the shapes and the numbers of weights that follow from what is known.

    Args:
        layers: Layers by id; the shapes that are recorded are kept.
        tensors: What each call takes.

    Returns:
        The same layers. Where nothing follows, as for a class that is not Keras's, they stay without. An axis that is
        the last one is written as -1, as Keras 3 does, whatever the file has.
    """
    given: dict[str, list[tuple[str, LayerTensor]]] = {layer: [] for layer in layers}
    fed: dict[str, list[str]] = {layer: [] for layer in layers}
    for edge in tensors:
        if edge.call == 0:
            given[edge.target].append((edge.argument, edge.source))
            fed[edge.source.layer].append(edge.target)
    shapes: dict[str, _Shapes] = {}
    found = {}
    for id_ in _in_order(given, fed):
        layer = layers[id_]
        taken = [
            _at(shapes.get(source.layer, ()), source.output) for place, source in given[id_] if not _is_aside(place)
        ]
        settings = _Settings(layer.class_name, layer.settings or {})
        recorded, computed = parsed(layer.output_shape), _outputs(settings, taken)
        # The file records the shapes of the outputs that are used.
        goes_on = len(computed) > len(recorded) and list(computed[: len(recorded)]) == list(recorded)
        shapes[id_] = computed if goes_on else recorded
        text = _text(computed) if goes_on else layer.output_shape
        parameters = layer.parameters
        if parameters is None and layer.settings is not None and not layer.custom:
            parameters = 0 if layer.is_operation or is_raw_op(layer.class_name) else _parameters(settings, taken)
        found[id_] = replace(
            layer,
            output_shape=text,
            parameters=parameters,
            parameters_computed=layer.parameters is None and parameters is not None,
            settings=_with_last_axis(layer.settings, taken),
        )
    return {id_: found[id_] for id_ in layers}


@lru_cache(maxsize=10_000)
def parsed(text: str) -> _Shapes:
    """The shapes of the outputs from their text; empty where there is none."""
    try:
        value = ast.literal_eval(text) if text else ()
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return ()
    return value if isinstance(value, list) else [value] if text else ()


def _text(shapes: _Shapes) -> str:
    if not shapes or any(shape is None for shape in shapes):
        return ""
    return str(shapes[0]) if len(shapes) == 1 else f"[{', '.join(map(str, shapes))}]"


def _at(shapes: _Shapes, output: int) -> Shape | None:
    return shapes[output] if 0 <= output < len(shapes) else None


def _is_aside(place: str) -> bool:
    """Whether an argument does not decide about shapes."""
    return "mask" in place or place.startswith("initial_state")


def _in_order(given: Mapping[str, Sequence[tuple[str, LayerTensor]]], fed: Mapping[str, Sequence[str]]) -> list[str]:
    """Layers after those that they take from; what stands on a cycle last."""
    missing = {id_: len(sources) for id_, sources in given.items()}
    ready = deque(id_ for id_, count in missing.items() if not count)
    order: dict[str, None] = {}
    while ready:
        id_ = ready.popleft()
        order[id_] = None
        for target in fed[id_]:
            missing[target] -= 1
            if not missing[target]:
                ready.append(target)
    return [*order, *(id_ for id_ in given if id_ not in order)]


def _with_last_axis(settings: Mapping[str, Any] | None, taken: _Shapes) -> Mapping[str, Any] | None:
    shape = taken[0] if taken else None
    if settings is None or shape is None or settings.get("axis") != len(shape) - 1:
        return settings
    # -1 is the default of all classes that have an axis by which weights are kept.
    return {key: value for key, value in settings.items() if key != "axis"}


class _Settings:
    """Settings of a layer of a class, with their defaults."""

    def __init__(self, class_name: str, own: Mapping[str, Any]) -> None:
        self.class_name = class_name
        self._own = own

    def get(self, name: str) -> Any:
        return self._own[name] if name in self._own else default_of(self.class_name, name)

    def number(self, name: str) -> int:
        value = self.get(name)
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError(name)
        return value

    def inner(self, name: str) -> _Settings:
        value = self.get(name)
        return _Settings(value["class"], value)

    def per_axis(self, name: str, axes: int) -> list[int]:
        value = self.get(name)
        return list(value) if isinstance(value, list) else [value] * axes

    @property
    def channels_first(self) -> bool:
        return bool(self.get("data_format") == "channels_first")


def _outputs(settings: _Settings, taken: _Shapes) -> _Shapes:
    rule = _shape_rule(settings.class_name)
    if rule is None or not taken or any(shape is None for shape in taken):
        return ()
    try:
        found: _Shapes = rule(settings, [shape for shape in taken if shape is not None])
    except (TypeError, ValueError, KeyError, IndexError, AttributeError, ZeroDivisionError):
        return ()  # the file gives a setting that no layer of Keras has
    return found


def _parameters(settings: _Settings, taken: _Shapes) -> int | None:
    rule = _weight_rule(settings.class_name)
    if rule is None:
        known = has_defaults(settings.class_name) or settings.class_name == "InputLayer"
        return 0 if known and not has_weights(settings.class_name) and settings.class_name not in _UNKNOWN else None
    try:
        return int(rule(settings, [shape or () for shape in taken])) + _weights_beside(settings, taken)
    except (TypeError, ValueError, KeyError, IndexError, AttributeError, ZeroDivisionError):
        return None  # a size is not known


_UNKNOWN = frozenset({"RNN", "Wrapper", "SpectralNormalization", "TorchModuleWrapper", "JaxLayer", "FlaxLayer"})
"""Classes with weights that cannot be counted from their settings."""


@lru_cache(maxsize=1_000)
def _shape_rule(class_name: str) -> Callable[..., Any] | None:
    return next((rule for classes, rule in _SHAPES if re.fullmatch(classes, class_name)), None)


@lru_cache(maxsize=1_000)
def _weight_rule(class_name: str) -> Callable[..., Any] | None:
    return next((rule for classes, rule in _PARAMETERS if re.fullmatch(classes, class_name)), None)


# --- Shapes ----------------------------------------------------------------------------------------------------------


def _split(shape: Shape, settings: _Settings) -> tuple[list[int | None], int | None]:
    """The sizes of the axes of space, and the number of channels."""
    if settings.channels_first:
        return list(shape[2:]), shape[1]
    return list(shape[1:-1]), shape[-1]


def _joined(batch: int | None, space: Iterable[int | None], channels: int | None, settings: _Settings) -> Shape:
    return (batch, channels, *space) if settings.channels_first else (batch, *space, channels)


def _windows(size: int | None, window: int, stride: int, padding: str) -> int | None:
    if size is None:
        return None
    if padding == "valid":
        return (size - window) // stride + 1
    return -(-size // stride)


def _convolved(settings: _Settings, taken: Sequence[Shape]) -> _Shapes:
    space, channels = _split(taken[0], settings)
    kernel, strides, dilation = (
        settings.per_axis(name, len(space)) for name in ("kernel_size", "strides", "dilation_rate")
    )
    sizes = [
        _windows(size, (window - 1) * step + 1, stride, settings.get("padding"))
        for size, window, stride, step in zip(space, kernel, strides, dilation, strict=True)
    ]
    if settings.class_name.startswith("Depthwise"):
        multiplier = settings.get("depth_multiplier") or 1
        return [_joined(taken[0][0], sizes, channels and channels * multiplier, settings)]
    return [_joined(taken[0][0], sizes, settings.number("filters"), settings)]


def _transposed(settings: _Settings, taken: Sequence[Shape]) -> _Shapes:
    space, _ = _split(taken[0], settings)
    if settings.get("output_padding") is not None:
        return ()
    kernel, strides, dilation = (
        settings.per_axis(name, len(space)) for name in ("kernel_size", "strides", "dilation_rate")
    )
    valid = settings.get("padding") == "valid"
    sizes = [
        size and size * stride + (max((window - 1) * step + 1 - stride, 0) if valid else 0)
        for size, window, stride, step in zip(space, kernel, strides, dilation, strict=True)
    ]
    return [_joined(taken[0][0], sizes, settings.number("filters"), settings)]


def _pooled(settings: _Settings, taken: Sequence[Shape]) -> _Shapes:
    space, channels = _split(taken[0], settings)
    window = settings.per_axis("pool_size", len(space))
    strides = settings.per_axis("strides", len(space)) if settings.get("strides") is not None else window
    sizes = [
        _windows(size, width, stride, settings.get("padding"))
        for size, width, stride in zip(space, window, strides, strict=True)
    ]
    return [_joined(taken[0][0], sizes, channels, settings)]


def _pooled_globally(settings: _Settings, taken: Sequence[Shape]) -> _Shapes:
    space, channels = _split(taken[0], settings)
    if settings.get("keepdims"):
        return [_joined(taken[0][0], [1] * len(space), channels, settings)]
    return [(taken[0][0], channels)]


def _resized(change: Callable[[int, Any], int]) -> Callable[[_Settings, Sequence[Shape]], _Shapes]:
    """Each axis of space grows or shrinks."""

    def rule(settings: _Settings, taken: Sequence[Shape]) -> _Shapes:
        space, channels = _split(taken[0], settings)
        name = "size" if settings.class_name.startswith("Up") else "padding"
        name = "cropping" if settings.class_name.startswith("Crop") else name
        by = settings.get(name)
        parts = list(by) if isinstance(by, list) and len(by) == len(space) else [by] * len(space)
        sizes = [size and change(size, part) for size, part in zip(space, parts, strict=True)]
        return [_joined(taken[0][0], sizes, channels, settings)]

    return rule


def _both_ends(part: Any) -> int:
    return sum(part) if isinstance(part, list) else 2 * part


def _flattened(settings: _Settings, taken: Sequence[Shape]) -> _Shapes:
    batch, *rest = taken[0]
    return [(batch, None if None in rest else prod(size for size in rest if size is not None))]


def _reshaped(settings: _Settings, taken: Sequence[Shape]) -> _Shapes:
    target = settings.get("target_shape")
    target = target if isinstance(target, list) else [target]
    batch, *rest = taken[0]
    if -1 in target:
        if None in rest:
            return [(batch, *(None if size == -1 else size for size in target))]
        left = prod(size for size in rest if size is not None) // prod(size for size in target if size != -1)
        target = [left if size == -1 else size for size in target]
    return [(batch, *target)]


def _permuted(settings: _Settings, taken: Sequence[Shape]) -> _Shapes:
    return [(taken[0][0], *(taken[0][axis] for axis in settings.get("dims")))]


def _repeated(settings: _Settings, taken: Sequence[Shape]) -> _Shapes:
    return [(taken[0][0], settings.number("n"), taken[0][1])]


def _same(_: _Settings, taken: Sequence[Shape]) -> _Shapes:
    return [taken[0]]


def _broadcast(_: _Settings, taken: Sequence[Shape]) -> _Shapes:
    rank = max(map(len, taken))
    padded = [(1,) * (rank - len(shape)) + shape for shape in taken]
    return [tuple(_widest(sizes) for sizes in zip(*padded, strict=True))]


def _widest(sizes: Sequence[int | None]) -> int | None:
    return next((size for size in sizes if size not in (1, None)), None if None in sizes else 1)


def _concatenated(settings: _Settings, taken: Sequence[Shape]) -> _Shapes:
    axis = settings.get("axis")
    axis = -1 if axis is None else axis
    sizes = [shape[axis] for shape in taken]
    shape = list(taken[0])
    shape[axis] = None if None in sizes else sum(size for size in sizes if size is not None)
    return [tuple(shape)]


def _of_units(settings: _Settings, taken: Sequence[Shape]) -> _Shapes:
    return [(*taken[0][:-1], settings.number("units"))]


def _embedded(settings: _Settings, taken: Sequence[Shape]) -> _Shapes:
    return [(*taken[0], settings.number("output_dim"))]


def _recurrent(settings: _Settings, taken: Sequence[Shape]) -> _Shapes:
    units = settings.number("units")
    batch, steps = taken[0][:2]
    states = [(batch, units)] * (2 if "LSTM" in settings.class_name else 1) if settings.get("return_state") else []
    return [(batch, steps, units) if settings.get("return_sequences") else (batch, units), *states]


def _of_cells(settings: _Settings, taken: Sequence[Shape]) -> _Shapes:
    if settings.get("return_state"):
        return ()
    cells = _cells(settings)
    units = cells[-1].number("units")
    batch, steps = taken[0][:2]
    return [(batch, steps, units) if settings.get("return_sequences") else (batch, units)]


def _cells(settings: _Settings) -> list[_Settings]:
    cell = settings.inner("cell")
    if cell.class_name != "StackedRNNCells":
        return [cell]
    return [_Settings(one["class"], one) for one in cell.get("cells")]


def _both_ways(settings: _Settings, taken: Sequence[Shape]) -> _Shapes:
    layer, mode = settings.inner("layer"), settings.get("merge_mode")
    [first, *states] = [shape for shape in _outputs(layer, taken) if shape is not None]
    merged = (*first[:-1], (first[-1] or 0) * 2) if mode == "concat" else first
    return [merged, *states, *states]


def _distributed(settings: _Settings, taken: Sequence[Shape]) -> _Shapes:
    batch, steps, *rest = taken[0]
    return [
        None if shape is None else (shape[0], steps, *shape[1:])
        for shape in _outputs(settings.inner("layer"), [(batch, *rest)])
    ]


def _attended(settings: _Settings, taken: Sequence[Shape]) -> _Shapes:
    if settings.class_name in ("Attention", "AdditiveAttention"):
        return [(*taken[0][:-1], taken[1][-1])]
    output = settings.get("output_shape")
    sizes = taken[0][-1:] if output is None else tuple(output) if isinstance(output, list) else (output,)
    return [(*taken[0][:-1], *sizes)]


def _of_config(settings: _Settings, taken: Sequence[Shape]) -> _Shapes:
    output = settings.get("output_shape")
    if not isinstance(output, list):
        output = [output]
    if settings.class_name == "EinsumDense":
        letters = str(settings.get("equation")).partition("->")[2]
        if "." in letters or len(letters) != len(output) + 1:
            return ()
    return [(taken[0][0], *output)]


_SHAPES: Sequence[tuple[str, Any]] = (
    ("(Depthwise|Separable)?Conv[123]D|Convolution[123]D", _convolved),
    ("Conv[123]DTranspose", _transposed),
    ("(Average|Max)Pooling[123]D", _pooled),
    ("Global(Average|Max)Pooling[123]D", _pooled_globally),
    ("UpSampling[123]D", _resized(lambda size, by: size * by)),
    ("ZeroPadding[123]D", _resized(lambda size, by: size + _both_ends(by))),
    ("Cropping[123]D", _resized(lambda size, by: size - _both_ends(by))),
    ("Flatten", _flattened),
    ("Reshape", _reshaped),
    ("Permute", _permuted),
    ("RepeatVector", _repeated),
    ("Add|Subtract|Multiply|Average|Maximum|Minimum|TrueDivide|Power|(Not)?Equal|(Greater|Less)(Equal)?", _broadcast),
    ("Concatenate", _concatenated),
    ("Dense", _of_units),
    ("EinsumDense", _of_config),
    ("Embedding", _embedded),
    ("(CuDNN)?LSTM|(CuDNN)?GRU|SimpleRNN", _recurrent),
    ("RNN", _of_cells),
    ("Bidirectional", _both_ways),
    ("TimeDistributed", _distributed),
    ("(Additive)?Attention|MultiHeadAttention|Group(ed)?QueryAttention", _attended),
    (
        "(Sync)?BatchNormalization|(Layer|Group|Unit|RMS)Normalization|Normalization|Rescaling|Masking|Identity"
        "|Activation|Softmax|(Leaky|Thresholded|P)?ReLU|ELU|ActivityRegularization|(Alpha|Gaussian|Spatial)?Dropout"
        "|SpatialDropout[123]D|GaussianNoise|Random(Flip|Rotation|Zoom|Translation|Contrast|Brightness)",
        _same,
    ),
)


# --- Weights ---------------------------------------------------------------------------------------------------------


def _known(size: int | None) -> int:
    if size is None:
        raise ValueError
    return size


def _bias(settings: _Settings, size: int) -> int:
    return size if settings.get("use_bias") else 0


def _channels(settings: _Settings, shape: Shape) -> int:
    return _known(_split(shape, settings)[1])


def _kernel(settings: _Settings, shape: Shape) -> int:
    return prod(settings.per_axis("kernel_size", len(shape) - 2))


def _weights_of_dense(settings: _Settings, taken: Sequence[Shape]) -> int:
    units = settings.number("units")
    return _known(taken[0][-1]) * units + _bias(settings, units)


def _weights_of_convolution(settings: _Settings, taken: Sequence[Shape]) -> int:
    channels, filters = _channels(settings, taken[0]), settings.number("filters")
    groups = settings.get("groups") or 1
    return _kernel(settings, taken[0]) * channels // groups * filters + _bias(settings, filters)


def _weights_of_depthwise(settings: _Settings, taken: Sequence[Shape]) -> int:
    between = _channels(settings, taken[0]) * (settings.get("depth_multiplier") or 1)
    kernel = _kernel(settings, taken[0]) * between
    if settings.class_name.startswith("Depthwise"):
        return kernel + _bias(settings, between)
    filters = settings.number("filters")
    return kernel + between * filters + _bias(settings, filters)


def _sizes_along(settings: _Settings, shape: Shape) -> int:
    axis = settings.get("axis")
    return prod(_known(shape[one]) for one in (axis if isinstance(axis, list) else [-1 if axis is None else axis]))


def _weights_of_normalization(settings: _Settings, taken: Sequence[Shape]) -> int:
    each = _sizes_along(settings, taken[0])
    kept = 2 if settings.class_name.endswith("BatchNormalization") else 0
    return each * (kept + bool(settings.get("scale")) + bool(settings.get("center")))


def _weights_of_embedding(settings: _Settings, _: Sequence[Shape]) -> int:
    return settings.number("input_dim") * settings.number("output_dim")


def _weights_of_cell(settings: _Settings, size: int) -> int:
    units = settings.number("units")
    gates = {"L": 4, "G": 3}.get(settings.class_name.removeprefix("CuDNN")[0], 1)
    biases = 2 if gates == 3 and settings.get("reset_after") else 1
    return gates * ((size + units) * units + (biases * units if settings.get("use_bias") else 0))


def _weights_of_recurrent(settings: _Settings, taken: Sequence[Shape]) -> int:
    return _weights_of_cell(settings, _known(taken[0][-1]))


def _weights_of_cells(settings: _Settings, taken: Sequence[Shape]) -> int:
    size, total = _known(taken[0][-1]), 0
    for cell in _cells(settings):
        if cell.class_name not in ("LSTMCell", "GRUCell", "SimpleRNNCell"):
            raise ValueError
        total += _weights_of_cell(cell, size)
        size = cell.number("units")
    return total


def _weights_inside(settings: _Settings, taken: Sequence[Shape]) -> int:
    batch, _, *rest = taken[0]
    inner = settings.inner("layer")
    shape = taken[0] if settings.class_name == "Bidirectional" else (batch, *rest)
    found = _parameters(inner, [shape])
    if found is None:
        raise ValueError
    return 2 * found if settings.class_name == "Bidirectional" else found


def _weights_of_heads(settings: _Settings, taken: Sequence[Shape]) -> int:
    query, value = _known(taken[0][-1]), _known(taken[1][-1])
    key = _known(taken[2][-1]) if len(taken) > 2 else value
    heads, each_key = settings.number("num_heads"), settings.number("key_dim")
    each_value = settings.get("value_dim") or each_key
    output = settings.get("output_shape")
    out = query if output is None else prod(output) if isinstance(output, list) else int(output)
    inner = heads * ((query + key) * each_key + value * each_value) + heads * each_value * out
    return inner + (heads * (2 * each_key + each_value) + out if settings.get("use_bias") else 0)


def _weights_of_attention(settings: _Settings, taken: Sequence[Shape]) -> int:
    if not settings.get("use_scale"):
        return 0
    return _known(taken[0][-1]) if settings.class_name == "AdditiveAttention" else 1


def _weights_of_prelu(settings: _Settings, taken: Sequence[Shape]) -> int:
    shared = settings.get("shared_axes") or []
    return prod(1 if axis in shared else _known(size) for axis, size in enumerate(taken[0]) if axis)


def _weights_of_einsum(settings: _Settings, taken: Sequence[Shape]) -> int:
    left, _, output = str(settings.get("equation")).partition("->")
    given, _, kernel = left.partition(",")
    [result] = _of_config(settings, taken)
    if "." in left or result is None:
        raise ValueError
    sizes = {**dict(zip(output, result, strict=True)), **dict(zip(given, taken[0], strict=True))}
    bias = settings.get("bias_axes") or ""
    return prod(_known(sizes[letter]) for letter in kernel) + (
        prod(_known(sizes[letter]) for letter in bias) if bias else 0
    )


def _weights_beside(settings: _Settings, taken: _Shapes) -> int:
    """What LoRA and quantization add to a layer (``enable_lora`` and ``_int8_build`` of Keras's classes).

    Raises:
        ValueError: It is not known for the class, or for the way in which it is quantized.
    """
    rank, mode = settings.get("lora_rank"), quantization(settings.get("dtype"))
    if not rank and not mode:
        return 0
    if settings.class_name == "Dense":
        given, made = _known((taken[0] or ())[-1]), settings.number("units")
        scale = made
    elif settings.class_name == "Embedding":
        given, made = settings.number("input_dim"), settings.number("output_dim")
        scale = given
    elif rank or settings.class_name in ("EinsumDense", "MultiHeadAttention"):
        raise ValueError
    else:
        return 0  # it has the dtype of all, and Keras does not quantize it
    if mode not in ("", "int8"):
        raise ValueError
    return (rank or 0) * (given + made) + (scale if mode else 0)


def quantization(dtype: Any) -> str:
    """``int8`` for the dtype policy ``int8_from_float32``; empty for one that quantizes nothing."""
    mode, from_, _ = dtype.partition("_from_") if isinstance(dtype, str) else ("", "", "")
    return mode if from_ else ""


_PARAMETERS: Sequence[tuple[str, Any]] = (
    ("Dense", _weights_of_dense),
    ("EinsumDense", _weights_of_einsum),
    ("Conv[123]D(Transpose)?|Convolution[123]D", _weights_of_convolution),
    ("(Depthwise|Separable)Conv[123]D", _weights_of_depthwise),
    ("(Sync)?BatchNormalization|(Layer|Group)Normalization", _weights_of_normalization),
    ("RMSNormalization", lambda settings, taken: _sizes_along(settings, taken[0])),
    ("UnitNormalization", lambda *_: 0),
    ("Normalization", lambda settings, taken: 2 * _sizes_along(settings, taken[0]) + 1),
    ("Embedding", _weights_of_embedding),
    ("(CuDNN)?LSTM|(CuDNN)?GRU|SimpleRNN", _weights_of_recurrent),
    ("RNN", _weights_of_cells),
    ("Bidirectional|TimeDistributed", _weights_inside),
    ("MultiHeadAttention", _weights_of_heads),
    ("(Additive)?Attention", _weights_of_attention),
    ("PReLU", _weights_of_prelu),
)
