import { redactVariablesIn } from "./dockerfile-variables.ts";
import { isProxyName, isSecretVariable } from "./secret-name.ts";
import { redactTokensIn } from "./token-form.ts";
import { MASK, redactProxy, redactUrl, redactUrlsIn } from "./url.ts";

/** One thing that was masked. Says what and where, never the value. */
export interface Redaction {
  readonly kind: "url-credentials" | "proxy-credentials" | "secret-variable" | "known-secret" | "token";
  /** Where it stood: `build-arg:TOKEN`, `step3`, `Dockerfile:7`. */
  readonly place: string;
  /** Name of the variable, when it was masked for its name. */
  readonly name: string | undefined;
}

/** Values shorter than this, or that look like words, would be found where they are no secret. */
const KNOWN_SECRET_LENGTH_MIN = 8;
const RANDOM_LENGTH_MIN = 16;

/**
 * What passes through here may be published: evidence, metadata files, logs. Text without a secret comes out
 * unchanged, byte for byte. One scrubber serves one record: it remembers the secrets it saw, and what it masked.
 */
export class Scrubber {
  readonly #redactions = new Map<string, Redaction>();
  readonly #known = new Set<string>();

  /** In the order found; the same thing at the same place once. */
  get redactions(): readonly Redaction[] {
    return [...this.#redactions.values()];
  }

  /** Has this value masked wherever it stands, if it is distinct enough to be recognised. */
  learn(secret: string): void {
    const isMixed = /[a-zA-Z]/.test(secret) && /[0-9]/.test(secret) && secret.length >= KNOWN_SECRET_LENGTH_MIN;
    const isLong = secret.length >= RANDOM_LENGTH_MIN && !/\s/.test(secret);
    if (isMixed || isLong) this.#known.add(secret);
  }

  /** Learns the value if the name says that it is a secret. To be done before the first text is scrubbed. */
  learnVariable(name: string, value: string): void {
    if (isSecretVariable(name, value)) this.learn(value);
  }

  /** Learns the literal values of a Dockerfile's ARG and ENV. */
  learnDockerfile(text: string): void {
    redactVariablesIn(text, (name, value) => {
      this.learnVariable(name, value);
      return undefined;
    });
  }

  /** What is known to be a URL: BuildKit's masking. */
  url(url: string, place: string): string {
    return this.#note(redactUrl(url), url, { kind: "url-credentials", place, name: undefined });
  }

  proxy(value: string, place: string): string {
    return this.#note(redactProxy(value), value, { kind: "proxy-credentials", place, name: undefined });
  }

  /** Any text: known secrets, credentials in URLs, tokens that tell themselves by their form. */
  text(text: string, place: string): string {
    const withoutKnown = this.#note(this.#redactKnown(text), text, { kind: "known-secret", place, name: undefined });
    const withoutCredentials = this.#note(redactUrlsIn(withoutKnown), withoutKnown, { kind: "url-credentials", place, name: undefined });
    return this.#note(redactTokensIn(withoutCredentials), withoutCredentials, { kind: "token", place, name: undefined });
  }

  /** The value of a variable, judged by its name first. */
  variable(name: string, value: string, place: string): string {
    if (isProxyName(name)) return this.text(this.proxy(value, place), place);
    if (!isSecretVariable(name, value)) return this.text(value, place);
    return this.#note(MASK, value, { kind: "secret-variable", place, name });
  }

  /** `NAME=value`, as processes get it. */
  assignment(assignment: string, place: string): string {
    const at = assignment.indexOf("=");
    if (at === -1) return this.text(assignment, place);
    const name = assignment.slice(0, at);
    return `${name}=${this.variable(name, assignment.slice(at + 1), place)}`;
  }

  /** A Dockerfile, comments included. Its lines keep their numbers. */
  dockerfile(text: string, filename: string): string {
    const withoutVariables = redactVariablesIn(text, (name, value, line) => {
      if (!isSecretVariable(name, value)) return undefined;
      this.#add({ kind: "secret-variable", place: `${filename}:${line}`, name });
      return MASK;
    });
    const byLine = withoutVariables.split("\n").map((line, index) => this.text(line, `${filename}:${index + 1}`)).join("\n");
    // Once more as a whole, for what spans lines: the body of a private key.
    return this.text(byLine, filename);
  }

  #redactKnown(text: string): string {
    let redacted = text;
    for (const secret of [...this.#known].toSorted((a, b) => b.length - a.length)) redacted = redacted.replaceAll(secret, MASK);
    return redacted;
  }

  #note(after: string, before: string, redaction: Redaction): string {
    if (after !== before) this.#add(redaction);
    return after;
  }

  #add(redaction: Redaction): void {
    this.#redactions.set(`${redaction.kind} ${redaction.place} ${redaction.name ?? ""}`, redaction);
  }
}
