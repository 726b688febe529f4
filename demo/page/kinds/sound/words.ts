// What the page says of sounds, in English and Chinese.
import type { Language } from "../../words.ts";
import type { NoticeWords } from "../recording/notice.ts";
import type { KindWords } from "../words.ts";

export const soundWords: Readonly<Record<Language, KindWords>> = {
  en: {
    title: "Innerloop: teach it your own sounds",
    mode: "What sounds are for",
    help: "Make one for me",
    teachThis: "Learn it as a new sound",

    first: "Make any sound you like.",
    firstMore: "Say a word, whistle, knock. Once is enough.",
    second: "Got it. Now make a different one.",
    secondMore: "Two sounds, and it can tell them apart.",
    more: "Make one more sound.",
    moreMore: (ways) =>
      ways === null ? "As many as you like, each of them once." : `Up to ${ways}, each of them once.`,
    full: (ways) => `It tells up to ${ways} sounds apart.`,
    into: "Make {name} once more.",
    now: "Now make one of them again.",
    nowMore: "As you like: louder, lower, from further away.",
    learnedMore: (count, ms) =>
      `From ${count === 1 ? "one take" : `${count} takes`}, in ${ms}. Make another, or try it.`,
    correctedMore: (ms) => `Learned in ${ms}. Make it again.`,
    noneMore: "It does not know this sound. Yet.",
    small: "That was hardly to be heard.",
    smallMore: "A little louder, or closer to the microphone.",

    symbols: "Your sounds",
    newSymbol: "New sound",
    addExample: (label) => `Make ${label} once more`,
    removeExample: (label, number) => `Remove take ${number} of ${label}`,
    examples: (count) => (count === 1 ? "1 take" : `${count} takes`),
    answer: "What it hears",
    answerEmpty: "Teach it two sounds; then it tells them apart while you make them.",
    isNew: "It is a new sound: learn it",
    privacy:
      "What the microphone hears never leaves this page. All learning happens in it, offline too, and your browser bars it from talking to any other site.",

    fileLoaded: (count) => (count === 1 ? "One sound is back." : `${count} sounds are back.`),
    fileLoadedMore: "Make one of them.",
    taken: (label) => `Another sound has the name ${label}.`,
  },
  zh: {
    title: "Innerloop：教它认识你的声音",
    mode: "录下的声音用来做什么",
    help: "替我发一个",
    teachThis: "学会这个新声音",

    first: "随便发出一个声音。",
    firstMore: "说个词、吹口哨、敲一敲，一次就够了。",
    second: "记住了。再发一个不同的。",
    secondMore: "有了两个声音，它就能分辨。",
    more: "再发一个新声音。",
    moreMore: (ways) => (ways === null ? "想发多少都行，每个一次。" : `最多 ${ways} 个，每个一次。`),
    full: (ways) => `它最多分辨 ${ways} 个声音。`,
    into: "把 {name} 再发一次。",
    now: "现在，把其中一个再发一次。",
    nowMore: "大声一点、低一点、远一点，都可以。",
    learnedMore: (count, ms) => `只录了 ${count} 次，用时 ${ms}。继续录，或者试试看。`,
    correctedMore: (ms) => `用时 ${ms} 学会。再发一次吧。`,
    noneMore: "它还不认识这个声音。",
    small: "几乎听不见。",
    smallMore: "请大声一点，或靠近麦克风。",

    symbols: "你的声音",
    newSymbol: "新声音",
    addExample: (label) => `把 ${label} 再发一次`,
    removeExample: (label, number) => `删除 ${label} 的第 ${number} 次录音`,
    examples: (count) => `录了 ${count} 次`,
    answer: "它听到了什么",
    answerEmpty: "教它两个声音，之后你边发，它边认。",
    isNew: "这是新声音：学会它",
    privacy: "麦克风听到的不会离开此页面。学习全部在页面内完成，离线也能用；浏览器禁止它与任何其他网站通信。",

    fileLoaded: (count) => `${count} 个声音回来了。`,
    fileLoadedMore: "发出其中一个试试。",
    taken: (label) => `已经有一个声音叫 ${label}。`,
  },
};

interface RecorderWords {
  readonly record: string;
  readonly hint: string;
  readonly notices: Readonly<
    Record<"off" | "opening" | "insecure" | "refused" | "absent" | "busy" | "unread", NoticeWords>
  >;
}

export const recorderWords: Readonly<Record<Language, RecorderWords>> = {
  en: {
    record: "Record a sound",
    hint: "Hold while it sounds. Or tap: it records for a moment.",
    notices: {
      off: {
        title: "May this page listen?",
        more: "Your browser asks. What the microphone hears stays on this page.",
        button: "Switch on the microphone",
      },
      opening: { title: "Asking for the microphone …", more: "Your browser may want an answer.", button: "" },
      refused: {
        title: "The microphone was refused.",
        more: "To allow it, open the settings beside the page's address, and load the page again. Or take a recording from a file.",
        button: "Choose a sound file",
      },
      absent: {
        title: "There is no microphone here.",
        more: "Connect one and load the page again. Or take a recording from a file.",
        button: "Choose a sound file",
      },
      busy: {
        title: "The microphone does not answer.",
        more: "Another program may have it: close that and load the page again. Or take a recording from a file.",
        button: "Choose a sound file",
      },
      insecure: {
        title: "Browsers give the microphone to safe pages alone.",
        more: "Open this page over https, or on localhost. Or take a recording from a file.",
        button: "Choose a sound file",
      },
      unread: {
        title: "That file has no sound that this browser reads.",
        more: "WAV, MP3 and M4A are read everywhere.",
        button: "Choose another",
      },
    },
  },
  zh: {
    record: "录制声音",
    hint: "发声时按住。或轻点一下：录一小会儿。",
    notices: {
      off: {
        title: "允许此页面听吗？",
        more: "浏览器会询问你。麦克风听到的只留在此页面。",
        button: "打开麦克风",
      },
      opening: { title: "正在请求麦克风……", more: "浏览器可能在等你回答。", button: "" },
      refused: {
        title: "麦克风被拒绝了。",
        more: "若要允许，请打开地址栏旁的网站设置，然后重新载入页面。也可以选择一个录音文件。",
        button: "选择声音文件",
      },
      absent: {
        title: "这里没有麦克风。",
        more: "接上麦克风后重新载入页面。也可以选择一个录音文件。",
        button: "选择声音文件",
      },
      busy: {
        title: "麦克风没有回应。",
        more: "可能被其他程序占用：关闭它再重新载入页面。也可以选择一个录音文件。",
        button: "选择声音文件",
      },
      insecure: {
        title: "浏览器只向安全的页面提供麦克风。",
        more: "请用 https 或在 localhost 打开此页面。也可以选择一个录音文件。",
        button: "选择声音文件",
      },
      unread: {
        title: "浏览器读不出这个文件里的声音。",
        more: "WAV、MP3 和 M4A 到处都能读。",
        button: "另选一个",
      },
    },
  },
};
