// What the page says of gestures, in English and Chinese.
import type { Language } from "../../words.ts";
import type { NoticeWords } from "../recording/notice.ts";
import type { KindWords } from "../words.ts";

export const gestureWords: Readonly<Record<Language, KindWords>> = {
  en: {
    title: "Innerloop: teach it your own gestures",
    mode: "What gestures are for",
    help: "Make one for me",
    teachThis: "Learn it as a new gesture",

    first: "Make any gesture you like.",
    firstMore: "With the phone in your hand. Once is enough.",
    second: "Got it. Now make a different one.",
    secondMore: "Two gestures, and it can tell them apart.",
    more: "Make one more gesture.",
    moreMore: (ways) =>
      ways === null ? "As many as you like, each of them once." : `Up to ${ways}, each of them once.`,
    full: (ways) => `It tells up to ${ways} gestures apart.`,
    into: "Make {name} once more.",
    now: "Now make one of them again.",
    nowMore: "As you like: larger, slower, in a hurry.",
    learnedMore: (count, ms) =>
      `From ${count === 1 ? "one take" : `${count} takes`}, in ${ms}. Make another, or try it.`,
    correctedMore: (ms) => `Learned in ${ms}. Make it again.`,
    noneMore: "It does not know this gesture. Yet.",
    small: "That was hardly a movement.",
    smallMore: "Hold the button while you move.",

    symbols: "Your gestures",
    newSymbol: "New gesture",
    addExample: (label) => `Make ${label} once more`,
    removeExample: (label, number) => `Remove take ${number} of ${label}`,
    examples: (count) => (count === 1 ? "1 take" : `${count} takes`),
    answer: "What it feels",
    answerEmpty: "Teach it two gestures; then it tells them apart while you move.",
    isNew: "It is a new gesture: learn it",
    privacy:
      "Your movements never leave this page. All learning happens in it, offline too, and your browser bars it from talking to any other site.",

    fileLoaded: (count) => (count === 1 ? "One gesture is back." : `${count} gestures are back.`),
    fileLoadedMore: "Make one of them.",
    taken: (label) => `Another gesture has the name ${label}.`,
  },
  zh: {
    title: "Innerloop：教它认识你的手势",
    mode: "录下的手势用来做什么",
    help: "替我做一个",
    teachThis: "学会这个新手势",

    first: "随便做一个手势。",
    firstMore: "手里拿着手机，做一次就够了。",
    second: "记住了。再做一个不同的。",
    secondMore: "有了两个手势，它就能分辨。",
    more: "再做一个新手势。",
    moreMore: (ways) => (ways === null ? "想做多少都行，每个做一次。" : `最多 ${ways} 个，每个做一次。`),
    full: (ways) => `它最多分辨 ${ways} 个手势。`,
    into: "把 {name} 再做一次。",
    now: "现在，把其中一个再做一次。",
    nowMore: "大一点、慢一点、快一点，都可以。",
    learnedMore: (count, ms) => `只录了 ${count} 次，用时 ${ms}。继续做，或者试试看。`,
    correctedMore: (ms) => `用时 ${ms} 学会。再做一次吧。`,
    noneMore: "它还不认识这个手势。",
    small: "几乎没有动。",
    smallMore: "请按住按钮，同时做动作。",

    symbols: "你的手势",
    newSymbol: "新手势",
    addExample: (label) => `把 ${label} 再做一次`,
    removeExample: (label, number) => `删除 ${label} 的第 ${number} 次录制`,
    examples: (count) => `录了 ${count} 次`,
    answer: "它感觉到了什么",
    answerEmpty: "教它两个手势，之后你边动，它边认。",
    isNew: "这是新手势：学会它",
    privacy: "你的动作不会离开此页面。学习全部在页面内完成，离线也能用；浏览器禁止它与任何其他网站通信。",

    fileLoaded: (count) => `${count} 个手势回来了。`,
    fileLoadedMore: "做其中一个试试。",
    taken: (label) => `已经有一个手势叫 ${label}。`,
  },
};

interface RecorderWords {
  readonly record: string;
  readonly asking: NoticeWords;
  /** What to do, by where the readings come from. */
  readonly hints: Readonly<Record<"none" | "asking" | "sensor" | "insecure" | "refused" | "absent", string>>;
}

export const recorderWords: Readonly<Record<Language, RecorderWords>> = {
  en: {
    record: "Record a gesture",
    asking: {
      title: "May this page feel how the phone moves?",
      more: "Your browser asks once. What the sensors say stays on this page.",
      button: "Allow motion sensors",
    },
    hints: {
      none: "Looking for motion sensors …",
      asking: "",
      sensor: "Hold while you move the phone. Or tap: it counts to three first.",
      absent:
        "No motion sensors here, so the pointer stands in: press, and swing the phone around. With keys: Enter, then arrows.",
      refused:
        "The sensors were refused, so the pointer stands in: press and move. To allow them, close this tab and open it anew.",
      insecure:
        "Browsers give motion sensors to https pages alone, so the pointer stands in: press, and swing the phone around.",
    },
  },
  zh: {
    record: "录制手势",
    asking: {
      title: "允许此页面感知手机的动作吗？",
      more: "浏览器会询问一次。传感器的数据只留在此页面。",
      button: "允许使用运动传感器",
    },
    hints: {
      none: "正在寻找运动传感器……",
      asking: "",
      sensor: "按住按钮，同时移动手机。或轻点一下：先数三下再录。",
      absent: "这里没有运动传感器，由指针代替：按住并甩动图中的手机。用键盘：回车，然后方向键。",
      refused: "传感器被拒绝，由指针代替：按住并移动。若要允许，请关闭此标签页后重新打开。",
      insecure: "浏览器只向 https 页面提供运动传感器，因此由指针代替：按住并甩动图中的手机。",
    },
  },
};
