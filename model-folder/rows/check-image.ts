import { arrayLimits } from "#model-folder/manifest/array-limits.ts";
import type { Input } from "#model-folder/manifest/manifest.ts";
import { decodeBase64 } from "./encoded-bytes.ts";
import { planResize, type ResizePlan } from "./plan-resize.ts";
import { type ImageHeader, readImageHeader } from "./read-image-header.ts";

type Rules = Pick<
  Input & { readonly type: "image" },
  "resize" | "width" | "height" | "orientation" | "shorterSide"
>;
type CheckedImage = {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly header: ImageHeader;
  readonly plan: ResizePlan;
};

/** A progressive JPEG repeats all its pixels in each scan; encoders write about ten. */
const maxScans = 64;
/** Pixels × scans of a JPEG: about a second of decoding. */
const maxScannedPixels = 300_000_000;

/** The size after EXIF's turn. */
const uprightSize = ({ width, height, orientation }: ImageHeader): readonly [number, number] =>
  orientation >= 5 ? [height, width] : [width, height];

/** Checks an image before it is decoded. Returns its bytes and header, or the problem. */
export const checkImage = (text: string, rules: Rules): CheckedImage | string => {
  if (text.length > arrayLimits.imageCharacters)
    return `must have at most ${arrayLimits.imageCharacters} characters`;
  if (text.startsWith("data:")) return "must be base64 without the prefix `data:…;base64,`";
  const bytes = decodeBase64(text);
  if (!bytes || bytes.length === 0) return "must be the base64 text of a JPEG or PNG";
  const header = readImageHeader(bytes);
  if (typeof header === "string") return header;
  const { width, height, orientation } = header;
  if (width * height > arrayLimits.imagePixels)
    return `has ${width} × ${height} pixels (limit ${arrayLimits.imagePixels} in all): make it smaller`;
  if (header.format === "jpeg" && header.scans > 1) {
    if (header.scans > maxScans || header.scans * width * height > maxScannedPixels)
      return `is a progressive JPEG of ${header.scans} scans: send a baseline one`;
  }
  if (orientation !== 1 && rules.orientation === undefined)
    return `is turned by EXIF (orientation ${orientation}), and the model's manifest does not say whether to turn it: send it upright`;
  const [uprightWidth, uprightHeight] = rules.orientation === "exif" ? uprightSize(header) : [width, height];
  if (rules.resize === "none" && (uprightWidth !== rules.width || uprightHeight !== rules.height))
    return `must have ${rules.width} × ${rules.height} pixels; it has ${uprightWidth} × ${uprightHeight}`;
  const plan = planResize({ width: uprightWidth, height: uprightHeight }, rules);
  // A line of one pixel's height would become a ribbon of gigabytes before it is cut.
  if (plan.width * plan.height > arrayLimits.imagePixels)
    return `has ${width} × ${height} pixels and would become ${plan.width} × ${plan.height} (limit ${arrayLimits.imagePixels} in all): its sides differ too much`;
  return { bytes, header, plan };
};
