import { createHash } from "node:crypto";
import { type FileContent, measureSize, streamContent } from "./file-content.ts";

/**
 * The id (hexadecimal) that git gives to a file's content: a repository's host lists it without sending the content.
 * https://git-scm.com/book/en/v2/Git-Internals-Git-Objects
 */
export const hashGitBlob = async (content: FileContent): Promise<string> => {
  const hash = createHash("sha1").update(`blob ${measureSize(content)}\0`);
  for await (const chunk of streamContent(content)) hash.update(chunk);
  return hash.digest("hex");
};
