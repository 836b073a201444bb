import { redactUrl } from "../scrub/url.ts";

/** A remote for messages: whoever is named in its URL is masked, as BuildKit has it. */
export function shownRemote(remote: string): string {
  return redactUrl(remote);
}
