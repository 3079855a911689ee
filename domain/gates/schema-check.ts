import type { Manifest } from "../../inference/manifest.ts";
import type { Checked } from "./checked.ts";

export const schemaCheck = (_: {
  readonly champion?: Manifest | undefined;
  readonly challenger: Manifest;
}): Checked => {
  throw new Error("follows");
};
