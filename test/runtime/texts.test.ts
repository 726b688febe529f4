// Texts become the numbers of tokens that Hugging Face's own library gives, and what is refused says why.
import { preprocess, readInput } from "@innerloop/runtime/input";
import type { TextPreprocessing } from "@innerloop/schemas";
import { beforeAll, describe, expect, it } from "vitest";
import { readRecorded } from "../support/recorded.ts";
import { refusal, refusalOf } from "../support/refusal.ts";

interface Recorded extends Omit<TextPreprocessing, "kind"> {
  readonly name: string;
  readonly tokens: readonly { readonly text: string; readonly ids: readonly number[] }[];
}

const recorded = readRecorded<Recorded[]>("runtime/recorded/texts.json");
const hows = recorded.map(
  ({ length, padding, tokenizer }): TextPreprocessing => ({ kind: "text", length, padding, tokenizer }),
);

describe("texts", () => {
  it("are refused before what makes tokens of them is loaded, with what to do", () => {
    const { code, message } = refusalOf(() => preprocess(hows[0]!, "print"));
    expect(code).toBe("tokenizers-missing");
    expect(message).toMatch(/useTokenizers .* or give the numbers of tokens/);
  });

  describe("once it is", () => {
    beforeAll(async () => void (await readInput(hows[0]!, "")));

    it.each(recorded.map(({ name }, i) => [name, i] as const))("%s", async (_, i) => {
      for (const { text, ids } of recorded[i]!.tokens) {
        expect([...(await readInput(hows[i]!, text))], text).toEqual(ids);
        expect([...preprocess(hows[i]!, text)], text).toEqual(ids);
      }
    });

    it("refuses what is no text, and a tokenizer that is none", async () => {
      expect((await refusal(readInput(hows[0]!, { data: new Float32Array(1) }))).code).toBe("bad-input");
      const broken = { ...hows[0]!, tokenizer: '{"model":{"type":"Telepathy"}}' };
      expect((await refusal(readInput(broken, "print"))).code).toBe("manifest-invalid");
    });
  });
});
