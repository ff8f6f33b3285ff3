"""What each op type passes on: data for `graphdiag.diagnosis.dataflow.flow`; and which types make variables.

Two things are tracked for every tensor: what its values depend on, and what its shape depends on. A line of the table
says how an op's output gets the two from its inputs. An op type that is in no line passes everything on: both the
values and the shape of its output depend on the values and the shapes of all inputs. That is always safe; a line only
makes the answer more exact. Each line gives its reason.

What the shape of a tensor depends on, its values depend on too: a sum over a tensor of ones is the number of its
elements. So values always include shape.

The facts are those of TensorFlow's op definitions and shape functions (``tensorflow/core/ops/*_ops.cc``).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, Flag
from functools import lru_cache


class Kind(Enum):
    """How an op's output depends on its inputs."""

    UNKNOWN = "values and shape from the values of all inputs, and perhaps from anything else"
    COMPUTES = "values from values; shape from shapes, and from the values of the inputs that give dimensions"
    RESIZES = "values and shape from the values of all inputs"
    SHAPE_OF = "values from the shapes of the inputs; shape known"
    SHAPED_CONSTANT = "values and shape from the shapes of the inputs"
    CONSTANT = "values and shape known"
    FEED = "a value from outside: a model input, a flag or a handle"
    OUTSIDE = "data that enters the graph here: taken for a model input"
    FOREIGN = "what code outside the graph gives: values and shape may come from a model input"
    VARIABLE = "a reference to a variable: its values are parameters"
    STORED = "as COMPUTES, and parameters"
    HANDLE = "a handle to something that holds state"
    READS = "the values of a variable, and of what was assigned to it"
    READ_STATE = "values and shape from what was put behind the handle"
    DEQUEUE = "as READ_STATE; and what the next one takes depends on whether this one ran"
    WRITES = "puts the values of its inputs into the handle's state, and gives back a reference, a flow or nothing"
    RANDOM = "as COMPUTES, and random"
    MERGES = "one of its inputs, chosen by which is alive"
    SWITCHES = "passes its first input on to one of its outputs, as the second says"
    EXITS = "the last of the values that its input had in a loop"
    CALLS = "as its function says"
    BRANCHES = "as the branches say, chosen by the first input"
    LOOPS = "as its body says, over and over while its condition holds"


class Outside(Flag):
    """What an op does with what lies outside of the graph: files, and whatever Python code keeps."""

    UNTOUCHED = 0
    READ = 1
    WRITTEN = 2
    BOTH = 3


@dataclass(frozen=True)
class OpGroup:
    """One line of the table.

    Attributes:
        kind: How the op's output depends on its inputs.
        types: Op types, separated by spaces.
        reason: Why the line is right.
        dimensions: Positions of the inputs whose *values* give dimensions of the output; negative ones count from
            the end. A position that an op does not have gives none.
        handles: How many of the first inputs are handles or references to the state that the op reads or writes.
        outside: What it does with what lies outside of the graph.
    """

    kind: Kind
    types: str
    reason: str
    dimensions: tuple[int, ...] = ()
    handles: int = 0
    outside: Outside = Outside.UNTOUCHED


