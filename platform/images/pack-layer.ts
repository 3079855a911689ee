import { dirname } from "node:path/posix";
import { Readable } from "node:stream";
import { pack } from "tar-stream";

/** Paths from the image's root, without a slash in front, to what gives their content. */
type LayerFiles = ReadonlyMap<string, () => Promise<Uint8Array>>;

const compareBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));

/**
 * A layer as an uncompressed tar that depends on paths and contents alone: entries in byte order, folders
 * named before their files, no times, no owners, fixed modes. It is not compressed, since the bytes that
 * zlib makes change with its version and the digest would change with them; registries compress on their own.
 */
export const packLayer = (files: LayerFiles): AsyncIterable<Uint8Array> => {
  const folders = new Set<string>();
  for (const path of files.keys())
    for (let folder = dirname(path); folder !== "."; folder = dirname(folder)) folders.add(folder);
  const tar = pack();
  const header = { uid: 0, gid: 0, mtime: new Date(0) };
  const entry = (name: string, bytes: Uint8Array | undefined) =>
    new Promise<void>((resolve, reject) => {
      const done = (error?: Error | null) => (error ? reject(error) : resolve());
      const sink = bytes
        ? tar.entry(
            { ...header, name, mode: 0o644, type: "file" },
            Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length),
            done,
          )
        : tar.entry({ ...header, name: `${name}/`, mode: 0o755, type: "directory" }, done);
      // A reader that gives up (its disk is full) takes the entry under way with it: unheard, that ends the process.
      sink.on("error", reject);
    });
  const write = async () => {
    for (const path of [...folders, ...files.keys()].sort(compareBytes))
      await entry(path, await files.get(path)?.());
    tar.finalize();
  };
  write().catch((error: unknown) => tar.destroy(error instanceof Error ? error : new Error(String(error))));
  return Readable.from(tar);
};
