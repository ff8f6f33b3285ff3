"""What is known of Keras by name: classes with weights, classes that make masks, bookkeeping, made-up names."""

from __future__ import annotations

import re
from functools import cache, lru_cache

# --- Classes of layers ------------------------------------------------------------------------------------------------

_CLASSES_WITH_WEIGHTS = (
    "Dense|EinsumDense|(Depthwise|Separable)?Conv[123]D(Transpose)?|Convolution[123]D|LocallyConnected[12]D|Embedding"
    "|(Sync)?BatchNormalization|(Layer|Group|Unit)Normalization|PReLU|(CuDNN)?LSTM|(CuDNN)?GRU|SimpleRNN|ConvLSTM[123]D"
    "|MultiHeadAttention|Bidirectional"
)
"""Classes of layers that cannot be without ops: they have weights to read."""

MASK_MAKERS = frozenset({"Masking", "Embedding"})
"""Classes that make a mask; all others at most hand on the one they were given."""

_DROPS_MASKS = re.compile("Flatten|Reshape|Permute|Conv[123]D(Transpose)?|(Global)?(Average|Max)Pooling[123]D")
"""Classes that take no mask, or use it up, and hand none on."""

MERGES = frozenset(
    {"Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate", "Dot"},
)
"""Classes that make one tensor of several."""

LOSS_ENDS = frozenset({"AddLoss", "AddMetric"})
"""Classes that tf_keras makes of ``model.add_loss`` and ``model.add_metric``; what they take is a result, too."""

_ALWAYS_COMPUTES = (
    "(Einsum)?Dense|Embedding|((Depthwise|Separable)?Conv|Convolution|LocallyConnected)[123]D(Transpose)?|(Rescal|Mask)ing"
    "|((Sync)?Batch|Layer|Group|Unit|RMS|Spectral)?Normalization|(Leaky|Thresholded|P)?ReLU|P?ELU|Softmax|Activation"
    "|(Global|Adaptive)?(Average|Max)Pool(ing)?[123]D|(UpSampling|ZeroPadding|Cropping)[123]D|Flatten|Reshape|Permute"
    "|RepeatVector|Add|Subtract|Multiply|Average|Maximum|Minimum|Concatenate|Dot|((CuDNN)?(LSTM|GRU)|SimpleRNN)(Cell)?"
    "|RNN|ConvLSTM[123]D|(Additive|(Multi|Group)(Query|Head))?Attention|Bidirectional|TimeDistributed"
    "|(Alpha|Gaussian|Spatial)?Dropout([123]D)?|GaussianNoise|Resizing|CenterCrop|CategoryEncoding|Discretization|Hashing"
)
"""Classes that never hand their input on as it is, where they take its values at all."""

_COMPUTING_OPERATIONS = re.compile(
    "(Greater|Less)(Equal)?|(Not)?Equal|Logical(And|Or|Xor|Not)|(Zeros|Ones)Like|(True)?Divide|Power|Negative|Matmul"
    "|Exp|Log|Sqrt|Square|Sigmoid|Tanh|Relu|Sin|Cos|Mean|Sum"
)
"""Operations of Keras 3 that never hand on what they are given; they may open no scope."""


def drops_masks(class_name: str) -> bool:
    """Whether layers of a class hand no mask on."""
    return _DROPS_MASKS.fullmatch(class_name) is not None


@cache
def always_computes(class_name: str) -> bool:
    """Whether layers of one of Keras's own classes compute their result from the values that they take, always."""
    return re.fullmatch(_ALWAYS_COMPUTES, class_name) is not None


@cache
def is_computing_operation(class_name: str) -> bool:
    """Whether a class is an operation of Keras 3 that never hands on what it is given."""
    return _COMPUTING_OPERATIONS.fullmatch(class_name) is not None


def may_hold_others(class_name: str) -> bool:
    """Whether layers of a class may hold other layers, and so use their variables: wrappers, and the user's own."""
    return class_name != "Lambda" and (class_name == "Bidirectional" or not has_weights(class_name))


@cache
def has_weights(class_name: str) -> bool:
    """Whether layers of a class always have weights, so that they cannot be without ops."""
    return re.fullmatch(_CLASSES_WITH_WEIGHTS, class_name) is not None


# --- Scopes of bookkeeping --------------------------------------------------------------------------------------------

ROLE_OF_SCOPE = {
    "gradients": "gradients",
    "gradient_tape": "gradients",
    "training": "training",
    "train": "training",
    "optimizer": "training",
    "loss": "loss",
    "losses": "loss",
    "compile_loss": "loss",
    "metrics": "metrics",
    "metric": "metrics",
    "save": "saving",
    "checkpoint": "saving",
    "init": "initialization",
    "IsVariableInitialized": "initialization",
    "VarIsInitializedOp": "initialization",
    "report_uninitialized_variables": "initialization",
    "group_deps": "initialization",
    "Adam": "training",
    "adam": "training",
    "Adamax": "training",
    "adamax": "training",
    "Adagrad": "training",
    "adagrad": "training",
    "Adadelta": "training",
    "adadelta": "training",
    "Nadam": "training",
    "nadam": "training",
    "SGD": "training",
    "sgd": "training",
    "RMSprop": "training",
    "RMSProp": "training",
    "rmsprop": "training",
    "Ftrl": "training",
    "ftrl": "training",
    "Momentum": "training",
    "GradientDescent": "training",
    "TFOptimizer": "training",
    "AdamW": "training",
    "adamw": "training",
    "Lion": "training",
    "lion": "training",
    "Lamb": "training",
    "lamb": "training",
}
"""What the name scopes are for in which Keras and TensorFlow put ops that belong to no layer."""

