/**
 * The part of Block Kit that the desk supports, with Slack's limits. It refuses everything else, so that Slack accepts
 * everything that the desk accepts.
 * Source: https://docs.slack.dev/reference/block-kit/blocks and …/block-elements, …/composition-objects
 */
import { z } from "zod";

const plainText = (max: number) =>
  z.strictObject({
    type: z.literal("plain_text"),
    text: z.string().min(1).max(max),
    emoji: z.boolean().optional(),
  });
const mrkdwn = (max: number) =>
  z.strictObject({
    type: z.literal("mrkdwn"),
    text: z.string().min(1).max(max),
    verbatim: z.boolean().optional(),
  });
const anyText = (max: number) => z.discriminatedUnion("type", [plainText(max), mrkdwn(max)]);

const id = z.string().min(1).max(255);
/** Source: https://docs.slack.dev/reference/block-kit/composition-objects/confirmation-dialog-object */
const Confirm = z.strictObject({
  title: plainText(100),
  text: plainText(300),
  confirm: plainText(30),
  deny: plainText(30),
  style: z.enum(["primary", "danger"]).optional(),
});
export type Confirm = z.infer<typeof Confirm>;
const Button = z.strictObject({
  type: z.literal("button"),
  text: plainText(75),
  action_id: id.optional(),
  url: z
    .url({ protocol: /^https?$/ })
    .max(3_000)
    .optional(),
  value: z.string().max(2_000).optional(),
  style: z.enum(["primary", "danger"]).optional(),
  accessibility_label: z.string().max(75).optional(),
  confirm: Confirm.optional(),
});

const Header = z.strictObject({ type: z.literal("header"), text: plainText(150), block_id: id.optional() });
const Divider = z.strictObject({ type: z.literal("divider"), block_id: id.optional() });
const Section = z
  .strictObject({
    type: z.literal("section"),
    text: anyText(3_000).optional(),
    fields: z.array(anyText(2_000)).min(1).max(10).optional(),
    accessory: z.discriminatedUnion("type", [Button]).optional(),
    expand: z.boolean().optional(),
    block_id: id.optional(),
  })
  .refine((section) => section.text !== undefined || section.fields !== undefined, {
    error: "must define either `text` or `fields`",
  });
const Context = z.strictObject({
  type: z.literal("context"),
  elements: z.array(anyText(3_000)).min(1).max(10),
  block_id: id.optional(),
});
const Actions = z.strictObject({
  type: z.literal("actions"),
  elements: z
    .array(z.discriminatedUnion("type", [Button]))
    .min(1)
    .max(25),
  block_id: id.optional(),
});
/** Source: https://docs.slack.dev/reference/block-kit/blocks/table-block */
const Table = z
  .strictObject({
    type: z.literal("table"),
    rows: z
      .array(
        z
          .array(z.strictObject({ type: z.literal("raw_text"), text: z.string().min(1) }))
          .min(1)
          .max(20),
      )
      .min(1)
      .max(100),
    column_settings: z
      .array(
        z.strictObject({
          align: z.enum(["left", "center", "right"]).optional(),
          is_wrapped: z.boolean().optional(),
        }),
      )
      .max(20)
      .optional(),
    block_id: id.optional(),
  })
  .refine(({ rows }) => rows.flat().reduce((sum, { text }) => sum + text.length, 0) <= 10_000, {
    error: "must have no more than 10000 characters in all cells",
  });
const PlainTextInput = z.strictObject({
  type: z.literal("plain_text_input"),
  action_id: id.optional(),
  multiline: z.boolean().optional(),
  initial_value: z.string().optional(),
  min_length: z.int().min(0).max(3_000).optional(),
  max_length: z.int().min(1).max(3_000).optional(),
  placeholder: plainText(150).optional(),
  focus_on_load: z.boolean().optional(),
});
const Input = z.strictObject({
  type: z.literal("input"),
  label: plainText(2_000),
  element: z.discriminatedUnion("type", [PlainTextInput]),
  hint: plainText(2_000).optional(),
  optional: z.boolean().optional(),
  block_id: id.optional(),
});

const MessageBlock = z.discriminatedUnion("type", [Header, Divider, Section, Context, Actions, Table]);
const ViewBlock = z.discriminatedUnion("type", [Header, Divider, Section, Context, Input]);
export type Button = z.infer<typeof Button>;
export type MessageBlock = z.infer<typeof MessageBlock>;
export type ViewBlock = z.infer<typeof ViewBlock>;
export type TextObject = z.infer<ReturnType<typeof anyText>>;

