// Runs where sound is computed (an AudioWorklet): hands samples of the microphone on as they come, the mean of its channels.

/** What the browser gives to this script alone; TypeScript's library for pages lacks it. */
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}
/** The number of the first sample of those that are being processed. */
declare const currentFrame: number;
declare function registerProcessor(name: string, processor: new () => AudioWorkletProcessor): void;

/** Samples, and the number of the one after the last. */
export interface Heard {
  readonly end: number;
  readonly samples: Float32Array;
}

/** Samples handed on at a time: forty times a second or so. */
const chunk = 1024;

registerProcessor(
  "collect",
  class extends AudioWorkletProcessor {
    #samples = new Float32Array(chunk);
    #filled = 0;

    process([channels = []]: Float32Array[][]): boolean {
      const count = channels[0]?.length ?? 0;
      for (let i = 0; i < count; i++) {
        let sum = 0;
        for (const channel of channels) sum += channel[i]!;
        this.#samples[this.#filled++] = sum / channels.length;
        if (this.#filled < chunk) continue;
        const heard: Heard = { end: currentFrame + i + 1, samples: this.#samples };
        this.port.postMessage(heard, [this.#samples.buffer]);
        this.#samples = new Float32Array(chunk);
        this.#filled = 0;
      }
      return true;
    }
  },
);
