import * as CDX from "@cyclonedx/cyclonedx-library";
import { serializeBom, toNpmComponent } from "#platform/images/sbom.ts";
import type { LockedPackage } from "./parse-lock-file.ts";
import type { GoModule } from "./read-go-modules.ts";

type Contents = {
  /** The product's own version. */
  readonly version: string;
  /** Of all its lock files. */
  readonly packages: readonly LockedPackage[];
  /** Of crane, with which the builder pushes images. Its go.sum is their hash, of another kind than CycloneDX knows. */
  readonly modules?: readonly GoModule[];
};

/** Hex of a `sha512-<base64>`; undefined where the lock file has another hash. */
const sha512 = (integrity: string | undefined): string | undefined => {
  const [, base64] = /^sha512-(\S+)$/.exec(integrity ?? "") ?? [];
  return base64 === undefined ? undefined : Buffer.from(base64, "base64").toString("hex");
};

/**
 * What the product consists of, as CycloneDX 1.6 JSON: each package of its lock files with its archive's hash. What only
 * builds and tests need is `excluded`. Without time and serial number: the same lock files give the same bytes.
 */
export const createProductSbom = ({ version, packages, modules = [] }: Contents): string => {
  const { Models, Enums } = CDX;
  const bom = new Models.Bom();
  bom.metadata.component = new Models.Component(Enums.ComponentType.Application, "slipway", {
    version,
    bomRef: "slipway",
    licenses: new Models.LicenseRepository([new Models.NamedLicense("Apache-2.0")]),
  });
  for (const one of packages) {
    const component = toNpmComponent(one);
    component.scope = one.dev ? Enums.ComponentScope.Excluded : Enums.ComponentScope.Required;
    const hash = sha512(one.integrity);
    if (hash !== undefined) component.hashes.set(Enums.HashAlgorithm["SHA-512"], hash);
    bom.components.add(component);
  }
  for (const { name, version: released } of modules) {
    const purl = `pkg:golang/${name}@${encodeURIComponent(released)}`;
    bom.components.add(
      new Models.Component(Enums.ComponentType.Library, name, { version: released, purl, bomRef: purl }),
    );
  }
  return `${serializeBom(bom)}\n`;
};
