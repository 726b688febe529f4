// Tasks as users have them: each shift against its formula, and what a shifted source promises about its episodes.
import { sizeOf, type Tensor } from "@innerloop/schemas";
import {
  drawShift,
  type Episode,
  MetaDataset,
  mislabelled,
  random,
  shifted,
  shiftFamilies,
  shiftNames,
  type TaskSource,
} from "@innerloop/train";
import { describe, expect, test } from "vitest";
import { refusalOf } from "../support/refusal.ts";

const side = 12;
const shape = [side, side, 1];
const values = (tensor: Tensor): number[] => Array.from(tensor.data as Float32Array);
const tensor = (data: readonly number[], of: readonly number[]): Tensor => ({
  dtype: "float32",
  shape: [data.length / sizeOf(of), ...of],
  data: Float32Array.from(data),
});
const rng = () => random(7, 1);
const pictures = tensor(
  Array.from({ length: 5 * side * side }, (_, i) => ((i * 37) % 101) / 101),
  shape,
);
/** A dot of 1 in the middle of each of many pictures. */
const dots = (count: number): Tensor =>
  tensor(
    Array.from({ length: count * side * side }, (_, i) => (i % (side * side) === 6 * side + 6 ? 1 : 0)),
    shape,
  );
const one = (name: string, x: Tensor, strength: number, of = shape) =>
  values(drawShift({ inputShape: of }, rng(), x, { families: [name], strength }).apply(x));

/** Sum and centred second moment by rows of a picture's numbers. */
function moments(picture: readonly number[]) {
  const sum = picture.reduce((a, b) => a + b, 0);
  const mean = picture.reduce((total, value, i) => total + value * Math.floor(i / side), 0) / sum;
  const variance = picture.reduce((total, value, i) => total + value * (Math.floor(i / side) - mean) ** 2, 0) / sum;
  return { sum, mean, variance };
}

