import { createHash } from "node:crypto";
import { crc32, deflateSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { createSampleImage } from "#inference/model/create-sample-image.ts";
import { Input } from "#model-folder/manifest/manifest.ts";
import { encodeRows } from "#model-folder/rows/encode-rows.ts";
import { readImages } from "#test/support/images/read-images.ts";
import { openImages } from "./open-images.ts";

const { images, refused, turned, ...expected } = readImages();
const size = { width: 53, height: 37 };
const uint8 = { name: "image", type: "image", layout: "NHWC", element: "uint8", resize: "none", ...size };

const encode = async (input: object, ...texts: unknown[]) => {
  const parsed = Input.parse(input);
  if (parsed.type !== "image") throw new Error("not an image");
  const { width, height, element } = parsed;
  const elements = width * height * (parsed.channels === "RGB" ? 3 : 1);
  const opened = await openImages();
  await opened.prepare();
  const columns = [
    {
      input: parsed,
      feed: { name: "image", element, rank: 2, width: elements, shape: [elements] },
      offset: 0,
    } as const,
  ];
  return encodeRows(columns, opened)(texts.map((text) => ({ image: text })));
};
const hashPixels = async (input: object, text: string): Promise<string> => {
  const result = await encode(input, text);
  if (result.status === "invalid") throw new Error(result.problems[0]?.detail);
  const data = result.feeds[0]?.data;
  if (data === undefined || Array.isArray(data)) throw new Error("no numbers");
  return createHash("sha256")
    .update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
    .digest("hex");
};
const findProblem = async (input: object, text: unknown) => {
  const result = await encode(input, text);
  return result.status === "invalid" ? result.problems[0]?.detail : "encoded";
};

describe("pixels equal Pillow's", () => {
  test.each(Object.keys(images))("of %s", async (name) => {
    expect(await hashPixels(uint8, images[name] ?? "")).toBe(expected.decoded[name]);
  });

  test.each(expected.resized)(
    "of $image after $interpolation to $width x $height",
    async ({ image, interpolation, width, height, sha256 }) => {
      const input = { ...uint8, resize: "stretch", interpolation, width, height };
      expect(await hashPixels(input, images[image] ?? "")).toBe(sha256);
    },
  );

  test("with a border around the whole image", async () => {
    const input = { ...uint8, resize: "contain", width: 32, height: 32 };
    expect(await hashPixels(input, images["png-rgb"] ?? "")).toBe(expected.contain);
  });

  test("cut out of the middle", async () => {
    const input = { ...uint8, resize: "cover", shorterSide: 24, width: 21, height: 21 };
    expect(await hashPixels(input, images["png-rgb"] ?? "")).toBe(expected.cover);
  });

  test("as grey", async () => {
    expect(await hashPixels({ ...uint8, channels: "L" }, images["png-rgb"] ?? "")).toBe(expected.grey);
  });

  test("normalized as torchvision does, channels first", async () => {
    const input = {
      ...uint8,
      resize: "cover",
      shorterSide: 24,
      width: 21,
      height: 21,
      layout: "NCHW",
      element: "float32",
      scale: "1/255",
      mean: [0.485, 0.456, 0.406],
      std: [0.229, 0.224, 0.225],
    };
    expect(await hashPixels(input, images["png-rgb"] ?? "")).toBe(expected.normalized);
  });

  test.each(Object.keys(turned).filter((orientation) => Number(orientation) < 5))(
    "turned by EXIF's orientation %s",
    async (orientation) => {
      expect(await hashPixels({ ...uint8, orientation: "exif" }, turned[orientation] ?? "")).toBe(
        expected.exif[orientation],
      );
    },
  );
  test.each(["5", "6", "7", "8"])("turned by EXIF's orientation %s to its side", async (orientation) => {
    const input = { ...uint8, orientation: "exif", width: size.height, height: size.width };
    expect(await hashPixels(input, turned[orientation] ?? "")).toBe(expected.exif[orientation]);
  });
  test("stored: EXIF's orientation has no effect", async () => {
    expect(await hashPixels({ ...uint8, orientation: "stored" }, turned["6"] ?? "")).toBe(
      await hashPixels(uint8, turned["1"] ?? ""),
    );
  });
});

/** A PNG of this header with these inflated bytes. */
const createPng = (
  {
    width,
    height,
    depth = 8,
    colour = 0,
  }: { width: number; height: number; depth?: number; colour?: number },
  content: Uint8Array,
  extra: readonly [string, Uint8Array][] = [],
): string => {
  const chunk = (type: string, bytes: Uint8Array): Buffer => {
    const body = Buffer.concat([Buffer.from(type, "latin1"), bytes]);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    const crc = Buffer.alloc(4);
    crc.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, crc]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width);
  header.writeUInt32BE(height, 4);
  header[8] = depth;
  header[9] = colour;
  return Buffer.concat([
    Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
    chunk("IHDR", header),
    ...extra.map(([type, bytes]) => chunk(type, bytes)),
    chunk("IDAT", deflateSync(content)),
    chunk("IEND", new Uint8Array(0)),
  ]).toString("base64");
};

