import { once } from "node:events";
import { dirname } from "node:path/posix";
import { Readable } from "node:stream";
import { type Pack, pack } from "tar-stream";
import { type FileContent, measureSize, streamContent } from "#platform/files/file-content.ts";

/** Functions that give a file's content, by its path from the image's root without a leading slash. */
type LayerFiles = ReadonlyMap<string, () => Promise<FileContent>>;

/** Writes a file's content in chunks, each when the one before is taken. */
const writeChunks = async (sink: ReturnType<Pack["entry"]>, content: FileContent): Promise<void> => {
  const closed = new AbortController();
  sink.once("close", () => closed.abort());
  for await (const chunk of streamContent(content))
    if (!sink.write(chunk)) await once(sink, "drain", { signal: closed.signal });
  sink.end(null);
};

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
  const entry = (name: string, content: FileContent | undefined) =>
    new Promise<void>((resolve, reject) => {
      const onDone = (error?: Error | null) => (error ? reject(error) : resolve());
      const sink = content
        ? tar.entry({ ...header, name, mode: 0o644, type: "file", size: measureSize(content) }, onDone)
        : tar.entry({ ...header, name: `${name}/`, mode: 0o755, type: "directory" }, onDone);
      // A reader that fails (a full disk) destroys the current entry; without a listener, that would end the process.
      sink.on("error", reject);
      if (content) writeChunks(sink, content).catch((error: unknown) => reject(error));
    });
  const write = async () => {
    for (const path of [...folders, ...files.keys()].sort(compareBytes))
      await entry(path, await files.get(path)?.());
    tar.finalize();
  };
  write().catch((error: unknown) => tar.destroy(error instanceof Error ? error : new Error(String(error))));
  return Readable.from(tar);
};
