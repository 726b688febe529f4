// Tokens of texts in Node: @huggingface/tokenizers, where it is installed. It is not needed for anything else.
import { InnerloopError } from "@innerloop/schemas/bundle";
import type { TokenizersLibrary } from "../texts.ts";

/** @throws InnerloopError `tokenizers-missing` */
export async function load(): Promise<TokenizersLibrary> {
  try {
    return await import("@huggingface/tokenizers");
  } catch (cause) {
    throw new InnerloopError(
      "tokenizers-missing",
      `@huggingface/tokenizers could not be loaded (${(cause as Error).message.split("\n")[0]}); it makes tokens of texts; ` +
        "install it: npm install @huggingface/tokenizers, or give the numbers of tokens",
      { cause },
    );
  }
}
