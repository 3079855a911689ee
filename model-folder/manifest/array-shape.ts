import type { Input } from "./manifest.ts";

/** An input that is an array per row. */
export type ArrayInput = Input & { readonly type: "tensor" | "image" };

export const isArrayInput = (input: Input): input is ArrayInput =>
  input.type === "tensor" || input.type === "image";

/** The shape of one row of an input, without the first dimension; null: any size. */
export const arrayShape = (input: ArrayInput): readonly (number | null)[] => {
  if (input.type === "tensor") return input.shape;
  const { width, height, layout } = input;
  const channels = input.channels === "RGB" ? 3 : 1;
  return layout === "NCHW" ? [channels, height, width] : [height, width, channels];
};
