"""What each op type passes on: data for `graphdiag.diagnosis.flow`, and nothing else.

Two things are tracked for every tensor: what its values depend on, and what its shape depends on. A line of the table
says how an op's output gets the two from its inputs. An op type that is in no line passes everything on: both the
values and the shape of its output depend on the values and the shapes of all inputs. That is always safe; a line only
makes the answer more exact. Each line gives its reason.

The facts are those of TensorFlow's op definitions and shape functions (``tensorflow/core/ops/*_ops.cc``).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import lru_cache


class Kind(Enum):
    """How an op's output depends on its inputs."""

    UNKNOWN = "values and shape from the values and shapes of all inputs"
    COMPUTES = "values from values; shape from shapes, and from the values of the inputs that give dimensions"
    MEASURES = "values from the shapes of the inputs; shape known"
    BLANK = "values known; shape from shapes"
    FILLS = "values known; shape from the values of the inputs that give dimensions"
    CONSTANT = "values and shape known"
    FEED = "a value from outside: a model input, a flag or a handle"
    VARIABLE = "a reference to a variable: its values are parameters"
    HANDLE = "a handle to something that holds state"
    OUTSIDE = "data that enters the graph here, or that a Python function makes: taken for a model input"
    READS = "the values of a variable, and of what was assigned to it"
    TAKES = "values and shape from what was put behind the handle"
    WRITES = "puts the values of its inputs into the handle's state, and gives back a reference or nothing"
    RANDOM = "values random, and from the values of the inputs; shape from the values of all inputs"
    MERGES = "one of its inputs, chosen by which is alive"
    SWITCHES = "passes its first input on, or not, as the second says"
    CALLS = "as its function says"
    BRANCHES = "as the branches say, chosen by the first input"
    LOOPS = "as its body says, over and over while its condition holds"


@dataclass(frozen=True)
class Line:
    """One line of the table.

    Attributes:
        kind: How the op's output depends on its inputs.
        types: Op types, separated by spaces.
        reason: Why the line is right.
        dimensions: Positions of the inputs whose *values* give dimensions of the output; negative ones count from
            the end.
    """

    kind: Kind
    types: str
    reason: str
    dimensions: tuple[int, ...] = ()


