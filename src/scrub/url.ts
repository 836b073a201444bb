/** What stands where a secret stood: BuildKit's mark, so that records of both look alike. */
export const MASK = "xxxxx";

const AUTHORITY = /^((?:[a-zA-Z][a-zA-Z0-9+.-]*:)?\/\/)([^/?#]*)@/;
/** A URL within other text ends where a shell, a quotation or JSON would end it. */
const AUTHORITY_WITHIN = /(?<![a-zA-Z0-9+.-])([a-zA-Z][a-zA-Z0-9+.-]*:\/\/)([^\s/?#"'`<>\\|;()]*)@/g;
const WITHOUT_SCHEME = /^([^\s/?#@:]+:[^\s/?#@]*)@/;
const VARIABLE = /^(?:\$[a-zA-Z_]\w*|\$\{[a-zA-Z_]\w*\})$/;
const SSH = /^(?:[a-z]+\+)?ssh:\/\/$/i;

/** BuildKit's rule for what is known to be a URL: user and password are masked, not cut; other text stays as it is. */
export function redactUrl(url: string): string {
  return url.replace(AUTHORITY, (_whole, scheme: string, userInfo: string) => `${scheme}${maskUserInfo(userInfo, () => false)}@`);
}

/**
 * Masks the credentials of every URL within a text such as a command or a Dockerfile. References to variables stay,
 * and so does the user of an ssh URL that has no password: neither is a secret.
 */
export function redactUrlsIn(text: string): string {
  return text.replace(AUTHORITY_WITHIN, (whole, scheme: string, userInfo: string) => {
    if (SSH.test(scheme) && !userInfo.includes(":")) return whole;
    return `${scheme}${maskUserInfo(userInfo, (part) => VARIABLE.test(part))}@`;
  });
}

/** The value of a proxy variable: a URL, or `user:password@host:port` as curl takes it. */
export function redactProxy(value: string): string {
  return AUTHORITY.test(value) ? redactUrl(value) : value.replace(WITHOUT_SCHEME, `${MASK}:${MASK}@`);
}

function maskUserInfo(userInfo: string, isPublic: (part: string) => boolean): string {
  const colon = userInfo.indexOf(":");
  const user = colon === -1 ? userInfo : userInfo.slice(0, colon);
  const maskedUser = user === "" || isPublic(user) ? user : MASK;
  if (colon === -1) return maskedUser;
  const password = userInfo.slice(colon + 1);
  return `${maskedUser}:${isPublic(password) ? password : MASK}`;
}
