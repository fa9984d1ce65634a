"""Models behind derived attributes: the mathematics of our own, ONNX files, training and scoring."""
