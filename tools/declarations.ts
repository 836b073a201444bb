import { globSync, readFileSync, readdirSync, rmSync, rmdirSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path/posix";

/** What generated code imports of the library that is in the bundle, and that users need not have. */
const PROTOBUF_IMPORT = /"@bufbuild\/protobuf(?:\/codegenv2)?"/g;
const PROTOBUF_TYPES = "protobuf.d.ts";
/** The names are the library's; of what they are, users need only that each message names its type. */
const PROTOBUF_DECLARATIONS = `export type Message<Name extends string = string> = { readonly $typeName: Name; $unknown?: unknown[] };
export type UnknownEnum = number & { readonly unknownEnum?: never };
export interface GenFile { readonly kind: "file" }
export interface GenMessage<Shape> { readonly kind: "message"; readonly typeName: string; readonly shape?: Shape }
export interface GenEnum<Shape> { readonly kind: "enum"; readonly typeName: string; readonly shape?: Shape }
export type MessageInitShape<Schema> = Schema extends GenMessage<infer Shape> ? Partial<Omit<Shape, "$typeName" | "$unknown">> : never;
export declare function create<Shape>(schema: GenMessage<Shape>, init?: MessageInitShape<GenMessage<Shape>>): Shape;
`;

const IMPORT = /(\b(?:from|import)\s*\(?\s*")(\.[^"]+)\.ts(?=")/g;

/**
 * tsc writes the types of everything that the doors reach by any way. Users see what the doors' types name: the rest
 * is taken away. What stays names modules as users' compilers look for them. `doors` are paths below `directory`.
 */
export function pruneDeclarations(directory: string, doors: readonly string[]): void {
  const kept = reachable(directory, doors);
  for (const file of globSync("**/*.d.ts", { cwd: directory })) {
    const text = kept.get(file);
    if (text === undefined) rmSync(join(directory, file));
    else writeFileSync(join(directory, file), withOwnProtobuf(file, text.replace(IMPORT, "$1$2.js")));
  }
  if ([...kept.values()].some((text) => text.search(PROTOBUF_IMPORT) !== -1)) writeFileSync(join(directory, PROTOBUF_TYPES), PROTOBUF_DECLARATIONS);
  // The deepest first: a folder may hold nothing but empty ones.
  const folders = globSync("**/", { cwd: directory }).toSorted((a, b) => b.length - a.length);
  for (const folder of folders) if (readdirSync(join(directory, folder)).length === 0) rmdirSync(join(directory, folder));
}

function withOwnProtobuf(file: string, text: string): string {
  const path = relative(dirname(file), PROTOBUF_TYPES).replace(/\.d\.ts$/, ".js");
  return text.replace(PROTOBUF_IMPORT, `"${path.startsWith(".") ? path : `./${path}`}"`);
}

function reachable(directory: string, doors: readonly string[]): ReadonlyMap<string, string> {
  const kept = new Map<string, string>();
  const pending = [...doors];
  for (let file = pending.pop(); file !== undefined; file = pending.pop()) {
    if (kept.has(file)) continue;
    const text = readFileSync(join(directory, file), "utf8");
    kept.set(file, text);
    for (const [, , target = ""] of text.matchAll(IMPORT)) pending.push(`${join(dirname(file), target)}.d.ts`);
  }
  return kept;
}
