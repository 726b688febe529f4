// Procedural characters: as many as anyone asks for. A character is a few pen strokes; every example is one drawer's attempt at
// them.
import { type Random, random } from "../../random.ts";

/** Width and height of a glyph, in pixels. */
export const GLYPH_SIZE = 28;

const pixelCount = GLYPH_SIZE * GLYPH_SIZE;

// Streams of `random`, so that a class and its drawers are functions of their numbers alone.
const classStream = 0x676c7970;
const drawerStream = 0x64726177;

/** A pen stroke: a cubic Bézier curve, or an arc of an ellipse. In a box of about [−1, 1]², y downwards. */
type Stroke =
  | { readonly kind: "curve"; readonly points: readonly Point[] }
  | {
      readonly kind: "arc";
      readonly centre: Point;
      readonly radii: Point;
      readonly tilt: number;
      readonly from: number;
      readonly sweep: number;
    };
type Point = readonly [x: number, y: number];

/**
 * Draws one glyph: class `id` as drawer number `drawer` would write it. Any two integers give a glyph, always the same
 * one.
 *
 * @returns `[28·28]` bytes, row by row; ink is 255 on 0
 */
export function drawGlyph(id: number, drawer: number): Uint8Array {
  return render(strokesOf(id), random(drawerStream, id, drawer));
}

// --- A class -------------------------------------------------------------------------------------------------------

/** Characters thinner than this, see `thinness`, would all look like one crooked line; they are composed anew. */
const thinnest = 0.4;

const recent: { id: number; strokes: readonly Stroke[] } = { id: -1, strokes: [] };

/** The ideal strokes of a class, centred and scaled to fill the box. The last class is remembered: drawers come in rows. */
function strokesOf(id: number): readonly Stroke[] {
  if (recent.id !== id) {
    recent.strokes = compose(random(classStream, id));
    recent.id = id;
  }
  return recent.strokes;
}

function compose(rng: Random): readonly Stroke[] {
  let strokes = composeOnce(rng);
  while (thinness(strokes) < thinnest) strokes = composeOnce(rng);
  return normalized(strokes);
}

function composeOnce(rng: Random): readonly Stroke[] {
  const count = 2 + pick(rng, [0.3, 0.4, 0.3]);
  const strokes: Stroke[] = [];
  for (let i = 0; i < count; i++) {
    // Strokes of real characters mostly meet: start on an earlier one's beginning, middle or end.
    const earlier = strokes.length > 0 && rng.uniform() < 0.65 ? strokes[rng.integer(strokes.length)] : undefined;
    const start = earlier ? pointAt(earlier, rng.integer(3) / 2) : anchor(rng);
    strokes.push(newStroke(rng, start));
  }
  return strokes;
}

function newStroke(rng: Random, start: Point): Stroke {
  const kind = pick(rng, [0.4, 0.3, 0.2, 0.1]);
  if (kind === 0) {
    const end = awayFrom(rng, start);
    return { kind: "curve", points: [start, between(start, end, 1 / 3), between(start, end, 2 / 3), end] };
  }
  if (kind === 1) return { kind: "curve", points: [start, anchor(rng), anchor(rng), awayFrom(rng, start)] };
  const radii: Point = [rng.uniform(0.25, 0.7), rng.uniform(0.25, 0.7)];
  const tilt = rng.uniform(0, Math.PI);
  const from = rng.uniform(0, 2 * Math.PI);
  const turns = kind === 2 ? rng.uniform(0.4, 0.8) : 1;
  const sweep = 2 * Math.PI * turns * (rng.uniform() < 0.5 ? -1 : 1);
  const offset = onEllipse([0, 0], radii, tilt, from);
  return { kind: "arc", centre: [start[0] - offset[0], start[1] - offset[1]], radii, tilt, from, sweep };
}

function anchor(rng: Random): Point {
  return [rng.uniform(-1, 1), rng.uniform(-1, 1)];
}

function between(a: Point, b: Point, t: number): Point {
  return [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t];
}

/** A point far enough from another that a stroke between them is a stroke and not a dot. */
function awayFrom(rng: Random, start: Point): Point {
  let end = anchor(rng);
  while (Math.hypot(end[0] - start[0], end[1] - start[1]) < 0.8) end = anchor(rng);
  return end;
}

/** Spread of the ink across its main direction over the spread along it: 0 for a straight line, 1 for a disc. */
function thinness(strokes: readonly Stroke[]): number {
  const points = outline(strokes);
  const [mx, my] = [mean(points.map(([x]) => x)), mean(points.map(([, y]) => y))];
  const xx = mean(points.map(([x]) => (x - mx) ** 2));
  const yy = mean(points.map(([, y]) => (y - my) ** 2));
  const xy = mean(points.map(([x, y]) => (x - mx) * (y - my)));
  // The eigenvalues of the 2×2 covariance.
  const root = Math.hypot((xx - yy) / 2, xy);
  return Math.sqrt(Math.max(0, (xx + yy) / 2 - root) / ((xx + yy) / 2 + root));
}

function outline(strokes: readonly Stroke[]): Point[] {
  return strokes.flatMap((stroke) => Array.from({ length: 13 }, (_, i) => pointAt(stroke, i / 12)));
}

function mean(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0) / values.length;
}

