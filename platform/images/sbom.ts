import * as CDX from "@cyclonedx/cyclonedx-library";
import type { Package } from "./runtime-layer.ts";

type Contents = {
  readonly model: string;
  readonly packages: readonly Package[];
  /** The ONNX file's digest, `sha256:…`. */
  readonly artifactDigest: string;
};

/** A package URL escapes the @ of a scope. https://github.com/package-url/purl-spec */
const toNpmPurl = ({ name, version }: Package) =>
  `pkg:npm/${name.replace(/^@/, "%40")}@${encodeURIComponent(version)}`;

/** A crate in tokenizers.wasm. It has no package URL, because no advisories of Slipway's scan are about crates. */
const toCrateComponent = ({ name, version, license }: Package): CDX.Models.Component => {
  const { Models, Enums } = CDX;
  const component = new Models.Component(Enums.ComponentType.Library, name, {
    version,
    bomRef: `crate:${name}@${version}`,
    description: "Rust crate, compiled into tokenizers.wasm",
  });
  if (license) component.licenses.add(new Models.NamedLicense(license));
  return component;
};

/** An npm package as a component of an SBOM, identified by its package URL. */
export const toNpmComponent = (item: Package): CDX.Models.Component => {
  const { Models, Enums } = CDX;
  const purl = toNpmPurl(item);
  const component = new Models.Component(Enums.ComponentType.Library, item.name, {
    version: item.version,
    purl,
    bomRef: purl,
  });
  if (item.license) component.licenses.add(new Models.NamedLicense(item.license));
  return component;
};

/** CycloneDX 1.6 JSON. */
export const serializeBom = (bom: CDX.Models.Bom): string => {
  const { Serialize, Spec } = CDX;
  const serializer = new Serialize.JsonSerializer(new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6));
  return serializer.serialize(bom, { sortLists: true, space: 2 });
};

/**
 * An image's contents as CycloneDX 1.6 JSON. It has neither time nor serial number, so that equal contents give equal
 * bytes.
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
  for (const item of packages)
    bom.components.add(item.ecosystem === "cargo" ? toCrateComponent(item) : toNpmComponent(item));
  return serializeBom(bom);
};
