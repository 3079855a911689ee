/** Why a text cannot reach a graph; undefined if it can. */
export const findTextProblem = (value: string, maxLength: number): string | undefined => {
  if (value.length > maxLength) return `must have at most ${maxLength} characters`;
  if (!value.isWellFormed()) return "contains half of a surrogate pair";
  // onnxruntime uses C strings: it would silently drop everything after a NUL.
  if (value.includes("\0")) return "contains a NUL character";
  return undefined;
};
