import { redactUrl } from "../scrub/url.ts";
import { RequestError } from "./request-error.ts";

/** Throws RequestError for what no server can be asked for: a text that is no URL, or that has escapes of nothing (WHATWG URL; RFC 3986 §2.1). */
export function webAddress(text: string): URL {
  const url = URL.parse(text);
  if (url === null || [url.username, url.password, url.pathname].some(isMalformed)) {
    throw new RequestError("usage", `invalid URL ${JSON.stringify(redactUrl(text))}: a web address is https://HOST/PATH, and a % in it is written %25`);
  }
  return url;
}

function isMalformed(part: string): boolean {
  try {
    decodeURIComponent(part);
    return false;
  } catch (error) {
    if (error instanceof URIError) return true;
    throw error;
  }
}
