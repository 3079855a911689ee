import { promisify } from "node:util";
import { constants, zstdCompress, zstdDecompress } from "node:zlib";

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

/** The least of Zstandard's regular levels: 5 MB take a third of gzip's quickest, and become smaller. */
const quick = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };
/** What a request of 6 MB may become as records, with room to spare. */
const longestBytes = 200_000_000;

export const rowLinesType = "application/zstd";

/** Rows as lines of JSON, compressed. */
export const packRows = (rows: readonly unknown[]): Promise<Uint8Array> =>
  compress(Buffer.from(rows.map((row) => JSON.stringify(row)).join("\n")), quick);

/** The lines that `packRows` was given, each still JSON. */
export const unpackLines = async (bytes: Uint8Array): Promise<readonly string[]> =>
  (await decompress(bytes, { maxOutputLength: longestBytes })).toString("utf8").split("\n");
