// Folders for what a test file writes, gone when its tests are done.
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

const root = mkdtempSync(join(tmpdir(), "innerloop-test-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** A new folder; its name starts with what is said here. */
export const temporaryFolder = (name = "folder"): string => mkdtempSync(join(root, `${name}-`));

/** All files below a folder, sorted. */
export const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
