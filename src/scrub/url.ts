import { MASK, type SecretSpan } from "./secret-span.ts";
import { nameStrength } from "./secret-name.ts";
import { isPublicValue, looksRandom } from "./secret-value.ts";

/** A digest behind the sign is an image's: to BuildKit that is no URL, since the port would be no number. */
const AUTHORITY = /^((?:[a-zA-Z][a-zA-Z0-9+.-]*:)?\/\/)([^/?#]*)@(?!sha(?:256|384|512):)/;

/** BuildKit's rule for what is known to be a URL: user and password are masked, not cut; other text stays as it is. */
export function redactUrl(url: string): string {
  return url.replace(AUTHORITY, (_whole, scheme: string, userInfo: string) => `${scheme}${maskUserInfo(userInfo)}@`);
}

/** The value of a proxy variable: a URL, or `user:password@host:port` as curl takes it. */
export function redactProxy(value: string): string {
  return AUTHORITY.test(value) ? redactUrl(value) : value.replace(/^([^\s/?#@:]+:[^\s/?#@]*)@/, `${MASK}:${MASK}@`);
}

function maskUserInfo(userInfo: string): string {
  const colon = userInfo.indexOf(":");
  const user = colon === -1 ? userInfo : userInfo.slice(0, colon);
  return `${user === "" ? "" : MASK}${colon === -1 ? "" : `:${MASK}`}`;
}

/** A part of a URL that is not its secret, though it stands with one. */
export const URL_USER = "user";

/**
 * What lets somebody in within the URLs of a text: user and password, a token as user, git's `user:password@host:path`,
 * parameters that hold tokens or signatures; each also where the URL itself is percent-encoded. References to variables stay, and so
 * does a user without a password where that is only a name.
 */
export function findUrlSecrets(text: string): readonly SecretSpan[] {
  if (!/[@=]|%40|%3d/i.test(text)) return [];
  return [
    ...[...text.matchAll(WITHIN)].flatMap(({ groups = {}, index, 0: { length } }) => userInfoSpans({ scheme: groups["scheme"] ?? "", userInfo: groups["info"] ?? "", end: index + length - 1 })),
    ...[...text.matchAll(WITH_SLASH)].flatMap(({ 1: userInfo = "", index, 0: { length } }) => userInfoSpans({ scheme: "://", userInfo, end: index + length - 1 })),
    ...[...text.matchAll(WITHOUT_SCHEME)].flatMap(({ 1: userInfo = "", index }) => (NO_USER.test(userInfo) ? [] : userInfoSpans({ scheme: "", userInfo, end: index + userInfo.length }))),
    ...[...text.matchAll(ENCODED)].flatMap(({ groups = {}, index, 0: { length } }) => userInfoSpans({ scheme: `${/[a-zA-Z][a-zA-Z0-9+.-]*$/.exec(text.slice(Math.max(0, index - SCHEME_CHARACTERS_MAX), index))?.[0] ?? ""}://`, userInfo: groups["info"] ?? "", end: index + length - 3 })),
    ...parameterSpans(text),
  ];
}

const SCHEME_CHARACTERS_MAX = 30;
/** A URL within other text ends where a quotation, a tag or JSON would end it. A digest behind the sign is an image's. */
const WITHIN = /(?<![a-zA-Z0-9+.-])(?<scheme>(?:[a-zA-Z][a-zA-Z0-9+.-]{0,30}:)?(?:\\?\/){2})(?<info>[^\s/?#"'`<>\\|;()]*)@(?!sha(?:256|384|512):)/g;
/** Who wrote it did not know that a slash has to be encoded; before a path or another word, there would be a port. */
const WITH_SLASH = /(?<=[a-zA-Z0-9]:\/\/)([^\s/?#"'`<>\\:@|;()]{0,256}:(?!\d{0,5}[/?#|;()])[^\s"'`<>\\@]{1,512})@(?!sha(?:256|384|512):)(?=[\w.-]+(?:[:/\s"'`]|$))/g;
/** `user:password@host:path` of git and of proxies, `user:password@tcp(host)` of databases. */
const WITHOUT_SCHEME = /(?<![\w.@/+%-])([\w.+-]{1,64}:[^\s@:/"'`<>\\(]{1,256})@(?!sha(?:256|384|512):)(?=[\w.-]{1,256}:|(?:tcp|unix)\()/g;
const NO_USER = /^(?:mailto|npm|sips?|acct|xmpp|https?|ssh|file):/i;
const ENCODED = /%3A%2F%2F(?<info>(?:(?!%2F|%3F|%23|%40)[^\s/?#"'`<>\\&@]){1,512})%40/gi;

/** Where a user without a password is a token more often than a name. */
const TOKEN_AS_USER = /^(?:git\+|hg\+|svn\+)?(?:https?|ftps?)?:?\\?\/\\?\/$/i;
const PUBLIC_USER = /^(?:git|hg|svn|anonymous)?$/i;
const VARIABLE = /^(?:(?:\$[a-zA-Z_]\w*|\$\{[a-zA-Z_]\w*\}|\$\([^)]*\)|%24%7B\w+%7D)+|\*+|<[^>]*>)$/;

interface FoundUserInfo {
  /** With its slashes. */
  readonly scheme: string;
  readonly userInfo: string;
  /** Of the user info in the text. */
  readonly end: number;
}

function userInfoSpans({ scheme, userInfo, end }: FoundUserInfo): readonly SecretSpan[] {
  const start = end - userInfo.length;
  const [separator = ""] = /:|%3a/i.exec(userInfo) ?? [];
  const at = separator === "" ? userInfo.length : userInfo.indexOf(separator);
  const user = userInfo.slice(0, at);
  if (separator === "") {
    return !TOKEN_AS_USER.test(scheme) || scheme.startsWith("/") || PUBLIC_USER.test(user) || isMasked(user) ? [] : [{ start, end, kind: "url-credentials" }];
  }
  const password = userInfo.slice(at + separator.length);
  const spans: SecretSpan[] = [];
  if (user !== "" && !isMasked(user)) spans.push({ start, end: start + at, kind: "url-credentials", name: URL_USER });
  if (password !== "" && !isMasked(password)) spans.push({ start: start + at + separator.length, end, kind: "url-credentials" });
  // A name beside a password that stands elsewhere is only a name.
  return spans.some(({ name }) => name === undefined) || (spans.length > 0 && password === MASK) ? spans : [];
}

function isMasked(part: string): boolean {
  return part === MASK || VARIABLE.test(part);
}

/** A value may hold an address with parameters of its own. */
const PARAMETER = /(?:[?&;#]|&amp;|\\u0026|%3f|%26)(?<name>[\w.~[\]-]{1,64})(?:=|%3d)(?=(?<value>(?:(?!%26|\\u0026|%23)[^\s&#"'`<>\\;)]){1,512}))/gi;
const SIGNATURE = /^(?:sig|signature|x-(?:amz|goog)-(?:signature|security-token|credential)|awsaccesskeyid|googleaccessid|policy)$/i;

function parameterSpans(text: string): readonly SecretSpan[] {
  const spans: SecretSpan[] = [];
  PARAMETER.lastIndex = 0;
  for (let found = PARAMETER.exec(text); found !== null; found = PARAMETER.exec(text)) {
    const { name = "", value = "" } = found.groups ?? {};
    if (!isSecretParameter(name, value)) continue;
    const start = PARAMETER.lastIndex;
    const end = endOfWord(text, start + value.length);
    spans.push({ start, end, kind: "url-credentials", name });
    PARAMETER.lastIndex = end;
  }
  return spans;
}

function isSecretParameter(name: string, value: string): boolean {
  const strength = SIGNATURE.test(name) ? "secret" : nameStrength(name);
  return strength === "secret" ? !isPublicValue(name, value) : strength !== "none" && looksRandom(value);
}

/** A secret may be longer than what was looked at. */
function endOfWord(text: string, from: number): number {
  const rest = /[^\s&#"'`<>\\;)%]*/y;
  rest.lastIndex = from;
  return from + (rest.exec(text)?.[0].length ?? 0);
}
