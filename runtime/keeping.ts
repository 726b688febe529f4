// The door `@innerloop/runtime/files`, Node only: how files and folders are kept whole and locked, what lies beside a model, and how
// paths are told, for the rooms that keep runs and bundles as the runtime keeps personal files.
export { type FilesBeside, filesBeside } from "./hosts/beside.ts";
export {
  behindLinks,
  makeFolder,
  missingFolders,
  ownerOnly,
  removeEmpty,
  replaceFile,
  sweep,
  syncFolder,
  temporaryIn,
  tryFile,
  tryFolder,
} from "./hosts/files.ts";
export { putBack, replaceFolder } from "./hosts/folders.ts";
export { type Lock, takeLock } from "./hosts/lock.ts";
export { shellWord } from "./hosts/shell.ts";
