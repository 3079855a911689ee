/**
 * Reads a property whose name comes from outside; undefined if the object does not own it. `object[name]` also finds
 * inherited properties: for a label `constructor` a function instead of a number. To count or collect by such names, use
 * a Map.
 */
export const getOwnProperty = <T>(object: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(object, name) ? object[name] : undefined;