TABLE = (
    # Where values come from.
    Line(Kind.CONSTANT, "Const HostConst _EagerConst", "the value stands in the graph"),
    Line(Kind.CONSTANT, "NoOp ControlTrigger", "no output"),
    Line(Kind.FEED, "Placeholder PlaceholderV2 PlaceholderWithDefault _Arg _DeviceArg", "fed from outside"),
    Line(Kind.VARIABLE, "Variable VariableV2 TemporaryVariable", "a TF 1 variable is a reference to its value"),
    Line(
        Kind.HANDLE,
        "VarHandleOp _VarHandlesOp HashTable HashTableV2 MutableHashTable MutableHashTableV2 MutableHashTableOfTensors"
        " MutableHashTableOfTensorsV2 MutableDenseHashTable MutableDenseHashTableV2 AnonymousHashTable"
        " AnonymousMutableHashTable Stack StackV2 FIFOQueue FIFOQueueV2 PaddingFIFOQueue PaddingFIFOQueueV2"
        " RandomShuffleQueue RandomShuffleQueueV2 PriorityQueue PriorityQueueV2 Barrier ConditionalAccumulator"
        " ResourceConditionalAccumulator AnonymousSeedGenerator AnonymousRandomSeedGenerator MutexV2",
        "the handle itself holds no tensor; what is put behind it is tracked as state",
    ),
    Line(Kind.READS, "ReadVariableOp ResourceGather ResourceGatherNd", "the variable's value, or rows of it"),
    Line(
        Kind.TAKES,
        "StackPop StackPopV2 QueueDequeue QueueDequeueV2 QueueDequeueMany QueueDequeueManyV2 QueueDequeueUpTo"
        " QueueDequeueUpToV2 QueueSize QueueSizeV2 LookupTableFind LookupTableFindV2 LookupTableSize"
        " LookupTableSizeV2 LookupTableExport LookupTableExportV2 VariableShape VarIsInitializedOp"
        " IsVariableInitialized",
        "what was put behind the handle, chosen by the other inputs",
    ),
    Line(
        Kind.OUTSIDE,
        "IteratorGetNext IteratorGetNextSync IteratorGetNextAsOptional ReaderRead ReaderReadV2 ReaderReadUpTo"
        " ReaderReadUpToV2 ReadFile WholeFileReader WholeFileReaderV2 TFRecordReader TFRecordReaderV2 PyFunc"
        " PyFuncStateless EagerPyFunc Recv _Recv _HostRecv InfeedDequeue InfeedDequeueTuple RecordInput",
        "nothing in the graph says what comes in",
    ),
    Line(
        Kind.WRITES,
        "Assign AssignAdd AssignSub ScatterUpdate ScatterAdd ScatterSub ScatterMul ScatterDiv ScatterMin ScatterMax"
        " ScatterNdUpdate ScatterNdAdd ScatterNdSub AssignVariableOp AssignAddVariableOp AssignSubVariableOp"
        " ResourceScatterUpdate ResourceScatterAdd ResourceScatterSub ResourceScatterMul ResourceScatterDiv"
        " ResourceScatterMin ResourceScatterMax ResourceScatterNdUpdate ResourceScatterNdAdd ResourceScatterNdSub"
        " StackPush StackPushV2 QueueEnqueue QueueEnqueueV2 QueueEnqueueMany QueueEnqueueManyV2 LookupTableInsert"
        " LookupTableInsertV2 LookupTableImport LookupTableImportV2 InitializeTable InitializeTableV2",
        "the first input is the handle or reference, the others are stored behind it",
    ),
    Line(
        Kind.WRITES,
        "ApplyGradientDescent ApplyMomentum ApplyAdam ApplyAdagrad ApplyAdagradV2 ApplyAdadelta ApplyAdaMax ApplyFtrl"
        " ApplyFtrlV2 ApplyRMSProp ApplyCenteredRMSProp ApplyAddSign ApplyPowerSign ApplyProximalAdagrad"
        " ApplyProximalGradientDescent ResourceApplyGradientDescent ResourceApplyMomentum"
        " ResourceApplyKerasMomentum ResourceApplyAdam ResourceApplyAdamWithAmsgrad ResourceApplyAdagrad"
        " ResourceApplyAdagradV2 ResourceApplyAdadelta ResourceApplyAdaMax ResourceApplyFtrl ResourceApplyFtrlV2"
        " ResourceApplyRMSProp ResourceApplyCenteredRMSProp ResourceApplyAddSign ResourceApplyPowerSign"
        " ResourceSparseApplyKerasMomentum ResourceSparseApplyAdagrad ResourceSparseApplyAdagradV2"
        " ResourceSparseApplyMomentum ResourceSparseApplyRMSProp ResourceSparseApplyFtrlV2 SparseApplyAdagrad"
        " SparseApplyMomentum SparseApplyRMSProp SparseApplyFtrlV2",
        "an optimiser's update: every variable among the inputs takes values from the gradient",
    ),
    # Randomness.
    Line(
        Kind.RANDOM,
        "RandomUniform RandomUniformInt RandomStandardNormal TruncatedNormal RandomGamma RandomPoisson RandomPoissonV2"
        " Multinomial StatelessRandomUniform StatelessRandomUniformV2 StatelessRandomUniformInt"
        " StatelessRandomUniformIntV2 StatelessRandomUniformFullInt StatelessRandomUniformFullIntV2"
        " StatelessRandomNormal StatelessRandomNormalV2 StatelessTruncatedNormal StatelessTruncatedNormalV2"
        " StatelessRandomGetKeyCounter StatelessRandomGetKeyCounterAlg StatelessRandomGetAlg",
        "random numbers, as many as the shape input says, from the seed input if there is one",
    ),
    # Shapes.
    Line(
        Kind.MEASURES,
        "Shape ShapeN Size Rank BroadcastGradientArgs ConcatOffset",
        "reads the dimensions of a tensor, never its values",
    ),
    Line(Kind.BLANK, "ZerosLike OnesLike", "zeros or ones in the input's shape"),
    # Control flow.
    Line(Kind.MERGES, "Merge RefMerge", "TF 1 conditional or loop"),
    Line(Kind.SWITCHES, "Switch RefSwitch", "TF 1 conditional or loop"),
    Line(
        Kind.COMPUTES,
        "Enter RefEnter Exit RefExit NextIteration RefNextIteration LoopCond",
        "TF 1 loop: passes its input on",
    ),
    Line(Kind.CALLS, "PartitionedCall StatefulPartitionedCall", "calls a library function"),
    Line(Kind.BRANCHES, "If StatelessIf Case StatelessCase", "the predicate chooses the branch"),
    Line(Kind.LOOPS, "While StatelessWhile", "a functional loop"),
    # Arithmetic: shapes follow from shapes by the rules of broadcasting, of products and of windows.
    Line(
        Kind.COMPUTES,
        "Identity IdentityN RefIdentity Snapshot StopGradient PreventGradient CheckNumerics Print PrintV2 DeepCopy"
        " GuaranteeConst _Retval _DeviceRetval EnsureShape Cast Bitcast DebugIdentity DebugIdentityV2",
        "passes its input on",
    ),
    Line(
        Kind.COMPUTES,
        "Add AddV2 AddN Sub Mul MulNoNan Div DivNoNan RealDiv FloorDiv TruncateDiv FloorMod Mod TruncateMod Pow Maximum"
        " Minimum SquaredDifference Atan2 Xdivy Xlogy Xlog1py Less LessEqual Greater GreaterEqual Equal NotEqual"
        " ApproximateEqual LogicalAnd LogicalOr LogicalNot BitwiseAnd BitwiseOr BitwiseXor LeftShift RightShift Invert"
        " Abs Neg Sign Square Sqrt Rsqrt Reciprocal Inv Exp Expm1 Log Log1p Sin Cos Tan Asin Acos Atan Sinh Cosh Tanh"
        " Asinh Acosh Atanh Sigmoid Softplus Softsign Relu Relu6 LeakyRelu Elu Selu Erf Erfc Erfinv Ndtri Lgamma"
        " Digamma Floor Ceil Round Rint IsNan IsInf IsFinite ClipByValue Select SelectV2 BiasAdd BiasAddV1 Softmax"
        " LogSoftmax Real Imag Conj Angle Complex ComplexAbs NextAfter Betainc Igamma Igammac Zeta Polygamma Inv"
        " AccumulateNV2",
        "elementwise, by broadcasting",
    ),
    Line(
        Kind.COMPUTES,
        "ReluGrad Relu6Grad LeakyReluGrad EluGrad SeluGrad SoftplusGrad SoftsignGrad SigmoidGrad TanhGrad SqrtGrad"
        " RsqrtGrad InvGrad ReciprocalGrad BiasAddGrad FusedBatchNormGrad FusedBatchNormGradV2 FusedBatchNormGradV3"
        " MaxPoolGrad MaxPoolGradV2 LRNGrad ResizeNearestNeighborGrad ResizeBilinearGrad ResizeBicubicGrad"
        " SoftmaxCrossEntropyWithLogits SparseSoftmaxCrossEntropyWithLogits L2Loss",
        "gradients and losses: shapes follow from the shapes of what they are gradients of",
    ),
    Line(
        Kind.COMPUTES,
        "MatMul BatchMatMul BatchMatMulV2 BatchMatMulV3 Einsum Conv Conv1D Conv2D Conv3D DepthwiseConv2dNative MaxPool"
        " MaxPoolV2 MaxPool3D AvgPool AvgPool3D MaxPoolWithArgmax LRN FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3"
        " Dilation2D DepthToSpace SpaceToDepth ExtractImagePatches L2Normalize Cross MatrixInverse Cholesky"
        " MatrixDeterminant InvertPermutation Diag DiagPart MatrixDiag MatrixDiagPart MatrixSetDiag MatrixBandPart"
        " _FusedConv2D _FusedMatMul FFT FFT2D IFFT IFFT2D AdjustContrastv2 AdjustHue AdjustSaturation RGBToHSV HSVToRGB"
        " BlockLSTM BlockLSTMV2 LSTMBlockCell GRUBlockCell CudnnRNN CudnnRNNV2 CudnnRNNV3",
        "products, windows and factorisations: the output's shape follows from the inputs' shapes and the attributes",
    ),
    Line(
        Kind.COMPUTES,
        "Pack Unpack Squeeze GatherNd InTopK InTopKV2 ScatterNdNonAliasingAdd TensorScatterUpdate TensorScatterAdd"
        " TensorScatterSub TensorScatterMax TensorScatterMin Roll Reverse ReverseV2 ReverseSequence Cumsum Cumprod"
        " Bucketize ParallelConcat BroadcastArgs",
        "moves elements about; the output's shape follows from the inputs' shapes",
    ),
    Line(
        Kind.COMPUTES,
        "Sum Mean Prod Max Min Any All EuclideanNorm ArgMax ArgMin",
        "which axes are reduced is a value",
        dimensions=(1,),
    ),
    Line(
        Kind.COMPUTES,
        "Reshape ExpandDims Transpose ConjugateTranspose Tile Pad PadV2 MirrorPad BroadcastTo TopKV2 NthElement"
        " SpaceToBatchND BatchToSpaceND ResizeNearestNeighbor ResizeBilinear ResizeBicubic ResizeArea OneHot"
        " Conv2DBackpropFilter Conv3DBackpropFilterV2 DepthwiseConv2dNativeBackpropFilter Bincount",
        "the second input gives dimensions (and, where there is a third, so may it)",
        dimensions=(1, 2),
    ),
    Line(
        Kind.COMPUTES,
        "Conv2DBackpropInput Conv3DBackpropInputV2 DepthwiseConv2dNativeBackpropInput AvgPoolGrad Split Concat"
        " MaxPoolGradGrad",
        "the first input gives dimensions, or the axis",
        dimensions=(0,),
    ),
    Line(Kind.COMPUTES, "ConcatV2", "the last input is the axis", dimensions=(-1,)),
    Line(Kind.COMPUTES, "GatherV2", "the third input is the axis", dimensions=(2,)),
    Line(Kind.COMPUTES, "Gather", "rows chosen by the second input's values; as many as it has elements"),
    Line(Kind.COMPUTES, "ScatterNd", "the third input is the shape", dimensions=(2,)),
    Line(Kind.COMPUTES, "SplitV", "the second input gives sizes, the third the axis", dimensions=(1, 2)),
    Line(Kind.COMPUTES, "Slice StridedSlice", "begin, end and strides are values", dimensions=(1, 2, 3)),
    Line(Kind.COMPUTES, "StridedSliceGrad", "the first input is the shape", dimensions=(0,)),
    Line(Kind.COMPUTES, "Range LinSpace", "how many there are is computed from the values", dimensions=(0, 1, 2)),
    Line(Kind.COMPUTES, "Fill", "the first input is the shape, the second the value", dimensions=(0,)),
    Line(Kind.FILLS, "Empty", "the first input is the shape", dimensions=(0,)),
    Line(
        Kind.COMPUTES,
        "CropAndResize FakeQuantWithMinMaxVars FakeQuantWithMinMaxArgs QuantizeAndDequantizeV2",
        "the last input of CropAndResize is the size",
        dimensions=(-1,),
    ),
    Line(Kind.COMPUTES, "Assert", "no output; fails or not"),
)


@dataclass(frozen=True)
class Rule:
    """The line for one op type, ready for use: see `Line`."""

    kind: Kind
    dimensions: tuple[int, ...] = ()


UNKNOWN = Rule(Kind.UNKNOWN)


@lru_cache(maxsize=1)
def rules() -> dict[str, Rule]:
    """The rule of every op type in the table. A type that is not in it passes everything on (`UNKNOWN`)."""
    return {op_type: Rule(line.kind, line.dimensions) for line in TABLE for op_type in line.types.split()}
