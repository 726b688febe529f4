// Files become the numbers of their first and last bytes that magika's own package makes of them.
import { preprocess, readInput } from "@innerloop/runtime/input";
import type { BytesPreprocessing } from "@innerloop/schemas";
import { expect, it } from "vitest";
import { readRecorded } from "../support/recorded.ts";
import { refusal } from "../support/refusal.ts";

interface Recorded extends Omit<BytesPreprocessing, "kind"> {
  readonly files: readonly { readonly bytes: readonly number[]; readonly numbers: readonly number[] }[];
}

const { files, ...sizes } = readRecorded<Recorded>("runtime/recorded/bytes.json");
const how: BytesPreprocessing = { kind: "bytes", ...sizes };

it.each(files.map(({ bytes, numbers }) => [String.fromCharCode(...bytes), bytes, numbers] as const))(
  "%j",
  async (_, bytes, numbers) => {
    const given = Uint8Array.from(bytes);
    expect([...preprocess(how, given)]).toEqual(numbers);
    for (const input of [given, given.buffer, new Blob([given])])
      expect([...(await readInput(how, input))]).toEqual(numbers);
  },
);

it("keeps blanks where nothing says otherwise, and takes as many of either end as it is told", () => {
  const bytes = new TextEncoder().encode(" ab ");
  expect([...preprocess({ kind: "bytes", first: 2, last: 3, padding: 0 }, bytes)]).toEqual([32, 97, 97, 98, 32]);
  expect([...preprocess({ kind: "bytes", first: 6, last: 0, padding: 9 }, bytes)]).toEqual([32, 97, 98, 32, 9, 9]);
});

it("refuses what are no bytes", async () => {
  expect((await refusal(readInput(how, "a path"))).code).toBe("bad-input");
  expect((await refusal(readInput(how, { data: [1], rate: 1 }))).code).toBe("bad-input");
});
