import { Hono } from "hono";
import { readBlobFile } from "./blob-file.ts";
import { verifyBlobLink } from "./blob-signature.ts";

/**
 * `GET /blobs/<key>` for the links of `createFileBlobs`: 200 with the object, 403 if the link has another signature
 * than that of `key` or has expired (`clock`: epoch milliseconds), 404 if the object no longer exists.
 */
export const createBlobRoute = (needs: {
  readonly folder: string;
  readonly key: Uint8Array;
  readonly clock: () => number;
}): Hono =>
  new Hono().get("/blobs/:key{.+}", async (context) => {
    const key = context.req.param("key");
    const { expires = "", signature = "" } = context.req.query();
    if (!verifyBlobLink(needs.key, { key, expires, signature })) {
      return context.text("This link has no valid signature. Open the original link.", 403);
    }
    if (needs.clock() > Number(expires) * 1_000) {
      return context.text("This link has expired. Request a new one.", 403);
    }
    const blob = await readBlobFile(needs.folder, key);
    if (blob === undefined) return context.text("The object of this link no longer exists.", 404);
    return context.body(new Uint8Array(blob.bytes), 200, {
      "Content-Type": blob.contentType,
      "Cache-Control": "private, no-store",
      "X-Content-Type-Options": "nosniff",
      // A model's author may control the content, so its scripts must not run with this server's origin.
      "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox",
    });
  });
