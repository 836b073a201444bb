import { InstructionError } from "./dockerfile-error.ts";
import { parseByteSize, ByteSizeError } from "./byte-size.ts";
import { csvFields, CsvError } from "./csv-fields.ts";
import { cut, parseBool, quote, toLower } from "./go-text.ts";
import { withSuggestion } from "./suggestion.ts";

/** What one `RUN --mount` asks for. Defaults that depend on the build are left to the conversion. */
export interface RunMount {
  readonly type: MountType;
  readonly from: string;
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
  /** Of a tmpfs; 0 means no limit. */
  readonly sizeLimitBytes: bigint;
  /** Key `id`: of a cache, secret or agent socket. */
  readonly id: string;
  /** Empty when not given. */
  readonly sharing: "" | MountSharing;
  readonly required: boolean;
  /** Name of the variable for a secret; empty means the default name, undefined none. */
  readonly env: string | undefined;
  readonly mode: number | undefined;
  readonly uid: number | undefined;
  readonly gid: number | undefined;
}

const MOUNT_TYPES = ["bind", "cache", "tmpfs", "secret", "ssh"] as const;
const SHARINGS = ["shared", "private", "locked"] as const;
export type MountType = (typeof MOUNT_TYPES)[number];
export type MountSharing = (typeof SHARINGS)[number];

/** Expands the variables of one word. */
export type Expander = (word: string) => string;

type Draft = { -readonly [Key in keyof Omit<RunMount, "readOnly">]: RunMount[Key] } & { readOnly: boolean | undefined };
type Setter = (draft: Draft, value: string, key: string) => void;

/** The mount with its variables expanded. Throws InstructionError. */
export function parseRunMount(text: string, expand: Expander): RunMount {
  const draft = emptyDraft();
  for (const field of fieldsOf(text)) {
    const { before, after, found } = cut(field, "=");
    const key = toLower(before);
    if (found) setKey(draft, key, expand(after), field);
    else setBareKey(draft, key, field);
  }
  return finish(draft);
}

/** The mount before expansion: only `from` is known, since stages depend on it; it must hold no variable. */
export function previewRunMount(text: string): RunMount {
  const draft = emptyDraft();
  for (const field of fieldsOf(text)) {
    const { before, after, found } = cut(field, "=");
    if (!found || toLower(before) !== "from") continue;
    const dollar = after.indexOf("$");
    if (dollar !== -1 && dollar !== after.length - 1) {
      throw new InstructionError("'from' doesn't support variable expansion, define alias stage instead");
    }
    draft.from = after;
  }
  return finish(draft);
}

function emptyDraft(): Draft {
  return {
    type: "bind", from: "", source: "", target: "", readOnly: undefined, sizeLimitBytes: 0n, id: "", sharing: "", required: false,
    env: undefined, mode: undefined, uid: undefined, gid: undefined,
  };
}

function fieldsOf(text: string): readonly string[] {
  try {
    return csvFields(text);
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new InstructionError(`failed to parse csv mounts: ${error.message}`);
  }
}

/** In the order in which BuildKit proposes them for a mistyped key. */
const SETTERS: Readonly<Record<string, Setter>> = {
  type: (draft, value) => {
    draft.type = oneOf(MOUNT_TYPES, value, "mount type");
  },
  from: (draft, value) => {
    draft.from = value;
  },
  source: setSource,
  target: setTarget,
  readonly: setReadOnly,
  id: (draft, value) => {
    draft.id = value;
  },
  sharing: (draft, value) => {
    draft.sharing = oneOf(SHARINGS, value, "sharing value");
  },
  required: (draft, value, key) => {
    requireType(draft, key, ["secret", "ssh"]);
    draft.required = boolean(value, key);
  },
  size: (draft, value, key) => {
    requireType(draft, key, ["tmpfs"]);
    draft.sizeLimitBytes = byteSize(value, key);
  },
  mode: (draft, value, key) => {
    draft.mode = unsigned(value, 8, key);
  },
  uid: (draft, value, key) => {
    draft.uid = unsigned(value, 10, key);
  },
  gid: (draft, value, key) => {
    draft.gid = unsigned(value, 10, key);
  },
  src: setSource,
  dst: setTarget,
  destination: setTarget,
  ro: setReadOnly,
  rw: setReadWrite,
  readwrite: setReadWrite,
  env: (draft, value) => {
    draft.env = value;
  },
};

