import type { Service } from "#inference/service.ts";
import { modelOutputs } from "./model-outputs.ts";
import { inputDatatype, inputShape } from "./tensors-to-rows.ts";

/** The server's metadata; the extensions have Triton's names. */
export const serverMetadata = {
  name: "slipway",
  version: "0.2.0",
  extensions: ["binary_tensor_data", "classification"],
} as const;

/**
 * The metadata of the model's tensors; -1 is the number of rows. Beyond the protocol, the parameters of an output with named
 * columns have these names.
 */
export const toModelMetadata = ({ model: { manifest }, identity }: Pick<Service, "model" | "identity">) => ({
  name: identity.model,
  versions: [String(identity.version)],
  platform: "onnx_onnxv1",
  inputs: manifest.inputs.map((input) => ({
    name: input.name,
    datatype: inputDatatype(input),
    shape: [-1, ...inputShape(input)],
  })),
  outputs: modelOutputs(manifest).map(({ name, datatype, labels, shape }) => ({
    name,
    datatype,
    shape: [-1, ...shape.map((size) => size ?? -1)],
    ...(labels ? { parameters: { labels: JSON.stringify(labels) } } : {}),
  })),
});
