import { findAssignments } from "./assignment.ts";
import { findAuthorizations } from "./authorization.ts";
import { findPrivateKeys } from "./private-key.ts";
import { mayHoldToken } from "./may-hold-token.ts";
import { isSample } from "./sample-value.ts";
import type { SecretKind, SecretSpan } from "./secret-span.ts";
import { looksChosen, looksRandom } from "./secret-value.ts";
import { findTokens } from "./token-form.ts";
import { findUrlSecrets, URL_USER } from "./url.ts";

/** A secret in a file: what and where, never the value. */
export interface FileSecret {
  readonly kind: SecretKind;
  /** From 1. */
  readonly line: number;
  /** Of the variable, when it was found by its name. */
  readonly name: string | undefined;
}

/** Looked at in one go: a few milliseconds. */
const WINDOW_CHARACTERS = 16 * 1024;
/** Of a line that is longer than a window, so much is looked at twice. */
const OVERLAP_CHARACTERS = 1024;
/** Who has more of them has them all told by one look into the file. */
const SECRETS_PER_FILE_MAX = 10;

/** Files whose purpose are settings and credentials: what stands under a secret's name there is one. */
const SETTINGS = /(?:^|\/)(?:[^/]*\.env|\.env(?!\.(?:example|sample|template|dist|defaults?)$)[^/]*|[.](?:npmrc|yarnrc(?:\.yml)?|pypirc|s3cfg|boto|dockercfg|dockerconfigjson|vault-token|my\.cnf)|[._]netrc|\.git-credentials|pip\.conf|auth\.json|(?:credentials|secrets?)(?:\.(?:json|ya?ml|toml|ini|txt|env|csv))?|\.docker\/config\.json|[^/]*\.(?:properties|ini|cfg|conf|tfvars|ovpn))$/i;

/** Who has a byte 0 in them is no text. */
const FIRST_BYTES = 16 * 1024;

/**
 * Looks for secrets in the bytes of one file, to its end, as they come. What has a byte 0 at its beginning is no text, and has none. In files of
 * settings a name is enough; elsewhere, as in programs and their tests, only what shows by its form counts.
 */
export class FileScan {
  readonly #isSettings: boolean;
  readonly #found = new Map<string, FileSecret>();
  #rest = "";
  #line = 1;
  #seenBytes = 0;
  #isDone = false;

  constructor(path: string) {
    this.#isSettings = isSettingsFile(path);
  }