type Identified = {
  readonly block_id?: string | undefined;
  readonly elements?: readonly { readonly action_id?: string | undefined }[];
};
/** Slack: a block_id is unique in its message, an action_id in its block. */
const checkUniqueIds = ({
  value,
  issues,
}: {
  value: readonly object[];
  issues: { push(issue: z.core.$ZodRawIssue): unknown };
}) => {
  const blocks = new Set<string>();
  for (const [index, block] of value.entries()) {
    const { block_id, elements = [] }: Identified = block;
    if (block_id !== undefined && blocks.has(block_id))
      issues.push({
        code: "custom",
        input: block_id,
        path: [index, "block_id"],
        message: `\`block_id\` already exists: ${block_id}`,
      });
    if (block_id !== undefined) blocks.add(block_id);
    const actions = new Set<string>();
    for (const [position, { action_id }] of elements.entries()) {
      if (action_id === undefined) continue;
      if (actions.has(action_id))
        issues.push({
          code: "custom",
          input: action_id,
          path: [index, "elements", position, "action_id"],
          message: `\`action_id\` already exists: ${action_id}`,
        });
      actions.add(action_id);
    }
  }
};

export const MessageBlocks = z.array(MessageBlock).max(50).check(checkUniqueIds);

/** A modal as `views.open` takes it. Source: https://docs.slack.dev/reference/views/modal-views */
export const Modal = z
  .strictObject({
    type: z.literal("modal"),
    title: plainText(24),
    blocks: z.array(ViewBlock).max(100).check(checkUniqueIds),
    submit: plainText(24).optional(),
    close: plainText(24).optional(),
    private_metadata: z.string().max(3_000).default(""),
    callback_id: z.string().max(255).default(""),
    clear_on_close: z.boolean().default(false),
    notify_on_close: z.boolean().default(false),
    external_id: z.string().max(255).default(""),
  })
  .refine((modal) => modal.submit !== undefined || modal.blocks.every((block) => block.type !== "input"), {
    error: "`submit` is required when an `input` is within blocks",
    path: ["submit"],
  });
export type Modal = z.infer<typeof Modal>;

/**
 * Characters of all text in a message's blocks. Slack's limit (`msg_blocks_too_long`) is undocumented: it accepted 9,597
 * characters and refused 11,341 (slackapi/bolt-js issue 2867).
 */
export const blocksTextLimit = 10_000;

const formatIssue = (issue: z.core.$ZodIssue): string => {
  switch (issue.code) {
    case "too_big":
      return issue.origin === "array"
        ? `no more than ${issue.maximum} items allowed`
        : `must be less than ${Number(issue.maximum) + 1} characters`;
    case "too_small":
      return issue.origin === "array"
        ? `no fewer than ${issue.minimum} items allowed`
        : `must be more than ${Number(issue.minimum) - 1} characters`;
    case "unrecognized_keys":
      return `invalid additional property: ${issue.keys.join(", ")}`;
    case "invalid_union":
      return "unsupported type";
    case "invalid_type":
      return `must provide ${issue.expected === "object" ? "an" : "a"} ${issue.expected}`;
    default:
      return issue.message;
  }
};

/** Slack's lines in `response_metadata.messages`: one per error, with its JSON pointer below `root`. */
export const formatSlackErrors = (error: z.ZodError, root: string): string[] =>
  error.issues.map(
    (issue) => `[ERROR] ${formatIssue(issue)} [json-pointer:${[root, ...issue.path.map(String)].join("/")}]`,
  );

/** Adds ids to blocks and elements without one, as Slack does. */
export const addMissingIds = <Block extends MessageBlock | ViewBlock>(
  blocks: readonly Block[],
  randomId: () => string,
): Block[] =>
  blocks.map((block) => {
    const named = { ...block, block_id: block.block_id ?? randomId() };
    if (named.type === "actions")
      return {
        ...named,
        elements: named.elements.map((element) => ({
          ...element,
          action_id: element.action_id ?? randomId(),
        })),
      };
    if (named.type === "section" && named.accessory !== undefined)
      return {
        ...named,
        accessory: { ...named.accessory, action_id: named.accessory.action_id ?? randomId() },
      };
    if (named.type === "input")
      return {
        ...named,
        element: { ...named.element, action_id: named.element.action_id ?? randomId() },
      };
    return named;
  });
