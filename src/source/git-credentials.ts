import type { Session } from "../session/session.ts";
import type { GitRequest } from "./git-request.ts";

/**
 * What git shows the server, as settings: a secret of the session for this host, one for all hosts, or else the user that
 * the URL names. A header comes before a token, as in BuildKit.
 */
export async function gitCredentials(request: GitRequest, session: Pick<Session, "secret">, signal: AbortSignal): Promise<ReadonlyArray<readonly [string, string]>> {
  const { remote, userInfo } = request;
  if (!/^https?:\/\//.test(remote)) return [];
  const header = (await secretHeader(request, session, signal)) ?? (userInfo === undefined ? undefined : userHeader(userInfo));
  return header === undefined ? [] : [[`http.${scopeOf(remote)}.extraheader`, `Authorization: ${header}`]];
}

async function secretHeader({ remote, tokenSecret, headerSecret }: GitRequest, session: Pick<Session, "secret">, signal: AbortSignal): Promise<string | undefined> {
  const { host } = new URL(remote);
  for (const suffix of [`.${host}`, ""]) {
    for (const [name, isToken] of [[headerSecret, false], [tokenSecret, true]] as const) {
      const secret = name === "" ? undefined : await session.secret(name + suffix, signal);
      if (secret === undefined) continue;
      // A file's last line end is not meant to be a part of it.
      const text = Buffer.from(secret).toString("utf8").replace(/[\r\n]+$/, "");
      return isToken ? `basic ${Buffer.from(`x-access-token:${text}`).toString("base64")}` : text;
    }
  }
  return undefined;
}

function userHeader(userInfo: string): string {
  const decoded = userInfo.split(":").map(decodeURIComponent);
  return `basic ${Buffer.from(`${decoded[0] ?? ""}:${decoded.slice(1).join(":")}`).toString("base64")}`;
}

/** The one repository; on github.com all, so that submodules there can be had too. */
function scopeOf(remote: string): string {
  return /^https:\/\/(?:www\.)?github\.com\//.exec(remote)?.[0] ?? remote;
}
