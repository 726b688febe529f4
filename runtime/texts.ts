// A text becomes an example, in training and on the device: the numbers of its tokens. docs/bundle.md says it for other programs.
import { InnerloopError, show, type TextPreprocessing } from "@innerloop/schemas/bundle";
import { host } from "#host";
import { badInput } from "./refusal.ts";

/** What is used of the package `@huggingface/tokenizers`. */
export interface TokenizersLibrary {
  readonly Tokenizer: new (tokenizer: object, config: object) => Tokenizer;
}

interface Tokenizer {
  encode(text: string): { readonly ids: readonly number[] };
}

let library: TokenizersLibrary | undefined;

/** The tokenizers that were made, with the tokens that each puts around an empty text. */
const made = new WeakMap<TextPreprocessing, { readonly tokenizer: Tokenizer; readonly around: readonly number[] }>();

/**
 * Gives the package that makes tokens of texts, in places where it is not loaded by itself, as a page:
 * `import * as tokenizers from "@huggingface/tokenizers"; useTokenizers(tokenizers)`.
 */
export function useTokenizers(given: TokenizersLibrary): void {
  library = given;
}

/**
 * Loads what makes tokens of texts, where that is not here yet; {@link preprocess} takes texts from then on.
 * @throws InnerloopError `tokenizers-missing`
 */
export async function loadTokenizers(): Promise<void> {
  library ??= await host.tokenizers?.();
}

/**
 * The numbers of a text's tokens, `[length]`.
 *
 * @throws InnerloopError `bad-input` for what is no text, `tokenizers-missing`, `manifest-invalid` for a tokenizer that is not understood
 */
export function textOf(how: TextPreprocessing, input: unknown): Float32Array {
  if (typeof input !== "string") throw badInput(`${show(input)} was given; a text was expected`);
  const { tokenizer, around } = made.get(how) ?? make(how);
  const { ids } = tokenizer.encode(input);
  const { length, padding } = how;
  let end = 0;
  while (end < around.length && around.at(-1 - end) === ids.at(-1 - end)) end++;
  const kept =
    ids.length > length && end < length ? [...ids.slice(0, length - end), ...ids.slice(ids.length - end)] : ids;
  const numbers = new Float32Array(length).fill(padding);
  numbers.set(kept.slice(0, length));
  return numbers;
}

function make(how: TextPreprocessing) {
  if (!library)
    throw new InnerloopError(
      "tokenizers-missing",
      "texts were given, and what makes tokens of them is not loaded: in Node it is, by the example methods of a learner; elsewhere call useTokenizers " +
        "of @innerloop/runtime/input with the package @huggingface/tokenizers, or give the numbers of tokens",
    );
  let tokenizer: Tokenizer;
  let around: readonly number[];
  try {
    tokenizer = new library.Tokenizer(JSON.parse(how.tokenizer) as object, {});
    around = tokenizer.encode("").ids;
  } catch (cause) {
    throw new InnerloopError(
      "manifest-invalid",
      `the tokenizer of this bundle is not understood (${(cause as Error).message}); export the bundle again with a tokenizer.json`,
      { cause },
    );
  }
  made.set(how, { tokenizer, around });
  return { tokenizer, around };
}
