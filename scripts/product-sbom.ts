import * as CDX from "@cyclonedx/cyclonedx-library";
import { serializeBom, toNpmComponent } from "#platform/images/sbom.ts";
import type { LockedPackage } from "./parse-lock-file.ts";
import type { GoModule } from "./read-go-modules.ts";

type Contents = {
  /** The product's version. */
  readonly version: string;
  /** The packages of all lock files. */
  readonly packages: readonly LockedPackage[];
  /** The modules of crane, which pushes images. Without hashes: CycloneDX does not support those of go.sum. */
  readonly modules?: readonly GoModule[];
};

/** Hex of a `sha512-<base64>`; undefined for other hashes. */
const sha512 = (integrity: string | undefined): string | undefined => {
  const [, base64] = /^sha512-(\S+)$/.exec(integrity ?? "") ?? [];
  return base64 === undefined ? undefined : Buffer.from(base64, "base64").toString("hex");
};

/**
 * The product's SBOM as CycloneDX 1.6 JSON: each package of the lock files with its archive's hash. Packages only for
 * builds and tests are `excluded`. Without time and serial number, so that equal lock files give equal bytes.
 */
export const createProductSbom = ({ version, packages, modules = [] }: Contents): string => {
  const { Models, Enums } = CDX;
  const bom = new Models.Bom();
  bom.metadata.component = new Models.Component(Enums.ComponentType.Application, "slipway", {
    version,
    bomRef: "slipway",
    licenses: new Models.LicenseRepository([new Models.NamedLicense("Apache-2.0")]),
  });
  for (const item of packages) {
    const component = toNpmComponent(item);
    component.scope = item.dev ? Enums.ComponentScope.Excluded : Enums.ComponentScope.Required;
    const hash = sha512(item.integrity);
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
