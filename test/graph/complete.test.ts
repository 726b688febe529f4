// No operator is without a derivative, without a test or without a row: what is there is complete, and what is not there has a reason.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { operators, readableOperators } from "@innerloop/graph";
import { describe, expect, it } from "vitest";
import { sample } from "../onnx/pinned.ts";
import { readFamilies, readRecorded } from "../support/recorded.ts";
import { repository } from "../support/root.ts";
import { cases } from "./cases.ts";
import { contributedNames } from "./contributed-cases.ts";

/** Places and ranges, whole numbers to which no derivative comes; a loop keeps its tape by other operators. */
const withoutDerivative = ["ArgMax", "ArgMin", "Range", "Loop"];
/** What draws by chance has no numbers to compare; test/graph/random.test.ts tries it. */
const drawn = ["RandomUniform", "RandomUniformLike", "RandomNormal", "RandomNormalLike", "Multinomial"];

/** It gives what graphs have no type for: test/graph/tables.test.ts tries it. */
const tabled = ["ai.onnx.ml.ZipMap"];

const recorded = Object.values(readFamilies<{ readonly operator: string }[]>("graph/recorded/operators")).flat();
const tried = new Set([
  ...Object.keys(cases),
  ...recorded.map(({ operator }) => operator),
  ...contributedNames,
  ...tabled,
]);
const sampled = new Set(sample().flatMap(({ operators: list }) => list));

describe("every operator", () => {
  it("has a derivative, or stops derivatives, and is batched", () => {
    const without = operators().filter(({ gradient, batch, decompose }) => !decompose && !(gradient && batch));
    expect(without.map(({ name }) => name).filter((name) => !withoutDerivative.includes(name))).toEqual([]);
  });

  it("has a row in the page of operators", () => {
    const page = readFileSync(join(repository, "docs/operators.md"), "utf8");
    expect(
      operators()
        .filter(({ name }) => !page.includes(`| ${name} |`))
        .map(({ name }) => name),
    ).toEqual([]);
  });

  it("that is read is tried, on numbers of others", () => {
    expect(
      readableOperators.filter((name) => ![tried, sampled].some((names) => names.has(name)) && !drawn.includes(name)),
    ).toEqual([]);
  });
});

it("what the standard has is read, or excepted with a reason", () => {
  const standard = readRecorded<Record<string, string[]>>("onnx/recorded/standard.json");
  const reasons = JSON.parse(readFileSync(join(repository, "docs/operators-not-read.json"), "utf8")) as Record<
    string,
    Record<string, string[]>
  >;
  const full = (domain: string, names: readonly string[]) =>
    names.map((name) => (domain === "ai.onnx" ? name : `${domain}.${name}`));
  const excepted = Object.values(reasons).flatMap((list) =>
    Object.entries(list).flatMap(([domain, names]) => full(domain, names)),
  );
  const all = Object.entries(standard).flatMap(([domain, names]) => full(domain, names));
  const read = new Set(readableOperators);
  expect(all.filter((name) => !read.has(name) && !excepted.includes(name))).toEqual([]);
  expect(excepted.filter((name) => !all.includes(name))).toEqual([]);
});
