// What people have in place of the file that they mean: a server's page, the pointer of a file store that was not fetched. A
// reader that cannot make anything of its bytes asks here, and says what they are instead of what they are not.

/** How much of a file tells what it is. */
const startBytes = 1024;

/**
 * What bytes are that should have been a bundle's, a model's, a picture or a table, and what to do about it.
 *
 * @param bytes a file, or at least its first kilobyte
 * @returns words that continue "FILE: ", or undefined for bytes that are not known
 */
export function mistaken(bytes: Uint8Array): string | undefined {
  if (bytes.length === 0) return "it is empty, has 0 bytes; copy or download it again";
  if (bytes[0] === 0x1f && bytes[1] === 0x8b)
    return "it is compressed (gzip); unpack it, or have its server say so (Content-Encoding: gzip)";
  const start = new TextDecoder().decode(bytes.subarray(0, startBytes)).trimStart();
  if (/^version https?:\/\/(git-lfs\.github\.com|hawser\.github\.com|git-media\.io)\//.test(start))
    return "it is a Git LFS pointer, a few lines that stand for the file, not the file itself; fetch it with: git lfs pull";
  if (/^(\.\.\/)*(\.git|\/annex)\/(annex\/)?objects\/\S+\s*$/.test(start))
    return "it is a git-annex pointer, a line that stands for the file, not the file itself; fetch it with: git annex get";
  if (
    /^((<\?xml[^>]*>|<!--(?:(?!-->)[\s\S])*-->)\s*)*<(!doctype\s+html|html|head|body|title|meta|script|h1|div|center)\b/i.test(
      start,
    )
  )
    return "it is a web page (HTML), as servers answer for an address that they do not know or that asks for a login, not the file itself; check the address, or download it again";
  if (/^(<\?xml[^>]*>\s*)?<Error>\s*<Code>/.test(start))
    return "it is the error of a storage server (XML), not the file itself; check the address and who may read it";
  return undefined;
}
