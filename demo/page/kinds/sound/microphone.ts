// The microphone: samples as they come, without what browsers do for calls, and the last seconds of them.
import { ask, type Trouble } from "../recording/permission.ts";
import type { Heard } from "./collect.ts";
import collectUrl from "./collect.ts?worker&url";
import type { Recorded } from "./recorded.ts";

/** A call's noise suppression takes sounds for noise, and its gain makes all equally loud. */
const plain = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };

/** Milliseconds that are waited for a sample. */
const patience = 1500;

export class Microphone {
  readonly #stream: MediaStream;
  readonly #context: AudioContext;
  readonly #seconds: number;
  #chunks: Float32Array[] = [];
  /** The number of the sample after the last one that came. */
  #heard = 0;

  private constructor(stream: MediaStream, context: AudioContext, seconds: number) {
    this.#stream = stream;
    this.#context = context;
    this.#seconds = seconds;
  }

  /** @param seconds how much is remembered */
  static async open(seconds: number): Promise<Microphone | Trouble> {
    const stream = await ask({ audio: plain });
    if (typeof stream === "string") return stream;
    try {
      const context = new AudioContext();
      await context.audioWorklet.addModule(collectUrl);
      const microphone = new Microphone(stream, context, seconds);
      const collect = new AudioWorkletNode(context, "collect");
      collect.port.onmessage = ({ data }: MessageEvent<Heard>) => microphone.#hear(data);
      context.createMediaStreamSource(stream).connect(collect);
      // It is silent, and only what leads somewhere is computed.
      collect.connect(context.destination);
      await microphone.wake();
      return microphone;
    } catch {
      for (const track of stream.getTracks()) track.stop();
      return "busy";
    }
  }

  /** Browsers let sound begin only after somebody pressed something. */
  async wake(): Promise<void> {
    if (this.#context.state !== "running") await Promise.race([this.#context.resume(), rest(300)]);
  }

  /** @param listener told when there is no microphone any more */
  onEnd(listener: () => void): void {
    for (const track of this.#stream.getTracks()) track.addEventListener("ended", listener);
  }

  get rate(): number {
    return this.#context.sampleRate;
  }

  /** The number of the sample after the last one that came. */
  get heard(): number {
    return this.#heard;
  }

  /** The number of the sample that is sounding; it comes a little later, and on a busy machine later still. */
  get now(): number {
    return Math.round(this.#context.currentTime * this.rate);
  }

  /** Until a sample came, or there is no more waiting for it. */
  async until(sample: number): Promise<void> {
    const since = performance.now();
    while (this.#heard < sample && performance.now() - since < patience) await rest(20);
  }

  /** What came from one sample to another; silence where it did not come or is forgotten. */
  between(from: number, to: number): Recorded {
    const data = new Float32Array(Math.max(0, to - from));
    let at = this.#heard - this.#chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    for (const chunk of this.#chunks) {
      const [start, end] = [Math.max(at, from), Math.min(at + chunk.length, to)];
      if (start < end) data.set(chunk.subarray(start - at, end - at), start - from);
      at += chunk.length;
    }
    return { rate: this.rate, data };
  }

  async close(): Promise<void> {
    for (const track of this.#stream.getTracks()) track.stop();
    await this.#context.close();
  }

  #hear({ end, samples }: Heard): void {
    this.#chunks.push(samples);
    this.#heard = end;
    while (this.#chunks.length * samples.length > this.#seconds * this.rate) this.#chunks.shift();
  }
}

const rest = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Plays a sound; back when it is over. */
export async function play({ rate, data }: Recorded): Promise<void> {
  const context = new AudioContext();
  const buffer = context.createBuffer(1, Math.max(1, data.length), rate);
  buffer.copyToChannel(new Float32Array(data), 0);
  const source = new AudioBufferSourceNode(context, { buffer });
  source.connect(new GainNode(context, { gain: 0.5 })).connect(context.destination);
  source.start();
  await rest((1000 * data.length) / rate);
  await context.close();
}

/** The sound in a file, as one channel. */
export async function soundIn(file: File): Promise<Recorded | undefined> {
  const context = new OfflineAudioContext(1, 1, 44_100);
  const sound = await context.decodeAudioData(await file.arrayBuffer()).catch(() => undefined);
  if (!sound) return undefined;
  const data = new Float32Array(sound.length);
  for (let channel = 0; channel < sound.numberOfChannels; channel++) {
    const samples = sound.getChannelData(channel);
    for (let i = 0; i < data.length; i++) data[i]! += samples[i]! / sound.numberOfChannels;
  }
  return { rate: sound.sampleRate, data };
}
