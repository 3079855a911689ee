/** The form of values: their fields and types, and texts only where readers compare with them. */
export type Form = string | readonly Form[] | { readonly [key: string]: Form };

export type FormOptions = {
  /** Describes the text at a path (`state.votes[].user`); undefined: by the general rules below. */
  readonly text?: (path: string, text: string) => string | undefined;
  /** Renames a field: one whose name is data gets a placeholder. */
  readonly field?: (path: string, name: string) => string;
};

const textForms: readonly (readonly [RegExp, string])[] = [
  [/^sha256:[0-9a-f]{64}$/, "digest"],
  [/^[0-9a-f]{64}$/, "64 hex digits"],
  [/^[0-9a-f]{40}$/, "commit"],
  [/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/, "time"],
  [/^\d{4}-\d\d-\d\d$/, "day"],
];

/** Text that readers compare with is recorded unchanged. */
export const literal = (text: string): string => `'${text}'`;

const isBetween = (value: number, from: number, to: number) =>
  Number.isInteger(value) && value >= from && value < to;

/** The clocks of these tests are set to 2026, so seconds and milliseconds since 1970 differ in size. */
const numberForm = (value: number): string => {
  if (isBetween(value, 1.7e9, 2e9)) return "epoch seconds";
  return isBetween(value, 1.7e12, 2e12) ? "epoch milliseconds" : "number";
};

const parseObject = (text: string): unknown => {
  if (!text.startsWith("{")) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * The form that all these values have. A field that some of them lack gets a question mark. Values of several types are
 * listed under `one of`, simple types with a bar. A list has the form of all its elements.
 */
export const describeForm = (values: readonly unknown[], options: FormOptions = {}, path = ""): Form => {
  const simple = new Set<string>();
  const objects: Readonly<Record<string, unknown>>[] = [];
  const lists: (readonly unknown[])[] = [];
  const documents: unknown[] = [];
  for (const value of values) {
    if (Array.isArray(value)) lists.push(value);
    else if (isObject(value)) objects.push(value);
    else if (typeof value === "number") simple.add(numberForm(value));
    else if (typeof value === "string") {
      const document = parseObject(value);
      if (document !== undefined) documents.push(document);
      else simple.add(textForm(value, options, path));
    } else simple.add(value === null ? "null" : typeof value);
  }
  const forms: Form[] = [
    ...(simple.size > 0 ? [[...simple].sort().join(" | ")] : []),
    ...(documents.length > 0 ? [{ "JSON text": describeForm(documents, options, path) }] : []),
    ...(lists.length > 0 ? [describeList(lists.flat(), options, path)] : []),
    ...(objects.length > 0 ? [describeObject(objects, options, path)] : []),
  ];
  const [only] = forms;
  return forms.length === 1 && only !== undefined ? only : { "one of": forms };
};

const textForm = (text: string, options: FormOptions, path: string): string =>
  options.text?.(path, text) ?? textForms.find(([pattern]) => pattern.test(text))?.[1] ?? "text";

const describeList = (elements: readonly unknown[], options: FormOptions, path: string): Form =>
  elements.length === 0 ? [] : [describeForm(elements, options, `${path}[]`)];

const describeObject = (
  objects: readonly Readonly<Record<string, unknown>>[],
  options: FormOptions,
  path: string,
): Form => {
  const fields = new Map<string, { count: number; values: unknown[] }>();
  for (const object of objects) {
    const names = new Set<string>();
    for (const [key, value] of Object.entries(object)) {
      if (value === undefined) continue;
      const name = options.field?.(path, key) ?? key;
      const field = fields.get(name) ?? { count: 0, values: [] };
      field.values.push(value);
      if (!names.has(name)) field.count++;
      names.add(name);
      fields.set(name, field);
    }
  }
  return Object.fromEntries(
    [...fields].map(([name, { count, values }]) => [
      count === objects.length ? name : `${name}?`,
      describeForm(values, options, path === "" ? name : `${path}.${name}`),
    ]),
  );
};
