const SWITCH = /^(?:|0|1|true|false|yes|no|on|off|none|null|nil|undefined|enabled?|disabled?|auto|default|required|optional|always|never)$/i;
/** A reference to what is given elsewhere: `$X`, `${X}`, `$(cmd)`, `%X%`, `{{ x }}`, `<x>`. One with a default of its own is none. */
const REFERENCE = /\$\w+|\$\{\w+(?::?\?[^}]*|:?-)?\}|\$\([^)]*\)|\$\{\{[^}]*\}\}|\{\{[^}]*\}\}|`[^`]*`|%\w+%/g;
/** Marks that close what stands around a value that is empty, or none. */
const CLOSING = /^[\s"'`,;:.)\]}>]{1,3}$/;
const PLACEHOLDER = /^(?:<[^>]*>|\[[^\]]*\]|x{3,}|X{3,}|[*.•]+|\.{2,}|%[sdvq]|\{\w*\})$/;
/** `id=x,src=y` of `--secret`, `type=secret` of a mount: ids and places. */
const PLACE = /^(?:id|src|source|env|type|target|file|path|url)=/;
const DIGEST = /^(?:sha(?:1|224|256|384|512)|md5)[:-]/i;
const PUBLIC_KEY = /^(?:ssh-(?:rsa|dss|ed25519)|ecdsa-sha2-\S+|sk-(?:ssh|ecdsa)-\S+)\s+AAAA|^-----BEGIN (?:[A-Z0-9]+ )*(?:PUBLIC KEY|CERTIFICATE)|^age1[a-z0-9]{40,}$/;
const UUID = /^\{?[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\}?$/i;
/** A longer text holds more than references. */
const REFERENCES_CHARACTERS_MAX = 256;
const OPENPGP_NAME = /(?:^|[_-])(?:gpg|pgp)_?keys?(?:[_-]|$)/i;
const OPENPGP_FINGERPRINTS = /^(?:(?:0x)?[0-9a-f]{8,40}[\s,]*)+$/i;

/** What may stand under a secret's name and is none: nothing, a switch, a reference, a path, a digest, a public key, a mask. */
export function isPublicValue(name: string, value: string): boolean {
  const text = value.trim();
  if (SWITCH.test(text) || CLOSING.test(text) || PLACEHOLDER.test(text) || PLACE.test(text) || DIGEST.test(text) || PUBLIC_KEY.test(text)) return true;
  if (isPath(text) || isPlainUrl(text)) return true;
  if (OPENPGP_NAME.test(name) && OPENPGP_FINGERPRINTS.test(text)) return true;
  // Only references, and what joins them.
  return text.length <= REFERENCES_CHARACTERS_MAX && /[$%`{]/.test(text) && !/[A-Za-z0-9]/.test(text.replace(REFERENCE, ""));
}

/** `/run/secrets/x`. A secret in base64 may begin with a slash as well, and mixes what no path mixes. */
function isPath(text: string): boolean {
  if (!/^(?:\/|\.\.?\/|~\/|[A-Za-z]:\\)[\w@.,+\-/\\ ]*$/.test(text)) return false;
  return text.split(/[/\\]/).every((part) => part.length <= 40 && !isMixed(part));
}

function isMixed(text: string): boolean {
  return text.length >= 12 && /[a-z]/.test(text) && /[A-Z]/.test(text) && /[0-9]/.test(text);
}

/** An address, whose own secrets are found wherever it stands. */
function isPlainUrl(text: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\/\S+$/i.test(text);
}

const RANDOM_LENGTH_MIN = 16;
const RANDOM_BITS_MIN = 3.2;

/** Whether somebody rolled dice for it: no word, no number, no path, no UUID, no digest. */
export function looksRandom(value: string): boolean {
  if (value.length < RANDOM_LENGTH_MIN || !/^[\w+/=.~!@#%^&*:-]+$/.test(value)) return false;
  if (UUID.test(value) || DIGEST.test(value) || /^(?:0x)?[0-9a-fA-F]+$/.test(value)) return false;
  // Names and versions have their digits together, and separators between words.
  const changes = value.match(/[a-z](?=[A-Z0-9])|[A-Z](?=[0-9])|[0-9](?=[a-zA-Z])/g)?.length ?? 0;
  return changes >= value.length / 10 && entropyBits(value) >= RANDOM_BITS_MIN;
}

/** Shannon's entropy for each character. */
function entropyBits(text: string): number {
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  return [...counts.values()].reduce((bits, count) => bits - (count / text.length) * Math.log2(count / text.length), 0);
}

/** Whether a value in prose can be a password: `password: see the manual` has none. */
export function looksChosen(value: string): boolean {
  return value.length >= 6 && /[0-9]/.test(value) && /[A-Za-z]/.test(value) || (value.length >= 8 && /[A-Za-z]/.test(value) && /[^\w\s.,:;()'"-]/.test(value)) || looksRandom(value);
}
