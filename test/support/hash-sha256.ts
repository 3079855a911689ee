import { createHash } from "node:crypto";

export const hashSha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