_ROLE_OF_BOX = {
    "loss": (
        ".*_?loss(es)?|(mean|absolute|sum)_(squared|pairwise_squared|absolute)?_?(error|difference)"
        "|((sparse_)?softmax|sigmoid|weighted|binary|categorical)?_?(cross_?entropy|xentropy|xent)(_with_logits)?(_sg)?"
        "|SparseSoftmaxCrossEntropyWithLogits|SoftmaxCrossEntropyWithLogits|cosine_distance|regularizers?"
    ),
    "metrics": (
        "(top_k_|in_top_k_|binary_|categorical_|sparse_categorical_)?acc(uracy)?|auc|precision|recall|mean_iou|f1(_score)?"
        "|(true|false)_(positives|negatives)|confusion_matrix|evaluation|eval|assert_broadcastable"
    ),
    "summaries": "[Ss]ummar(y|ies)|Merge",
    "training": (
        "global_step|beta[12]_power|ExponentialMovingAverage|moving_averages?|learning_rate|(exponential|polynomial)_decay"
        "|[Oo]ptimi[sz]er.*|(clip_by_)?global_norm|clip_by_(value|norm|global_norm)|[Tt]rain(ing)?(_op|_step)?"
    ),
    "initialization": "report_uninitialized_.*|init_all_tables|tables_initializer|initializers?",
    "saving": "saver|save_counter|checkpoint_initializer",
    "input pipeline": (
        "(shuffle_)?batch(_join)?|input_producer|(string|range|slice)_input_producer|fifo_queue|input_pipeline|Iterator.*"
        "|normalize_(element|tensors)|parse_(single_)?example"
    ),
}
"""Outer scopes that are not layers, as TensorFlow names them, and as users mostly do."""


@cache
def _has_role() -> re.Pattern[str]:
    """Any of these: most names are none, and one look tells. It takes long to compile, and layers make it needless."""
    return re.compile("|".join(f"(?:{names})" for names in _ROLE_OF_BOX.values()))


def role_of_box(name: str) -> str:
    """What an outer name scope is for, where no layer graph says which scopes are layers.

    Args:
        name: The scope's own name, without the number that makes it unique.

    Returns:
        The role; empty for a name that may be a layer's.
    """
    if not _has_role().fullmatch(name):
        return ""
    return next(role for role, names in _ROLE_OF_BOX.items() if re.fullmatch(names, name))


# --- Names that Keras gives by itself: which class a layer has and when it was made, and nothing else -----------------

_NUMBER = re.compile(r"_[1-9][0-9]*$")
_MODELS = {"Functional": ("functional", "model"), "Model": ("model", "functional"), "Sequential": ("sequential",)}
_RAW_OPS = ("TFOpLambda", "SlicingOpLambda", "TensorFlowOpLayer")
"""Classes of tf_keras for a raw op between layers; it is named after the op, as ``tf.math.add_3``."""


def is_raw_op(class_name: str) -> bool:
    """Whether a class is one that tf_keras makes of a raw op between layers."""
    return class_name in _RAW_OPS


@lru_cache(maxsize=100_000)
def is_automatic(name: str, class_name: str) -> bool:
    """Whether Keras would have made up this name for a layer of this class.

    Keras writes the class in snake case and adds ``_1``, ``_2`` ... from the second on (``auto_name`` of Keras 3,
    ``unique_object_name`` of Keras 2; a counter starts anew with each process). An input layer is called
    ``input_layer`` by Keras 3, ``input_1`` by Keras 2, and after the first layer, ``dense_input``, in a Sequential
    model of Keras 2.

    Args:
        name: The layer's own name.
        class_name: Its Keras class.

    Returns:
        Whether it is such a name. A name that the user chose may look the same, as ``dense_1`` does.
    """
    if class_name in _RAW_OPS or name.startswith(("tf.", "tf_op_layer")):
        return name.startswith(("tf.", "tf_op_layer"))
    base = _NUMBER.sub("", name)
    if class_name == "InputLayer":
        return base in ("input_layer", "input") or name.endswith("_input")
    return base in _MODELS.get(class_name, (_snake_case(class_name),))


def is_automatic_model(name: str) -> bool:
    """Whether Keras would have made up this name for a model that is not a subclass."""
    return any(is_automatic(name, class_name) for class_name in _MODELS)


@lru_cache(maxsize=1_000)
def _snake_case(class_name: str) -> str:
    """The class name as Keras writes it in a layer's name: ``max_pooling2d`` for ``MaxPooling2D``."""
    words = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W", "", class_name))
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", words).lower()
