// The page: what happens when somebody draws, chooses or types, and what is said and shown then.
import { AnswerList } from "./answer.ts";
import { Chart, lossText } from "./chart.ts";
import { byId, el, icon } from "./dom.ts";
import { type Answer, Model, type Place } from "./model.ts";
import { fly, replay, reveal, toneOf } from "./motion.ts";
import { PAUSE, Pad } from "./pad.ts";
import { applyRememberedTheme, initialLanguage, keepLanguage, switchTheme, theme } from "./preferences.ts";
import { again, samples } from "./samples.ts";
import { renderShelf } from "./shelf.ts";
import { boxOf, type Drawing, pathOf } from "./strokes.ts";
import { type Sentence, speak } from "./voice.ts";
import { type Language, languages, type Words } from "./words.ts";

/** Smaller drawings, by the longer side of their box as a share of the pad, are slips of the pen. */
const TOO_SMALL = 0.05;

/** From this probability on it says so without a doubt. */
const SURE = 0.6;

/** What the next drawing is for: to be recognised, or to be learned as a symbol, `null` a new one. */
type Mode = { readonly kind: "try" } | { readonly kind: "teach"; readonly as: string | null };

let language: Language = initialLanguage();
let mode: Mode = { kind: "teach", as: null };
let model: Model | undefined;
let answered: Drawing | undefined;
let saying: Sentence = (words) => [words.first, words.firstMore];
let sampled = 0;

const words = (): Words => languages[language];
const opening = { model: open("wasm") };

const pad = new Pad(byId<HTMLCanvasElement>("pad"), { onBegin, onChange, onPause, onDone });
const answers = new AnswerList(byId("answers"));
const chart = new Chart(byId("chart") as unknown as SVGSVGElement);

applyRememberedTheme();
prepareButtons();
speakLanguage();
pad.ink.invite(samples[0]!);

// --- The model ------------------------------------------------------------------------------------------------------

function open(place: Place): Promise<Model> {
  const opened = Model.open(new URL(".", document.baseURI), place);
  opened.then(
    (it) => {
      model = it;
      render();
    },
    ({ message }: Error) => say((words) => [words.unsupported, message]),
  );
  return opened;
}

/** Does something to the model and shows what became of it; what goes wrong is said, and everything is as before. */
async function change(action: (model: Model) => Promise<Sentence | undefined> | Sentence | undefined): Promise<void> {
  try {
    if (!model) say((words) => [words.loading, ""]);
    const opened = await opening.model;
    const { losses } = opened;
    const sentence = await action(opened);
    render();
    if (opened.losses !== losses) showLosses();
    if (sentence) say(sentence);
  } catch (error) {
    const { message } = error as Error;
    say((words) => [words.failed, message]);
  }
}

// --- Drawing --------------------------------------------------------------------------------------------------------

function onBegin(): void {
  answered = undefined;
  byId("teach-this").hidden = true;
  byId("pad-frame").classList.remove("known", "shaken");
  renderTools();
  answers.show(undefined, false);
}

/** An empty pad, and no answer. */
function wipe(): void {
  pad.clear();
  onBegin();
}

let looking = false;

/** While somebody draws, the bars move along. */
async function onChange(drawing: Drawing): Promise<void> {
  renderTools();
  if (mode.kind !== "try" || !model?.ready || looking || tooSmall(drawing)) return;
  looking = true;
  const answer = await model.recognise(drawing).catch(() => undefined);
  await new Promise(requestAnimationFrame);
  looking = false;
  if (pad.open && answer) answers.show(answer, false);
}

function onPause(waiting: boolean): void {
  byId("pad-frame").classList.toggle("waiting", waiting);
}

async function onDone(drawing: Drawing): Promise<void> {
  renderTools();
  if (tooSmall(drawing)) {
    wipe();
    say((words) => [words.small, words.smallMore]);
  } else if (mode.kind === "teach") await teach(mode.as, drawing, false);
  else await recognise(drawing);
}

const tooSmall = (drawing: Drawing): boolean => {
  const { width, height } = boxOf(drawing);
  return Math.max(width, height) < TOO_SMALL;
};

