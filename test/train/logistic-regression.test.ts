// The logistic regression of the baselines against scikit-learn's, whose answers record_logistic_regression.py recorded.
import { type Episode, logisticRegression } from "@innerloop/train";
import { describe, expect, it } from "vitest";
import { readRecorded } from "../support/recorded.ts";

interface Recorded {
  readonly ways: number;
  readonly shots: number;
  readonly size: number;
  readonly c: number;
  readonly answers: readonly number[];
}

const { tasks } = readRecorded<{ readonly tasks: readonly Recorded[] }>("train/recorded/logistic-regression.json");

/** As in the recording script. */
function examples(task: number, ways: number, each: number, size: number, first: number): Episode["support"] {
  const at = (row: number, i: number) => {
    const [way, example] = [Math.floor(row / each), row % each];
    const pattern = Math.sin(0.7 * (task + 1) * (way + 1) * (i + 1));
    const noise = Math.sin(1.3 * (i + 1) * (way + 2) * (first + example + 3) + task);
    return 0.6 * pattern + 1.1 * noise;
  };
  const data = Float32Array.from({ length: ways * each * size }, (_, k) => at(Math.floor(k / size), k % size));
  const labels = Int32Array.from({ length: ways * each }, (_, row) => Math.floor(row / each));
  return {
    x: { dtype: "float32", shape: [ways * each, size], data },
    y: { dtype: "int32", shape: [ways * each], data: labels },
  };
}

describe("logistic regression on the examples of a task", () => {
  it.each(tasks.map((task, index) => ({ ...task, index })))(
    "answers as scikit-learn does: $ways ways, $shots shots, C $c",
    ({ index, ways, shots, size, c, answers }) => {
      const episode = {
        support: examples(index, ways, shots, size, 0),
        query: examples(index, ways, 20, size, 100),
      };
      expect(Array.from(logisticRegression(episode, ways, { c }))).toEqual(answers);
    },
  );

  it("tells apart what a line separates", () => {
    const point = (rows: number[][]): Episode["support"] => ({
      x: { dtype: "float32", shape: [rows.length, 1], data: Float32Array.from(rows, ([x]) => x!) },
      y: { dtype: "int32", shape: [rows.length], data: Int32Array.from(rows, ([, y]) => y!) },
    });
    const episode = {
      support: point([
        [-1, 0],
        [3, 1],
      ]),
      query: point([
        [-9, 0],
        [0.9, 0],
        [1.1, 1],
        [9, 1],
      ]),
    };
    expect(Array.from(logisticRegression(episode, 2))).toEqual([0, 0, 1, 1]);
  });
});
