// Symbols as a hand draws them, for the tests of the page: six shapes, and the same hand's further attempts.

/** Points of one stroke after the other, in a box of [−1, 1]². */
export type Shape = readonly (readonly (readonly [x: number, y: number])[])[];

const along = (at: (t: number) => [number, number], points = 16) =>
  Array.from({ length: points + 1 }, (_, i) => at(i / points));

const corners = (...points: [number, number][]) =>
  points.flatMap((point, i) => {
    const next = points[i + 1];
    return next ? along((t) => [point[0] + (next[0] - point[0]) * t, point[1] + (next[1] - point[1]) * t], 4) : [];
  });

const circle = (x: number, y: number, r: number, from = 0, turns = 1) =>
  along((t) => [
    x + r * Math.cos(2 * Math.PI * (from + turns * t)),
    y + r * Math.sin(2 * Math.PI * (from + turns * t)),
  ]);

export const shapes = {
  zigzag: [corners([-0.9, -0.6], [-0.3, 0.6], [0.3, -0.6], [0.9, 0.6])],
  tree: [corners([0, 0.9], [0, 0.3]), corners([0, -0.9], [0.7, 0.3], [-0.7, 0.3], [0, -0.9])],
  snail: [along((t) => [(0.1 + 0.8 * t) * Math.cos(14 * t), (0.1 + 0.8 * t) * Math.sin(14 * t)], 30)],
  cross: [corners([0, -0.9], [0, 0.9]), corners([-0.7, -0.2], [0.7, -0.2])],
  moon: [
    [
      ...circle(0, 0, 0.85, 0.12, 0.76),
      ...along((t) => [0.65 - 0.75 * Math.sin(Math.PI * t), -0.62 + 1.24 * t]).reverse(),
    ],
  ],
  /** Never taught. */
  key: [circle(-0.5, 0, 0.35), corners([-0.15, 0], [0.9, 0], [0.9, 0.35]), corners([0.55, 0], [0.55, 0.3])],
} satisfies Record<string, Shape>;

/** Numbers in [0, 1), the same for the same seed (Park and Miller's generator). */
export function chances(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
}

/** Another attempt: elsewhere, of another size, turned, and with a wobble along the way. Points in [0, 1]². */
export function attempt(shape: Shape, chance: () => number): Shape {
  const around = (width: number): number => (chance() - 0.5) * 2 * width;
  const [turn, size] = [around(0.2), 0.3 + around(0.08)];
  const [stretchX, stretchY] = [1 + around(0.12), 1 + around(0.12)];
  const [x0, y0] = [0.5 + around(0.1), 0.5 + around(0.1)];
  const [wobble, phase, pace] = [0.05, chance() * 6, 0.2 + 0.2 * chance()];
  let step = 0;
  return shape.map((stroke) => {
    const [dx, dy] = [around(0.05), around(0.05)];
    return stroke.map(([x, y]): [number, number] => {
      step += 1;
      const px = (x + dx + wobble * Math.sin(2 * pace * step + phase)) * stretchX;
      const py = (y + dy + wobble * Math.cos(2 * pace * step * 1.3 + phase)) * stretchY;
      return [
        x0 + size * (px * Math.cos(turn) - py * Math.sin(turn)),
        y0 + size * (px * Math.sin(turn) + py * Math.cos(turn)),
      ];
    });
  });
}
