import { readFileSync } from "node:fs";
import * as z from "zod";

const Hashes = z.record(z.string(), z.string());

/** Pictures as base64, and the SHA-256 of Pillow's pixels (make_images.py). */
export const readImages = () =>
  z
    .object({
      images: Hashes,
      refused: Hashes,
      turned: Hashes,
      decoded: Hashes,
      exif: Hashes,
      resized: z.array(
        z.object({
          image: z.string(),
          interpolation: z.enum(["bilinear", "bicubic"]),
          width: z.int(),
          height: z.int(),
          sha256: z.string(),
        }),
      ),
      contain: z.string(),
      cover: z.string(),
      grey: z.string(),
      normalized: z.string(),
    })
    .parse(JSON.parse(readFileSync(new URL("images.json", import.meta.url), "utf8")));
