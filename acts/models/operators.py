"""The ONNX operators that a model may use: their result is no bigger than what goes in, and alike at every run.

Left out: loops and branches, random numbers, what makes a big tensor of a small one, texts that are cut up, training.
"""

_ARITHMETIC = (
    "Abs Add Ceil Clip CumSum Div Erf Exp Floor Log Max Mean Min Mod Mul Neg Pow Reciprocal Round Sign Sqrt Sub Sum"
)
_LOGIC = "And Equal Greater GreaterOrEqual IsInf IsNaN Less LessOrEqual Not Or Where Xor"
_TRIGONOMETRY = "Acos Asin Atan Cos Cosh Sin Sinh Tan Tanh"
_NETWORKS = (
    "Elu Gemm HardSigmoid LeakyRelu LogSoftmax MatMul PRelu Relu Selu Sigmoid Softmax Softplus Softsign ThresholdedRelu"
)
_REDUCTIONS = (
    "ArgMax ArgMin ReduceL1 ReduceL2 ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum "
    "ReduceSumSquare TopK"
)
_SHAPES = (
    "Cast Concat Constant Flatten Gather GatherElements GatherND Identity Reshape Shape Slice Split Squeeze Transpose "
    "Unsqueeze"
)
_CLASSIC = (
    "ArrayFeatureExtractor Binarizer FeatureVectorizer Imputer LabelEncoder LinearClassifier LinearRegressor "
    "Normalizer OneHotEncoder SVMClassifier SVMRegressor Scaler TreeEnsemble TreeEnsembleClassifier "
    "TreeEnsembleRegressor"
)
ALLOWED: dict[str, frozenset[str]] = {
    "": frozenset(f"{_ARITHMETIC} {_LOGIC} {_TRIGONOMETRY} {_NETWORKS} {_REDUCTIONS} {_SHAPES}".split()),
    "ai.onnx.ml": frozenset(_CLASSIC.split()),
}
"""By domain; the first is ONNX's own."""
