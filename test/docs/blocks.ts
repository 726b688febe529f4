// The code blocks of a page, and what the page says about testing them in a comment above each.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url));

/** A fenced block. `note` is the text of a comment `<!-- test: … -->` above it. */
export interface Block {
  readonly language: string;
  readonly code: string;
  readonly note: string;
}

/** Every fenced block of a page of the repository, in order. */
export function blocksOf(page: string): Block[] {
  const text = readFileSync(`${root}${page}`, "utf8");
  const fences = text.matchAll(/(?:<!-- test: ([^\n]*) -->\n)?```(\w+)\n([\s\S]*?)```/g);
  return [...fences].map(([, note = "", language, code]) => ({ language: language!, code: code!, note }));
}

/** A block's code after the replacements that its note asks for: `replace "a" with "b", "c" with "d"`. */
export function shortened({ code, note }: Block): string {
  return [...note.matchAll(/"([^"]*)" with "([^"]*)"/g)].reduce((text, [, from, to]) => {
    if (!text.includes(from!)) throw new Error(`The note replaces "${from}", which is not in the block.`);
    return text.replaceAll(from!, to!);
  }, code);
}
