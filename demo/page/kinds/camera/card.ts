// Ink on a card that is held before the camera, for bundles that were trained on drawings: the paper's shade and the light on it are
// taken away, so is what reaches in from the border, and the ink is put where drawings have it, as large as they are.
import { brightness, type Snapshot } from "./picture.ts";

/** Pixels a side: of what is looked at, and of what comes out. */
const side = 160;
const made = 112;

/** Of the picture that comes out: what the longer side of the ink takes, and half a pen, as on the drawing pad. */
const extent = 19 / 28;
const halfPen = 0.9 / 28;

/** Ink is darker than the paper around it by this share at least. */
const faintest = 0.18;

/** Pixels around a drawing that a thicker pen may reach. */
const margin = 6;

/** Pixels of ink that make a drawing. */
const smallest = 24;

/** The drawing on a card, dark on white; nothing where there is no ink to be seen. */
export function cardIn(snapshot: Snapshot): Snapshot | undefined {
  const ink = inkOf(shrunk(brightness(snapshot), snapshot.width));
  const marked = withoutBorder(ink);
  const box = boxOf(marked);
  if (!box) return undefined;
  const scale = (extent * made) / Math.max(box.width, box.height, side / 12);
  const thick = thickened(marked, penIn(marked), (halfPen * made) / scale);
  const data = new Uint8ClampedArray(4 * made * made).fill(255);
  const [middleX, middleY] = [box.left + box.width / 2, box.top + box.height / 2];
  for (let y = 0; y < made; y++) {
    for (let x = 0; x < made; x++) {
      const [moveX, moveY] = [(x + 0.5 - made / 2) / scale, (y + 0.5 - made / 2) / scale];
      // What is around the drawing is no part of it: creases, and what is left of a card's edge.
      const outside = Math.max(Math.abs(moveX) - box.width / 2, Math.abs(moveY) - box.height / 2) > margin;
      const value = outside ? 0 : at(thick, middleX + moveX, middleY + moveY);
      data.fill(255 * (1 - value), 4 * (y * made + x), 4 * (y * made + x) + 3);
    }
  }
  return { width: made, height: made, data };
}

/** A square of brightness at the side that is looked at, by the mean of what lies under each pixel. */
function shrunk(values: Float32Array, from: number): Float32Array {
  const small = new Float32Array(side * side);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const [left, right] = [x, x + 1].map((edge) => Math.floor((edge * from) / side));
      const [top, bottom] = [y, y + 1].map((edge) => Math.floor((edge * from) / side));
      let [sum, count] = [0, 0];
      for (let row = top!; row < Math.max(bottom!, top! + 1); row++) {
        for (let column = left!; column < Math.max(right!, left! + 1); column++) {
          sum += values[row * from + column]!;
          count++;
        }
      }
      small[y * side + x] = sum / count;
    }
  }
  return small;
}

/** How much of each pixel is ink: what is darker than the paper, which is as bright as the brightest nearby. */
function inkOf(values: Float32Array): Float32Array {
  const paper = blurred(spread(values, 7, Math.max), 9);
  const darker = values.map((value, i) => Math.max(0, 1 - value / Math.max(0.02, paper[i]!)));
  const strongest = darker.slice().sort()[Math.floor(0.995 * darker.length)]!;
  if (strongest < faintest) return new Float32Array(darker.length);
  const [low, high] = [Math.max(0.1, 0.35 * strongest), 0.75 * strongest];
  return darker.map((value) => Math.min(1, Math.max(0, (value - low) / (high - low))));
}

/** The ink without what touches the picture's border: hands, tables, and the card's own edge. */
function withoutBorder(ink: Float32Array): Float32Array {
  const kept = ink.slice();
  const waiting: number[] = [];
  const take = (i: number): void => {
    if (kept[i]! < 0.25) return;
    kept[i] = 0;
    waiting.push(i);
  };
  for (let i = 0; i < side; i++)
    for (const edge of [i, (side - 1) * side + i, i * side, i * side + side - 1]) take(edge);
  for (let i = waiting.pop(); i !== undefined; i = waiting.pop()) {
    const x = i % side;
    if (x > 0) take(i - 1);
    if (x < side - 1) take(i + 1);
    if (i >= side) take(i - side);
    if (i < side * (side - 1)) take(i + side);
  }
  return kept;
}

function boxOf(ink: Float32Array): { left: number; top: number; width: number; height: number } | undefined {
  let [left, right, top, bottom, count] = [side, 0, side, 0, 0];
  ink.forEach((value, i) => {
    if (value < 0.5) return;
    const [x, y] = [i % side, Math.floor(i / side)];
    [left, right, top, bottom] = [Math.min(left, x), Math.max(right, x), Math.min(top, y), Math.max(bottom, y)];
    count++;
  });
  return count < smallest ? undefined : { left, top, width: right - left + 1, height: bottom - top + 1 };
}

/** Half the pen's width, from how much of the ink is edge. */
function penIn(ink: Float32Array): number {
  let [area, edge] = [0, 0];
  for (let i = side; i < ink.length - side; i++) {
    if (ink[i]! < 0.5) continue;
    area++;
    if (Math.min(ink[i - 1]!, ink[i + 1]!, ink[i - side]!, ink[i + side]!) < 0.5) edge++;
  }
  return area / Math.max(1, edge);
}

/** A fine pen's lines as wide as those of the drawing pad; wider ones stay. */
function thickened(ink: Float32Array, pen: number, wanted: number): Float32Array {
  const more = Math.min(5, Math.round(wanted - pen));
  return more > 0 ? spread(ink, more, Math.max) : ink;
}

/** Each pixel becomes the largest, or whatever else, of those around it. */
function spread(values: Float32Array, radius: number, of: (...values: number[]) => number): Float32Array {
  const along = (from: Float32Array, step: number): Float32Array =>
    from.map((value, i) => {
      const place = step === 1 ? i % side : Math.floor(i / side);
      let most = value;
      for (let move = -radius; move <= radius; move++) {
        if (place + move >= 0 && place + move < side) most = of(most, from[i + move * step]!);
      }
      return most;
    });
  return along(along(values, 1), side);
}

/** The mean of a square around each pixel. */
function blurred(values: Float32Array, radius: number): Float32Array {
  const along = (from: Float32Array, step: number): Float32Array =>
    from.map((_, i) => {
      const place = step === 1 ? i % side : Math.floor(i / side);
      let [sum, count] = [0, 0];
      for (let move = -radius; move <= radius; move++) {
        if (place + move < 0 || place + move >= side) continue;
        sum += from[i + move * step]!;
        count++;
      }
      return sum / count;
    });
  return along(along(values, 1), side);
}

/** A value between pixels, on straight lines; none outside. */
function at(values: Float32Array, x: number, y: number): number {
  const [left, top] = [Math.floor(x - 0.5), Math.floor(y - 0.5)];
  const [right, down] = [x - 0.5 - left, y - 0.5 - top];
  const value = (column: number, row: number): number =>
    column >= 0 && row >= 0 && column < side && row < side ? values[row * side + column]! : 0;
  const upper = value(left, top) * (1 - right) + value(left + 1, top) * right;
  const lower = value(left, top + 1) * (1 - right) + value(left + 1, top + 1) * right;
  return upper * (1 - down) + lower * down;
}
