import { ImageManifest } from "./oci.ts";
import { openOciLayout } from "./oci-layout.ts";

/** Verifies an image's layers in an OCI image layout and returns their files in order. Throws ImageNotFound, ImageDamaged. */
export const findLayerPaths =
  ({ folder }: { readonly folder: string }) =>
  async (digest: string): Promise<readonly string[]> => {
    const blobs = openOciLayout(folder);
    const { layers } = ImageManifest.parse(JSON.parse((await blobs.read(digest)).toString("utf8")));
    for (const layer of layers) await blobs.verify(layer.digest);
    return layers.map((layer) => blobs.path(layer.digest));
  };
