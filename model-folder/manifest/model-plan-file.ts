/** The compiled form of the model, or the reason why there is none. A build writes it into the image, beside the ONNX file. */
export const modelPlanFile = "model.plan";
