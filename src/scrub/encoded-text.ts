import { isUtf8 } from "node:buffer";
import type { SecretSpan } from "./secret-span.ts";

/** A word in base64, and one over several lines of the width that programs give them. */
const BASE64 = /[A-Za-z0-9+/]{60,128}(?:\\?\r?\n[A-Za-z0-9+/]{60,128})+(?:\\?\r?\n[A-Za-z0-9+/]{1,76}={0,2}(?![A-Za-z0-9]))?|[A-Za-z0-9+/_-]{20,}={0,2}/g;

const MAY_HOLD = /[A-Za-z0-9+/_-]{20}/;

/** Texts in base64 that hold a secret, whole: a configuration file, a key with its armour. What is no text, such as an image or a digest, is none. */
export function findEncodedSecrets(text: string, hasSecret: (decoded: string) => boolean): readonly SecretSpan[] {
  if (!MAY_HOLD.test(text)) return [];
  return [...text.matchAll(BASE64)].flatMap(({ 0: word, index }): readonly SecretSpan[] => {
    const decoded = decodedText(word);
    return decoded !== undefined && hasSecret(decoded) ? [{ start: index, end: index + word.length, kind: "encoded-secret" }] : [];
  });
}

function decodedText(word: string): string | undefined {
  const bytes = Buffer.from(word.replace(/[\\\s]/g, ""), "base64");
  if (!isUtf8(bytes)) return undefined;
  const text = bytes.toString("utf8");
  // oxlint-disable-next-line no-control-regex -- what texts do not have is looked for.
  return /[\x00-\x08\x0e-\x1f\x7f]/.test(text) ? undefined : text;
}
