import { closest, distance } from "fastest-levenshtein";
import { ModelUnknown } from "./errors.ts";

const maxListed = 12;

/** The known name that a person most likely meant; undefined: none is near. */
export const findNearestName = (name: string, known: readonly string[]): string | undefined => {
  if (known.length === 0) return undefined;
  const nearest = closest(name, known);
  return distance(name, nearest) <= Math.max(2, Math.floor(name.length / 3)) ? nearest : undefined;
};

/** The error for a model that does not exist: the nearest name, then all names. */
export const explainUnknownModel = (name: string, known: readonly string[]): ModelUnknown => {
  const nearest = findNearestName(name, known);
  const names = [...new Set(known)].toSorted();
  const more = names.length > maxListed ? ` and ${names.length - maxListed} more` : "";
  return new ModelUnknown(
    `there is no model ${name}.${nearest === undefined ? "" : ` Did you mean ${nearest}?`}`,
    names.length === 0
      ? "There are no models yet: write one with `slipway new`, and commit it under models/."
      : `Models: ${names.slice(0, maxListed).join(", ")}${more}.`,
  );
};
