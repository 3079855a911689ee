import type { Input } from "#model-folder/manifest/manifest.ts";

type Size = { readonly width: number; readonly height: number };
type Rules = Pick<Input & { readonly type: "image" }, "resize" | "width" | "height" | "shorterSide">;

/** The size to which an image is resized, and the place of its corner in the result: negative where it is cut off. */
export type ResizePlan = Size & { readonly left: number; readonly top: number };

/** Rounds halves to the even number, as Python's round does. */
const roundHalfEven = (value: number): number => {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 !== 0) ? floor + 1 : floor;
};

/** As torchvision: Resize(shorterSide), then CenterCrop. */
const planCover = (image: Size, { width, height, shorterSide }: Rules): ResizePlan => {
  const target = shorterSide ?? 0;
  const size =
    shorterSide !== undefined || width === height
      ? resizeShorterSide(image, target || width)
      : fillRectangle(image, { width, height });
  return {
    ...size,
    left: -roundHalfEven((size.width - width) / 2),
    top: -roundHalfEven((size.height - height) / 2),
  };
};

const resizeShorterSide = ({ width, height }: Size, side: number): Size =>
  width <= height
    ? { width: side, height: Math.floor((side * height) / width) }
    : { width: Math.floor((side * width) / height), height: side };

const fillRectangle = (image: Size, target: Size): Size =>
  image.width * target.height > target.width * image.height
    ? {
        width: Math.max(target.width, Math.floor((target.height * image.width) / image.height)),
        height: target.height,
      }
    : {
        width: target.width,
        height: Math.max(target.height, Math.floor((target.width * image.height) / image.width)),
      };

/** As Pillow's ImageOps.pad. */
const planContain = (image: Size, { width, height }: Rules): ResizePlan => {
  const isWider = image.width / image.height > width / height;
  const fitted = isWider
    ? { width, height: Math.max(1, roundHalfEven((image.height / image.width) * width)) }
    : { width: Math.max(1, roundHalfEven((image.width / image.height) * height)), height };
  return {
    ...fitted,
    left: roundHalfEven((width - fitted.width) * 0.5),
    top: roundHalfEven((height - fitted.height) * 0.5),
  };
};

/** Plans how an image becomes the input's width and height. */
export const planResize = (image: Size, rules: Rules): ResizePlan => {
  const { width, height } = rules;
  switch (rules.resize) {
    case "cover":
      return planCover(image, rules);
    case "contain":
      return planContain(image, rules);
    case "stretch":
    case "none":
      return { width, height, left: 0, top: 0 };
    default:
      return rules.resize satisfies never;
  }
};
