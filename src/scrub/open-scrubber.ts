import { Scrubber } from "./scrubber.ts";
import { redactUrl } from "./url.ts";

/** Masks what BuildKit masks, which is user and password of what is known to be an address, and nothing else: for who asked for it. */
export class OpenScrubber extends Scrubber {
  override url(url: string, place: string): string {
    const redacted = redactUrl(url);
    if (redacted !== url) this.note({ kind: "url-credentials", place, name: undefined });
    return redacted;
  }

  override text(text: string): string {
    return text;
  }

  override proxy(value: string): string {
    return value;
  }

  override list(words: readonly string[]): readonly string[] {
    return words;
  }

  override variable(_name: string, value: string): string {
    return value;
  }

  override assignment(assignment: string): string {
    return assignment;
  }

  override dockerfile(text: string): string {
    return text;
  }
}
