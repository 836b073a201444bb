import type { SecretSpan } from "./secret-span.ts";

/** Values shorter than this, or that look like words, would be found where they are no secret. */
const MIXED_LENGTH_MIN = 8;
const LONG_LENGTH_MIN = 16;

/** Secrets that were seen at one place, and are found at every other: as they are, percent-encoded, quoted, and in base64. */
export class KnownSecrets {
  readonly #forms = new Set<string>();
  #sorted: readonly string[] | undefined;

  /** Has the value found wherever it stands, if it is distinct enough. Of one over several lines, each line. */
  learn(secret: string): void {
    for (const line of secret.split(/\r?\n/)) this.#learnLine(line.trim());
  }

  #learnLine(secret: string): void {
    const isMixed = secret.length >= MIXED_LENGTH_MIN && /[a-zA-Z]/.test(secret) && /[0-9]/.test(secret);
    if (!isMixed && secret.length < LONG_LENGTH_MIN) return;
    for (const form of formsOf(secret)) this.#forms.add(form);
    this.#sorted = undefined;
  }

  find(text: string): readonly SecretSpan[] {
    this.#sorted ??= [...this.#forms].toSorted((a, b) => b.length - a.length);
    const spans: SecretSpan[] = [];
    for (const form of this.#sorted) {
      for (let at = text.indexOf(form); at !== -1; at = text.indexOf(form, at + form.length)) spans.push({ start: at, end: at + form.length, kind: "known-secret" });
    }
    return spans;
  }
}

function formsOf(secret: string): readonly string[] {
  const percent = secret.isWellFormed() ? encodeURIComponent(secret) : secret;
  return [secret, percent, percent.replaceAll("%20", "+"), decoded(secret), JSON.stringify(secret).slice(1, -1), ...base64Forms(secret)];
}

function decoded(secret: string): string {
  try {
    return decodeURIComponent(secret);
  } catch (error) {
    if (error instanceof URIError) return secret;
    throw error;
  }
}

/** Three bytes are four letters, so that a value has three forms, by what stands before it; the letters at its ends are shared with others. */
function base64Forms(secret: string): readonly string[] {
  return [0, 1, 2].flatMap((before) => {
    const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(secret)]);
    const whole = bytes.subarray(0, bytes.length - (bytes.length % 3)).toString("base64");
    const form = whole.slice(before === 0 ? 0 : 4);
    return form.length < MIXED_LENGTH_MIN ? [] : [form, form.replaceAll("+", "-").replaceAll("/", "_")];
  });
}
