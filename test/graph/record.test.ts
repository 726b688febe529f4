// Recordings can be made again, and a case's numbers come of itself: recorded alone, it has those that it has among the others.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, it } from "vitest";
import { describeUnless } from "../support/absent.ts";
import { python, pythonLacks } from "../support/python.ts";
import { readFamilies, readRecorded } from "../support/recorded.ts";
import { repository } from "../support/root.ts";
import { distance } from "./numbers.ts";

type Arrays = Record<string, { readonly shape: number[]; readonly data: number[] }>;
interface Recorded {
  readonly operator: string;
  readonly opset: number;
  readonly note: string;
  readonly model: string;
  readonly inputs: Arrays;
  readonly outputs: Arrays;
}

const families = readFamilies<Recorded[]>("graph/recorded/operators");
const older = readRecorded<Recorded[]>("graph/recorded/older.json");

it("each case has a name of its own", () => {
  const names = [...Object.values(families), older]
    .flat()
    .map(({ operator, opset, note }) => `${operator} ${opset} ${note}`);
  expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
});

describeUnless(pythonLacks("onnx", "torch", "numpy"), "a case recorded alone", () => {
  it("is the same as among the others", { timeout: 120_000 }, () => {
    const middle = Object.values(families).map((cases) => cases[cases.length >> 1]!);
    const names = middle.flatMap(({ operator, opset, note }) => ["--case", `${operator} ${opset} ${note}`.trim()]);
    const { status, stdout, stderr } = spawnSync(python, [join(repository, "test/graph/record"), ...names], {
      encoding: "utf8",
    });
    expect([status, status === 0 ? "" : stderr]).toEqual([0, ""]);
    const alone = JSON.parse(stdout) as Recorded[];
    // Inputs to the last digit; what is computed of them may round otherwise on another machine.
    expect(alone.map(({ outputs: _, model: __, ...rest }) => rest)).toEqual(
      middle.map(({ outputs: _, model: __, ...rest }) => rest),
    );
    alone.forEach(({ outputs }, i) => {
      for (const [name, { data }] of Object.entries(middle[i]!.outputs))
        expect(distance(outputs[name]!.data, data), middle[i]!.operator).toBeLessThan(1e-9);
    });
  });
});
