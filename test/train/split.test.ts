// Which classes are held back: how many, that they are those of a published hash, and that no other call holds back others.
import { createHash } from "node:crypto";
import { type Split, type SplitClasses, splitOf } from "@innerloop/train";
import { describe, expect, test } from "vitest";
import { refusalOf } from "../support/refusal.ts";

const splits = ["train", "val", "test"] as const;

describe("splitOf", () => {
  const named = (count: number) => Array.from({ length: count }, (_, i) => ({ name: `c${i}` }));
  const sizes = ({ classes }: SplitClasses) => splits.map((split) => classes[split].length);

  test.each([
    [1, [1, 0, 0]],
    [3, [3, 0, 0]],
    [4, [2, 0, 2]],
    [5, [3, 0, 2]],
    [9, [7, 0, 2]],
    [10, [6, 2, 2]],
    [15, [9, 3, 3]],
    [20, [12, 4, 4]],
    [25, [15, 5, 5]],
    [29, [18, 5, 6]],
    [100, [64, 16, 20]],
  ])("holds back as many of %i classes as episodes of few need: %j", (count, expected) => {
    expect(sizes(splitOf(named(count)))).toEqual(expected);
  });

  test("cuts the first of the SHA-256 of the names, which the record has the ends of", () => {
    const hash = (name: string) => createHash("sha256").update(name).digest("hex");
    const order = named(20)
      .map(({ name }) => name)
      .sort((a, b) => (hash(a) < hash(b) ? -1 : 1));
    const { classes, record } = splitOf(named(20));
    expect(classes.test).toEqual(order.slice(0, 4).sort());
    expect(classes.val).toEqual(order.slice(4, 8).sort());
    expect(record.test).toEqual([hash(order[0]!).slice(0, 16), hash(order[3]!).slice(0, 16)]);
  });

  test("by its record no class that was trained on is held back, however many came or went", () => {
    const before = splitOf(named(20));
    for (const count of [11, 20, 21, 40, 300]) {
      const after = splitOf(named(count), { as: before.record, parts: ["train"] });
      for (const part of ["val", "test"] as const)
        expect(after.classes[part].filter((name) => before.classes.train.includes(name))).toEqual([]);
    }
    expect(splitOf(named(20), { as: before.record }).classes).toEqual(before.classes);
  });

  test("keeps the places of classes, and cuts what has no place from those of train", () => {
    const placed = (place: Split, count: number) =>
      Array.from({ length: count }, (_, i) => ({ name: `${place}/${i}`, split: place }));
    const twoFolders = splitOf([...placed("train", 12), ...placed("test", 3)]);
    expect(sizes(twoFolders)).toEqual([10, 2, 3]);
    expect(twoFolders.notes).toEqual(["2 of the classes in train/ are held back as val, which has no folder"]);
    expect(sizes(splitOf([...placed("train", 5), ...placed("test", 5)]))).toEqual([5, 0, 5]);
    expect(sizes(splitOf(placed("test", 5)))).toEqual([0, 0, 5]);
    expect(sizes(splitOf(splits.flatMap((split) => placed(split, 2))))).toEqual([2, 2, 2]);
  });

  test("has no other parts than those that are asked for, and the record says so", () => {
    expect(sizes(splitOf(named(10), { parts: ["train", "test"] }))).toEqual([8, 0, 2]);
    expect(sizes(splitOf(named(10), { parts: ["train"] }))).toEqual([10, 0, 0]);
    const placed = splits.flatMap((split) => [{ name: split, split }]);
    const { classes, record, notes } = splitOf(placed, { parts: ["train", "test"] });
    expect(classes).toEqual({ train: ["train", "val"], val: [], test: ["test"] });
    expect(notes).toEqual(["The classes in val/ (1) are trained on, since there is to be no val"]);
    expect(splitOf(placed, { as: record }).classes).toEqual(classes);
  });

  test("holds each class back in one fold", () => {
    const folds = [1, 2, 3].map((number) => splitOf(named(10), { folds: { of: 3, number } }));
    expect(folds.map(sizes)).toEqual([
      [7, 0, 3],
      [7, 0, 3],
      [6, 0, 4],
    ]);
    expect(folds.flatMap(({ classes }) => classes.test).sort()).toEqual(named(10).map(({ name }) => name));
    expect(sizes(splitOf(named(10), { folds: { of: 3 } }))).toEqual([10, 0, 0]);
  });

  test.each([
    [
      10,
      { of: 6 },
      "6 folds of 10 classes; from 2 to 5 were expected, so that each fold has two classes to tell apart",
    ],
    [3, { of: 2 }, "2 folds of 3 classes; there have to be four classes at least, two in each fold; give more classes"],
    [10, { of: 2, number: 3 }, "fold 3 of 2; a whole number from 1 to 2 was expected"],
  ])("%i classes, %j: %s", (count, folds, message) => {
    expect(refusalOf(() => splitOf(named(count), { folds }))).toMatchObject({
      code: "bad-split",
      message,
      exitStatus: 2,
    });
  });
});
