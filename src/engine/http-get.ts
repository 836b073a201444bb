import type { HttpClient } from "../host/http-client.ts";
import type { HttpGet } from "../source/http.ts";

/** Web files through the same proxies and authorities as registries. A user in the URL is for its server. */
export function httpGet(http: HttpClient): HttpGet {
  return async (text, headers, signal) => {
    const url = new URL(text);
    const user = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
    const authorization = user === ":" ? {} : { authorization: `Basic ${Buffer.from(user).toString("base64")}` };
    return await http.send({ method: "GET", url, headers: { ...headers, ...authorization } }, signal);
  };
}