function normalized(strokes: readonly Stroke[]): readonly Stroke[] {
  const points = outline(strokes);
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const scale = 2 / Math.max(right - left, bottom - top);
  const move = ([x, y]: Point): Point => [(x - (left + right) / 2) * scale, (y - (top + bottom) / 2) * scale];
  return strokes.map((stroke) =>
    stroke.kind === "curve"
      ? { kind: "curve", points: stroke.points.map(move) }
      : { ...stroke, centre: move(stroke.centre), radii: [stroke.radii[0] * scale, stroke.radii[1] * scale] },
  );
}

/** The point of a stroke at t in [0, 1]. */
function pointAt(stroke: Stroke, t: number): Point {
  if (stroke.kind === "arc") return onEllipse(stroke.centre, stroke.radii, stroke.tilt, stroke.from + stroke.sweep * t);
  const [a, b, c, d] = stroke.points as [Point, Point, Point, Point];
  const s = 1 - t;
  const [wa, wb, wc, wd] = [s * s * s, 3 * s * s * t, 3 * s * t * t, t * t * t];
  return [a[0] * wa + b[0] * wb + c[0] * wc + d[0] * wd, a[1] * wa + b[1] * wb + c[1] * wc + d[1] * wd];
}

function onEllipse(centre: Point, radii: Point, tilt: number, angle: number): Point {
  const x = radii[0] * Math.cos(angle);
  const y = radii[1] * Math.sin(angle);
  return [centre[0] + x * Math.cos(tilt) - y * Math.sin(tilt), centre[1] + x * Math.sin(tilt) + y * Math.cos(tilt)];
}

// --- An example ----------------------------------------------------------------------------------------------------

/** One drawer's strokes: every control point a little off, the whole turned, sheared, scaled and shifted. */
function render(strokes: readonly Stroke[], rng: Random): Uint8Array {
  const image = new Uint8Array(pixelCount);
  const turned = rng.normal(0, 0.15);
  const shear = rng.normal(0, 0.12);
  const [scaleX, scaleY] = [stretch(rng), stretch(rng)];
  const [shiftX, shiftY] = [rng.uniform(-2.5, 2.5), rng.uniform(-2.5, 2.5)];
  const pen = rng.uniform(0.65, 1.15);
  const [cos, sin] = [Math.cos(turned), Math.sin(turned)];
  for (const ideal of strokes) {
    const stroke = jittered(ideal, rng);
    const segments = stroke.kind === "arc" ? 12 : 8;
    let [fromX, fromY] = [0, 0];
    for (let i = 0; i <= segments; i++) {
      const [x, y] = pointAt(stroke, i / segments);
      const sheared = x + shear * y;
      const toX = GLYPH_SIZE / 2 + shiftX + scaleX * (cos * sheared - sin * y);
      const toY = GLYPH_SIZE / 2 + shiftY + scaleY * (sin * sheared + cos * y);
      if (i > 0) drawSegment(image, fromX, fromY, toX, toY, pen);
      [fromX, fromY] = [toX, toY];
    }
  }
  return image;
}

/** Pixels that the box's unit becomes. */
function stretch(rng: Random): number {
  return 9.5 * Math.exp(rng.normal(0, 0.11));
}

function jittered(stroke: Stroke, rng: Random): Stroke {
  const [dx, dy] = [rng.normal(0, 0.06), rng.normal(0, 0.06)];
  const near = ([x, y]: Point): Point => [x + dx + rng.normal(0, 0.07), y + dy + rng.normal(0, 0.07)];
  if (stroke.kind === "curve") return { kind: "curve", points: stroke.points.map(near) };
  return {
    kind: "arc",
    centre: near(stroke.centre),
    radii: [stroke.radii[0] * Math.exp(rng.normal(0, 0.12)), stroke.radii[1] * Math.exp(rng.normal(0, 0.12))],
    tilt: stroke.tilt + rng.normal(0, 0.12),
    from: stroke.from + rng.normal(0, 0.15),
    sweep: stroke.sweep * Math.exp(rng.normal(0, 0.06)),
  };
}

/** Inks the pixels within `pen` of a segment; an edge pixel gets the share of it that the pen covers, about. */
function drawSegment(image: Uint8Array, x0: number, y0: number, x1: number, y1: number, pen: number): void {
  const reach = pen + 0.5;
  const left = Math.max(0, Math.floor(Math.min(x0, x1) - reach));
  const right = Math.min(GLYPH_SIZE - 1, Math.floor(Math.max(x0, x1) + reach));
  const top = Math.max(0, Math.floor(Math.min(y0, y1) - reach));
  const bottom = Math.min(GLYPH_SIZE - 1, Math.floor(Math.max(y0, y1) + reach));
  const [dx, dy] = [x1 - x0, y1 - y0];
  const inverse = 1 / Math.max(dx * dx + dy * dy, 1e-9);
  for (let row = top; row <= bottom; row++) {
    for (let column = left; column <= right; column++) {
      const px = column + 0.5 - x0;
      const py = row + 0.5 - y0;
      const along = Math.min(1, Math.max(0, (px * dx + py * dy) * inverse));
      const [ox, oy] = [px - along * dx, py - along * dy];
      const squared = ox * ox + oy * oy;
      if (squared < reach * reach) {
        const ink = 255 * Math.min(1, reach - Math.sqrt(squared));
        const at = row * GLYPH_SIZE + column;
        if (ink > image[at]!) image[at] = ink;
      }
    }
  }
}

function pick(rng: Random, weights: readonly number[]): number {
  let rest = rng.uniform();
  for (let i = 0; i < weights.length - 1; i++) {
    rest -= weights[i]!;
    if (rest < 0) return i;
  }
  return weights.length - 1;
}
