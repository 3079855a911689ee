/** The model returned NaN, infinity, a wrong number of values, or a label that its manifest does not name. */
export class OutputNotFinite extends Error {
  override readonly name = "OutputNotFinite";
}
