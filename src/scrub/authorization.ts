import type { SecretSpan } from "./secret-span.ts";
import { isPublicValue, looksChosen, looksRandom } from "./secret-value.ts";

/** How far back the command that an option belongs to is looked for. */
const COMMAND_CHARACTERS_MAX = 1000;

const HEADER = /\bauthorization(?:\\?["'])?\s{0,4}(?:=>|[:=,])\s{0,4}(?:\\?["'])?(?<scheme>(?:bearer|basic|token|apikey|negotiate|digest|ssws|bot)\s{1,4})?(?<value>[^\s"'`<>\\,;]{3,})/gi;
const SCHEME = /\b(?<scheme>bearer|basic)(?:\s{1,4}|%20|\+)(?<value>[A-Za-z0-9+/=._~-]{8,})/gi;
/** `-u user:password`, also as an item of a list. */
const USER_OPTION = /(?<=[\s"'[,])(?:-u|-U|--user|--proxy-user|--http-user)(?:[\s=,"']|\\\n){0,6}(?<user>[^\s:"'`,$-][^\s:"'`,]{0,127}):(?<value>[^\s"'`,]{1,256})/g;
const USER_COMMAND = /\b(?:curl|http|https|xh|wget|ab)\b/;
const PASSWORD_OPTION = /(?<=[\s"'[,])(?:-p|-a)(?:[\s=,"']|\\\n){0,6}(?<value>[^\s"'`,-][^\s"'`,]{0,255})/g;
const PASSWORD_COMMAND = /\b(?:docker|podman|buildah|nerdctl|skopeo|crane|helm|oras|az|oc)\b[\s\S]*\blogin\b|\b(?:sshpass|mysql|mysqldump|mysqladmin|mariadb|mariadb-dump|redis-cli)\b/;
/** `openssl … -passin pass:x`. */
const PASS_PHRASE = /(?<=[\s"'[,=])pass:(?<value>[^\s"'`,]{1,256})/g;
/** What sets the password of a user of the image. */
const CHPASSWD = /(?<![\w.-])[\w.-]{1,64}:(?<value>[^\s"'`|:\\]{1,256})(?:\\n)?["']?\s{0,8}\|\s{0,8}(?:sudo\s{1,4})?(?:\/usr\/s?bin\/)?chpasswd\b/g;
const PASSWD = /\becho\s{1,4}(?:-\w{1,3}\s{1,4})?["']?(?<value>[^\s"'`|]{1,256})["']?\s{0,8}\|\s{0,8}(?:sudo\s{1,4})?passwd\s{1,4}--stdin/g;
/** A line of .netrc, or its words. */
const NETRC = /(?:\b|(?<=\\[nt]))login(?:\s|\\n|\\t){1,8}[^\s\\"']{1,256}(?:\s|\\n|\\t|\\\n){1,8}password(?:\s|\\n|\\t){1,8}(?<value>[^\s\\"']{1,256})/g;

/** What every such place has a part of. */
const MAY_HOLD = /authorization|bearer|basic|pass|[\s"'[,]-/i;

/** Credentials by where they stand: in headers, after the options of well-known commands, in .netrc. */
export function findAuthorizations(text: string): readonly SecretSpan[] {
  if (!MAY_HOLD.test(text)) return [];
  return [
    ...spansOf(HEADER, text, ({ scheme, value }) => !isPublicValue("authorization", value) && (scheme !== undefined || looksChosen(value)), "authorization"),
    ...spansOf(SCHEME, text, ({ scheme = "", value }) => !isPublicValue("", value) && (scheme.toLowerCase() === "basic" ? isBasic(value) : looksChosen(value)), "authorization"),
    ...spansOf(USER_OPTION, text, ({ value }, at) => !/^\d+$/.test(value) && !isPublicValue("", value) && USER_COMMAND.test(commandBefore(text, at)), "authorization"),
    ...spansOf(PASSWORD_OPTION, text, ({ value }, at) => !isPublicValue("", value) && PASSWORD_COMMAND.test(commandBefore(text, at)), "authorization"),
    ...(/pass(?:in|out|wd|word)/.test(text) ? [PASS_PHRASE, CHPASSWD, PASSWD, NETRC] : []).flatMap((pattern) => spansOf(pattern, text, ({ value }) => !isPublicValue("", value), "authorization")),
  ];
}

interface Found {
  readonly scheme?: string;
  readonly value: string;
}

function spansOf(pattern: RegExp, text: string, isSecret: (found: Found, at: number) => boolean, kind: SecretSpan["kind"]): readonly SecretSpan[] {
  return [...text.matchAll(pattern)].flatMap(({ groups = {}, index, 0: whole }): readonly SecretSpan[] => {
    const { scheme, value = "" } = groups;
    if (!isSecret({ ...(scheme === undefined ? {} : { scheme }), value }, index)) return [];
    const start = index + whole.lastIndexOf(value);
    return [{ start, end: start + value.length, kind }];
  });
}

/** From the last command on; the lines that a Dockerfile joins are one. */
function commandBefore(text: string, at: number): string {
  const before = text.slice(Math.max(0, at - COMMAND_CHARACTERS_MAX), at);
  return before.slice(before.search(/(?:[;|&]|(?<!\\)\n)[^;|&\n]*(?:\\\n[^;|&\n]*)*$/) + 1);
}

/** `user:password` in base64. */
export function isBasic(value: string): boolean {
  const text = Buffer.from(value, "base64").toString("latin1");
  return /^[\x21-\x7e]*:[\x20-\x7e]+$/.test(text) || looksRandom(value);
}
