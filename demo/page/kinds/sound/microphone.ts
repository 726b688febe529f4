// The microphone: samples as they come, without what browsers do for calls, and the last seconds of them.
import { ask, type Trouble } from "../recording/permission.ts";
import collectUrl from "./collect.ts?worker&url";
import { peak, type Recorded } from "./recorded.ts";

/** A call's noise suppression takes sounds for noise, and its gain makes all equally loud. */
const plain = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };

export class Microphone {
  readonly #stream: MediaStream;
  readonly #context: AudioContext;
  readonly #seconds: number;
  #chunks: Float32Array[] = [];
  /** Samples that came, and those of them that are gone. */
  #heard = 0;
  #gone = 0;

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
      collect.port.onmessage = ({ data }: MessageEvent<Float32Array>) => microphone.#hear(data);
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

  get rate(): number {
    return this.#context.sampleRate;
  }

  /** Samples that came since it was opened. */
  get heard(): number {
    return this.#heard;
  }

  /** How loud it is now. */
  get level(): number {
    return peak(this.#chunks.at(-1) ?? new Float32Array(0));
  }

  /** What came between two counts of samples; silence where it is forgotten. */
  between(from: number, to: number): Recorded {
    const data = new Float32Array(Math.max(0, to - from));
    let at = this.#gone;
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

  #hear(chunk: Float32Array): void {
    this.#chunks.push(chunk);
    this.#heard += chunk.length;
    while (this.#heard - this.#gone > this.#seconds * this.rate) this.#gone += this.#chunks.shift()!.length;
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
