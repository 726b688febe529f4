// Symbols that the page draws itself, for whoever would rather watch, or cannot draw: shapes, and how a hand varies them.
import { boxOf, type Drawing, type Point } from "./strokes.ts";

const curve = (at: (t: number) => readonly [number, number], points = 40): Point[] =>
  Array.from({ length: points + 1 }, (_, i) => {
    const [x, y] = at(i / points);
    return { x, y };
  });

/** A line through corners, with points in between as a pen leaves them. */
const line = (...corners: readonly (readonly [number, number])[]): Point[] =>
  corners.flatMap(([x, y], i) => {
    const next = corners[i + 1];
    if (!next) return [{ x, y }];
    return Array.from({ length: 10 }, (_, j) => ({
      x: x + ((next[0] - x) * j) / 10,
      y: y + ((next[1] - y) * j) / 10,
    }));
  });

const arc = (cx: number, cy: number, rx: number, ry: number, from: number, turns: number): Point[] =>
  curve((t) => {
    const angle = 2 * Math.PI * (from + turns * t);
    return [cx + rx * Math.cos(angle), cy + ry * Math.sin(angle)];
  });

const heart = curve((t) => {
  const a = 2 * Math.PI * t;
  const y = 13 * Math.cos(a) - 5 * Math.cos(2 * a) - 2 * Math.cos(3 * a) - Math.cos(4 * a);
  return [0.5 + 0.022 * 16 * Math.sin(a) ** 3, 0.46 - 0.022 * y];
}, 56);

const star = line(
  ...Array.from({ length: 6 }, (_, i) => {
    const angle = 2 * Math.PI * ((i * 2) / 5 - 1 / 4);
    return [0.5 + 0.36 * Math.cos(angle), 0.53 + 0.36 * Math.sin(angle)] as const;
  }),
);

const spiral = curve((t) => {
  const [angle, radius] = [2 * Math.PI * (2.4 * t), 0.04 + 0.31 * t];
  return [0.5 + radius * Math.cos(angle), 0.5 + radius * Math.sin(angle)];
}, 80);

/** What the page can draw; the first is the one that invites to draw. */
export const samples: readonly Drawing[] = [
  [heart],
  [line([0.6, 0.14], [0.34, 0.54], [0.64, 0.5], [0.4, 0.88])],
  [star],
  [spiral],
  [
    arc(0.5, 0.5, 0.34, 0.34, 0, 1),
    arc(0.5, 0.5, 0.2, 0.2, 0.06, 0.38),
    line([0.4, 0.38], [0.4, 0.45]),
    line([0.6, 0.38], [0.6, 0.45]),
  ],
  [line([0.2, 0.86], [0.2, 0.42], [0.5, 0.14], [0.8, 0.42], [0.8, 0.86], [0.2, 0.86])],
  [line([0.5, 0.14], [0.5, 0.86]), line([0.18, 0.36], [0.5, 0.14], [0.82, 0.36])],
  [curve((t) => [0.12 + 0.76 * t, 0.5 + 0.24 * Math.sin(2 * Math.PI * 1.5 * t)])],
  [line([0.5, 0.12], [0.86, 0.8], [0.14, 0.8], [0.5, 0.12]), line([0.5, 0.4], [0.5, 0.64])],
  [arc(0.36, 0.5, 0.22, 0.16, 0, 1), arc(0.66, 0.5, 0.2, 0.16, 0.5, 1)],
  [arc(0.56, 0.46, 0.32, 0.34, 0.12, 0.72), line([0.2, 0.8], [0.84, 0.72])],
  [line([0.2, 0.2], [0.8, 0.8]), line([0.8, 0.2], [0.2, 0.8]), arc(0.5, 0.5, 0.15, 0.15, 0, 1)],
];

/**
 * A drawing as the same hand would draw it again: turned, stretched, moved, and not quite steady.
 *
 * @param amount 1 is a hand that takes some care
 * @param chance numbers in [0, 1)
 */
export function again(drawing: Drawing, amount = 1, chance: () => number = Math.random): Drawing {
  const around = (width: number): number => (chance() + chance() + chance() - 1.5) * width * amount;
  const { left, top, width, height } = boxOf(drawing);
  const [middleX, middleY] = [left + width / 2, top + height / 2];
  const [turn, shear] = [around(0.22), around(0.14)];
  const [scaleX, scaleY] = [1 + around(0.2), 1 + around(0.2)];
  const fit = Math.min(1, 0.8 / Math.max(width * scaleX, height * scaleY));
  const [moveX, moveY] = [0.5 + around(0.08), 0.5 + around(0.08)];
  // A slow wave along the pen's way is what an unsteady hand adds.
  const [waveX, waveY, phaseX, phaseY] = [around(0.03), around(0.03), chance() * 6.3, chance() * 6.3];
  let step = 0;
  return drawing.map((stroke) => {
    const [offX, offY] = [around(0.03), around(0.03)];
    return stroke.map(({ x, y }) => {
      step += 1;
      const dx = (x - middleX + shear * (y - middleY)) * scaleX * fit + offX + waveX * Math.sin(step / 7 + phaseX);
      const dy = (y - middleY) * scaleY * fit + offY + waveY * Math.sin(step / 6 + phaseY);
      const inside = (value: number): number => Math.min(0.97, Math.max(0.03, value));
      return {
        x: inside(moveX + dx * Math.cos(turn) - dy * Math.sin(turn)),
        y: inside(moveY + dx * Math.sin(turn) + dy * Math.cos(turn)),
      };
    });
  });
}