describe("shifts of pictures", () => {
  const close = (found: readonly number[], expected: readonly number[]) => {
    expect(found).toHaveLength(expected.length);
    expect(Math.max(...found.map((value, i) => Math.abs(value - expected[i]!)))).toBeLessThan(1e-6);
  };

  test("of tone are what their formulas say", () => {
    const x = values(pictures);
    close(
      one("inverted", pictures, 1),
      x.map((v) => 1 - v),
    );
    close(
      one("paper", pictures, 0.5),
      x.map((v) => 0.3 + 0.7 * v),
    );
    close(
      one("contrast", pictures, 0.5),
      x.map((v) => 0.6 * v),
    );
  });

  test("of strokes are the largest and least of neighbours, in shares of a pixel", () => {
    const x = values(pictures);
    const extreme = (choose: (...all: number[]) => number) =>
      x.map((_, i) => {
        const [picture, row, column] = [Math.floor(i / side ** 2), Math.floor(i / side) % side, i % side];
        const around: number[] = [];
        for (let r = Math.max(0, row - 1); r <= Math.min(side - 1, row + 1); r++)
          for (let c = Math.max(0, column - 1); c <= Math.min(side - 1, column + 1); c++)
            around.push(x[picture * side ** 2 + r * side + c]!);
        return choose(...around);
      });
    close(one("thick", pictures, 2 / 3), extreme(Math.max));
    close(
      one("thin", pictures, 0.5),
      extreme(Math.min).map((least, i) => x[i]! + 0.4 * (least - x[i]!)),
    );
  });

  test("blur keeps the sum and spreads a dot by its variance", () => {
    const dot = one("blur", dots(1), 2 / 3);
    expect(moments(dot).sum).toBeCloseTo(1, 5);
    expect(moments(dot).variance).toBeCloseTo(1, 5);
  });

  test("place moves each by its own way, within a fifth of the side", () => {
    const moved = drawShift({ inputShape: shape }, rng(), dots(40), { families: ["place"], strength: 1 }).apply(
      dots(40),
    );
    const places = Array.from({ length: 40 }, (_, i) => moments(values(moved).slice(i * 144, (i + 1) * 144)));
    for (const { sum, mean } of places) {
      expect(sum).toBeCloseTo(1, 5);
      expect(Math.abs(mean - 6)).toBeLessThanOrEqual(0.2 * side);
    }
    expect(Math.max(...places.map(({ mean }) => mean))).toBeGreaterThan(7.2);
    expect(Math.min(...places.map(({ mean }) => mean))).toBeLessThan(4.8);
  });

  test("scale resizes: a square's area goes with the square of the size, the same way for all examples", () => {
    const square = tensor(
      Array.from({ length: 10 * 144 }, (_, i) => {
        const [row, column] = [Math.floor(i / side) % side, i % side];
        return row >= 3 && row < 9 && column >= 3 && column < 9 ? 1 : 0;
      }),
      shape,
    );
    const factors = Array.from({ length: 30 }, (_, draw) => {
      const { apply } = drawShift({ inputShape: shape }, random(3, draw), square, { families: ["scale"], strength: 1 });
      const all = values(apply(square));
      return Array.from({ length: 10 }, (_, i) => Math.sqrt(moments(all.slice(i * 144, (i + 1) * 144)).sum / 36));
    });
    for (const task of factors) {
      const larger = task[0]! > 1;
      for (const factor of task) expect(factor > 1).toBe(larger);
      for (const factor of task) expect(Math.abs(Math.log(factor))).toBeLessThan(Math.log(1.6) + 0.15);
    }
    expect(new Set(factors.map(([first]) => first! > 1)).size).toBe(2);
  });

  test("noise has its deviation and no mean, and is cut to what a picture holds in half of the tasks", () => {
    const grey = tensor(new Array(200 * 144).fill(0.5), shape);
    const found = Array.from({ length: 20 }, (_, draw) => {
      const { apply } = drawShift({ inputShape: shape }, random(5, draw), grey, { families: ["noise"], strength: 1 });
      return values(apply(grey));
    });
    const cut = (all: readonly number[]) => Math.max(...all) <= 1 && Math.min(...all) >= 0;
    expect(found.filter(cut).length).toBeGreaterThan(3);
    const free = found.filter((all) => !cut(all));
    expect(free.length).toBeGreaterThan(3);
    for (const all of free) {
      const mean = all.reduce((a, b) => a + b, 0) / all.length;
      const deviation = Math.sqrt(all.reduce((a, b) => a + (b - mean) ** 2, 0) / all.length);
      expect(mean).toBeCloseTo(0.5, 1);
      expect(deviation).toBeGreaterThan(0.39);
      expect(deviation).toBeLessThan(0.41);
    }
  });

  test("know where 0 and 1 are from the preprocessing", () => {
    const preprocessing = {
      kind: "image",
      width: 12,
      height: 12,
      channels: 1,
      invert: false,
      mean: 0.4,
      std: 0.2,
    } as const;
    const x = tensor(
      values(pictures).map((p) => (p - 0.4) / 0.2),
      shape,
    );
    const { apply } = drawShift({ inputShape: shape, preprocessing }, rng(), x, { families: ["inverted"] });
    const back = values(apply(x)).map((v) => v * 0.2 + 0.4);
    const worst = Math.max(...back.map((v, i) => Math.abs(v - (1 - values(pictures)[i]!))));
    expect(worst).toBeLessThan(1e-5);
  });

  test("leave no example blank: one that a square would cover wholly stays as it was", () => {
    // One dot each, at a place of its own; half of the side is covered, so in a quarter to a half of them the dot.
    const dots = new Float32Array(64 * 64);
    for (let i = 0; i < 64; i++) dots[64 * i + i] = 1;
    const x: Tensor = { dtype: "float32", shape: [64, 8, 8, 1], data: dots };
    const { apply } = drawShift({ inputShape: [8, 8, 1] }, random(3), x, { families: ["occluded"], strength: 1 });
    expect(apply(x).data).toEqual(dots);
    // What else is there is covered as ever.
    const pairs = dots.map((value, i) => Math.max(value, i % 64 === 0 ? 1 : 0));
    const covered = apply({ ...x, data: pairs }).data as Float32Array;
    const inks = Array.from({ length: 64 }, (_, i) =>
      covered.subarray(64 * i, 64 * (i + 1)).reduce((a, b) => a + b, 0),
    );
    expect(Math.min(...inks)).toBe(1);
    expect(inks.filter((ink) => ink === 1).length).toBeGreaterThan(16);
  });

  test("keep colour channels together", () => {
    const grey = values(pictures);
    const colour = tensor(
      grey.flatMap((v) => [v, v, v]),
      [side, side, 3],
    );
    for (const name of Object.keys(shiftFamilies(shape)).filter((it) => it !== "noise")) {
      const found = one(name, colour, 0.7, [side, side, 3]);
      close(
        found.filter((_, i) => i % 3 === 0),
        one(name, pictures, 0.7),
      );
      close(
        found.filter((_, i) => i % 3 === 2),
        found.filter((_, i) => i % 3 === 0),
      );
    }
  });
});

