import { declaredVariables } from "./dockerfile-variables.ts";
import { findSecrets } from "./find-secrets.ts";
import { KnownSecrets } from "./known-secrets.ts";
import { isProxyName, nameStrength } from "./secret-name.ts";
import { maskSpans, settleSpans, type SecretKind, type SecretSpan } from "./secret-span.ts";
import { isPublicValue, looksRandom } from "./secret-value.ts";
import { redactProxy, redactUrl, URL_USER } from "./url.ts";

/** One thing that was masked. Says what and where, never the value. */
export interface Redaction {
  readonly kind: SecretKind;
  /** Where it stood: `build-arg:TOKEN`, `step3`, `Dockerfile:7`. */
  readonly place: string;
  /** Name of the variable, when it was masked for its name. */
  readonly name: string | undefined;
}

/** Whether a variable holds a secret, by its name and what its value can be. */
export function isSecretVariable(name: string, value: string): boolean {
  switch (nameStrength(name)) {
    case "secret":
    case "likely":
      return !isPublicValue(name, value);
    case "vague":
      return !isPublicValue(name, value) && looksRandom(value);
    case "none":
      return false;
  }
}

/** For a text of which nobody has to know afterwards what was masked. */
export function scrubText(text: string): string {
  return maskSpans(text, findSecrets(text, new KnownSecrets()));
}

/**
 * What passes through here may be published: evidence, metadata files, logs. Text without a secret comes out
 * unchanged, byte for byte. One scrubber serves one record: it remembers what it masked.
 */
export class Scrubber {
  readonly #redactions = new Map<string, Redaction>();
  readonly #known: KnownSecrets;

  /** `known` may be shared: what one scrubber learns, all find. */
  constructor(known: KnownSecrets = new KnownSecrets()) {
    this.#known = known;
  }

  /** In the order found; the same thing at the same place once. */
  get redactions(): readonly Redaction[] {
    return [...this.#redactions.values()];
  }

  /** Has this value masked wherever it stands, if it is distinct enough to be recognised. */
  learn(secret: string): void {
    this.#known.learn(secret);
  }

  /** Learns the value if the name says that it is a secret, else the secrets within it. To be done before the first text is scrubbed. */
  learnVariable(name: string, value: string): void {
    if (isSecretVariable(name, value) && !isProxyName(name)) this.learn(value);
    else this.learnText(value);
  }

  /** Learns what shows as a secret, so that it is found where nothing shows it. */
  learnText(text: string): void {
    for (const { start, end, name } of findSecrets(text, this.#known)) if (name !== URL_USER) this.learn(text.slice(start, end));
  }

  /** Learns the literal values of a Dockerfile's ARG, ENV and LABEL, and the secrets of its text. */
  learnDockerfile(text: string): void {
    for (const { name, value } of declaredVariables(text)) this.learnVariable(name, value);
    this.learnText(text);
  }

  /** What is known to be a URL: BuildKit's masking, and then that of any text. */
  url(url: string, place: string): string {
    return this.text(this.#replaced(redactUrl(url), url, "url-credentials", place), place);
  }

  proxy(value: string, place: string): string {
    return this.text(this.#replaced(redactProxy(value), value, "proxy-credentials", place), place);
  }

  /** Any text. */
  text(text: string, place: string): string {
    return this.#masked(text, findSecrets(text, this.#known), () => place);
  }

  /** Words that belong together, such as a command and its arguments: what is an option's value shows only beside the option. */
  list(words: readonly string[], place: string): readonly string[] {
    const spans = findSecrets(words.join(" "), this.#known);
    let at = 0;
    return words.map((word, i) => {
      const start = at;
      at += word.length + 1;
      const within = spans.filter((span) => span.start < start + word.length && span.end > start);
      return this.#masked(word, within.map((span) => withinWord(span, { start, word, isArgument: words[i - 1]?.startsWith("-") === true })), () => place);
    });
  }

  /** The value of a variable, judged by its name first. */
  variable(name: string, value: string, place: string): string {
    if (isProxyName(name)) return this.proxy(value, place);
    if (!isSecretVariable(name, value)) return this.text(value, place);
    return this.#masked(value, [{ start: 0, end: value.length, kind: "secret-variable", name }], () => place);
  }

  /** `NAME=value`, as processes get it. */
  assignment(assignment: string, place: string): string {
    const at = assignment.indexOf("=");
    if (at === -1) return this.text(assignment, place);
    const name = assignment.slice(0, at);
    return `${name}=${this.variable(name, assignment.slice(at + 1), place)}`;
  }

  /** A Dockerfile, comments included. Its lines keep their numbers, and each place names one. */
  dockerfile(text: string, filename: string): string {
    const variables = declaredVariables(text).flatMap(({ name, value, start, end }): readonly SecretSpan[] => (isSecretVariable(name, value) ? [{ start, end, kind: "secret-variable", name }] : []));
    const lines = new LineCounter(text);
    return this.#masked(text, settleSpans([...variables, ...findSecrets(text, this.#known)]), (at) => `${filename}:${lines.lineAt(at)}`);
  }

  #masked(text: string, spans: readonly SecretSpan[], placeAt: (start: number) => string): string {
    for (const { start, kind, name } of spans) this.note({ kind, place: placeAt(start), name: kind === "secret-variable" ? name : undefined });
    return maskSpans(text, spans);
  }

  #replaced(after: string, before: string, kind: SecretKind, place: string): string {
    if (after !== before) this.note({ kind, place, name: undefined });
    return after;
  }

  protected note(redaction: Redaction): void {
    this.#redactions.set(`${redaction.kind} ${redaction.place} ${redaction.name ?? ""}`, redaction);
  }
}

/** The part of a span that is in a word; the value of an option is all of it, whatever blanks it has. */
function withinWord(span: SecretSpan, { start, word, isArgument }: { readonly start: number; readonly word: string; readonly isArgument: boolean }): SecretSpan {
  const isValue = isArgument && span.kind === "secret-variable" && span.start === start;
  return { ...span, start: Math.max(0, span.start - start), end: isValue ? word.length : Math.min(word.length, span.end - start) };
}

/** Lines of ascending offsets, each character looked at once. */
class LineCounter {
  readonly #text: string;
  #at = 0;
  #line = 1;

  constructor(text: string) {
    this.#text = text;
  }

  lineAt(offset: number): number {
    for (let next = this.#text.indexOf("\n", this.#at); next !== -1 && next < offset; next = this.#text.indexOf("\n", this.#at)) {
      this.#line++;
      this.#at = next + 1;
    }
    return this.#line;
  }
}
