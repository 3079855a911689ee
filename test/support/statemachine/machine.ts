/** A definition as the lints read it, whoever made it. */
import { z } from "zod";

const Rule = z.looseObject({
  Next: z.string(),
  Variable: z.string().optional(),
  StringEquals: z.string().optional(),
  BooleanEquals: z.boolean().optional(),
});
export type Rule = z.infer<typeof Rule>;

const State = z.looseObject({
  Type: z.string(),
  Resource: z.string().optional(),
  Next: z.string().optional(),
  End: z.boolean().optional(),
  Default: z.string().optional(),
  Choices: z.array(Rule).optional(),
  Retry: z.array(z.looseObject({ ErrorEquals: z.array(z.string()) })).optional(),
  Catch: z
    .array(
      z.looseObject({
        ErrorEquals: z.array(z.string()),
        Next: z.string(),
        ResultPath: z.string().optional(),
      }),
    )
    .optional(),
  TimeoutSeconds: z.number().optional(),
  TimeoutSecondsPath: z.string().optional(),
  Seconds: z.number().optional(),
  SecondsPath: z.string().optional(),
  InputPath: z.string().optional(),
  ResultPath: z.string().optional(),
  Parameters: z.record(z.string(), z.unknown()).optional(),
  Result: z.unknown().optional(),
  ErrorPath: z.string().optional(),
  CausePath: z.string().optional(),
});
export type State = z.infer<typeof State>;

const Machine = z.looseObject({ StartAt: z.string(), States: z.record(z.string(), State) });
export type Machine = z.infer<typeof Machine>;
export const machineOf = (definition: object): Machine => Machine.parse(definition);

export type Edge = { readonly to: string; readonly by: "next" | "choice" | "catch" };
export const edges = (state: State): Edge[] => [
  ...(state.Next === undefined ? [] : [{ to: state.Next, by: "next" as const }]),
  ...(state.Choices ?? []).map(({ Next }) => ({ to: Next, by: "choice" as const })),
  ...(state.Default === undefined ? [] : [{ to: state.Default, by: "choice" as const }]),
  ...(state.Catch ?? []).map(({ Next }) => ({ to: Next, by: "catch" as const })),
];

/** Every value within, with its key. */
export const entriesWithin = (value: unknown): [string, unknown][] =>
  typeof value === "object" && value !== null
    ? Object.entries(value).flatMap(([key, inner]) => [
        [key, inner] as [string, unknown],
        ...entriesWithin(inner),
      ])
    : [];

/** The paths into the state data that a state reads; the context's (`$$.`) are the engine's. */
export const reads = (state: State): string[] =>
  [
    ...entriesWithin(state.Parameters)
      .filter(([key]) => key.endsWith(".$"))
      .map(([, path]) => String(path)),
    ...(state.Choices ?? []).map(({ Variable }) => Variable),
    state.InputPath,
    state.TimeoutSecondsPath,
    state.SecondsPath,
    state.ErrorPath,
    state.CausePath,
  ].filter((path): path is string => path !== undefined && !path.startsWith("$$"));
