// The sheet of data: examples of each class as a model is given them.
import { preprocessingText } from "@innerloop/schemas";
import { drawSheet, examplesAcross } from "../drawing/sheet.ts";
import type { ComparedExample } from "./near.ts";
import type { DataReport, ReportedClass } from "./report.ts";

/** Classes on a sheet; more of them are no longer looked at. */
const mostClasses = 16;

/** @returns undefined for what has no picture */
export async function drawDataSheet(
  { spec, shape, preprocessing, classes, things, numbers }: DataReport,
  examples: readonly ComparedExample[],
): Promise<string | undefined> {
  const across = examplesAcross(shape, preprocessing);
  if (across === 0 || examples.length === 0) return undefined;
  const byClass = new Map<string, ComparedExample[]>();
  for (const example of examples) {
    const own = byClass.get(example.label);
    if (own) own.push(example);
    else byClass.set(example.label, [example]);
  }
  // Those of data without end are not named in the report.
  const named: readonly Pick<ReportedClass, "name" | "split" | "examples">[] =
    classes.length > 0 ? classes : [...byClass].map(([name, [first]]) => ({ name, split: first!.split }));
  const shown = spread(
    named.filter(({ name }) => byClass.has(name)),
    mostClasses,
  );
  const total = classes.reduce((sum, each) => sum + (each.examples ?? 0), 0);
  const range = numbers ? `; numbers from ${short(numbers.least)} to ${short(numbers.most)}` : "";
  return drawSheet({
    title: spec,
    subtitle:
      `${classes.length > 0 ? count(classes.length, "class", "classes") : "examples without end"}${total > 0 ? `, ${total.toLocaleString("en")} ${things}` : ""}, as a model is given them` +
      (preprocessing ? `: ${preprocessingText(preprocessing)}` : `: [${shape.join(", ")}]`),
    shape,
    preprocessing,
    classes: shown.map(({ name, split, examples: all }) => {
      const own = spread(byClass.get(name)!, across);
      return {
        name,
        about: [all === undefined ? "" : count(all, "example", "examples"), split ?? ""].filter(Boolean).join(", "),
        examples: own.map((example) => example.values()),
      };
    }),
    footer:
      (shown.length < classes.length ? `${shown.length} of ${classes.length} classes, ` : "") +
      `up to ${across} examples of each${range}`,
  });
}

const count = (n: number, one: string, several: string): string =>
  `${n.toLocaleString("en")} ${n === 1 ? one : several}`;
const short = (value: number): string => Number(value.toPrecision(3)).toString().replace("-", "−");

function spread<T>(list: readonly T[], most: number): readonly T[] {
  if (list.length <= most) return list;
  return Array.from({ length: most }, (_, i) => list[Math.floor((i * list.length) / most)]!);
}