TABLE = (
    # Where values come from.
    OpGroup(Kind.CONSTANT, "Const HostConst _EagerConst ImmutableConst", "the value stands in the graph"),
    OpGroup(
        Kind.CONSTANT,
        "NoOp ControlTrigger Abort GraphDefVersion DeviceIndex FakeParam OptionalNone StatelessRandomGetAlg"
        " IsTensorFloat32Enabled",
        "no output, or one that no input has a part in",
    ),
    OpGroup(Kind.FEED, "Placeholder PlaceholderV2 PlaceholderWithDefault _Arg _DeviceArg", "fed from outside"),
    OpGroup(
        Kind.OUTSIDE,
        "IteratorGetNext IteratorGetNextSync IteratorGetNextAsOptional MultiDeviceIteratorGetNextFromShard"
        " DatasetToSingleElement GetElementAtIndex ReaderRead ReaderReadV2 ReaderReadUpTo ReaderReadUpToV2 RecordInput"
        " InfeedDequeue InfeedDequeueTuple",
        "training data: its values are activations and its dimensions are shape, as a feed's",
    ),
    OpGroup(
        Kind.FOREIGN,
        "PyFunc PyFuncStateless EagerPyFunc",
        "Python code may give anything, keep what it is given, and find what other such code has kept; a stateless one"
        " promises not to, and nothing holds it to that",
        outside=Outside.BOTH,
    ),
    OpGroup(
        Kind.FOREIGN,
        "ReadFile MatchingFiles Recv _Recv _HostRecv GetSessionTensor",
        "what a file holds, or what is sent, may have been computed anywhere",
        outside=Outside.READ,
    ),
    OpGroup(Kind.FOREIGN, "Skipgram", "reads a text of its own, and nothing in the graph says what comes in"),
    OpGroup(Kind.VARIABLE, "Variable VariableV2 TemporaryVariable", "a TF 1 variable is a reference to its value"),
    OpGroup(Kind.STORED, "Restore RestoreSlice RestoreV2 LoadAndRemapMatrix", "what a checkpoint holds are parameters"),
    OpGroup(
        Kind.HANDLE,
        "VarHandleOp HashTable HashTableV2 MutableHashTable MutableHashTableV2 MutableHashTableOfTensors"
        " MutableHashTableOfTensorsV2 MutableDenseHashTable MutableDenseHashTableV2 AnonymousHashTable"
        " AnonymousMutableHashTable AnonymousMutableHashTableOfTensors AnonymousMutableDenseHashTable FIFOQueue"
        " FIFOQueueV2 PaddingFIFOQueue PaddingFIFOQueueV2 RandomShuffleQueue RandomShuffleQueueV2 PriorityQueue"
        " PriorityQueueV2 FakeQueue Barrier ConditionalAccumulator ResourceConditionalAccumulator"
        " SparseConditionalAccumulator AnonymousSeedGenerator AnonymousRandomSeedGenerator MutexV2 MutexLock Iterator"
        " IteratorV2 OneShotIterator AnonymousIterator AnonymousIteratorV2 AnonymousIteratorV3 MultiDeviceIterator"
        " AnonymousMultiDeviceIterator AnonymousMultiDeviceIteratorV3 SummaryWriter AnonymousMemoryCache"
        " DummyMemoryCache DummySeedGenerator StatsAggregatorHandle StatsAggregatorHandleV2 ThreadPoolHandle"
        " WholeFileReader WholeFileReaderV2 TextLineReader TextLineReaderV2 FixedLengthRecordReader"
        " FixedLengthRecordReaderV2 TFRecordReader TFRecordReaderV2 LMDBReader IdentityReader IdentityReaderV2",
        "the handle itself holds no tensor; what is put behind it is tracked as state",
    ),
    OpGroup(
        Kind.HANDLE,
        "Stack StackV2 TensorArray TensorArrayV2 TensorArrayV3",
        "as above, but each run of the op makes a new one; the size of an array is a dimension of what it holds",
    ),
    # State.
    OpGroup(
        Kind.READS,
        "ReadVariableOp ResourceGather ResourceGatherNd",
        "the variable's value, or rows of it",
        handles=1,
    ),
    OpGroup(
        Kind.READ_STATE,
        "LookupTableFind LookupTableFindV2 LookupTableSize LookupTableSizeV2 LookupTableExport LookupTableExportV2"
        " QueueSize QueueSizeV2 QueueIsClosed QueueIsClosedV2 VarIsInitializedOp IsVariableInitialized"
        " BarrierReadySize BarrierIncompleteSize AccumulatorNumAccumulated ResourceAccumulatorNumAccumulated",
        "what was put behind the handle, chosen by the other inputs",
        handles=1,
    ),
    OpGroup(
        Kind.READ_STATE,
        "TensorArrayGather TensorArrayGatherV2 TensorArrayGatherV3 TensorArrayPack TensorArrayConcat"
        " TensorArrayConcatV2 TensorArrayConcatV3",
        "the elements of a TensorArray, all or some, in one tensor",
        handles=1,
    ),
    OpGroup(
        Kind.READ_STATE,
        "TensorArrayRead TensorArrayReadV2 TensorArrayReadV3",
        "one element of a TensorArray; which one is a value, and elements need not be of one shape",
        dimensions=(1,),
        handles=1,
    ),
    OpGroup(
        Kind.DEQUEUE,
        "StackPop StackPopV2 QueueDequeue QueueDequeueV2 AccumulatorTakeGradient ResourceAccumulatorTakeGradient"
        " SparseAccumulatorTakeGradient",
        "takes out what was put behind the handle",
        handles=1,
    ),
    OpGroup(
        Kind.DEQUEUE,
        "QueueDequeueMany QueueDequeueManyV2 QueueDequeueUpTo QueueDequeueUpToV2 BarrierTakeMany",
        "as above; how many are taken is a value",
        dimensions=(1,),
        handles=1,
    ),
    OpGroup(
        Kind.DEQUEUE,
        "Unstage StageSize MapSize MapIncompleteSize OrderedMapSize OrderedMapIncompleteSize",
        "a staging area, known by its shared name",
    ),
    OpGroup(
        Kind.DEQUEUE,
        "StagePeek MapUnstageNoKey OrderedMapUnstageNoKey",
        "as above; an index chooses, and elements need not be of one shape",
        dimensions=(0,),
    ),
    OpGroup(
        Kind.DEQUEUE,
        "MapUnstage MapPeek OrderedMapUnstage OrderedMapPeek",
        "as above; a key and indices choose",
        dimensions=(0, 1),
    ),
    OpGroup(
        Kind.WRITES,
        "Stage StageClear MapStage MapClear OrderedMapStage OrderedMapClear",
        "a staging area, known by its shared name",
    ),
    OpGroup(
        Kind.WRITES,
        "Assign AssignAdd AssignSub ScatterUpdate ScatterAdd ScatterSub ScatterMul ScatterDiv ScatterMin ScatterMax"
        " ScatterNdUpdate ScatterNdAdd ScatterNdSub ScatterNdMin ScatterNdMax StridedSliceAssign CountUpTo"
        " AssignVariableOp AssignAddVariableOp AssignSubVariableOp ResourceScatterUpdate ResourceScatterAdd"
        " ResourceScatterSub ResourceScatterMul ResourceScatterDiv ResourceScatterMin ResourceScatterMax"
        " ResourceScatterNdUpdate ResourceScatterNdAdd ResourceScatterNdSub ResourceScatterNdMin ResourceScatterNdMax"
        " ResourceStridedSliceAssign ResourceCountUpTo StackPush StackPushV2 QueueEnqueue QueueEnqueueV2"
        " QueueEnqueueMany QueueEnqueueManyV2 BarrierInsertMany LookupTableInsert LookupTableInsertV2"
        " LookupTableRemoveV2 LookupTableImport LookupTableImportV2 InitializeTable InitializeTableV2"
        " InitializeTableFromDataset"
        " AccumulatorApplyGradient AccumulatorSetGlobalStep ResourceAccumulatorApplyGradient"
        " ResourceAccumulatorSetGlobalStep SparseAccumulatorApplyGradient TensorArrayUnpack QueueClose"
        " QueueCloseV2",
        "the first input is the handle or reference, the others are stored behind it",
        handles=1,
    ),
    OpGroup(
        Kind.WRITES,
        "InitializeTableFromTextFile InitializeTableFromTextFileV2",
        "as above, and what is stored comes from a file",
        handles=1,
        outside=Outside.READ,
    ),
    OpGroup(
        Kind.WRITES,
        "TensorArrayWrite TensorArrayWriteV2 TensorArrayWriteV3 TensorArrayScatter TensorArrayScatterV2"
        " TensorArrayScatterV3",
        "as above; an index past the end makes the array longer",
        dimensions=(1,),
        handles=1,
    ),
    OpGroup(
        Kind.WRITES,
        "TensorArraySplit TensorArraySplitV2 TensorArraySplitV3",
        "as above; the lengths of the elements are values",
        dimensions=(2,),
        handles=1,
    ),
    OpGroup(
        Kind.WRITES,
        "ApplyGradientDescent ApplyProximalGradientDescent ResourceApplyGradientDescent"
        " ResourceApplyProximalGradientDescent SparseApplyProximalGradientDescent"
        " ResourceSparseApplyProximalGradientDescent",
        "an optimizer's update of a variable by a gradient",
        handles=1,
    ),
    OpGroup(
        Kind.WRITES,
        "ApplyMomentum ApplyAdagrad ApplyAdagradV2 ApplyProximalAdagrad ApplyAddSign ApplyPowerSign"
        " ResourceApplyMomentum ResourceApplyKerasMomentum ResourceApplyAdagrad ResourceApplyAdagradV2"
        " ResourceApplyProximalAdagrad ResourceApplyAddSign ResourceApplyPowerSign SparseApplyMomentum"
        " SparseApplyAdagrad SparseApplyAdagradV2 SparseApplyProximalAdagrad ResourceSparseApplyMomentum"
        " ResourceSparseApplyKerasMomentum ResourceSparseApplyAdagrad ResourceSparseApplyAdagradV2"
        " ResourceSparseApplyProximalAdagrad",
        "as above, with one slot",
        handles=2,
    ),
    OpGroup(
        Kind.WRITES,
        "ApplyAdam ApplyAdaMax ApplyAdadelta ApplyAdagradDA ApplyFtrl ApplyFtrlV2 ApplyRMSProp ResourceApplyAdam"
        " ResourceApplyAdaMax ResourceApplyAdadelta ResourceApplyAdagradDA ResourceApplyFtrl ResourceApplyFtrlV2"
        " ResourceApplyRMSProp SparseApplyAdadelta SparseApplyAdagradDA SparseApplyFtrl SparseApplyFtrlV2"
        " SparseApplyRMSProp ResourceSparseApplyAdadelta ResourceSparseApplyAdagradDA ResourceSparseApplyFtrl"
        " ResourceSparseApplyFtrlV2 ResourceSparseApplyRMSProp",
        "as above, with two slots",
        handles=3,
    ),
    OpGroup(
        Kind.WRITES,
        "ApplyCenteredRMSProp ResourceApplyCenteredRMSProp SparseApplyCenteredRMSProp"
        " ResourceSparseApplyCenteredRMSProp ResourceApplyAdamWithAmsgrad",
        "as above, with three slots",
        handles=4,
    ),
    OpGroup(
        Kind.COMPUTES,
        "TensorArrayGrad TensorArrayGradV2 TensorArrayGradV3 TensorArrayClose TensorArrayCloseV2 TensorArrayCloseV3"
        " StackClose StackCloseV2 BarrierClose IteratorToStringHandle"
        " IteratorFromStringHandle IteratorFromStringHandleV2 MultiDeviceIteratorToStringHandle"
        " MultiDeviceIteratorFromStringHandle ConsumeMutexLock DestroyResourceOp DestroyTemporaryVariable",
        "hands the handle on, or makes an end of it; the gradients of an array lie in its state",
    ),
    OpGroup(
        Kind.COMPUTES,
        "TensorArrayGradWithShape",
        "as above; the third input gives further dimensions",
        dimensions=(2,),
    ),
    # Randomness.
    OpGroup(
        Kind.RANDOM,
        "RandomUniform RandomUniformInt RandomStandardNormal TruncatedNormal ParameterizedTruncatedNormal RandomGamma"
        " RandomPoisson RandomPoissonV2 NonDeterministicInts StatelessRandomUniform StatelessRandomUniformV2"
        " StatelessRandomUniformInt StatelessRandomUniformIntV2 StatelessRandomUniformFullInt"
        " StatelessRandomUniformFullIntV2 StatelessRandomNormal StatelessRandomNormalV2 StatelessTruncatedNormal"
        " StatelessTruncatedNormalV2 StatelessParameterizedTruncatedNormal StatelessRandomBinomial"
        " StatelessRandomPoisson StatelessRandomGammaV2 StatelessRandomGammaV3",
        "random numbers, as many as the first input says, from seeds and bounds among the others",
        dimensions=(0,),
    ),
    OpGroup(
        Kind.RANDOM,
        "Multinomial StatelessMultinomial",
        "the second input says how many are drawn",
        dimensions=(1,),
    ),
    OpGroup(Kind.RANDOM, "RandomCrop", "the second input is the size", dimensions=(1,)),
    OpGroup(
        Kind.RANDOM,
        "RandomShuffle StatelessShuffle RandomGammaGrad FractionalMaxPool FractionalAvgPool"
        " SampleDistortedBoundingBox SampleDistortedBoundingBoxV2 StatelessSampleDistortedBoundingBox"
        " UniformCandidateSampler LogUniformCandidateSampler LearnedUnigramCandidateSampler"
        " FixedUnigramCandidateSampler ThreadUnsafeUnigramCandidateSampler AllCandidateSampler"
        " StatelessRandomGetKeyCounter StatelessRandomGetKeyCounterAlg RandomIndexShuffle StochasticCastToInt",
        "random; the shape follows from the inputs' shapes and the attributes",
    ),
    OpGroup(
        Kind.RANDOM,
        "StatefulStandardNormal",
        "random numbers from a generator's state, and moves it on; the second input is the shape",
        dimensions=(1,),
        handles=1,
    ),
    OpGroup(
        Kind.RANDOM,
        "StatefulStandardNormalV2 StatefulTruncatedNormal StatefulUniform StatefulUniformFullInt StatefulUniformInt"
        " StatefulRandomBinomial",
        "random numbers from a generator's state, and moves it on; the third input is the shape",
        dimensions=(2,),
        handles=1,
    ),
    OpGroup(Kind.RANDOM, "RngReadAndSkip RngSkip", "reads a generator's state, and moves it on", handles=1),
    # Shapes.
    OpGroup(Kind.SHAPE_OF, "Shape ShapeN Size Rank", "reads the dimensions of a tensor, never its values"),
    OpGroup(
        Kind.SHAPE_OF,
        "TensorListLength TensorListElementShape TensorMapSize SparseMatrixNNZ",
        "how much a container holds is part of what its shape stands for here",
    ),
    OpGroup(
        Kind.SHAPE_OF,
        "TensorArraySize TensorArraySizeV2 TensorArraySizeV3 VariableShape",
        "as above, of what is behind the handle",
        handles=1,
    ),
    OpGroup(Kind.SHAPED_CONSTANT, "ZerosLike OnesLike", "zeros or ones in the input's shape"),
    # Control flow.
    OpGroup(Kind.MERGES, "Merge RefMerge", "TF 1 conditional or loop"),
    OpGroup(Kind.SWITCHES, "Switch RefSwitch _SwitchN", "TF 1 conditional or loop"),
    OpGroup(Kind.EXITS, "Exit RefExit", "TF 1 loop: what is left when its condition fails"),
    OpGroup(
        Kind.COMPUTES,
        "Enter RefEnter NextIteration RefNextIteration LoopCond",
        "TF 1 loop: passes its input on",
    ),
    OpGroup(Kind.CALLS, "PartitionedCall StatefulPartitionedCall", "calls a library function"),
    OpGroup(Kind.BRANCHES, "If StatelessIf _If Case StatelessCase", "the predicate chooses the branch"),
    OpGroup(Kind.LOOPS, "While StatelessWhile _While", "a functional loop"),
    # Arithmetic: shapes follow from shapes by the rules of broadcasting, of products and of windows.
    OpGroup(
        Kind.COMPUTES,
        "Identity IdentityN RefIdentity Snapshot StopGradient PreventGradient CheckNumerics CheckNumericsV2 Print"
        " PrintV2 DeepCopy GuaranteeConst _Retval _DeviceRetval EnsureShape Cast _HostCast Bitcast DebugIdentity"
        " DebugIdentityV2 DebugIdentityV3 DebugGradientIdentity DebugGradientRefIdentity Copy CopyHost CopyToMesh"
        " CheckPinned _CopyFromGpuToHost _CopyFromHostToGpu _ListToArray _ArrayToList DisableCopyOnRead",
        "passes its input on",
    ),
    OpGroup(
        Kind.COMPUTES,
        "Add AddV2 AddN AccumulateNV2 Sub Mul MulNoNan Div DivNoNan RealDiv FloorDiv TruncateDiv FloorMod Mod"
        " TruncateMod Pow Maximum Minimum SquaredDifference Atan2 Xdivy Xlogy Xlog1py Less LessEqual Greater"
        " GreaterEqual Equal NotEqual ApproximateEqual LogicalAnd LogicalOr LogicalNot BitwiseAnd BitwiseOr BitwiseXor"
        " LeftShift RightShift Invert PopulationCount Abs Neg Sign Square Sqrt Rsqrt Reciprocal Inv Exp Expm1 Log"
        " Log1p Sin Cos Tan Asin Acos Atan Sinh Cosh Tanh Asinh Acosh Atanh Sigmoid Softplus Softsign Relu Relu6"
        " LeakyRelu Elu Selu Erf Erfc Erfinv Ndtri Lgamma Digamma BesselI0 BesselI0e BesselI1 BesselI1e BesselJ0"
        " BesselJ1 BesselK0 BesselK0e BesselK1 BesselK1e BesselY0 BesselY1 Dawsn Expint FresnelCos FresnelSin Spence"
        " Floor Ceil Round Rint IsNan IsInf IsFinite ClipByValue Select SelectV2 BiasAdd BiasAddV1 Softmax LogSoftmax"
        " Real Imag Conj Angle Complex ComplexAbs NextAfter Betainc Igamma Igammac IgammaGradA Zeta Polygamma ToBool"
        " _UnaryOpsComposition",
        "elementwise, by broadcasting",
    ),
    OpGroup(
        Kind.COMPUTES,
        "ReluGrad Relu6Grad LeakyReluGrad EluGrad SeluGrad SoftplusGrad SoftsignGrad SigmoidGrad TanhGrad SqrtGrad"
        " RsqrtGrad InvGrad ReciprocalGrad BiasAddGrad FusedBatchNormGrad FusedBatchNormGradV2 FusedBatchNormGradV3"
        " _FusedBatchNormGradEx BatchNormWithGlobalNormalizationGrad MaxPoolGrad MaxPoolGradV2 MaxPoolGradGrad"
        " MaxPoolGradWithArgmax MaxPoolGradGradWithArgmax MaxPool3DGrad MaxPool3DGradGrad FractionalMaxPoolGrad LRNGrad"
        " ResizeBilinearGrad ResizeBicubicGrad ScaleAndTranslateGrad Conv2DBackpropInputV2 Conv2DBackpropFilterV2"
        " Conv3DBackpropInput Conv3DBackpropFilter Dilation2DBackpropInput Dilation2DBackpropFilter CholeskyGrad"
        " CropAndResizeGradBoxes FakeQuantWithMinMaxArgsGradient FakeQuantWithMinMaxVarsGradient"
        " FakeQuantWithMinMaxVarsPerChannelGradient QuantizeAndDequantizeV4Grad GRUBlockCellGrad LSTMBlockCellGrad"
        " BlockLSTMGrad BlockLSTMGradV2 CudnnRNNBackprop CudnnRNNBackpropV2 CudnnRNNBackpropV3 CopyToMeshGrad"
        " SparseFillEmptyRowsGrad RaggedFillEmptyRowsGrad SparseMatrixSoftmaxGrad SoftmaxCrossEntropyWithLogits"
        " SparseSoftmaxCrossEntropyWithLogits L2Loss CTCLoss CTCLossV2",
        "gradients and losses: shapes follow from the shapes of what they are gradients of",
    ),
    OpGroup(
        Kind.COMPUTES,
        "MatMul BatchMatMul BatchMatMulV2 BatchMatMulV3 SparseMatMul Einsum Conv Conv2D Conv3D DepthwiseConv2dNative"
        " MaxPool MaxPool3D MaxPoolWithArgmax AvgPool AvgPool3D LRN FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3"
        " _FusedBatchNormEx BatchNormWithGlobalNormalization Dilation2D DepthToSpace SpaceToDepth ExtractImagePatches"
        " ExtractVolumePatches Cross _FusedConv2D _FusedConv3D _FusedDepthwiseConv2dNative _FusedMatMul"
        " TridiagonalMatMul BlockLSTM BlockLSTMV2 LSTMBlockCell GRUBlockCell CudnnRNN CudnnRNNV2 CudnnRNNV3",
        "products and windows: the output's shape follows from the inputs' shapes and the attributes",
    ),
    OpGroup(
        Kind.COMPUTES,
        "MatrixInverse MatrixDeterminant LogMatrixDeterminant MatrixSolve MatrixSolveLs MatrixTriangularSolve"
        " BandedTriangularSolve TridiagonalSolve MatrixExponential MatrixLogarithm MatrixSquareRoot Cholesky Qr Lu Svd"
        " Eig SelfAdjointEig SelfAdjointEigV2 BatchCholesky BatchCholeskyGrad BatchMatrixDeterminant"
        " BatchMatrixInverse BatchMatrixSolve BatchMatrixSolveLs BatchMatrixTriangularSolve BatchSelfAdjointEig"
        " BatchSelfAdjointEigV2 BatchSvd BatchMatrixBandPart BatchMatrixDiag BatchMatrixDiagPart BatchMatrixSetDiag"
        " Diag DiagPart MatrixDiag MatrixDiagPart MatrixSetDiag MatrixSetDiagV2 MatrixSetDiagV3 MatrixBandPart FFT"
        " FFT2D FFT3D IFFT IFFT2D IFFT3D BatchFFT BatchFFT2D BatchFFT3D BatchIFFT BatchIFFT2D BatchIFFT3D",
        "linear algebra: the output's shape follows from the inputs' shapes and the attributes",
    ),
    OpGroup(
        Kind.COMPUTES,
        "Pack Unpack Squeeze Gather GatherNd InTopK InTopKV2 TopK ApproxTopK TopKUnique TopKWithUnique MakeUnique"
        " NthElement KthOrderStatistic ScatterNdNonAliasingAdd TensorScatterUpdate TensorScatterAdd TensorScatterSub"
        " TensorScatterMax TensorScatterMin TensorStridedSliceUpdate InplaceUpdate InplaceAdd InplaceSub Roll Reverse"
        " ReverseV2 ReverseSequence Cumsum Cumprod CumulativeLogsumexp InvertPermutation Bucketize LowerBound"
        " UpperBound UnravelIndex ParallelConcat _ParallelConcatUpdate BroadcastArgs ConcatOffset DataFormatDimMap"
        " DataFormatVecPermute IsotonicRegression",
        "moves elements about; the output's shape follows from the inputs' shapes",
    ),
    OpGroup(
        Kind.COMPUTES,
        "Sum Mean Prod Max Min Any All EuclideanNorm ArgMax ArgMin ReduceJoin",
        "the second input says which axes are reduced",
        dimensions=(1,),
    ),
    OpGroup(
        Kind.COMPUTES,
        "Reshape ExpandDims Transpose ConjugateTranspose Tile TileGrad Pad PadV2 MirrorPad MirrorPadGrad BroadcastTo"
        " TopKV2 OneHot Bincount DenseBincount SpaceToBatch BatchToSpace ResizeNearestNeighbor"
        " ResizeNearestNeighborGrad ResizeBilinear ResizeBicubic ResizeArea ScaleAndTranslate ExtractGlimpse"
        " ExtractGlimpseV2 Conv2DBackpropFilter Conv3DBackpropFilterV2 DepthwiseConv2dNativeBackpropFilter"
        " MatrixDiagPartV2 MatrixDiagPartV3 RFFT RFFT2D RFFT3D IRFFT IRFFT2D IRFFT3D SparseToDense FusedPadConv2D",
        "the second input gives dimensions: a shape, sizes, axes, paddings or a number of classes",
        dimensions=(1,),
    ),
    OpGroup(
        Kind.COMPUTES,
        "Slice SplitV SpaceToBatchND BatchToSpaceND MaxPoolV2 FFTND IFFTND RFFTND IRFFTND FusedResizeAndPadConv2D",
        "the second and third input give dimensions: a begin and a size, sizes and an axis, paddings, strides",
        dimensions=(1, 2),
    ),
    OpGroup(
        Kind.COMPUTES,
        "StridedSlice MatrixDiagV2 MatrixDiagV3",
        "all inputs but the first give dimensions (the fill value of a diagonal aside)",
        dimensions=(1, 2, 3),
    ),
    OpGroup(
        Kind.COMPUTES,
        "Conv2DBackpropInput Conv3DBackpropInputV2 DepthwiseConv2dNativeBackpropInput AvgPoolGrad AvgPool3DGrad"
        " FractionalAvgPoolGrad StridedSliceGrad Split Concat Fill Empty",
        "the first input gives dimensions: the shape, or the axis",
        dimensions=(0,),
    ),
    OpGroup(
        Kind.COMPUTES,
        "RefSelect",
        "one of several references, which need not be of one shape",
        dimensions=(0,),
    ),
    OpGroup(Kind.COMPUTES, "ConcatV2", "the last input is the axis", dimensions=(-1,)),
    OpGroup(Kind.COMPUTES, "GatherV2", "the third input is the axis", dimensions=(2,)),
    OpGroup(
        Kind.COMPUTES,
        "ScatterNd ImageProjectiveTransformV2 ImageProjectiveTransformV3 UnsortedSegmentSum UnsortedSegmentMax"
        " UnsortedSegmentMin UnsortedSegmentProd UnsortedSegmentJoin SegmentSumV2 SegmentProdV2 SegmentMaxV2"
        " SegmentMinV2 HistogramFixedWidth LinSpace SparseTensorDenseMatMul NearestNeighbors",
        "the third input gives dimensions: the shape, or how many there are",
        dimensions=(2,),
    ),
    OpGroup(
        Kind.COMPUTES,
        "CropAndResize CropAndResizeGradImage SparseSegmentSumWithNumSegments SparseSegmentMeanWithNumSegments"
        " SparseSegmentSqrtNWithNumSegments SparseSegmentSumGrad SparseSegmentMeanGrad SparseSegmentSqrtNGrad",
        "the fourth input gives dimensions: the size, or how many there are",
        dimensions=(3,),
    ),
    OpGroup(
        Kind.COMPUTES,
        "SegmentSum SegmentMean SegmentProd SegmentMax SegmentMin",
        "the last of the segment ids, the second input, says how many segments there are",
        dimensions=(1,),
    ),
    OpGroup(
        Kind.COMPUTES,
        "SparseSegmentSum SparseSegmentMean SparseSegmentSqrtN",
        "the last of the segment ids, the third input, says how many segments there are",
        dimensions=(2,),
    ),
    OpGroup(Kind.COMPUTES, "Range", "how many there are is computed from all three", dimensions=(0, 1, 2)),
    OpGroup(
        Kind.RESIZES,
        "Where Unique UniqueV2 UniqueWithCounts UniqueWithCountsV2 ListDiff DynamicPartition DynamicStitch"
        " ParallelDynamicStitch BroadcastGradientArgs NonMaxSuppression NonMaxSuppressionV2 NonMaxSuppressionV3"
        " NonMaxSuppressionV4 NonMaxSuppressionV5 NonMaxSuppressionWithOverlaps CombinedNonMaxSuppression"
        " GenerateBoundingBoxProposals ComputeAccidentalHits EditDistance CTCGreedyDecoder CTCBeamSearchDecoder",
        "how many elements come out depends on the values",
    ),
    # Images, sound, strings, quantization.
    OpGroup(
        Kind.COMPUTES,
        "AdjustContrast AdjustContrastv2 AdjustHue AdjustSaturation RGBToHSV HSVToRGB DrawBoundingBoxes"
        " DrawBoundingBoxesV2 EncodeJpeg EncodeJpegVariableQuality EncodePng EncodeWav Mfcc AudioSpectrogram",
        "images and sound: the output's shape follows from the inputs' shapes",
    ),
    OpGroup(
        Kind.COMPUTES,
        "AsString StringToNumber StringToHashBucket StringToHashBucketFast StringToHashBucketStrong"
        " _TensorToHashBucketFast StringJoin StringLength StringLower StringUpper StringStrip RegexReplace"
        " StaticRegexReplace RegexFullMatch StaticRegexFullMatch Substr EncodeBase64 DecodeBase64 UnicodeScript"
        " UnicodeTranscode DecodeCompressed DecodeCSV StringFormat Fingerprint ShardedFilename ShardedFilespec"
        " SerializeTensor",
        "strings, one by one",
    ),
    OpGroup(
        Kind.RESIZES,
        "DecodeJpeg DecodeAndCropJpeg DecodePng DecodeGif DecodeBmp DecodeImage DecodeWebP DecodeJxl DecodeWav"
        " DecodeRaw DecodePaddedRaw ExtractJpegShape ParseTensor ParseExample ParseExampleV2 ParseSingleExample"
        " ParseSequenceExample ParseSequenceExampleV2 ParseSingleSequenceExample DecodeProtoV2 StringSplit"
        " StringSplitV2 StringNGrams UnicodeDecode UnicodeDecodeWithOffsets UnicodeEncode",
        "what is decoded or split says itself how large it is",
    ),
    OpGroup(
        Kind.COMPUTES,
        "FakeQuantWithMinMaxArgs FakeQuantWithMinMaxVars FakeQuantWithMinMaxVarsPerChannel QuantizeAndDequantize"
        " QuantizeAndDequantizeV2 QuantizeAndDequantizeV3 QuantizeAndDequantizeV4 QuantizeV2 Dequantize Requantize"
        " RequantizePerChannel RequantizationRange RequantizationRangePerChannel UniformQuantize UniformDequantize"
        " UniformRequantize CustomAggregator",
        "quantization, one by one",
    ),
    # Sparse and ragged tensors, lists, optionals.
    OpGroup(
        Kind.COMPUTES,
        "SparseReorder SparseReshape SparseSoftmax SparseTensorDenseAdd SparseDenseCwiseAdd SparseDenseCwiseMul"
        " SparseDenseCwiseDiv SerializeSparse SparseMatrixSoftmax SparseMatrixTranspose",
        "as many elements come out as went in, or as the dense tensor has",
    ),
    OpGroup(
        Kind.RESIZES,
        "SparseAdd SparseAddGrad SparseConcat SparseSplit SparseSlice SparseSliceGrad SparseFillEmptyRows"
        " SparseReduceSum SparseReduceSumSparse SparseReduceMax SparseReduceMaxSparse SparseSparseMaximum"
        " SparseSparseMinimum SparseCross SparseCrossV2 SparseCrossHashed SparseBincount SparseSegmentSumGradV2"
        " SparseSegmentMeanGradV2 SparseSegmentSqrtNGradV2 SparseTensorToCSRSparseMatrix"
        " CSRSparseMatrixToSparseTensor CSRSparseMatrixToDense DenseToCSRSparseMatrix SparseMatrixMatMul"
        " SerializeManySparse DeserializeSparse DeserializeManySparse DenseToDenseSetOperation"
        " DenseToSparseSetOperation SparseToSparseSetOperation SetSize DenseCountSparseOutput SparseCountSparseOutput"
        " RaggedCountSparseOutput RaggedBincount RaggedCross RaggedFillEmptyRows RaggedGather RaggedRange"
        " RaggedTensorToTensor RaggedTensorToSparse RaggedTensorToVariant RaggedTensorFromVariant"
        " RaggedTensorToVariantGradient",
        "shapes and row lengths are values here",
    ),
    OpGroup(
        Kind.COMPUTES,
        "TensorListPushBack TensorListPushBackBatch TensorListConcat TensorListConcatLists OptionalFromValue"
        " OptionalGetValue OptionalHasValue TensorMapHasKey TensorMapStackKeys CompositeTensorVariantFromComponents"
        " CompositeTensorVariantToComponents",
        "a list, map or optional is a value; its shape here stands for its length and its elements' shapes",
    ),
    OpGroup(Kind.CONSTANT, "EmptyTensorMap", "nothing in it yet"),
    OpGroup(
        Kind.COMPUTES,
        "EmptyTensorList TensorListReserve",
        "the shape of the elements and the length are values",
        dimensions=(0, 1),
    ),
    OpGroup(
        Kind.COMPUTES,
        "TensorListPopBack TensorListStack TensorListFromTensor TensorListResize TensorListSetItem TensorMapInsert"
        " TensorMapErase TensorMapLookup",
        "the second input gives the shape of the elements or the length, or is an index or a key that changes it",
        dimensions=(1,),
    ),
    OpGroup(
        Kind.COMPUTES,
        "TensorListGather TensorListScatterIntoExistingList",
        "the third input gives the shape of the elements, or indices that make the list longer",
        dimensions=(2,),
    ),
    OpGroup(
        Kind.COMPUTES,
        "TensorListGetItem TensorListConcatV2 TensorListSplit TensorListScatter",
        "the shape of the elements is a value, and so is which one, or how long each is",
        dimensions=(1, 2),
    ),
    OpGroup(Kind.COMPUTES, "TensorListScatterV2", "as above; the fourth input is the length", dimensions=(1, 2, 3)),
    # What is written out.
    OpGroup(
        Kind.COMPUTES,
        "Assert ScalarSummary HistogramSummary ImageSummary AudioSummary AudioSummaryV2 TensorSummary TensorSummaryV2"
        " MergeSummary Save SaveSlices SaveV2 MergeV2Checkpoints InfeedEnqueue"
        " InfeedEnqueueTuple OutfeedEnqueue OutfeedEnqueueTuple WriteSummary WriteScalarSummary WriteHistogramSummary"
        " WriteImageSummary WriteAudioSummary WriteGraphSummary WriteRawProtoSummary ImportEvent FlushSummaryWriter"
        " CloseSummaryWriter CreateSummaryFileWriter",
        "no output, or a message",
    ),
    OpGroup(
        Kind.COMPUTES,
        "WriteFile Send _Send _HostSend",
        "what is written to a file, or sent, can be read or received",
        outside=Outside.WRITTEN,
    ),
)


@dataclass(frozen=True, eq=False)
class OpSpec:
    """The line for one op type, ready for use: see `OpGroup`. One object for each line, told apart by identity."""

    kind: Kind
    dimensions: tuple[int, ...] = ()
    handles: int = 0
    outside: Outside = Outside.UNTOUCHED


VARIABLES = frozenset({"Variable", "VariableV2", "VarHandleOp"})
"""Types of ops that make a variable: what Keras and TensorFlow call one, and a checkpoint saves."""
CALLING = frozenset({Kind.CALLS, Kind.BRANCHES, Kind.LOOPS})
"""Kinds of ops that run functions of the library."""
UNKNOWN = OpSpec(Kind.UNKNOWN)


@lru_cache(maxsize=1)
def op_specs() -> dict[str, OpSpec]:
    """The rule of every op type in the table. A type that is not in it passes everything on (`UNKNOWN`)."""
    found = {}
    for line in TABLE:
        spec = OpSpec(line.kind, line.dimensions, line.handles, line.outside)
        for op_type in line.types.split():
            found[op_type] = spec
    return found
