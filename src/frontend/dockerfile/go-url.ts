import { isIPv6 } from "node:net";
import { cut } from "./go-text.ts";

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

/** The authority as Go writes it: decoded, and what must be escaped. */
export function writtenAuthority(text: string): string {
  const at = text.lastIndexOf("@");
  const host = escaped(decodedUrlPart(text.slice(at + 1)), /[\w\-.~!$&'()*+,;=:[\]<>"]/);
  if (at < 0) return host;
  const { before: user, after: password, found } = cut(text.slice(0, at), ":");
  const [first, second] = [user, password].map((part) => escaped(decodedUrlPart(part), /[\w\-.~$&+,;=]/));
  return `${first}${found ? `:${second}` : ""}@${host}`;
}

/** The path as Go writes it: as it is where that is well-formed, else decoded and what must be escaped. */
export function writtenPath(text: string): string {
  return /^[\w\-.~!$&'()*+,;=:@[\]/%]*$/.test(text) ? text : escaped(decodedUrlPart(text), /[\w\-.~$&+,/:;=@]/);
}

/** Escapes decoded; as it is where one of them is none. */
export function decodedUrlPart(text: string): string {
  if (hasBadEscape(text)) return text;
  return Buffer.from(text.replace(/%([0-9a-fA-F]{2})|[^%]+/g, (part, hex?: string) => (hex === undefined ? Buffer.from(part).toString("latin1") : String.fromCharCode(Number.parseInt(hex, 16)))), "latin1").toString("utf8");
}

export function hasBadEscape(text: string): boolean {
  return /%(?![0-9a-fA-F]{2})/.test(text);
}

function escaped(text: string, plain: RegExp): string {
  return Array.from(text, (char) => (plain.test(char) ? char : Array.from(Buffer.from(char), (byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join(""))).join("");
}