/** Learns a drawing as a symbol; `corrects` says that it was recognised wrongly before. */
async function teach(as: string | null, drawing: Drawing, corrects: boolean): Promise<void> {
  await change(async (model) => {
    if (as === null && model.full) return (words) => [words.full(model.limit!), words.fullMore];
    const label = await model.teach(as, drawing);
    const { hue, examples } = model.class(label)!;
    answered = undefined;
    answers.show(undefined, false);
    byId("teach-this").hidden = true;
    if (model.classes.length === 2 && as === null && !corrects) mode = { kind: "try" };
    else if (as !== null && !corrects) mode = model.ready ? { kind: "try" } : { kind: "teach", as: null };
    glow(hue);
    requestAnimationFrame(() => arrive(label, drawing, hue));
    const ms = milliseconds(model.adaptMs);
    if (!model.ready) return (words) => [words.second, words.secondMore];
    if (corrects && as !== null) return (words) => [words.corrected, words.correctedMore(ms), label];
    if (mode.kind === "try" && model.classes.length === 2) return (words) => [words.now, words.nowMore];
    return (words) => [words.learned, words.learnedMore(examples.length, ms), label];
  });
}

async function recognise(drawing: Drawing): Promise<void> {
  await change(async (model) => {
    const answer = await model.recognise(drawing);
    if (pad.open) return undefined;
    answered = drawing;
    answers.show(answer, true);
    return answer.known ? recognised(model, answer) : unknown(model);
  });
}

function recognised(model: Model, { label, probability }: Answer): Sentence {
  const { hue } = model.class(label)!;
  glow(hue);
  if (probability >= SURE) pad.ink.sparkle(toneOf(hue));
  requestAnimationFrame(() => replay(cardOf(label), "hit"));
  const ms = milliseconds(model.predictMs);
  const sure = percent(probability);
  return (words) => [probability >= SURE ? words.sure : words.perhaps, words.answerMore(sure, ms), label];
}

function unknown(model: Model): Sentence {
  pad.ink.fade();
  replay(byId("pad-frame"), "shaken");
  byId("teach-this").hidden = model.full;
  return (words) => [words.none, words.noneMore];
}

/** A visitor says what the drawing on the pad is. */
function choose(label: string | null): void {
  if (answered) void teach(label, answered, true);
}

/** The page draws a symbol: a new one to learn, or one it knows, differently; now and then one that it does not know. */
async function drawOne(): Promise<void> {
  const known = model?.classes ?? [];
  const fresh = samples[sampled % samples.length]!;
  if (mode.kind === "teach") {
    const as = mode.as === null ? undefined : model?.class(mode.as)?.examples[0]?.drawing;
    if (!as) sampled += 1;
    return pad.play(again(as ?? fresh, 0.6));
  }
  const drawings = known.map(({ examples }) => examples[0]?.drawing);
  const one = Math.random() < 0.2 ? undefined : drawings[Math.floor(Math.random() * drawings.length)];
  if (!one) sampled += 1;
  return pad.play(again(one ?? fresh));
}

// --- What is seen ---------------------------------------------------------------------------------------------------

/** The pad takes a symbol's colour. */
function glow(hue: number): void {
  const frame = byId("pad-frame");
  frame.classList.add("known", "hued");
  frame.style.setProperty("--h", String(hue));
  pad.ink.colour(toneOf(hue));
}

const cardOf = (label: string): HTMLElement | null =>
  byId("cards").querySelector(`[data-label="${CSS.escape(label)}"]`);

/** A learned drawing flies from the pad to its card, and leaves the pad empty. */
function arrive(label: string, drawing: Drawing, hue: number): void {
  const card = cardOf(label);
  const face = card?.querySelector(".face");
  if (!card || !face) return;
  card.classList.add("arrived");
  reveal(card, byId("cards"));
  fly(pathOf(drawing), hue, byId("pad"), face);
  setTimeout(() => {
    if (!pad.open && !answered) wipe();
  }, 300);
}

function say(sentence: Sentence): void {
  saying = sentence;
  speak(sentence, words(), (symbol) => model?.class(symbol)?.hue);
}

function showLosses(): void {
  const { guess, losses = [] } = model ?? {};
  const [first] = losses;
  if (first === undefined) chart.clear();
  else chart.show(guess, losses, words());
  byId("chart").setAttribute(
    "aria-label",
    first === undefined
      ? words().chartEmpty
      : words().chart(lossText(guess ?? first), lossText(losses.at(-1)!), losses.length - 1),
  );
}

