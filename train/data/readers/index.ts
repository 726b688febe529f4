// The readers of data, and how a SPEC finds its own.
import { InnerloopError } from "@innerloop/schemas";
import { registry } from "../../registry.ts";
import type { TaskSource } from "../episodes/task.ts";
import { arrays } from "./arrays.ts";
import { glyphs } from "./glyphs.ts";
import { images } from "./images.ts";
import { motions } from "./motions.ts";
import { omniglot } from "./omniglot.ts";
import { pathOf } from "./place.ts";
import type { OpenTasksOptions, Reader } from "./reader.ts";
import { sinusoid } from "./sinusoid.ts";
import { tones } from "./tones.ts";

/** One line each, in the order in which errors and help name them. */
const all: readonly Reader[] = [glyphs, motions, tones, sinusoid, omniglot, images, arrays];

/** A reader under the name that its SPEC begins with. */
export interface NamedReader extends Reader {
  readonly name: string;
}

export const readers = registry(
  "reader",
  all.map((reader): NamedReader => ({ ...reader, name: reader.spec.split(":")[0]! })),
);

/** The specs that {@link openTasks} knows. */
export const TASK_SPECS: readonly string[] = all.map(({ spec }) => spec);

/** What the word after the colon of a spec stands for. */
const places: Readonly<Record<string, string>> = { DIR: "folder", FILE: "file" };

const placeIn = (spec: string): string | undefined =>
  spec.includes(":") ? spec.slice(spec.indexOf(":") + 1) : undefined;

/** The reader that a spec begins with; what a program calls its own data begins with none. */
export const readerOf = (spec: string): NamedReader | undefined => readers.find(spec.split(":")[0]!);

/** Whether {@link openTasks} knows a spec; what a program calls its own data is none. */
export function isSpec(spec: string): boolean {
  const reader = readerOf(spec);
  return reader !== undefined && Boolean(placeIn(reader.spec)) === Boolean(placeIn(spec)) && placeIn(spec) !== "";
}

/**
 * Opens a data set by its spec, one of {@link TASK_SPECS}.
 *
 * @throws {InnerloopError} `unknown-data` (status 2) for another spec, listing the known ones; and what the data set
 *   itself throws where its folder is missing, empty or broken
 */
export async function openTasks(spec: string, options: OpenTasksOptions = {}): Promise<TaskSource> {
  const reader = readerOf(spec);
  if (reader && isSpec(spec)) return reader.open(pathOf(placeIn(spec) ?? ""), options);
  const wanted = reader && placeIn(reader.spec);
  const lacks = wanted !== undefined && !placeIn(spec) ? (places[wanted] ?? "place") : undefined;
  const meant = all.find((reader) => reader.meant?.by(spec));
  throw new InnerloopError(
    "unknown-data",
    `Data "${spec.length > 80 ? `${spec.slice(0, 79)}…` : spec}" ${lacks ? `lacks its ${lacks}` : "is not known"}; expected ${TASK_SPECS.join(", ")}` +
      (lacks
        ? `. Give ${reader!.spec} with the ${lacks}'s path`
        : spec === "" || !meant
          ? ""
          : `. ${meant.meant!.what} is ${meant.spec}, as ${meant.spec.split(":")[0]}:${spec.slice(0, 80)}`),
    { exitStatus: 2 },
  );
}