function setSource(draft: Draft, value: string): void {
  draft.source = value;
}

function setTarget(draft: Draft, value: string): void {
  draft.target = value;
}

function setReadOnly(draft: Draft, value: string, key: string): void {
  draft.readOnly = boolean(value, key);
}

function setReadWrite(draft: Draft, value: string, key: string): void {
  draft.readOnly = !boolean(value, key);
}

function setKey(draft: Draft, key: string, value: string, field: string): void {
  const setter = Object.hasOwn(SETTERS, key) ? SETTERS[key] : undefined;
  if (setter === undefined) throw new InstructionError(withSuggestion(`unexpected key '${key}' in '${field}'`, key, Object.keys(SETTERS), true));
  setter(draft, value, key);
}

function setBareKey(draft: Draft, key: string, field: string): void {
  if (key === "readonly" || key === "ro") draft.readOnly = true;
  else if (key === "readwrite" || key === "rw") draft.readOnly = false;
  else if (key === "required") {
    requireType(draft, key, ["secret", "ssh"]);
    draft.required = true;
  } else throw new InstructionError(`invalid field '${field}' must be a key=value pair`);
}

/** The checks that need all keys, and the default for `readOnly`. */
function finish(draft: Draft): RunMount {
  if (draft.type === "bind" || draft.type === "tmpfs") {
    for (const key of ["mode", "uid", "gid"] as const) {
      if (draft[key] !== undefined) throw new InstructionError(`${key} not allowed for ${quote(draft.type)} type mounts`);
    }
  }
  if (draft.type === "secret") checkSecret(draft);
  if (draft.sharing !== "" && draft.type !== "cache") throw new InstructionError(`invalid cache sharing set for ${draft.type} mount`);
  return { ...draft, readOnly: draft.readOnly ?? (draft.type !== "cache" && draft.type !== "tmpfs") };
}

function checkSecret(draft: Draft): void {
  if (draft.from !== "") throw new InstructionError("secret mount should not have a from");
  if (draft.sharing !== "") throw new InstructionError("secret mount should not define sharing");
  if (draft.source === "" && draft.target === "" && draft.id === "") {
    throw new InstructionError("invalid secret mount. one of source, target required");
  }
  if (draft.source !== "" && draft.id !== "") throw new InstructionError("both source and id can't be set");
}

function requireType(draft: Draft, key: string, types: readonly MountType[]): void {
  if (!types.includes(draft.type)) throw new InstructionError(`unexpected key '${key}' for mount type '${draft.type}'`);
}

function oneOf<Choice extends string>(choices: readonly Choice[], value: string, what: string): Choice {
  const lower = toLower(value);
  const choice = choices.find((candidate) => candidate === lower);
  if (choice === undefined) throw new InstructionError(withSuggestion(`unsupported ${what} ${quote(value)}`, value, choices, true));
  return choice;
}

function boolean(value: string, key: string): boolean {
  const bool = parseBool(value);
  if (bool === undefined) throw new InstructionError(`invalid value for ${key}: ${value}`);
  return bool;
}

function byteSize(value: string, key: string): bigint {
  try {
    return parseByteSize(value);
  } catch (error) {
    if (!(error instanceof ByteSizeError)) throw error;
    throw new InstructionError(`invalid value for ${key}: ${value}`);
  }
}

/** Digits only, at most 32 bits. */
function unsigned(value: string, base: 8 | 10, key: string): number {
  const isNumber = (base === 8 ? /^[0-7]+$/ : /^[0-9]+$/).test(value);
  const number = Number.parseInt(value, base);
  if (!isNumber || number > 0xffff_ffff) throw new InstructionError(`invalid value ${value} for ${key}`);
  return number;
}
