// A gesture: what a phone's sensors say while it is moved, as samples in even steps of time.

/** Acceleration with gravity along three axes in m/s², and for six channels the rotation around them in degrees a second. */
export interface Motion {
  readonly rate: number;
  readonly channels: number;
  /** Channel after channel of each sample. */
  readonly data: Float32Array;
  /** Which of the page's own gestures it is, where it is one. */
  readonly made?: number;
}

/** What the sensors said at a time, in milliseconds. */
export interface Reading {
  readonly at: number;
  readonly values: readonly number[];
}

/** Readings that came when they came, on straight lines between them, at their mean rate. */
export function evenly(readings: readonly Reading[], channels: number): Motion {
  const [first, last] = [readings[0], readings.at(-1)];
  const seconds = first && last ? (last.at - first.at) / 1000 : 0;
  if (!first || !last || seconds <= 0) return { rate: 1, channels, data: new Float32Array(0) };
  const count = readings.length;
  const rate = (count - 1) / seconds;
  const data = new Float32Array(count * channels);
  let i = 0;
  for (let sample = 0; sample < count; sample++) {
    const at = first.at + (sample * 1000) / rate;
    while (i < count - 2 && readings[i + 1]!.at < at) i++;
    const [before, after] = [readings[i]!, readings[Math.min(i + 1, count - 1)]!];
    const share = Math.min(1, Math.max(0, (at - before.at) / Math.max(1e-6, after.at - before.at)));
    for (let channel = 0; channel < channels; channel++) {
      const [from, to] = [before.values[channel] ?? 0, after.values[channel] ?? 0];
      data[sample * channels + channel] = from + (to - from) * share;
    }
  }
  return { rate, channels, data };
}

/** How far the channel that moves most goes from its mean, in the mean. */
export function liveliness({ data, channels }: Motion): number {
  const count = data.length / channels;
  let most = 0;
  for (let channel = 0; channel < Math.min(3, channels); channel++) {
    let [sum, squares] = [0, 0];
    for (let sample = 0; sample < count; sample++) {
      const value = data[sample * channels + channel]!;
      sum += value;
      squares += value * value;
    }
    most = Math.max(most, squares / count - (sum / count) ** 2);
  }
  return Math.sqrt(most);
}

/** As many samples as a window has at least: a shorter recording begins with its first sample, repeated. */
export function lengthened(motion: Motion, seconds: number): Motion {
  const { data, channels, rate } = motion;
  const missing = Math.ceil(seconds * rate) + 1 - data.length / channels;
  if (missing <= 0 || data.length === 0) return motion;
  const longer = new Float32Array(data.length + missing * channels);
  for (let sample = 0; sample < missing; sample++) longer.set(data.subarray(0, channels), sample * channels);
  longer.set(data, missing * channels);
  return { ...motion, data: longer };
}
