// What a pen draws, before it is pixels: strokes of points in the unit square, y downwards.

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** The points of one pen movement, in [0, 1]². A dot is a stroke of one point. */
export type Stroke = readonly Point[];

/** A symbol as it was drawn: its strokes, in order. */
export type Drawing = readonly Stroke[];

export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** The smallest box around all points. */
export function boxOf(drawing: Drawing): Box {
  const points = drawing.flat();
  const xs = points.map(({ x }) => x);
  const ys = points.map(({ y }) => y);
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  return { left, top, width: Math.max(...xs) - left, height: Math.max(...ys) - top };
}

/** A drawing smaller than this share of the pad is taken as it is and not blown up: a dot stays a dot. */
const smallestBlownUp = 0.08;

/**
 * A drawing moved and scaled so that the longer side of its box has a length and the box's centre lies at a place.
 *
 * @param length of the longer side, in the units of the result
 * @param centre both coordinates of the centre
 */
export function fitted(drawing: Drawing, length: number, centre: number): Drawing {
  const { left, top, width, height } = boxOf(drawing);
  const scale = length / Math.max(width, height, smallestBlownUp);
  const [middleX, middleY] = [left + width / 2, top + height / 2];
  return drawing.map((stroke) =>
    stroke.map(({ x, y }) => ({ x: centre + (x - middleX) * scale, y: centre + (y - middleY) * scale })),
  );
}

/** Total length of the pen's way. */
export function lengthOf(drawing: Drawing): number {
  let length = 0;
  for (const stroke of drawing) {
    for (let i = 1; i < stroke.length; i++) {
      length += Math.hypot(stroke[i]!.x - stroke[i - 1]!.x, stroke[i]!.y - stroke[i - 1]!.y);
    }
  }
  return length;
}

/** A drawing as the data of an SVG path in a box of 100 × 100. */
export function pathOf(drawing: Drawing): string {
  return fitted(drawing, 76, 50)
    .map((stroke) => {
      const [first, ...rest] = stroke.map(({ x, y }) => `${x.toFixed(1)} ${y.toFixed(1)}`);
      return `M${first}L${rest.length > 0 ? rest.join(" ") : first}`;
    })
    .join("");
}

/** Coordinates to three places: a thousandth of the pad is less than a pixel, and saved files stay small. */
export function rounded(drawing: Drawing): Drawing {
  const short = (value: number): number => Math.round(value * 1000) / 1000;
  return drawing.map((stroke) => stroke.map(({ x, y }) => ({ x: short(x), y: short(y) })));
}
