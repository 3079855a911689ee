/**
 * The value under a name from outside, in an object that came as JSON or goes out as JSON; undefined where the object
 * does not have the name itself. `object[name]` would also find what every object inherits: for a label `constructor`
 * a function instead of a number. What the program counts or collects under such names is a Map.
 */
export const getOwnProperty = <T>(object: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(object, name) ? object[name] : undefined;
