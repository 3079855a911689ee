/** The indexes of the nested arrays for an element's position. */
export const toPath = (position: number, shape: readonly number[]): readonly number[] => {
  const path = new Array<number>(shape.length);
  let rest = position;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const size = shape[axis] ?? 1;
    path[axis] = rest % size;
    rest = Math.floor(rest / size);
  }
  return path;
};
