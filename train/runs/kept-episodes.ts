// The episodes that an export of a run is verified on, kept with it where only a program has its data.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { ownerOnly } from "@innerloop/runtime/files";
import { decodeSafetensors, encodeSafetensors, InnerloopError, type RunConfig, type Tensor } from "@innerloop/schemas";
import type { Episode, TaskSource } from "../data/index.ts";
import { episodeOf, taskFeeds } from "../trainer/batch.ts";
import { replaceFile } from "./checkpoint.ts";
import { verification, verificationEpisodes } from "./episodes.ts";

const episodesFile = (run: string): string => join(run, "episodes.safetensors");

/** Keeps a run's verification episodes. Data that are too few for them have none, here as in an export. */
export async function keepEpisodes(run: string, tasks: TaskSource, config: RunConfig): Promise<void> {
  let episodes: Episode[];
  try {
    episodes = verificationEpisodes(tasks, config);
  } catch (cause) {
    if (cause instanceof InnerloopError && cause.code === "too-few-examples") return;
    throw cause;
  }
  const tensors: Record<string, Tensor> = {};
  for (const [i, episode] of episodes.entries())
    for (const [name, tensor] of Object.entries(taskFeeds(episode))) tensors[`${i}/${name}`] = tensor;
  await replaceFile(episodesFile(run), encodeSafetensors(tensors), ownerOnly);
}

/** @throws InnerloopError `data-missing` (status 2) where the run keeps none */
export async function keptEpisodes(run: string, name: string): Promise<Episode[]> {
  const file = episodesFile(run);
  const bytes = await readFile(file).catch((cause: unknown) => {
    throw new InnerloopError(
      "data-missing",
      `The data "${name}" of ${run} were given by a program, and the run keeps no episodes of them (${file}); export it in that ` +
        "program (exportRun), or give data of the same kind (--data).",
      { exitStatus: 2, cause },
    );
  });
  const { tensors } = decodeSafetensors(bytes, file);
  const tensor = (i: number, part: string): Tensor => {
    const found = tensors[`${i}/${part}`];
    if (found) return found;
    throw new InnerloopError("checkpoint-invalid", `${file} lacks ${i}/${part}; the file is damaged: train again.`);
  };
  return Array.from({ length: verification.episodes }, (_, i) => episodeOf((name) => tensor(i, name)));
}