describe("shifts of windows and numbers", () => {
  const windows = tensor(
    Array.from({ length: 6 * 20 * 2 }, (_, i) => 3 + Math.sin(i * 1.7) * (1 + (i % 2) * 9)),
    [20, 2],
  );
  const numbers = tensor(
    Array.from({ length: 30 * 4 }, (_, i) => 10 ** (i % 4) * (1 + Math.cos(i))),
    [4],
  );

  test("go by the task's own mean and deviation: other units change nothing", () => {
    for (const [x, of] of [
      [windows, [20, 2]],
      [numbers, [4]],
    ] as const)
      for (const name of Object.keys(shiftFamilies(of))) {
        const period = of.at(-1)!;
        const rescale = (data: readonly number[]) => data.map((v, i) => 100 * v - 5 * (i % period));
        const direct = rescale(one(name, x, 0.8, [...of]));
        const other = one(name, tensor(rescale(values(x)), of), 0.8, [...of]);
        const size = Math.max(...direct.map(Math.abs));
        expect(Math.max(...other.map((v, i) => Math.abs(v - direct[i]!))) / size).toBeLessThan(1e-4);
      }
  });

  test("are what their formulas say", () => {
    const x = values(windows);
    const gained = one("gain", windows, 1, [20, 2]);
    const flipped = one("flipped", windows, 1, [20, 2]);
    for (const channel of [0, 1]) {
      const own = x.filter((_, i) => i % 2 === channel);
      const mean = own.reduce((a, b) => a + b, 0) / own.length;
      const slope = (found: readonly number[]) =>
        found.map((v, i) => (v - mean) / (x[i]! - mean)).filter((_, i) => i % 2 === channel);
      for (const factor of slope(gained)) expect(Math.abs(Math.log(factor))).toBeCloseTo(Math.log(3), 2);
      for (const factor of slope(flipped)) expect(factor).toBeCloseTo(-1, 2);
    }
    const silent = one("silent", windows, 1, [20, 2]);
    const still = [0, 1].filter((channel) => new Set(silent.filter((_, i) => i % 2 === channel)).size === 1);
    expect(still).toHaveLength(1);
    const missing = one("missing", numbers, 1, [4]);
    const gone = missing.filter((v, i) => Math.abs(v - values(numbers)[i]!) > 1e-3).length;
    expect(gone).toBeGreaterThan(20);
    expect(gone).toBeLessThan(60);
  });
});

test("no family that is kept for evaluation is drawn in training, for any kind of data", () => {
  for (const of of [shape, [20, 2], [4]]) {
    const [training, others] = [true, false].map((it) => shiftNames(of, { training: it }));
    expect(training!.length).toBeGreaterThan(3);
    expect(others!.length).toBeGreaterThan(2);
    const x = tensor(
      Array.from({ length: 4 * sizeOf(of) }, (_, i) => (i % 7) / 7),
      of,
    );
    const drawn = new Set<string>();
    for (let i = 0; i < 300; i++)
      for (const name of drawShift({ inputShape: of }, random(i), x).families) drawn.add(name);
    expect([...drawn].sort()).toEqual([...training!].sort());
  }
});