function render(): void {
  const classes = model?.classes ?? [];
  const full = model?.full ?? false;
  document.body.classList.toggle("taught", classes.length > 0);
  document.body.classList.toggle("ready", model?.ready ?? false);
  if (!model?.ready && mode.kind === "try") mode = { kind: "teach", as: null };
  if (mode.kind === "teach" && mode.as !== null && !model?.class(mode.as)) mode = { kind: "teach", as: null };
  byId<HTMLInputElement>("mode-teach").checked = mode.kind === "teach";
  byId<HTMLInputElement>("mode-try").checked = mode.kind === "try";
  byId<HTMLInputElement>("mode-try").disabled = !model?.ready;
  renderShelf(byId("cards"), classes, mode.kind === "teach" ? mode.as : undefined, full, words(), shelfEvents);
  answers.render(classes, full, words(), choose);
  byId<HTMLButtonElement>("save").disabled = classes.length === 0;
  byId<HTMLButtonElement>("restart").disabled = classes.length === 0;
  byId<HTMLButtonElement>("undo").disabled = !model?.canUndo;
  renderTools();
  renderPlace();
}

function renderTools(): void {
  const focused = document.activeElement;
  byId("done").hidden = !pad.open;
  byId("clear").hidden = pad.drawing.length === 0;
  if (focused instanceof HTMLElement && focused.hidden) byId("pad").focus();
}

function renderPlace(): void {
  if (!model) return;
  byId("adapt-ms").textContent = model.adaptMs > 0 ? milliseconds(model.adaptMs) : "–";
  byId("predict-ms").textContent = model.predictMs > 0 ? milliseconds(model.predictMs) : "–";
  const { name, files } = model.manifest;
  const bytes = files["predict.onnx"].bytes + files["adapt.onnx"].bytes;
  const isWasm = model.provider.name === "wasm";
  byId<HTMLSelectElement>("provider").value = model.provider.name;
  byId("reason").textContent = [
    isWasm ? words().whyWasm : words().whyNamed,
    ...(isWasm && !crossOriginIsolated ? [words().isolated] : []),
    words().model(name, `${Math.round(bytes / 1000)} kB`),
  ].join("\n");
}

const percent = (share: number): string => `${Math.min(99, Math.round(100 * share))}\u00a0%`;

const milliseconds = (ms: number): string => `${ms < 10 ? ms.toFixed(1) : Math.round(ms)}\u00a0ms`;

// --- Buttons --------------------------------------------------------------------------------------------------------

const shelfEvents = {
  onNew: () => setMode({ kind: "teach", as: null }),
  onAdd: (label: string) => setMode({ kind: "teach", as: label }),
  onRename: (label: string, to: string) => void rename(label, to),
  onRemove: (label: string) =>
    void change(async (model) => {
      await model.remove(label);
      return (words) => [words.removed, ""];
    }),
  onRemoveExample: (id: string) =>
    void change(async (model) => {
      await model.remove(id);
      return (words) => [words.removed, ""];
    }),
};

async function rename(label: string, to: string): Promise<void> {
  await change(async (model) => {
    if (to === "" || to === label) return undefined;
    if (model.class(to)) return (words) => [words.taken(to), ""];
    await model.rename(label, to);
    if (mode.kind === "teach" && mode.as === label) mode = { kind: "teach", as: to };
    return (words) => [words.renamed, "", to];
  });
}

function setMode(next: Mode): void {
  mode = next;
  wipe();
  render();
  if (next.kind === "try") say((words) => [words.now, words.nowMore]);
  else if (next.as !== null) say((words) => [words.into, words.intoMore, next.as!]);
  else if (model?.full) say((words) => [words.full(model!.limit!), words.fullMore]);
  else if (model?.ready) say((words) => [words.more, words.moreMore(model!.limit)]);
  else
    say((words) => (model?.classes.length === 1 ? [words.second, words.secondMore] : [words.first, words.firstMore]));
}

function undo(): void {
  void change(async (model) => {
    if (!model.canUndo) return undefined;
    await model.undo();
    wipe();
    return (words) => [words.undone, ""];
  });
}

