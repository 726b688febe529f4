// Files that only the holder of a key can read: AES-GCM (NIST SP 800-38D) through WebCrypto.
//
// The format: "innerloop-sealed" (16 bytes); a version (1 byte); how many bytes follow (u64, little-endian); these: a nonce
// (12), the ciphertext, the tag (16). What comes before the nonce is authenticated with the rest.
import { InnerloopError, mistaken } from "@innerloop/schemas/bundle";
import { isBytes } from "./bytes.ts";
import { badInput } from "./refusal.ts";

/** A key for AES-GCM: a CryptoKey that may encrypt and decrypt, or 32 random bytes. */
export type Key = Uint8Array | CryptoKey;

type CryptoKey = Awaited<ReturnType<typeof crypto.subtle.importKey>>;

const cipher = "AES-GCM";
const magic = "innerloop-sealed";
const formatVersion = 1;
const headerBytes = magic.length + 9;
const nonceBytes = 12;
const tagBytes = 16;

/** Encrypts bytes; no two results are the same, since each has a random nonce of its own. */
export async function seal(bytes: Uint8Array, key: Key): Promise<Uint8Array> {
  const ready = await open(key, "encrypt");
  const sealed = new Uint8Array(headerBytes + nonceBytes + bytes.length + tagBytes);
  sealed.set(new TextEncoder().encode(magic));
  sealed[magic.length] = formatVersion;
  new DataView(sealed.buffer).setBigUint64(magic.length + 1, BigInt(sealed.length - headerBytes), true);
  const nonce = crypto.getRandomValues(sealed.subarray(headerBytes, headerBytes + nonceBytes));
  const settings = { name: cipher, iv: nonce, additionalData: sealed.subarray(0, headerBytes) };
  const ciphertext = await crypto.subtle.encrypt(settings, ready, bytes as Uint8Array<ArrayBuffer>);
  sealed.set(new Uint8Array(ciphertext), headerBytes + nonceBytes);
  return sealed;
}

/**
 * Decrypts what {@link seal} made; plain bytes come back as they are when no key is given.
 *
 * @param source the file's name, for messages
 * @throws InnerloopError `wrong-key` also for bytes that were altered, `key-missing`, `not-encrypted`, `personal-invalid`
 *   for bytes that are cut short, `newer-version`, `bad-option` for what is no such key, `encryption-unavailable`.
 */
export async function unseal(bytes: Uint8Array, key: Key | undefined, source: string): Promise<Uint8Array> {
  if (new TextDecoder().decode(bytes.subarray(0, magic.length)) !== magic) {
    if (key === undefined) return bytes;
    const other = mistaken(bytes);
    if (other !== undefined) throw new InnerloopError("personal-invalid", `${source}: ${other}`);
    throw badInput(
      `${source}: it is not encrypted and a key was given; leave the key out if that is right`,
      "not-encrypted",
    );
  }
  if (key === undefined)
    throw badInput(`${source}: it is encrypted; give the key that it was saved with`, "key-missing");
  if (bytes[magic.length]! > formatVersion)
    throw new InnerloopError(
      "newer-version",
      `${source}: its encryption has version ${bytes[magic.length]} and this release reads up to ${formatVersion}; upgrade @innerloop/runtime`,
    );
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (
    bytes.length < headerBytes + nonceBytes + tagBytes ||
    bytes.length - headerBytes !== Number(view.getBigUint64(magic.length + 1, true))
  ) {
    throw new InnerloopError(
      "personal-invalid",
      `${source}: the file is cut short: it has ${bytes.length} bytes; copy the file again, or use an earlier one`,
    );
  }
  const ready = await open(key, "decrypt");
  const whole = bytes as Uint8Array<ArrayBuffer>;
  const iv = whole.subarray(headerBytes, headerBytes + nonceBytes);
  const settings = { name: cipher, iv, additionalData: whole.subarray(0, headerBytes) };
  try {
    return new Uint8Array(await crypto.subtle.decrypt(settings, ready, whole.subarray(headerBytes + nonceBytes)));
  } catch (cause) {
    throw new InnerloopError(
      "wrong-key",
      `${source}: it cannot be decrypted: the key is another than it was saved with, or the file was altered; give that key`,
      { cause },
    );
  }
}

/** The key as WebCrypto takes it. */
async function open(key: Key, usage: "encrypt" | "decrypt"): Promise<CryptoKey> {
  const subtle = globalThis.crypto?.subtle;
  if (subtle === undefined)
    throw new InnerloopError(
      "encryption-unavailable",
      "there is no WebCrypto here to encrypt with; serve the page over https or from localhost",
    );
  if (isBytes(key) && key.length === 32)
    return subtle.importKey("raw", key as Uint8Array<ArrayBuffer>, cipher, false, [usage]);
  const { algorithm, usages } = (key ?? {}) as CryptoKey;
  if (algorithm?.name === cipher && usages.includes(usage)) return key as CryptoKey;
  const found = isBytes(key) ? `${key.length} bytes` : (algorithm?.name ?? typeof key);
  throw badInput(
    `a key of ${found} was given; 32 random bytes, or a CryptoKey that may ${usage} with ${cipher}, was expected`,
    "bad-option",
  );
}
