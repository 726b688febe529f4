// A file of any kind becomes an example, in training and on the device: the numbers of its first and last bytes. docs/bundle.md says
// it for other programs.
import type { BytesPreprocessing } from "@innerloop/schemas/bundle";
import { isBytes } from "./bytes.ts";
import { badInput } from "./refusal.ts";

/** Tabs, ends of lines and pages, and spaces. */
const isBlank = (byte: number | undefined): boolean => byte === 32 || (byte !== undefined && byte >= 9 && byte <= 13);

/**
 * The numbers of a file's bytes, `[first + last]`: the first ones from the left, the last ones up to the right.
 *
 * @throws InnerloopError `bad-input` for what are no bytes
 */
export function numbersOfBytes({ first, last, padding, trim }: BytesPreprocessing, input: unknown): Float32Array {
  if (!isBytes(input)) throw badInput("input of an unknown form was given; this bundle takes the bytes of a file");
  let head = input.subarray(0, trim ?? input.length);
  let tail = input.subarray(trim === undefined ? 0 : Math.max(0, input.length - trim));
  if (trim !== undefined) {
    let [start, end] = [0, tail.length];
    while (isBlank(head[start])) start++;
    while (isBlank(tail[end - 1])) end--;
    head = head.subarray(start);
    tail = tail.subarray(0, end);
  }
  const numbers = new Float32Array(first + last).fill(padding);
  numbers.set(head.subarray(0, first));
  const end = tail.subarray(Math.max(0, tail.length - last));
  numbers.set(end, first + last - end.length);
  return numbers;
}
