import { GitObjectError } from "./object-reader.ts";

/** Who did something, and when. */
export interface GitActor {
  readonly name: string;
  readonly email: string;
  /** RFC 3339, with the offset that was written; undefined where there is no time. */
  readonly when: string | undefined;
}

/** What is signed of an object, and by what. */
export interface GitSignature {
  readonly text: string;
  readonly signed: Uint8Array;
}

interface SignedObject {
  readonly message: string;
  readonly signature: GitSignature | undefined;
}

export interface GitCommit extends SignedObject {
  readonly tree: string;
  readonly parents: readonly string[];
  readonly author: GitActor;
  readonly committer: GitActor;
}

export interface GitTag extends SignedObject {
  readonly object: string;
  readonly type: string;
  readonly tag: string;
  /** Tags of git's first years have none. */
  readonly tagger: GitActor | undefined;
}

/** Reads a commit, whose id tells in which header the signature is that covers it. Throws GitObjectError. */
export function parseCommit(content: Uint8Array, id: string): GitCommit {
  const own = id.length === 64 ? "gpgsig-sha256" : "gpgsig";
  const { headers, body } = headersOf(content);
  const kept = headers.filter(({ name }) => name !== "gpgsig" && name !== "gpgsig-sha256");
  const signature = headers.find(({ name }) => name === own)?.value;
  const first = (name: string): string => required(kept, name, "commit");
  return {
    tree: first("tree"),
    parents: kept.filter(({ name }) => name === "parent").map(({ value }) => utf8(value)),
    author: parseActor(first("author")),
    committer: parseActor(first("committer")),
    message: withoutLineFeed(utf8(body)),
    signature: signature === undefined ? undefined : { text: signature, signed: Buffer.from(`${kept.map(({ line }) => `${line}\n`).join("")}\n${body}`, "latin1") },
  };
}

/** Reads an annotated tag: its signature ends its message. Throws GitObjectError. */
export function parseTag(content: Uint8Array): GitTag {
  const { headers, body } = headersOf(content);
  const at = /^-----BEGIN (?:PGP|SSH) SIGNATURE-----$/m.exec(body)?.index;
  const first = (name: string): string => required(headers, name, "tag");
  const tagger = headers.find(({ name }) => name === "tagger")?.value;
  const message = at === undefined ? body : body.slice(0, at);
  return {
    object: first("object"), type: first("type"), tag: first("tag"),
    tagger: tagger === undefined ? undefined : parseActor(utf8(tagger)),
    message: withoutLineFeed(utf8(message)),
    signature: at === undefined ? undefined : { text: body.slice(at), signed: Buffer.from(content.subarray(0, content.length - (body.length - at))) },
  };
}

interface Header {
  readonly name: string;
  /** Without the space that begins each further line. */
  readonly value: string;
  /** As it is written. */
  readonly line: string;
}

/** As Latin-1, in which every byte keeps its place. */
function headersOf(content: Uint8Array): { readonly headers: readonly Header[]; readonly body: string } {
  const text = Buffer.from(content).toString("latin1");
  const end = text.indexOf("\n\n");
  const head = end === -1 ? text.replace(/\n$/, "") : text.slice(0, end);
  const headers = head.split(/\n(?! )/).map((line): Header => {
    const space = line.indexOf(" ");
    return { line, name: space === -1 ? line : line.slice(0, space), value: space === -1 ? "" : line.slice(space + 1).replaceAll("\n ", "\n") };
  });
  return { headers, body: end === -1 ? "" : text.slice(end + 2) };
}

function required(headers: readonly Header[], name: string, type: string): string {
  const value = headers.find((header) => header.name === name)?.value;
  if (value === undefined) throw new GitObjectError("damaged", `invalid ${type} object: missing ${name} header`);
  return utf8(value);
}

function utf8(latin1: string): string {
  return Buffer.from(latin1, "latin1").toString("utf8");
}

function withoutLineFeed(text: string): string {
  return text.replace(/\n$/, "");
}

/** `NAME <EMAIL> SECONDS ±HHMM`; what is not so is a name. */
function parseActor(text: string): GitActor {
  const [, name = "", email = "", rest = ""] = /^(.*)<([^<>]*)>([^<>]*)$/s.exec(text.trim()) ?? [];
  if (name === "" && email === "") return { name: text.trim(), email: "", when: undefined };
  const [, seconds, zone] = /^\s*(-?\d+)\s+([+-]\d{4})(?:\s|$)/.exec(rest) ?? [];
  return { name: name.trim(), email: email.trim(), when: seconds === undefined || zone === undefined ? undefined : timeText(Number(seconds), zone) };
}

/** Undefined for what no calendar has. */
function timeText(seconds: number, zone: string): string | undefined {
  const minutes = (zone.startsWith("-") ? -1 : 1) * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(3)));
  const local = new Date((seconds + minutes * 60) * 1000);
  if (Number.isNaN(local.getTime())) return undefined;
  return `${local.toISOString().replace(/\.\d+Z$/, "")}${minutes === 0 ? "Z" : `${zone.slice(0, 3)}:${zone.slice(3)}`}`;
}
