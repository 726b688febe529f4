// Takes pictures: the camera's view lives on the stage and stands still when one was taken.
import { el } from "../../dom.ts";
import type { Language } from "../../words.ts";
import type { Recorder, RecorderEvents } from "../kind.ts";
import { Notice } from "../recording/notice.ts";
import { ask, chooseFile, isAllowed, mayAsk, type Trouble } from "../recording/permission.ts";
import { Shutter } from "../recording/shutter.ts";
import { showFaint, showKnown, showPlain } from "../recording/stage.ts";
import { middleOf, type Snapshot } from "./picture.ts";
import { recorderWords } from "./words.ts";

/** Milliseconds between two looks at what is before the camera. */
const lookTime = 250;

type State = "off" | "opening" | "on" | Trouble | "unread";

export class CameraRecorder implements Recorder<Snapshot> {
  readonly element: HTMLElement;
  readonly #ink: boolean;
  readonly #events: RecorderEvents<Snapshot>;
  readonly #video = el("video", { playsinline: true, "aria-hidden": "true" });
  readonly #still = el("canvas", { class: "still", "aria-hidden": "true", hidden: true });
  readonly #seen = el("div", { class: "inset", "aria-hidden": "true" });
  readonly #notice = new Notice(() => void (this.#state === "off" ? this.#open() : this.#choose()));
  readonly #shutter: Shutter;
  #state: State = "off";
  #shown = false;
  #stream: MediaStream | undefined;
  #snapshot: Snapshot | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;
  #language: Language = "en";

  /** @param ink whether it is drawings that are shown to it */
  constructor(ink: boolean, events: RecorderEvents<Snapshot>) {
    this.#ink = ink;
    this.#events = events;
    this.#video.muted = true;
    this.#shutter = new Shutter(undefined, {
      onPress: () => undefined,
      onRelease: () => this.#press(),
      onTap: () => this.#press(),
    });
    this.element = el(
      "div",
      { class: "stage" },
      this.#video,
      this.#still,
      el("span", { class: ink ? "aim card-aim" : "aim", "aria-hidden": "true" }),
      this.#seen,
      this.#shutter.element,
      this.#notice.element,
    );
  }

  /** As long as it looks, what it sees may change. */
  get open(): boolean {
    return this.#snapshot === undefined;
  }

  get empty(): boolean {
    return this.#snapshot === undefined;
  }

  finish(): void {
    const snapshot = this.#look();
    if (snapshot) this.#done(snapshot);
  }

  clear(): void {
    this.#snapshot = undefined;
    this.#still.hidden = true;
    this.#seen.replaceChildren();
    showPlain(this.element);
    this.element.classList.remove("frozen");
    this.speak(this.#language);
  }

  show(): void {
    this.#shown = true;
    this.#timer = setInterval(() => {
      const snapshot = this.#snapshot ? undefined : this.#look();
      if (snapshot) this.#events.onChange(snapshot);
    }, lookTime);
    if (!mayAsk()) this.#turn("insecure");
    void isAllowed("camera").then((allowed) => {
      if (allowed && this.#state === "off") void this.#open();
    });
  }

  hide(): void {
    this.#shown = false;
    clearInterval(this.#timer);
    this.#close();
    this.#turn("off");
  }

  focus(): void {
    if (this.#state === "on") this.#shutter.button.focus();
    else this.#notice.focus();
  }

  colour(tone: string): void {
    showKnown(this.element, tone);
  }

  sparkle(): void {}

  fade(): void {
    showFaint(this.element);
  }

  seen(portrait: Element): void {
    if (this.#snapshot) this.#seen.replaceChildren(portrait);
  }

  refresh(): void {}

  speak(language: Language): void {
    this.#language = language;
    const words = recorderWords[language];
    const hint = this.#snapshot ? words.still : this.#ink ? words.showCard : words.show;
    this.#shutter.speak(hint, this.#snapshot ? words.again : words.take);
    this.#notice.say(this.#state === "on" || this.#snapshot ? undefined : words.notices[this.#state]);
  }

  /** Takes a picture from a file. */
  async help(): Promise<void> {
    await this.#choose();
  }

  #press(): void {
    if (this.#snapshot) {
      this.clear();
      this.#events.onBegin();
    } else this.finish();
  }

  #look(): Snapshot | undefined {
    const { videoWidth, videoHeight } = this.#video;
    return this.#state === "on" ? middleOf(this.#video, videoWidth, videoHeight) : undefined;
  }

  async #choose(): Promise<void> {
    const file = await chooseFile("image/*");
    if (!file) return;
    const picture = await createImageBitmap(file).catch(() => undefined);
    const snapshot = picture && middleOf(picture, picture.width, picture.height);
    if (!snapshot) {
      this.clear();
      return this.#turn(this.#state === "on" ? "on" : "unread");
    }
    this.#events.onBegin();
    this.#done(snapshot);
  }

  async #open(): Promise<void> {
    this.#turn("opening");
    const stream = await ask({ video: { facingMode: "environment", width: { ideal: 1280 }, height: { ideal: 720 } } });
    if (typeof stream === "string") return this.#turn(stream);
    this.#stream = stream;
    // Whoever turned away meanwhile wants no camera on.
    if (!this.#shown) return this.#close();
    // Somebody pulled its plug, or took the permission back.
    for (const track of stream.getTracks())
      track.addEventListener("ended", () => {
        if (this.#stream === stream) this.#turn("absent");
      });
    this.#video.srcObject = stream;
    await this.#video.play().catch(() => undefined);
    this.#turn("on");
    this.focus();
  }

  #close(): void {
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#stream = undefined;
    this.#video.srcObject = null;
  }

  #turn(state: State): void {
    this.#state = state;
    this.element.dataset.source = state;
    this.speak(this.#language);
  }

  #done(snapshot: Snapshot): void {
    this.#snapshot = snapshot;
    this.#still.width = snapshot.width;
    this.#still.height = snapshot.height;
    const pixels = new ImageData(new Uint8ClampedArray(snapshot.data), snapshot.width, snapshot.height);
    this.#still.getContext("2d")!.putImageData(pixels, 0, 0);
    this.#still.hidden = false;
    this.element.classList.add("frozen");
    this.speak(this.#language);
    this.#events.onDone(snapshot);
  }
}
