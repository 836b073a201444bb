import { isIPv6 } from "node:net";

const USER_INFO = /^(?:[A-Za-z0-9\-._:~!$&'()*+,;=@]|%[0-9a-fA-F]{2})*$/;
/** Of a host, only bytes that are no ASCII may be escaped, and the sign that escapes. */
const HOST = /^(?:[A-Za-z0-9\-_.~!$&'()*+,;=:[\]<>"\u0080-\u{10ffff}]|%25|%[89a-fA-F][0-9a-fA-F])*$/u;
const ZONE = /^(?:[^\0-\u0020\u007f%]|%[0-9a-fA-F]{2})*$/;

/** Whether Go's net/url reads that as `[user[:password]@]host[:port]` of such a URL (RFC 3986 §3.2). */
export function isAuthority(text: string, scheme: string): boolean {
  const at = text.lastIndexOf("@");
  return (at < 0 || USER_INFO.test(text.slice(0, at))) && isHost(text.slice(at + 1), scheme);
}

function isHost(host: string, scheme: string): boolean {
  const open = host.lastIndexOf("[");
  if (open > 0) return false;
  if (open === 0) return isLiteral(host);
  // Of the web's names, none may have a colon.
  const colon = scheme === "http" || scheme === "https" ? host.indexOf(":") : host.lastIndexOf(":");
  return (colon < 0 || isPort(host.slice(colon))) && HOST.test(host);
}

/** `[::1]:80`, `[fe80::1%25en0]`. */
function isLiteral(host: string): boolean {
  const close = host.lastIndexOf("]");
  if (close < 0 || !isPort(host.slice(close + 1))) return false;
  const [address = "", ...zone] = host.slice(1, close).split("%25");
  return !address.includes("%") && isIPv6(address) && ZONE.test(zone.join("%25"));
}

function isPort(text: string): boolean {
  return /^(?::\d*)?$/.test(text);
}