function download(bytes: Uint8Array): void {
  const address = URL.createObjectURL(new Blob([bytes as Uint8Array<ArrayBuffer>]));
  el("a", { href: address, download: "my-symbols.safetensors" }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}

async function load(): Promise<void> {
  const input = byId<HTMLInputElement>("file");
  const [file] = input.files ?? [];
  if (!file) return;
  await change(async (model) => {
    await model.load(new Uint8Array(await file.arrayBuffer()), file.name);
    wipe();
    mode = model.ready ? { kind: "try" } : { kind: "teach", as: null };
    const count = model.classes.length;
    return (words) => [words.fileLoaded(count), words.fileLoadedMore];
  });
  input.value = "";
}

/** Opens the bundle elsewhere, and takes what was learned along. */
async function switchPlace(): Promise<void> {
  const place = byId<HTMLSelectElement>("provider").value as Place;
  await change(async (before) => {
    const opened = await Model.open(new URL(".", document.baseURI), place);
    if (before.classes.length > 0) await opened.load(await before.save(), "");
    model = opened;
    opening.model = Promise.resolve(opened);
    await before.close();
    wipe();
    return undefined;
  });
  renderPlace();
}

function prepareButtons(): void {
  const on = (id: string, action: () => void): void => byId(id).addEventListener("click", action);
  byId("lock").replaceWith(icon("lock"));
  // Its keys are its own: screen readers hand them through.
  byId("pad").setAttribute("role", "application");
  byId("pad-frame").style.setProperty("--pause", `${PAUSE}ms`);
  on("draw", () => void drawOne());
  on("done", () => pad.finish());
  on("clear", wipe);
  on("teach-this", () => choose(null));
  on("undo", undo);
  on(
    "save",
    () =>
      void change(async (model) => {
        download(await model.save());
        return (words) => [words.saved, ""];
      }),
  );
  on("load", () => byId("file").click());
  byId("file").addEventListener("change", () => void load());
  on(
    "restart",
    () =>
      void change(async (model) => {
        model.restart();
        mode = { kind: "teach", as: null };
        pad.clear();
        onBegin();
        return (words) => [words.first, words.firstMore];
      }),
  );
  on("theme", () => {
    switchTheme();
    renderTheme();
    pad.ink.refresh();
  });
  on("language", () => {
    language = language === "en" ? "zh" : "en";
    keepLanguage(language);
    speakLanguage();
  });
  byId("mode-teach").addEventListener("change", () => setMode({ kind: "teach", as: null }));
  byId("mode-try").addEventListener("change", () => setMode({ kind: "try" }));
  byId("provider").addEventListener("change", () => void switchPlace());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    renderTheme();
    pad.ink.refresh();
  });
  document.addEventListener("keydown", (event) => {
    const typing = event.target instanceof HTMLInputElement && event.target.type === "text";
    if ((event.ctrlKey || event.metaKey) && !event.shiftKey && event.key === "z" && !typing) {
      event.preventDefault();
      undo();
    }
  });
}

function renderTheme(): void {
  byId("theme").replaceChildren(icon(theme() === "dark" ? "sun" : "moon"));
}

/** Puts all words of the page into the language. */
function speakLanguage(): void {
  const spoken = words();
  document.documentElement.lang = spoken.language;
  document.title = spoken.title;
  for (const element of document.querySelectorAll<HTMLElement>("[data-t]")) {
    element.textContent = spoken[element.dataset.t as keyof Words] as string;
  }
  byId("pad").setAttribute("aria-label", spoken.pad);
  const buttons = {
    draw: "wand",
    done: "done",
    clear: "clear",
    undo: "undo",
    save: "save",
    load: "load",
    restart: "restart",
  } as const;
  for (const [id, picture] of Object.entries(buttons)) {
    const text = spoken[id as keyof typeof buttons];
    const button = byId(id);
    button.replaceChildren(icon(picture), el("span", {}, text));
    button.setAttribute("aria-label", text);
    button.title = text;
  }
  const toLanguage = byId("language");
  toLanguage.textContent = spoken.toLanguage;
  toLanguage.lang = language === "en" ? "zh-CN" : "en";
  toLanguage.setAttribute("aria-label", spoken.toLanguageLabel);
  byId("theme").setAttribute("aria-label", spoken.theme);
  byId("theme").title = spoken.theme;
  renderTheme();
  render();
  showLosses();
  say(saying);
}