describe("a shifted source", () => {
  const classes = 10;
  const examples = Array.from({ length: classes * 12 }, (_, i) =>
    Float32Array.from({ length: side * side }, (_, pixel) => ((pixel * (i + 3)) % 17) / 34 + 0.25),
  );
  const labels = examples.map((_, i) => Math.floor(i / 12));
  const plain: TaskSource = new MetaDataset(examples, labels, {
    ways: 5,
    shots: 5,
    queries: 3,
    inputShape: shape,
    split: { val: 0.5 },
  });
  const size = { ways: 5, shots: 5, queries: 3 };
  const bits = ({ support, query }: Episode) =>
    [support.x, support.y, query.x, query.y].map((it) => Array.from(it.data as Float32Array));

  test("is shifted in its share of the tasks, and elsewhere the same to the bit", () => {
    const source = shifted(plain, { share: 0.4, wrongLabels: 0.3 });
    let changed = 0;
    for (let i = 0; i < 400; i++) {
      const [own, other] = [plain.episode("train", 3, i, size), source.episode("train", 3, i, size)];
      expect(other.classes).toEqual(own.classes);
      expect(bits(other)[3]).toEqual(bits(own)[3]);
      if (String(bits(own)[2]) === String(bits(other)[2])) expect(bits(other)).toEqual(bits(own));
      else changed++;
    }
    // 160 ± 10 is one deviation.
    expect(Math.abs(changed - 160)).toBeLessThan(45);
    expect(bits(source.episode("val", 3, 0, size))).toEqual(bits(plain.episode("val", 3, 0, size)));
  });

  test("gives the same episode for the same numbers, in any order, and another for others", () => {
    const [a, b] = [shifted(plain, { wrongLabels: 0.2 }), shifted(plain, { wrongLabels: 0.2 })];
    const forwards = Array.from({ length: 20 }, (_, i) => bits(a.episode("train", 1, i, size)));
    const backwards = Array.from({ length: 20 }, (_, i) => bits(b.episode("train", 1, 19 - i, size))).reverse();
    expect(forwards).toEqual(backwards);
    expect(bits(a.episode("train", 2, 0, size))).not.toEqual(forwards[0]);
  });

  test("shifts support and query alike: one paper a task", () => {
    const source = shifted(plain, { families: ["paper"] });
    for (let i = 0; i < 20; i++) {
      const [own, other] = [plain.episode("train", 0, i, size), source.episode("train", 0, i, size)];
      const level = (which: "support" | "query") => {
        const [x, y] = [values(own[which].x), values(other[which].x)];
        return x.map((v, at) => (y[at]! - v) / (1 - v));
      };
      const [first, ...others] = [...level("support"), ...level("query")];
      expect(first).toBeGreaterThan(0.1);
      for (const one of others) expect(one).toBeCloseTo(first!, 4);
    }
  });

  test("leaves the source's own arrays as they were", () => {
    const before = examples.map((it) => it.slice());
    for (let i = 0; i < 30; i++) shifted(plain).episode("train", 0, i, size);
    expect(examples).toEqual(before);
  });

  test("refuses shares that are none, unknown families with the nearest name, and regressions", () => {
    const regression: TaskSource = {
      ...plain,
      kind: "regression",
      inputShape: [1],
      classCount: () => 1,
      episode: () => plain.episode("train", 0, 0, size),
    };
    for (const [action, code, words] of [
      [() => shifted(plain, { share: 1.5 }), "bad-shift", "share is 1.5"],
      [() => shifted(plain, { families: ["inverse"] }), "unknown-shift", 'did you mean "inverted"?'],
      [() => shifted(regression), "bad-shift", "regression"],
    ] as const) {
      const error = refusalOf(action);
      expect([error.code, error.exitStatus]).toEqual([code, 2]);
      expect(error.message).toContain(words);
    }
  });
});

describe("wrong labels", () => {
  const of = (ways: number, shots: number) => {
    const y = Int32Array.from({ length: ways * shots }, (_, i) => i % ways);
    return { x: tensor(Array.from(y), [1]), y: { dtype: "int32", shape: [y.length], data: y } as Tensor };
  };

  test("are the share that was asked for, spread over all other classes", () => {
    const counts = Array.from({ length: 5 }, () => new Array<number>(5).fill(0));
    let wrong = 0;
    for (let i = 0; i < 2000; i++) {
      const labels = mislabelled(of(5, 5), 0.18, random(1, i)).y.data as Int32Array;
      labels.forEach((label, row) => {
        counts[row % 5]![label]!++;
        if (label !== row % 5) wrong++;
      });
    }
    // 4.5 of 25 labels on average; the deviation of the mean is 0.5 / √2000.
    expect(Math.abs(wrong / 2000 - 4.5)).toBeLessThan(0.05);
    for (const [from, row] of counts.entries())
      for (const [to, count] of row.entries()) if (from !== to) expect(Math.abs(count - 450)).toBeLessThan(120);
  });

  test("leave every class an example of its own, and single examples as they are", () => {
    for (let i = 0; i < 200; i++) {
      const labels = mislabelled(of(4, 3), 1, random(2, i)).y.data as Int32Array;
      for (let way = 0; way < 4; way++)
        expect(labels.some((label, row) => row % 4 === way && label === way)).toBe(true);
    }
    expect(mislabelled(of(5, 1), 1, rng()).y.data).toEqual(of(5, 1).y.data);
  });
});
