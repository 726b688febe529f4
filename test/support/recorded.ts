// Numbers of others that stand in test/*/recorded, written by the scripts beside them.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { repository } from "./root.ts";

/** What one file has; its path is that below test/, such as `graph/recorded/models.json`. */
export const readRecorded = <T>(file: string): T =>
  JSON.parse(readFileSync(join(repository, "test", file), "utf8")) as T;

/** What all files of a folder have, such as `graph/recorded/operators`, by family. */
export function readFamilies<T>(folder: string): Record<string, T> {
  const files = readdirSync(join(repository, "test", folder)).sort();
  return Object.fromEntries(files.map((file) => [file.replace(".json", ""), readRecorded<T>(join(folder, file))]));
}
