import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";

/** crane failed; the message has the last lines of its output. */
export class CraneFailed extends Error {
  override readonly name = "CraneFailed";
}

/**
 * Runs crane (https://github.com/google/go-containerregistry/tree/v0.22.1/cmd/crane) in the version of crane/go.mod and
 * returns its output.
 * `folder`: where crane stores the registry's login.
 * Throws CraneFailed.
 */
export const createCrane =
  ({ folder }: { readonly folder: string }) =>
  async (options: readonly string[], input = ""): Promise<string> => {
    const child = spawn("crane", [...options], {
      env: { PATH: process.env.PATH, HOME: folder, DOCKER_CONFIG: folder },
      stdio: ["pipe", "pipe", "pipe"],
    });
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
    const [output, errors, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, "close"),
    ]);
    if (code === 0) return output.trim();
    throw new CraneFailed(errors.trim().split("\n").slice(-3).join(" ") || `crane ended with ${code}`);
  };
export type Crane = ReturnType<typeof createCrane>;
