/** Makes the folder a model for MLflow, so it is written last. */
export const modelFile = "MLmodel";
export const onnxFile = "model.onnx";
