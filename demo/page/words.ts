// What the page says of all kinds of recordings, in English and Chinese. `{name}` stands for a symbol's name, which the page
// shows in its colour.
import type { KindWords } from "./kinds/words.ts";

const en = {
  language: "en",
  tagline: "Learning in your browser",
  ways: "What to teach it",
  draw: "Draw",
  gesture: "Gesture",
  sound: "Sound",
  camera: "Camera",
  teach: "Teach",
  try: "Try",
  done: "Done",
  clear: "Clear",

  fullMore: "Remove one to make room for another.",
  intoMore: "It will know it even better.",
  learned: "{name} is learned.",
  corrected: "Understood: this is {name}, too.",
  sure: "That is {name}.",
  perhaps: "That is {name}, perhaps.",
  answerMore: (sure: string, ms: string) => `${sure} sure, in ${ms}. Wrong? Choose the right one.`,
  none: "None of these.",
  loading: "The model is loading …",

  name: (label: string) => `Name of ${label}`,
  remove: (label: string) => `Remove ${label}`,
  undo: "Undo",
  save: "Save",
  load: "Load",
  restart: "Start over",
  empty: "They gather here.",

  isThis: (label: string) => `It is ${label}: learn it`,
  noneOfThese: "None of these",

  learning: "How its loss fell",
  chart: (from: string, to: string, steps: number) => `The loss fell from ${from} to ${to} in ${steps} steps.`,
  chartEmpty: "Nothing was learned yet.",
  guessing: "guessing",
  step: (step: number) => `step ${step}`,
  learnedIn: "learned in",
  recognisedIn: "recognised in",
  runsOn: "runs on",
  whyWasm: "WebAssembly is chosen, since a model this small runs quickest on the processor.",
  whyNamed: "You chose it.",
  wasmName: "WebAssembly",
  webgpuName: "WebGPU",
  isolated: "This page is not isolated (no COOP and COEP headers), so one thread is used.",
  model: (name: string, size: string) => `Model: ${name}, ${size}.`,
  why: "Why there?",

  theme: "Dark or light",
  toLanguage: "中文",
  toLanguageLabel: "中文：切换到中文",

  saved: "Saved to a file.",
  undone: "Undone.",
  removed: "Forgotten, as if it had never been there.",
  renamed: "It is {name} now.",
  failed: "That did not work.",
  unsupported: "This page cannot run here.",
};

type CommonWords = typeof en;

/** All words of a page: those of every kind, and those of its own. */
export type Words = CommonWords & KindWords;

const zh: CommonWords = {
  language: "zh-CN",
  tagline: "就在浏览器里学习",
  ways: "教它什么",
  draw: "画",
  gesture: "手势",
  sound: "声音",
  camera: "相机",
  teach: "教",
  try: "认",
  done: "完成",
  clear: "清除",

  fullMore: "删掉一个，才能再加一个。",
  intoMore: "它会认得更准。",
  learned: "学会了 {name}。",
  corrected: "明白了：这也是 {name}。",
  sure: "这是 {name}。",
  perhaps: "这也许是 {name}。",
  answerMore: (sure, ms) => `把握 ${sure}，用时 ${ms}。不对？点选正确的那个。`,
  none: "都不是。",
  loading: "模型正在载入……",

  name: (label) => `${label} 的名字`,
  remove: (label) => `删除 ${label}`,
  undo: "撤销",
  save: "保存",
  load: "载入",
  restart: "重新开始",
  empty: "学会的符号会出现在这里。",

  isThis: (label) => `这是 ${label}：学会它`,
  noneOfThese: "都不是",

  learning: "损失怎样下降",
  chart: (from, to, steps) => `经过 ${steps} 步，损失从 ${from} 降到 ${to}。`,
  chartEmpty: "还没有学过。",
  guessing: "随机猜测",
  step: (step) => `第 ${step} 步`,
  learnedIn: "学习用时",
  recognisedIn: "识别用时",
  runsOn: "运行于",
  whyWasm: "选择 WebAssembly，因为这么小的模型在处理器上最快。",
  whyNamed: "由你选择。",
  wasmName: "WebAssembly",
  webgpuName: "WebGPU",
  isolated: "此页面没有隔离（缺少 COOP 和 COEP 响应头），因此只用一个线程。",
  model: (name, size) => `模型：${name}，${size}。`,
  why: "为什么？",

  theme: "深色或浅色",
  toLanguage: "EN",
  toLanguageLabel: "EN: switch to English",

  saved: "已保存到文件。",
  undone: "已撤销。",
  removed: "已经忘记，就像从未见过。",
  renamed: "现在它叫 {name}。",
  failed: "没有成功。",
  unsupported: "此页面无法在这里运行。",
};

export const languages = { en, zh };
export type Language = "en" | "zh";
