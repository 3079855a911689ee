import { Hono } from "hono";
import { readBlobFile } from "./blob-file.ts";
import { verifyBlobLink } from "./blob-signature.ts";

/**
 * `GET /blobs/<key>` for the links that `createFileBlobs` gives: 200 with the object, 403 for a link that is
 * not signed by `key` or has expired (`clock`: epoch milliseconds), 404 where nothing stands any more.
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
      return context.text("This link is not signed by this server: open it as it was given.", 403);
    }
    if (needs.clock() > Number(expires) * 1_000) {
      return context.text("This link has expired: ask for a new one.", 403);
    }
    const blob = await readBlobFile(needs.folder, key);
    if (blob === undefined) return context.text("Nothing is stored under this link any more.", 404);
    return context.body(new Uint8Array(blob.bytes), 200, {
      "Content-Type": blob.contentType,
      "Cache-Control": "private, no-store",
      "X-Content-Type-Options": "nosniff",
      // An object may hold what a model's author wrote: no script of it may act in this server's name.
      "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox",
    });
  });
