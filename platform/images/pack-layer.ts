import { dirname } from "node:path/posix";
import { Readable } from "node:stream";
import { pack } from "tar-stream";

/** Functions that read a file, by its path from the image's root without a leading slash. */
type LayerFiles = ReadonlyMap<string, () => Promise<Uint8Array>>;

const compareBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));

/**
 * Packs a layer as an uncompressed tar whose bytes depend only on paths and contents: entries in byte order, folders
 * before their files, no times, no owners, fixed modes. No compression: zlib's output changes between its versions, and
 * the digest would change with it. Registries compress on their own.
 */
export const packLayer = (files: LayerFiles): AsyncIterable<Uint8Array> => {
  const folders = new Set<string>();
  for (const path of files.keys())
    for (let folder = dirname(path); folder !== "."; folder = dirname(folder)) folders.add(folder);
  const tar = pack();
  const header = { uid: 0, gid: 0, mtime: new Date(0) };
  const entry = (name: string, bytes: Uint8Array | undefined) =>
    new Promise<void>((resolve, reject) => {
      const onDone = (error?: Error | null) => (error ? reject(error) : resolve());
      const sink = bytes
        ? tar.entry(
            { ...header, name, mode: 0o644, type: "file" },
            Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length),
            onDone,
          )
        : tar.entry({ ...header, name: `${name}/`, mode: 0o755, type: "directory" }, onDone);
      // A reader that fails (a full disk) destroys the current entry; without a listener, that would end the process.
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
