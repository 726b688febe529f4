// `shifts`: the table of what adapting does on data like those of users, for some bundles.
import { mkdir, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { Learner } from "@innerloop/runtime";
import { encodeSafetensors, InnerloopError, type Tensor } from "@innerloop/schemas";
import { openTasks, type TaskSource } from "@innerloop/train";
import { machine, type Outcome, tell } from "../outcome.ts";
import { type Extent, type Family, familyOf, measure, type Sample } from "./measure.ts";
import { shiftsReport, summaryOf } from "./report.ts";

export interface ShiftsOptions extends Extent {
  readonly bundles: readonly string[];
  /** SPEC of the data; each bundle's own unless given. */
  readonly data?: string;
  /** A folder of other pictures, one sub-folder a class, as one more family. */
  readonly outside?: string;
  readonly families: readonly string[];
  readonly ways: readonly number[];
  readonly json: boolean;
  /** A file for everything as JSON. */
  readonly out?: string;
  /** A folder for the first episode of each setting with its answers, for another program to compare. */
  readonly samples?: string;
}

/** Measures the bundles one after the other. */
export async function shifts(options: ShiftsOptions): Promise<Outcome> {
  const measured = [];
  for (const bundle of options.bundles) {
    const name = nameOf(bundle);
    const families = await familiesFor(bundle, options);
    const samples: Sample[] = [];
    const rows = await measure(bundle, {
      ...options,
      families,
      counts: options.ways,
      onSetting: (done, of, { family, ways, shots, episodes, adapted }) => {
        const shares = adapted.map(({ accuracy }) => (100 * accuracy).toFixed(1)).join(" ");
        tell(`${name}  ${done}/${of}  ${family}, ${ways} ways, ${shots} shots: ${shares} (${episodes} episodes)`);
      },
      onSample: (sample) => {
        if (options.samples !== undefined) samples.push(sample);
      },
    });
    if (options.samples !== undefined)
      await writeSamples(join(options.samples, `${name}.safetensors`), bundle, samples);
    measured.push({ name, bundle, rows, summary: summaryOf(rows) });
    // What is measured is kept, also where a later bundle fails.
    if (options.out !== undefined) {
      await mkdir(dirname(options.out), { recursive: true });
      await writeFile(options.out, `${JSON.stringify({ machine: machine(), bundles: measured }, null, 1)}\n`);
    }
  }
  const text = options.json
    ? JSON.stringify({ machine: machine(), bundles: measured }, null, 2)
    : shiftsReport(measured);
  return { text, status: 0 };
}

/** `runs/preset/bundle` is called preset. */
const nameOf = (bundle: string): string => {
  const last = basename(bundle);
  return last === "bundle" ? basename(dirname(bundle)) : last;
};

async function familiesFor(bundle: string, { data, outside, families }: ShiftsOptions): Promise<Family[]> {
  const learner: Learner = await Learner.load(bundle, { provider: "cpu" });
  const { input, training, task, name } = learner.manifest;
  await learner.dispose();
  if (task !== "classification" || input.preprocessing?.kind !== "image")
    throw new InnerloopError(
      "wrong-bundle",
      `${bundle} (${name}) is none that classifies pictures; give one that does.`,
      { exitStatus: 2 },
    );
  const spec = data ?? training?.data;
  if (spec === undefined)
    throw new InnerloopError(
      "missing-option",
      `${bundle} does not say which data it was trained on; give --data SPEC.`,
      { exitStatus: 2 },
    );
  const { preprocessing } = input;
  const open = (from: string): Promise<TaskSource> => openTasks(from, { preprocessing });
  const tasks = await open(spec);
  const inside = families.map((family) => familyOf(family, tasks));
  if (outside === undefined) return inside;
  const others = await open(`images:${outside}`);
  return [...inside, { name: basename(outside), inDomain: false, tasks: everything(others) }];
}

/** All classes of a folder are for measuring, where it is one of other data. */
function everything(tasks: TaskSource): TaskSource {
  if (tasks.classCount("train") === 0) return tasks;
  throw new InnerloopError(
    "bad-option",
    `${tasks.name} has classes to train on; put all of its folders into a folder named test in it.`,
    { exitStatus: 2 },
  );
}

/** Queries, support sets and answers by name; `check_samples.py` reads them. */
async function writeSamples(path: string, bundle: string, samples: readonly Sample[]): Promise<void> {
  const tensors: Record<string, Tensor> = {};
  for (const { name, episode, answers } of samples) {
    tensors[`${name}/support_x`] = episode.support.x;
    tensors[`${name}/support_y`] = episode.support.y;
    tensors[`${name}/query_x`] = episode.query.x;
    tensors[`${name}/query_y`] = episode.query.y;
    for (const { way, logits, losses } of answers) {
      if (logits.length === 0) continue;
      const count = logits.length / episode.query.y.data.length;
      const place = `${name}/${way.steps ?? "default"}/${way.rate ?? 1}`;
      tensors[`${place}/logits`] = { dtype: "float32", shape: [logits.length / count, count], data: logits };
      tensors[`${place}/losses`] = { dtype: "float32", shape: [losses.length], data: Float32Array.from(losses) };
    }
  }
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, encodeSafetensors(tensors, { bundle }));
}
