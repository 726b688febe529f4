// What is said of a file that is no sound which can be read.
import { InnerloopError } from "@innerloop/schemas";

/** A file is there and broken. */
export function broken(file: string, why: string, code = "sound-broken"): InnerloopError {
  return new InnerloopError(code, `${file}: ${why}`);
}

/** Numbers of a recording at most, of all channels: 128 MB, and 12 minutes of one channel at 44.1 kHz. */
const most = 2 ** 25;

/** @throws InnerloopError `sound-too-large` */
export function checkNumbers(file: string, count: number): void {
  if (count > most)
    throw broken(
      file,
      `it has ${count} samples in all channels, and ${most} are read at most; cut it into recordings of one thing each`,
      "sound-too-large",
    );
}
