import { html, raw } from "hono/html";
import { getOwnProperty } from "#untrusted/get-own-property.ts";

const disc = (fill: string, inside: string) =>
  `<circle cx="10" cy="10" r="9" fill="${fill}"/><g fill="none" stroke="#fff" stroke-width="2.2" stroke-linecap="round" stroke-linejoin="round">${inside}</g>`;

/**
 * Pictures of the emoji that deliveries use, because a machine may have no emoji font. The key is Slack's short name; `char`
 * is the Unicode character with the same picture.
 */
const emojiPictures: Readonly<Record<string, { readonly char: string; readonly svg: string }>> = {
  white_check_mark: {
    char: "✅",
    svg: `<rect x="1" y="1" width="18" height="18" rx="4" fill="#2bac76"/><path d="M5.2 10.4l3.2 3.2 6.4-7" fill="none" stroke="#fff" stroke-width="2.4" stroke-linecap="round" stroke-linejoin="round"/>`,
  },
  heavy_check_mark: { char: "✔", svg: disc("#2bac76", '<path d="M5.8 10.3l2.9 2.9 5.6-6.1"/>') },
  x: {
    char: "❌",
    svg: '<path d="M4 4l12 12M16 4L4 16" fill="none" stroke="#e01e5a" stroke-width="3.6" stroke-linecap="round"/>',
  },
  no_entry: { char: "⛔", svg: disc("#e01e5a", '<path d="M5.5 10h9"/>') },
  warning: {
    char: "⚠",
    svg: '<path d="M10 1.8l8.9 15.4a1 1 0 0 1-.9 1.5H2a1 1 0 0 1-.9-1.5z" fill="#ecb22e"/><path d="M10 7.2v5" stroke="#3b2c00" stroke-width="2" stroke-linecap="round"/><circle cx="10" cy="15.4" r="1.2" fill="#3b2c00"/>',
  },
  grey_question: {
    char: "❔",
    svg: disc("#868686", '<path d="M7.4 7.6a2.7 2.7 0 1 1 3.9 2.4c-.9.5-1.3 1-1.3 1.9M10 14.9v.1"/>'),
  },
  question: {
    char: "❓",
    svg: disc("#e01e5a", '<path d="M7.4 7.6a2.7 2.7 0 1 1 3.9 2.4c-.9.5-1.3 1-1.3 1.9M10 14.9v.1"/>'),
  },
  hourglass_flowing_sand: {
    char: "⏳",
    svg: '<path d="M4.5 2h11M4.5 18h11" stroke="#8a6d3b" stroke-width="2.2" stroke-linecap="round"/><path d="M6 3.2h8c0 3.6-2.6 4.8-2.6 6.8s2.6 3.2 2.6 6.8H6c0-3.6 2.6-4.8 2.6-6.8S6 6.800 6 3.2z" fill="#d7e9f7" stroke="#8a6d3b" stroke-width="1"/><path d="M7.400 6h5.200L10 9.200zM7 16.200c.3-2 1.700-2.700 3-3.700 1.300 1 2.700 1.700 3 3.700z" fill="#ecb22e"/>',
  },
  rocket: {
    char: "🚀",
    svg: '<path d="M4.500 11L2.500 14.500l4-.5zM9 15.500L5.500 17.500l.5-4z" fill="#e01e5a"/><path d="M18 2c-5 0-9 3-11.500 7.500L5 12l3 3 2.500-1.500C15 11 18 7 18 2z" fill="#cfd6dd"/><circle cx="12.700" cy="7.300" r="2" fill="#36c5f0"/><path d="M5.200 14.800c-1.400.2-2.500 1.600-2.700 3.200 1.600-.2 3-1.300 3.200-2.700z" fill="#ecb22e"/>',
  },
  tada: {
    char: "🎉",
    svg: '<path d="M2 18L7 6.500l6.500 6.500z" fill="#ecb22e"/><path d="M4.300 12.700l3 3M6 9l5 5" stroke="#e01e5a" stroke-width="1.300"/><path d="M11 7c.4-2 1.700-3 3.500-3M13 9.300c1.500-1.200 3.300-1.200 4.800-.3" stroke="#36c5f0" stroke-width="1.500" fill="none" stroke-linecap="round"/><circle cx="9" cy="3" r="1.200" fill="#e01e5a"/><circle cx="17" cy="5.500" r="1.200" fill="#2bac76"/><circle cx="16.500" cy="13" r="1.200" fill="#e01e5a"/>',
  },
  leftwards_arrow_with_hook: {
    char: "↩",
    svg: '<rect x="1" y="1" width="18" height="18" rx="4" fill="#3d8fd1"/><path d="M8 5.500L4.800 8.700 8 12M5 8.700h6.500a2.900 2.900 0 0 1 0 5.800H9" fill="none" stroke="#fff" stroke-width="1.900" stroke-linecap="round" stroke-linejoin="round"/>',
  },
  rewind: {
    char: "⏪",
    svg: disc("#3d8fd1", '<path d="M9.500 6.500L6 10l3.500 3.500M14 6.500L10.500 10l3.500 3.500"/>'),
  },
  large_green_circle: { char: "🟢", svg: '<circle cx="10" cy="10" r="8" fill="#2bac76"/>' },
  large_yellow_circle: { char: "🟡", svg: '<circle cx="10" cy="10" r="8" fill="#ecb22e"/>' },
  red_circle: { char: "🔴", svg: '<circle cx="10" cy="10" r="8" fill="#e01e5a"/>' },
  white_circle: { char: "⚪", svg: '<circle cx="10" cy="10" r="8" fill="#b8b8b8"/>' },
  large_blue_circle: { char: "🔵", svg: '<circle cx="10" cy="10" r="8" fill="#3d8fd1"/>' },
  lock: {
    char: "🔒",
    svg: '<path d="M6 9V6.500a4 4 0 0 1 8 0V9" fill="none" stroke="#868686" stroke-width="2"/><rect x="3.500" y="8.500" width="13" height="9.500" rx="2" fill="#ecb22e"/>',
  },
  eyes: {
    char: "👀",
    svg: '<ellipse cx="6" cy="10" rx="4" ry="5.500" fill="#fff" stroke="#868686"/><ellipse cx="14" cy="10" rx="4" ry="5.500" fill="#fff" stroke="#868686"/><circle cx="4.700" cy="11" r="1.900" fill="#222"/><circle cx="12.700" cy="11" r="1.900" fill="#222"/>',
  },
  package: {
    char: "📦",
    svg: '<path d="M10 1.800l8 4v8.400l-8 4-8-4V5.800z" fill="#c99a5b"/><path d="M2 5.800l8 4 8-4M10 9.800v8.400" stroke="#8a6130" fill="none"/><path d="M6 3.800l8 4v3" stroke="#f0d9b5" stroke-width="1.600" fill="none"/>',
  },
  hourglass: {
    char: "⌛",
    svg: '<path d="M4.5 2h11M4.5 18h11" stroke="#8a6d3b" stroke-width="2.2" stroke-linecap="round"/><path d="M6 3.2h8c0 3.6-2.6 4.8-2.6 6.8s2.6 3.2 2.6 6.8H6c0-3.6 2.6-4.8 2.6-6.8S6 6.800 6 3.2z" fill="#d7e9f7" stroke="#8a6d3b" stroke-width="1"/><path d="M6.600 16.400c.3-3 1.900-3.700 3.400-4.700 1.500 1 3.100 1.700 3.400 4.700z" fill="#ecb22e"/>',
  },
  alarm_clock: {
    char: "⏰",
    svg: '<path d="M2 5.500L5.500 2M18 5.500L14.500 2M5 18l1.500-2M15 18l-1.500-2" stroke="#e01e5a" stroke-width="2" stroke-linecap="round"/><circle cx="10" cy="10.500" r="6.500" fill="#fff" stroke="#e01e5a" stroke-width="2"/><path d="M10 7v3.500l2.500 1.500" fill="none" stroke="#222" stroke-width="1.600" stroke-linecap="round" stroke-linejoin="round"/>',
  },
  arrows_counterclockwise: {
    char: "🔄",
    svg: disc(
      "#3d8fd1",
      '<path d="M14.300 8.500A4.600 4.600 0 0 0 5.900 8M5.700 11.500a4.600 4.600 0 0 0 8.400.5M5.600 5.500V8h2.500M14.400 14.500V12h-2.500"/>',
    ),
  },
  arrow_forward: { char: "▶", svg: disc("#3d8fd1", '<path d="M8 6l5.500 4L8 14z" fill="#fff"/>') },
  pause_button: { char: "⏸", svg: disc("#3d8fd1", '<path d="M7.700 6.500v7M12.300 6.500v7"/>') },
  octagonal_sign: {
    char: "🛑",
    svg: '<path d="M6.300 1h7.400L19 6.300v7.400L13.700 19H6.300L1 13.700V6.300z" fill="#e01e5a"/><path d="M5.500 10h9" stroke="#fff" stroke-width="2.400" stroke-linecap="round"/>',
  },
  rotating_light: {
    char: "🚨",
    svg: '<path d="M4.500 15V10a5.500 5.500 0 0 1 11 0v5z" fill="#e01e5a"/><rect x="2.500" y="15" width="15" height="3.500" rx="1" fill="#6b6b6b"/><path d="M10 1v1.500M3 4l1.200 1.200M17 4l-1.200 1.200" stroke="#ecb22e" stroke-width="1.800" stroke-linecap="round"/>',
  },
  snowflake: {
    char: "❄",
    svg: '<path d="M10 1.500v17M2.600 5.800l14.800 8.400M17.400 5.800L2.600 14.200M7.500 3.500L10 6l2.500-2.500M7.500 16.500L10 14l2.500 2.500" fill="none" stroke="#36a3e0" stroke-width="1.900" stroke-linecap="round" stroke-linejoin="round"/>',
  },
  test_tube: {
    char: "🧪",
    svg: '<path d="M12.500 2.500l5 5M13.500 3.500L4 13a2.800 2.800 0 0 0 4 4l9.500-9.500" fill="#e8f3ee" stroke="#868686" stroke-width="1.600" stroke-linecap="round"/><path d="M6.500 10.500h7L8 16a2 2 0 0 1-3-3z" fill="#2bac76"/>',
  },
  loudspeaker: {
    char: "📢",
    svg: '<path d="M2 8v4h3l8 4.500v-13L5 8z" fill="#e01e5a"/><path d="M6 12l1 5h2.500l-1-4.500z" fill="#8a6d3b"/><path d="M15.500 7.500a3.500 3.500 0 0 1 0 5M17.500 5.500a6.400 6.400 0 0 1 0 9" fill="none" stroke="#868686" stroke-width="1.500" stroke-linecap="round"/>',
  },
  heavy_equals_sign: {
    char: "🟰",
    svg: '<path d="M4 7.500h12M4 12.500h12" stroke="#868686" stroke-width="3" stroke-linecap="round"/>',
  },
  bust_in_silhouette: {
    char: "👤",
    svg: '<circle cx="10" cy="6.500" r="4" fill="#56779c"/><path d="M2.500 18c.5-4.500 3.500-6.500 7.500-6.500s7 2 7.500 6.500z" fill="#56779c"/>',
  },
};
const namesByCharacter = new Map(Object.entries(emojiPictures).map(([name, { char }]) => [char, name]));

/** Matches each character with a picture, and an emoji variation selector after it. */
export const emojiPattern = `(?:${[...namesByCharacter.keys()].join("|")})\\uFE0F?`;

/** The picture of a short name or a character; undefined: there is none. */
export const renderEmoji = (nameOrChar: string) => {
  const name = namesByCharacter.get(nameOrChar.replace("\uFE0F", "")) ?? nameOrChar;
  const picture = getOwnProperty(emojiPictures, name);
  return picture === undefined
    ? undefined
    : html`<svg class="emoji" viewBox="0 0 20 20" role="img" aria-label="${name.replaceAll("_", " ")}">${raw(picture.svg)}</svg>`;
};
