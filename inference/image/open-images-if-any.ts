import type { Manifest } from "#model-folder/manifest/manifest.ts";
import type { Images } from "./open-images.ts";

/** What reads a model's images; undefined for a model without any, which does not load it. */
export const openImagesIfAny = async ({ inputs }: Pick<Manifest, "inputs">): Promise<Images | undefined> => {
  if (!inputs.some(({ type }) => type === "image")) return undefined;
  const { openImages } = await import("./open-images.ts");
  return openImages();
};
