// Which of overlapping boxes are kept.
import { at, upTo } from "../core/lists.ts";
import { apply1, applying, define, unfit, zeroDerivative } from "../core/operator.ts";
import { freshSizes } from "../core/told.ts";
import type { NumberArray, One, Operator, Value } from "../core/value.ts";

type Suppression = { readonly centerPointBox: boolean; readonly fresh: readonly string[] };
type Boxes = readonly [
  boxes: Value,
  scores: Value,
  most?: Value | undefined,
  overlap?: Value | undefined,
  least?: Value | undefined,
];
type Corners = readonly [top: number, left: number, bottom: number, right: number];

const suppression: Operator<Suppression, Boxes, One> = define({
  name: "NonMaxSuppression",
  family: "reduction",
  summary: "the boxes of each class that no better one overlaps: example, class and box; how many, only data tell",
  since: 11,
  infer: ([boxes, scores], { fresh: [count = 0] }) => {
    if (boxes.rank !== 3 || scores.rank !== 3 || boxes.shape[2] !== 4)
      throw unfit(
        "NonMaxSuppression",
        [boxes, scores],
        "boxes [n, boxes, 4] and scores [n, classes, boxes] were expected.",
      );
    return [{ dtype: "int64", shape: [count, 3] }];
  },
  gradient: zeroDerivative,
  batch(inputs) {
    throw unfit("NonMaxSuppression", inputs, "how many boxes are kept cannot differ from task to task.");
  },
  evaluate({ inputs: [boxes, scores, most, overlap, least], attributes: { centerPointBox, fresh }, bind }) {
    const [examples, classes, count] = scores.shape;
    const limit = most?.data[0] ?? 0;
    const [threshold, lowest] = [overlap?.data[0] ?? 0, least?.data[0] ?? Number.NEGATIVE_INFINITY];
    const kept: number[][] = [];
    for (const n of upTo(examples ?? 0))
      for (const c of upTo(classes ?? 0)) {
        const score = (box: number) => at(scores.data, (n * (classes ?? 0) + c) * (count ?? 0) + box);
        const order = upTo(count ?? 0)
          .filter((box) => score(box) > lowest)
          .sort((a, b) => score(b) - score(a) || a - b);
        const chosen: number[] = [];
        for (const box of order) {
          if (chosen.length >= limit) break;
          const corners = cornersOf(boxes, n, box, centerPointBox);
          if (chosen.every((other) => shared(corners, cornersOf(boxes, n, other, centerPointBox)) <= threshold))
            chosen.push(box);
        }
        kept.push(...chosen.map((box) => [n, c, box]));
      }
    bind(at(fresh, 0), kept.length);
    return [Float64Array.from(kept.flat())];
  },
});

function cornersOf({ data, shape }: NumberArray, n: number, box: number, center: boolean): Corners {
  const start = (n * at(shape, 1) + box) * 4;
  const [a, b, c, d] = [at(data, start), at(data, start + 1), at(data, start + 2), at(data, start + 3)];
  if (center) return [b - d / 2, a - c / 2, b + d / 2, a + c / 2];
  return [Math.min(a, c), Math.min(b, d), Math.max(a, c), Math.max(b, d)];
}

/** The part of two boxes together that both cover. */
function shared(a: Corners, b: Corners): number {
  const height = Math.max(0, Math.min(a[2], b[2]) - Math.max(a[0], b[0]));
  const width = Math.max(0, Math.min(a[3], b[3]) - Math.max(a[1], b[1]));
  const area = ([top, left, bottom, right]: Corners) => (bottom - top) * (right - left);
  const both = height * width;
  return both <= 0 ? 0 : both / (area(a) + area(b) - both);
}

/** ONNX NonMaxSuppression: int64 `[count, 3]`. */
export const NonMaxSuppression = applying(
  suppression,
  (
    boxes: Value,
    scores: Value,
    most?: Value,
    overlap?: Value,
    least?: Value,
    { centerPointBox = false } = {},
  ): Value => {
    const operands: Boxes = [boxes, scores, most, overlap, least];
    const fresh = freshSizes("boxes", operands, 1, String(centerPointBox));
    return apply1(suppression, operands, { centerPointBox, fresh });
  },
);