describe("an image that cannot be decoded as its maker meant it is refused by name", () => {
  const anySize = { ...uint8, resize: "stretch" };
  test.each([
    ["cmyk", /CMYK/],
    ["png-16", /16 bits/],
    ["png-transparent", /transparent/],
    ["jpeg-truncated", /truncated JPEG/],
    ["png-truncated", /truncated PNG/],
    ["gif", /is a GIF/],
    ["webp", /is a WebP/],
  ])("%s", async (name, problem) => {
    expect(await findProblem(anySize, refused[name])).toMatch(problem);
  });

  test("a photo that EXIF turns, unless the manifest says what to do", async () => {
    expect(await findProblem(anySize, turned["6"])).toMatch(/turned by EXIF \(orientation 6\)/);
    expect(await findProblem(anySize, turned["1"])).toBe("encoded");
  });

  test.each([
    ["a number", 5, /base64 text/],
    ["no base64", "%%%%", /base64 text/],
    ["an empty text", "", /base64 text/],
    ["base64 of text", Buffer.from("hello").toString("base64"), /neither a JPEG nor a PNG/],
    ["a data URL", "data:image/png;base64,AAAA", /without the prefix/],
    ["null", null, /required/],
  ])("%s", async (_, value, problem) => {
    expect(await findProblem(anySize, value)).toMatch(problem);
  });

  test("another size, where the model takes only one", async () => {
    expect(await findProblem({ ...uint8, width: 52 }, images["png-rgb"])).toMatch(
      /must have 52 × 37 pixels; it has 53 × 37/,
    );
  });

  test("a bomb of pixels: by its header, before anything is decoded", async () => {
    expect(
      await findProblem(anySize, createPng({ width: 60_000, height: 60_000 }, new Uint8Array(9))),
    ).toMatch(/has 60000 × 60000 pixels \(limit 25000000/);
  });

  test("a bomb of compression: inflating stops where the picture ends", async () => {
    const bomb = createPng({ width: 8, height: 8 }, new Uint8Array(64 * 1_024 * 1_024));
    expect(await findProblem(anySize, bomb)).toMatch(/broken data/);
  });

  test("too few bytes for the picture", async () => {
    expect(await findProblem(anySize, createPng({ width: 8, height: 8 }, new Uint8Array(70)))).toMatch(
      /broken data/,
    );
  });

  test("a bomb in a colour profile is never inflated", async () => {
    const profile = Buffer.concat([Buffer.from("x\0\0", "latin1"), deflateSync(new Uint8Array(1 << 26))]);
    const png = createPng({ width: 8, height: 8 }, new Uint8Array(72), [["iCCP", profile]]);
    expect(await findProblem(anySize, png)).toBe("encoded");
  });

  test("a line that would become a ribbon", async () => {
    const line = createPng({ width: 1_000_000, height: 1 }, new Uint8Array(1_000_001));
    const input = { ...uint8, resize: "cover", width: 224, height: 224 };
    expect(await findProblem(input, line)).toMatch(/its sides differ too much/);
  });

  test("a JPEG with broken data; the next one is decoded all the same", async () => {
    const bytes = Buffer.from(images["jpeg-progressive"] ?? "", "base64");
    // A Huffman table with more codes than bits can hold.
    const table = bytes.indexOf(Buffer.from([0xff, 0xc4]));
    bytes.fill(0xff, table + 5, table + 21);
    const opened = await encode(anySize, bytes.toString("base64"), images["jpeg-progressive"]);
    expect(opened.status === "invalid" ? opened.problems : []).toEqual([
      { row: 0, input: "image", detail: "is a JPEG with broken data" },
    ]);
  });
});

test.each(["none", "stretch", "cover", "contain"] as const)(
  "the sample image fits resize: %s",
  async (resize) => {
    const input = Input.parse({ ...uint8, resize, width: 91, height: 300 });
    if (input.type !== "image") throw new Error("not an image");
    expect(await findProblem(input, createSampleImage(input))).toBe("encoded");
  },
);
