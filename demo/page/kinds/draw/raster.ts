// A drawing becomes the picture that a bundle takes, drawn as the characters are that it was trained on: the longer side
// of the drawing's box fills two thirds of the picture, its centre is the picture's, and the pen is about two pixels wide
// at 28 pixels. So it makes no difference where on the pad and how large somebody draws.
import type { ImagePreprocessing } from "@innerloop/schemas/bundle";
import { type Drawing, fitted, type Point } from "./strokes.ts";

/** Of a picture's shorter side: what the longer side of a drawing takes, and half the pen's width. */
const extent = 19 / 28;
const halfPen = 0.9 / 28;

/**
 * The values of an example, `[height, width, channels]` row by row: dark ink on light paper, preprocessed as the bundle
 * says.
 */
export function rasterize(drawing: Drawing, picture: ImagePreprocessing): Float32Array {
  const { width, height, channels, invert, mean, std } = picture;
  const ink = inkOf(drawing, width, height);
  const values = new Float32Array(width * height * channels);
  for (let i = 0; i < ink.length; i++) {
    const value = ((invert ? ink[i]! : 1 - ink[i]!) - mean) / std;
    values.fill(value, i * channels, (i + 1) * channels);
  }
  return values;
}

/** How much of each pixel is ink, 0…1. */
function inkOf(drawing: Drawing, width: number, height: number): Float32Array {
  const ink = new Float32Array(width * height);
  const side = Math.min(width, height);
  const [moveX, moveY] = [(width - side) / 2, (height - side) / 2];
  const pen = Math.max(0.6, halfPen * side);
  for (const stroke of fitted(drawing, extent * side, side / 2)) {
    const points = stroke.map(({ x, y }) => ({ x: x + moveX, y: y + moveY }));
    points.forEach((point, i) => {
      inkSegment(ink, width, height, points[i - 1] ?? point, point, pen);
    });
  }
  return ink;
}

/** Inks the pixels within `pen` of a segment; an edge pixel gets the share of it that the pen covers, about. */
function inkSegment(ink: Float32Array, width: number, height: number, from: Point, to: Point, pen: number): void {
  const reach = pen + 0.5;
  const left = Math.max(0, Math.floor(Math.min(from.x, to.x) - reach));
  const right = Math.min(width - 1, Math.floor(Math.max(from.x, to.x) + reach));
  const top = Math.max(0, Math.floor(Math.min(from.y, to.y) - reach));
  const bottom = Math.min(height - 1, Math.floor(Math.max(from.y, to.y) + reach));
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const squared = Math.max(dx * dx + dy * dy, 1e-9);
  for (let row = top; row <= bottom; row++) {
    for (let column = left; column <= right; column++) {
      const [px, py] = [column + 0.5 - from.x, row + 0.5 - from.y];
      const along = Math.min(1, Math.max(0, (px * dx + py * dy) / squared));
      const covered = Math.min(1, reach - Math.hypot(px - along * dx, py - along * dy));
      const at = row * width + column;
      if (covered > ink[at]!) ink[at] = covered;
    }
  }
}