  push(bytes: Uint8Array): void {
    if (this.#isDone) return;
    const part = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (this.#seenBytes < FIRST_BYTES && part.subarray(0, FIRST_BYTES - this.#seenBytes).includes(0)) {
      this.#isDone = true;
      return;
    }
    this.#seenBytes += part.byteLength;
    // What secrets are made of is ASCII, and each byte is a character here.
    this.#rest += part.toString("latin1");
    while (!this.#isDone && this.#rest.length > WINDOW_CHARACTERS) this.#look(windowEnd(this.#rest));
  }

  /** In the order of the file; the first of them, where there are many. */
  result(): readonly FileSecret[] {
    this.#end();
    return [...this.#found.values()].slice(0, SECRETS_PER_FILE_MAX);
  }

  #end(): void {
    if (this.#isDone) return;
    this.#isDone = true;
    if (this.#rest.length > 0) this.#look(this.#rest.length);
  }

  #look(end: number): void {
    const text = this.#rest.slice(0, end);
    for (const { start, kind, name } of this.#isSettings ? namedSecrets(text) : shownSecrets(text)) {
      const line = this.#line + count(text, start);
      this.#found.set(`${kind} ${line}`, { kind, line, name: kind === "secret-variable" ? name : undefined });
    }
    const isCut = end < this.#rest.length && text.at(-1) !== "\n";
    const done = isCut ? end - OVERLAP_CHARACTERS : end;
    this.#line += count(text, done);
    this.#rest = this.#rest.slice(done);
    if (this.#found.size >= SECRETS_PER_FILE_MAX) this.#isDone = true;
  }
}

/** Whether a name is enough for what stands under it. All else that is found in a file does not depend on its path. */
export function isSettingsFile(path: string): boolean {
  return SETTINGS.test(path);
}

/** Behind the last line that is whole. */
function windowEnd(text: string): number {
  const lineEnd = text.lastIndexOf("\n", WINDOW_CHARACTERS - 1);
  return lineEnd > WINDOW_CHARACTERS / 2 ? lineEnd + 1 : WINDOW_CHARACTERS;
}

function count(text: string, end: number): number {
  let lines = 0;
  for (let at = text.indexOf("\n"); at !== -1 && at < end; at = text.indexOf("\n", at + 1)) lines++;
  return lines;
}

function namedSecrets(text: string): readonly SecretSpan[] {
  return inOrder([...keysOf(text), ...findTokens(text), ...findUrlSecrets(text).filter(({ name }) => name !== URL_USER), ...findAuthorizations(text), ...findAssignments(text)]);
}

/** What has to be in a text that holds a secret of each kind. These are many times faster than to find it. */
const MAY_HOLD_KEY = /PRIVATE KEY|b3BlbnNzaC1rZXktdjE/;
const MAY_HOLD_URL = /:\/\/[^\s/?#"'`<>\\|;()@:]*:[^\s/?#"'`<>\\|;()@]+@/;
const MAY_HOLD_VALUE = /(?:pass|secret|token|key|auth|credential)[\w.-]{0,40}["']?\s{0,3}(?:=>|:=|[:=])\s{0,3}["'][\w+/.~!@#%^&*-]{16}/i;
/** The end of that, which texts have more seldom than its beginning. */
const MAY_HOLD_QUOTED = /[:=>]\s{0,3}["'][\w+/.~!@#%^&*-]{16}/;
const MAY_HOLD_SCHEME = /[Bb](?:earer|asic)\s{1,4}[A-Za-z0-9+/=._~-]{16}/;

function shownSecrets(text: string): readonly SecretSpan[] {
  const spans: SecretSpan[] = [];
  const valueOf = ({ start, end }: SecretSpan): string => text.slice(start, end);
  if (MAY_HOLD_KEY.test(text)) spans.push(...keysOf(text));
  if (mayHoldToken(text)) spans.push(...findTokens(text).filter((span) => !isSample(valueOf(span))));
  if (MAY_HOLD_URL.test(text)) spans.push(...findUrlSecrets(text).filter((span) => span.name === undefined && looksChosen(valueOf(span)) && !isSampleHost(text, span)));
  if (MAY_HOLD_SCHEME.test(text)) spans.push(...findAuthorizations(text).filter((span) => looksMade(valueOf(span))));
  if (MAY_HOLD_QUOTED.test(text) && MAY_HOLD_VALUE.test(text)) spans.push(...findAssignments(text).filter((span) => /["']/.test(text[span.start - 1] ?? "") && looksMade(valueOf(span)) && !isSample(valueOf(span))));
  return inOrder(spans);
}

/** A key, not only the words around one: programs that read keys have those. */
function keysOf(text: string): readonly SecretSpan[] {
  return findPrivateKeys(text, false).spans.filter(({ start, end }) => /[A-Za-z0-9+/]{40}/.test(text.slice(start, end)));
}

/** Random, and no name of a program's: those have hardly a digit. */
function looksMade(value: string): boolean {
  return looksRandom(value) && (value.match(/\d/g)?.length ?? 0) >= 2;
}

function isSampleHost(text: string, { end }: SecretSpan): boolean {
  return /^@(?:[\w.-]*\.)?(?:example(?:\.(?:com|org|net))?|localhost|(?:test|invalid|local)|host|127\.0\.0\.1)(?![\w.-])/i.test(text.slice(end, end + 200));
}

function inOrder(spans: readonly SecretSpan[]): readonly SecretSpan[] {
  return spans.toSorted((a, b) => a.start - b.start);
}
