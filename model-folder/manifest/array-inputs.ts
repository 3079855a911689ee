import * as z from "zod";
import { arrayLimits } from "./array-limits.ts";
import { TensorElement } from "./task-outputs.ts";

const required = z.literal(true).default(true).describe("an array is never missing");

/** An input that is an array of numbers, flags or texts per row. @param name the schema of an input's name */
export const createTensorInput = <Name extends z.ZodType<string>>(name: Name) =>
  z.strictObject({
    name,
    type: z.literal("tensor"),
    element: TensorElement,
    shape: z
      .array(z.union([z.int().min(1).max(arrayLimits.rowElements), z.null()]))
      .min(1)
      .max(7)
      .describe("of one row, without the first dimension; null: any size, for at most one dimension"),
    min: z.number().optional(),
    max: z.number().optional(),
    required,
  });

/** An input that is a JPEG or PNG, and how its pixels become the graph's numbers. */
export const createImageInput = <Name extends z.ZodType<string>>(name: Name) =>
  z.strictObject({
    name,
    type: z.literal("image"),
    width: z.int().min(1).max(4_096),
    height: z.int().min(1).max(4_096),
    channels: z.enum(["RGB", "L"]).default("RGB").describe("L: grey, by the weights of ITU-R 601"),
    resize: z
      .enum(["cover", "contain", "stretch", "none"])
      .describe(
        "cover: fill width and height, cut the rest off around the centre; contain: fit into them, with a border; stretch: change the ratio; none: refuse other sizes",
      ),
    shorterSide: z
      .int()
      .min(1)
      .max(4_096)
      .optional()
      .describe(
        "with cover: the shorter side's length before the cut; torchvision's Resize(256) before CenterCrop(224)",
      ),
    interpolation: z
      .enum(["bilinear", "bicubic"])
      .default("bilinear")
      .describe("as Pillow computes it, with antialiasing"),
    border: z.int().min(0).max(255).default(0).describe("with contain: the value of the border's pixels"),
    orientation: z
      .enum(["stored", "exif"])
      .optional()
      .describe(
        "for photos that EXIF says to turn: stored takes the pixels as they are stored, as Pillow's Image.open does; exif turns them. Without it such a photo is refused",
      ),
    scale: z
      .union([z.literal("1/255"), z.number().positive()])
      .optional()
      .describe("each pixel, 0 to 255, is multiplied by it; 1/255 divides, as torchvision's ToTensor does"),
    mean: z.array(z.number()).min(1).max(3).optional().describe("subtracted after scale, per channel"),
    std: z.array(z.number().positive()).min(1).max(3).optional().describe("divides after mean, per channel"),
    layout: z.enum(["NCHW", "NHWC"]),
    element: z.enum(["float32", "float16", "uint8"]).default("float32"),
    required,
  });

type TensorInput = z.infer<ReturnType<typeof createTensorInput>>;
type ImageInput = z.infer<ReturnType<typeof createImageInput>>;
type InputMistake = { readonly field: string; readonly message: string };

const findTensorMistakes = ({ element, shape, min, max }: TensorInput): InputMistake[] => {
  const open = shape.filter((size) => size === null).length;
  const elements = shape.reduce<number>((product, size) => product * (size ?? 1), 1);
  const numeric = element !== "bool" && element !== "string";
  return [
    ...(open > 1 ? [{ field: "shape", message: "at most one dimension can be open (null)" }] : []),
    ...(elements > arrayLimits.rowElements
      ? [{ field: "shape", message: `has ${elements} elements (limit ${arrayLimits.rowElements})` }]
      : []),
    ...(!numeric && (min !== undefined || max !== undefined)
      ? [
          {
            field: min === undefined ? "max" : "min",
            message: `a tensor of ${element} has neither min nor max`,
          },
        ]
      : []),
    ...(min !== undefined && max !== undefined && min > max
      ? [{ field: "min", message: "min is greater than max" }]
      : []),
  ];
};

const findImageMistakes = (input: ImageInput): InputMistake[] => {
  const { width, height, channels, resize, shorterSide, scale, mean, std, element } = input;
  const count = channels === "RGB" ? 3 : 1;
  const elements = width * height * count;
  const isInteger = element === "uint8";
  const mistakes: InputMistake[] = [];
  if (elements > arrayLimits.rowElements)
    mistakes.push({ field: "width", message: `has ${elements} elements (limit ${arrayLimits.rowElements})` });
  if (shorterSide !== undefined && resize !== "cover")
    mistakes.push({ field: "shorterSide", message: "belongs to resize: cover" });
  if (shorterSide !== undefined && shorterSide < Math.max(width, height))
    mistakes.push({ field: "shorterSide", message: "is smaller than the width or the height" });
  if (isInteger && (scale !== undefined || mean || std))
    mistakes.push({
      field: "element",
      message: "uint8 takes the pixels as they are: without scale, mean and std",
    });
  // 0 to 255 and 0 to 1 both run, and one of them gives wrong predictions: no default.
  if (!isInteger && scale === undefined)
    mistakes.push({
      field: "scale",
      message: "is missing: write 1/255 for pixels from 0 to 1, or 1 for 0 to 255",
    });
  for (const [field, values] of [
    ["mean", mean],
    ["std", std],
  ] as const)
    if (values && values.length !== count)
      mistakes.push({ field, message: `must have ${count} value${count === 1 ? "" : "s"}, one per channel` });
  return mistakes;
};

/** The mistakes of a tensor or image input that its schema cannot express. */
export const findArrayInputMistakes = (input: { readonly type: string }): InputMistake[] =>
  isTensorInput(input) ? findTensorMistakes(input) : isImageInput(input) ? findImageMistakes(input) : [];

const isTensorInput = (input: { readonly type: string }): input is TensorInput => input.type === "tensor";
const isImageInput = (input: { readonly type: string }): input is ImageInput => input.type === "image";
