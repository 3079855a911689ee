import * as CDX from "@cyclonedx/cyclonedx-library";
import type { Package } from "./runtime-layer.ts";

type Contents = {
  readonly model: string;
  readonly packages: readonly Package[];
  /** The ONNX file's digest, `sha256:…`. */
  readonly artifactDigest: string;
};

/** A package URL; the @ of a scope is escaped. https://github.com/package-url/purl-spec */
const toNpmPurl = ({ name, version }: Package) =>
  `pkg:npm/${name.replace(/^@/, "%40")}@${encodeURIComponent(version)}`;

/** An npm package as a component of an SBOM, known by its package URL. */
export const toNpmComponent = (one: Package): CDX.Models.Component => {
  const { Models, Enums } = CDX;
  const purl = toNpmPurl(one);
  const component = new Models.Component(Enums.ComponentType.Library, one.name, {
    version: one.version,
    purl,
    bomRef: purl,
  });
  if (one.license) component.licenses.add(new Models.NamedLicense(one.license));
  return component;
};

/** CycloneDX 1.6 JSON. */
export const serializeBom = (bom: CDX.Models.Bom): string => {
  const { Serialize, Spec } = CDX;
  const serializer = new Serialize.JsonSerializer(new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6));
  return serializer.serialize(bom, { sortLists: true, space: 2 });
};

/**
 * What an image contains, as CycloneDX 1.6 JSON. It carries neither time nor serial number, so that the same
 * contents give the same bytes.
 */
export const createImageSbom = ({ model, packages, artifactDigest }: Contents): string => {
  const { Models, Enums } = CDX;
  const bom = new Models.Bom();
  bom.metadata.component = new Models.Component(Enums.ComponentType.Container, `slipway-${model}`, {
    bomRef: "image",
  });
  const onnx = new Models.Component(Enums.ComponentType.MachineLearningModel, model, { bomRef: "model" });
  onnx.hashes.set(Enums.HashAlgorithm["SHA-256"], artifactDigest.slice("sha256:".length));
  bom.components.add(onnx);
  for (const one of packages) bom.components.add(toNpmComponent(one));
  return serializeBom(bom);
};
