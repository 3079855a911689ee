import { UsageMistake } from "#cli/errors.ts";
import { isArrayInput } from "#model-folder/manifest/array-shape.ts";
import { Input } from "#model-folder/manifest/manifest.ts";
import { formatShape } from "#model-folder/onnx/format-graph-value.ts";
import type { GraphValue } from "#model-folder/onnx/graph-value.ts";
import { decodeBase64 } from "#model-folder/rows/encoded-bytes.ts";
import { readImageHeader } from "#model-folder/rows/read-image-header.ts";
import type { InferredInput } from "./infer-input.ts";
import { NewModelRefused } from "./new-model-refused.ts";

type Tensor = GraphValue & { readonly kind: "tensor" };
type Size = number | string | null;

/** Whether all cells are arrays: JSON, or the base64 text of a JPEG or PNG. */
export const holdsArrays = (cells: readonly string[]): boolean =>
  cells.length > 0 && (cells.every((text) => /^\s*(\[|\{\s*"base64")/.test(text)) || holdsImages(cells));

/** By the first characters of a JPEG's or PNG's base64. */
const holdsImages = (cells: readonly string[]): boolean =>
  cells.every((text) => text.startsWith("/9j/") || text.startsWith("iVBORw0KGgo"));

const measure = (text: string): readonly number[] => {
  const lengths: number[] = [];
  for (let value: unknown = JSON.parse(text); Array.isArray(value); value = value[0])
    lengths.push(value.length);
  return lengths;
};

/** The graph's sizes; those that it leaves open are the data's where all rows agree. */
const resolveSizes = (sizes: readonly Size[], cells: readonly string[]): readonly (number | null)[] => {
  const lengths = cells
    .slice(0, 100)
    .flatMap((text) => (text.trimStart().startsWith("[") ? [measure(text)] : []));
  return sizes.map((size, axis) => {
    if (typeof size === "number") return size;
    const [first] = lengths;
    const length = first?.[axis];
    return length !== undefined && lengths.every((each) => each[axis] === length) ? length : null;
  });
};

const inferTensor = (value: Tensor, column: string, cells: readonly string[]) => {
  const sizes = value.shape?.slice(1) ?? measure(cells[0] ?? "[]");
  const shape = resolveSizes(sizes, cells);
  return {
    input: { name: column, type: "tensor", element: value.type, shape },
    remark: sizes.some((size) => typeof size !== "number")
      ? "review: sizes that the graph leaves open are the data's"
      : "",
  };
};

const isChannels = (size: Size | undefined): size is 1 | 3 => size === 1 || size === 3;

/** What the caller says about the preparation of images: fields of the manifest's image input. */
export type ImagePreparation = Readonly<Record<string, unknown>>;

const inferImage = (
  value: Tensor,
  column: string,
  cells: readonly string[],
  preparation: ImagePreparation | undefined,
) => {
  const [first, second, third] = value.shape?.slice(1) ?? [];
  const layout =
    value.shape?.length !== 4
      ? undefined
      : isChannels(first)
        ? "NCHW"
        : isChannels(third)
          ? "NHWC"
          : undefined;
  if (layout === undefined)
    throw new NewModelRefused(
      `the column ${column} holds images, and the graph takes ${value.name} in the shape ${formatShape(value)}`,
      "Export it with the channels fixed: [None, 3, height, width] or [None, height, width, 3].",
    );
  const channels = (layout === "NCHW" ? first : third) === 1 ? "L" : "RGB";
  const [height, width] = layout === "NCHW" ? [second, third] : [first, second];
  const headers = cells.map((text) => readImageHeader(decodeBase64(text) ?? new Uint8Array()));
  const problem = headers.findIndex((header) => typeof header === "string");
  if (problem >= 0)
    throw new NewModelRefused(
      `the image in row ${problem + 1} of the column ${column} ${headers[problem]}`,
      "Write it again as a plain JPEG or PNG, or leave the row out.",
    );
  const known = headers.filter((header) => typeof header !== "string");
  const size = { width: known[0]?.width ?? 0, height: known[0]?.height ?? 0 };
  const target = {
    width: typeof width === "number" ? width : size.width,
    height: typeof height === "number" ? height : size.height,
  };
  const areSame = known.every((header) => header.width === target.width && header.height === target.height);
  const isFloat = value.type !== "uint8";
  return {
    input: {
      name: column,
      type: "image",
      ...target,
      channels,
      resize: areSame ? "none" : "cover",
      layout,
      element: value.type,
      ...(isFloat ? { scale: "1/255" } : {}),
      ...preparation,
    },
    remark: preparation
      ? ""
      : `review: as in training? ${areSame ? "" : "resize, interpolation, "}${isFloat ? "scale; mean and std are missing (torchvision's models have mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225])" : "pixels as they are"}`,
  };
};

/** The input of a column whose cells are arrays or images. Throws NewModelRefused where the graph's input does not fit. */
export const inferArrayInput = (
  value: GraphValue,
  column: string,
  cells: readonly string[],
  preparation?: ImagePreparation,
): InferredInput => {
  if (value.kind !== "tensor" || value.type === "other")
    throw new NewModelRefused(
      `the graph's input ${value.name} is no tensor of numbers`,
      "Export it as a tensor.",
    );
  const { input, remark } = holdsImages(cells)
    ? inferImage(value, column, cells, preparation)
    : inferTensor(value, column, cells);
  const parsed = Input.safeParse(input);
  if (!parsed.success && input.type === "image" && preparation) {
    const [issue] = parsed.error.issues;
    throw new UsageMistake(
      `--image: ${issue?.path.join(".") ?? ""} ${issue?.message ?? "is not valid"}. Write fields of an image input, for example "resize: stretch, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5]".`,
    );
  }
  if (!parsed.success || !isArrayInput(parsed.data))
    throw new NewModelRefused(
      `the column ${column} does not become an input: ${parsed.error?.issues[0]?.message ?? "no array"}`,
      "Rename the column, or export the graph's input as float.",
    );
  return {
    match: { name: parsed.data.name, column, element: value.type, inMatrix: false },
    input: parsed.data,
    remark,
  };
};
