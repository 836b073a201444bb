/**
 * A frontend for tests, with a language of its own: behind the `# syntax` line, a JSON object says what to do.
 * It is bundled into one file and runs in an image, where it reaches nothing but LLBBridge.
 */
import { existsSync, readFileSync } from "node:fs";
import { get, type IncomingMessage } from "node:http";
import { definitionMessage, definitionOf, decodeDefinition, type Definition } from "../../../src/llb/definition.ts";
import { marshalOutput } from "../../../src/llb/marshal.ts";
import { mergeOutput } from "../../../src/llb/merge-vertex.ts";
import { imageSource, localSource, sourceOutput, webSource } from "../../../src/llb/source-vertex.ts";
import { stateOf, withChanges } from "../../../src/llb/state.ts";
import { customName, type Output } from "../../../src/llb/vertex.ts";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { AttestationsSchema, LLBBridge, type Ref, type SolveResponse } from "../../../src/proto/frontend/gateway_pb.ts";
import type { PolicySchema } from "../../../src/proto/sourcepolicy/policy_pb.ts";
import { diffOutput } from "./diff-output.ts";
import { contain, type Contain } from "./contain.ts";
import { connectBridge, type BridgeClient } from "./call-bridge.ts";

/** The language. One of the members decides. */
interface Program {
  readonly write?: Readonly<Record<string, string>>;
  readonly platforms?: readonly string[];
  readonly forward?: { readonly dockerfile: string };
  readonly input?: { readonly dockerfile: string };
  readonly chain?: { readonly base: string; readonly dockerfile: string; readonly baseOptions: Readonly<Record<string, string>> };
  readonly look?: string;
  /** What lies at this URL, which the frontend reaches itself, becomes the result. */
  readonly fetch?: string;
  /** By platform: a result of its own for each, which is evaluated first. */
  readonly each?: Readonly<Record<string, string>>;
  readonly evaluate?: { readonly dockerfile: string };
  readonly resolve?: string;
  readonly fail?: { readonly message: string; readonly line?: number };
  readonly exit?: number;
  readonly answer?: { readonly json: object; readonly text: string };
  readonly hang?: boolean;
  readonly silent?: boolean;
  /** Returns a result by a name that nobody gave out. */
  readonly invent?: boolean;
  /** Lays what leads from `same` with `lower` to `same` with `upper` over `over`. */
  readonly diff?: Readonly<Record<"same" | "lower" | "upper" | "over", Readonly<Record<string, string>>>>;
  /** Runs processes in containers of its own; what became of them is written into one file. */
  readonly contain?: Contain;
  readonly ruled?: Ruled;
  readonly attest?: { readonly type: string; readonly predicate: object };
}

/** Asks for a web file with rules about sources, as the protocol has them. */
interface Ruled {
  readonly url: string;
  readonly policies: ReadonlyArray<MessageInitShape<typeof PolicySchema>>;
  readonly ask: "for its graph" | "for its graph, and looks" | "for its graph, after one without rules" | "what it is" | "another frontend";
}

const unary = LLBBridge.method;
const options = new Map(Object.entries(process.env).flatMap(([name, value]) => (/^BUILDKIT_FRONTEND_OPT_\d+$/.test(name) && value !== undefined ? [[value.slice(0, value.indexOf("=")), value.slice(value.indexOf("=") + 1)] as const] : [])));
const sessionId = process.env["BUILDKIT_SESSION_ID"] ?? "";
const filename = options.get("filename") ?? "Dockerfile";
const bridge = await connectBridge();

try {
  const pong = await bridge.call(unary.ping, {});
  const defaults = { platform: pong.Workers[0]?.platforms[0] ?? { OS: "linux", Architecture: "amd64" }, capabilities: new Set(pong.LLBCaps.map(({ ID }) => ID)), localUniqueId: "" };
  const marshal = (output: Output | undefined): Definition => marshalOutput(output, defaults);
  const dockerfile = sourceOutput(localSource({ name: "dockerfile", sessionId, sharedKeyHint: "dockerfile", followPaths: JSON.stringify([filename]), excludePatterns: "", sendsAll: true }), { description: customName(`[frontend] load ${filename}`) });
  const text = (await readFile(bridge, await refOf(bridge, marshal(dockerfile)), filename)).toString("utf8");
  const program = JSON.parse(text.slice(text.indexOf("\n") + 1)) as Program;
  process.stderr.write(`frontend for tests: ${Object.keys(program).join(", ")}\n`);
  await run(program, text, marshal);
} catch (error) {
  const { message } = error as Error;
  await bridge.call(unary.return, { error: { code: 2, message: `the frontend says: ${message.replace(/^\d+ [A-Z_]+: /, "")}` } });
}
bridge.close();

async function run(program: Program, text: string, marshal: (output: Output | undefined) => Definition): Promise<void> {
  const files = (content: Readonly<Record<string, string>>): Output | undefined =>
    withChanges(stateOf(undefined), Object.entries(content).map(([path, data]) => ({ kind: "mkfile" as const, path, data: Buffer.from(data), mode: 0o644 })), { description: customName("[frontend] write files") }).output;
  if (program.hang === true) return await new Promise(() => setInterval(() => undefined, 1000));
  if (program.exit !== undefined) process.exit(program.exit);
  if (program.silent === true) return;
  if (program.answer !== undefined && options.has("requestid")) {
    const { json, text: answered } = program.answer;
    await bridge.call(unary.return, { result: { metadata: { "result.json": Buffer.from(JSON.stringify(json)), "result.txt": Buffer.from(answered) } } });
    return;
  }
  if (program.fail !== undefined) return await fail(program.fail, text);
  if (program.write !== undefined) {
    const ref = await refOf(bridge, marshal(files(program.write)));
    if (program.platforms !== undefined) return await returnPlatforms(new Map(program.platforms.map((platform) => [platform, ref])));
    const config = { architecture: "amd64", os: "linux", rootfs: { type: "layers", diff_ids: null }, config: { Labels: { made: "by a frontend", opts: options.get("build-arg:NAME") ?? "" } } };
    await bridge.call(unary.warn, { digest: "", level: 1n, short: Buffer.from("TestRule: this is only a test (line 2)"), url: "https://example.com/rule", info: { filename, data: Buffer.from(text) }, ranges: [{ start: { line: 2 }, end: { line: 2 } }] });
    const attestations = program.attest === undefined ? undefined : await attestation(program.attest, marshal, files);
    await bridge.call(unary.return, { result: { result: { case: "ref", value: program.invent === true ? { ...ref, id: "invented" } : ref }, metadata: { "containerimage.config": Buffer.from(JSON.stringify(config)) }, ...(attestations === undefined ? {} : { attestations: { "": attestations } }) } });
  }
  if (program.forward !== undefined) await forward(program.forward.dockerfile, {}, marshal(files({ Dockerfile: program.forward.dockerfile })));
  if (program.input !== undefined) {
    const made = files({ "/from-frontend": "made by the frontend\n" });
    await forward(program.input.dockerfile, { made: marshal(made) }, marshal(files({ Dockerfile: program.input.dockerfile })), { "context:made": "input:made" });
  }
  if (program.chain !== undefined) await chain(program.chain, marshal, files);
  if (program.diff !== undefined) await diff(program.diff, marshal, files);
  if (program.fetch !== undefined) await bridge.call(unary.return, { result: { result: { case: "ref", value: await refOf(bridge, marshal(files({ "/fetched": await fetched(program.fetch) }))) } } });
  if (program.look !== undefined) await look(program.look, marshal, files);
  if (program.each !== undefined) await returnPlatforms(new Map(await Promise.all(Object.entries(program.each).map(async ([platform, source]) => [platform, await evaluated(source, marshal, files)] as const))));
  if (program.evaluate !== undefined) await evaluate(program.evaluate.dockerfile, marshal, files);
  if (program.contain !== undefined) {
    const reference = async (source: string): Promise<string> => {
      const solved = await solveDockerfile(marshal(files({ Dockerfile: source })), {}, {});
      return solved.result?.result.case === "ref" ? solved.result.result.value.id : "";
    };
    const seen = await contain(program.contain, { bridge, reference });
    await bridge.call(unary.return, { result: { result: { case: "ref", value: await refOf(bridge, marshal(files({ "/seen.json": JSON.stringify(seen) }))) } } });
  }
  if (program.ruled !== undefined) await ruled(program.ruled, marshal, files);
  if (program.resolve !== undefined) await resolve(program.resolve, marshal, files);
}

/** Hands a Dockerfile of our own to the engine's frontend. */
async function forward(_dockerfile: string, inputs: Readonly<Record<string, Definition>>, source: Definition, more: Readonly<Record<string, string>> = {}): Promise<void> {
  const solved = await solveDockerfile(source, inputs, more);
  await bridge.call(unary.return, { result: { result: solved.result?.result ?? { case: undefined }, metadata: solved.result?.metadata ?? {} } });
}

async function solveDockerfile(source: Definition, inputs: Readonly<Record<string, Definition>>, more: Readonly<Record<string, string>>): Promise<SolveResponse> {
  const frontendInputs = Object.fromEntries([...Object.entries(inputs), ["dockerfile", source]].map(([name, definition]) => [name, definitionMessage(definition as Definition)]));
  return await bridge.call(unary.solve, { Frontend: "dockerfile.v0", FrontendOpt: { ...Object.fromEntries(options), cmdline: "test", ...more }, FrontendInputs: frontendInputs, allowResultReturn: true, allowResultArrayRef: true });
}

/** Has one Dockerfile built on what another one came to. */
async function chain({ base, baseOptions, dockerfile }: NonNullable<Program["chain"]>, marshal: (output: Output | undefined) => Definition, files: (content: Readonly<Record<string, string>>) => Output | undefined): Promise<void> {
  const made = await solveDockerfile(marshal(files({ Dockerfile: base })), {}, baseOptions);
  const definition = made.result?.result.case === "ref" ? made.result.result.value.def : undefined;
  if (definition === undefined) throw new Error("no single result with its graph");
  await forward(dockerfile, { made: definitionOf(definition) }, marshal(files({ Dockerfile: dockerfile })), { "context:made": "input:made" });
}

async function diff({ same, lower, upper, over }: NonNullable<Program["diff"]>, marshal: (output: Output | undefined) => Definition, files: (content: Readonly<Record<string, string>>) => Output | undefined): Promise<void> {
  const base = files(same);
  const on = (content: Readonly<Record<string, string>>): Output => {
    const made = withChanges(stateOf(base), Object.entries(content).map(([path, data]) => ({ kind: "mkfile" as const, path, data: Buffer.from(data), mode: 0o644 })), { description: customName("[frontend] write on top") }).output;
    if (made === undefined) throw new Error("nothing was written");
    return made;
  };
  const changes = diffOutput(on(lower), on(upper), { description: customName("[frontend] diff") });
  const result = mergeOutput([files(over), changes], { description: customName("[frontend] merge") });
  await bridge.call(unary.return, { result: { result: { case: "ref", value: await refOf(bridge, marshal(result)) } } });
}

/** What can be read of the context is written into one file. */
/** By the proxy that the variables name. */
async function fetched(url: string): Promise<string> {
  const proxy = process.env["HTTP_PROXY"];
  const response = await new Promise<IncomingMessage>((answered, failed) => void get(proxy === undefined ? url : { host: new URL(proxy).hostname, port: new URL(proxy).port, path: url }, answered).on("error", failed));
  return (await response.setEncoding("utf8").toArray()).join("");
}

async function look(directory: string, marshal: (output: Output | undefined) => Definition, files: (content: Readonly<Record<string, string>>) => Output | undefined): Promise<void> {
  const context = await refOf(bridge, marshal(sourceOutput(localSource({ name: "context", sessionId, sharedKeyHint: "context", followPaths: "", excludePatterns: "", sendsAll: false }), {})));
  const { entries } = await bridge.call(unary.readDir, { Ref: context.id, DirPath: directory, IncludePattern: "*.txt" });
  const stats = await Promise.all(entries.map(async ({ path }) => (await bridge.call(unary.statFile, { Ref: context.id, Path: `${directory}/${path}` })).stat));
  const parts = await Promise.all(entries.map(async ({ path }) => Buffer.from((await bridge.call(unary.readFile, { Ref: context.id, FilePath: `${directory}/${path}`, Range: { Offset: 1n, Length: 3n } })).Data).toString("utf8")));
  const missing = await bridge.call(unary.readFile, { Ref: context.id, FilePath: "/nope" }).then(() => "found", (error: Error) => error.message);
  const unknown = await bridge.call(unary.statFile, { Ref: "nobody", Path: "/" }).then(() => "found", (error: Error) => error.message);
  const seen = { entries: stats.map((stat) => [stat?.path, stat?.mode, String(stat?.size)]), parts, missing, unknown, metadata: existsSync("/run/config/buildkit/metadata/frontend.bin") && decodeDefinition(readFileSync("/run/config/buildkit/metadata/frontend.bin")).def.length };
  await bridge.call(unary.return, { result: { result: { case: "ref", value: await refOf(bridge, marshal(files({ "/seen.json": JSON.stringify(seen) }))) } } });
}

async function evaluated(dockerfile: string, marshal: (output: Output | undefined) => Definition, files: (content: Readonly<Record<string, string>>) => Output | undefined): Promise<Ref> {
  const { result } = await solveDockerfile(marshal(files({ Dockerfile: dockerfile })), {}, {});
  if (result?.result.case !== "ref") throw new Error("no single result");
  await bridge.call(unary.evaluate, { Ref: result.result.value.id });
  return result.result.value;
}

/** Runs steps before it returns: what they made is read, and is the result. */
async function evaluate(dockerfile: string, marshal: (output: Output | undefined) => Definition, files: (content: Readonly<Record<string, string>>) => Output | undefined): Promise<void> {
  const solved = await solveDockerfile(marshal(files({ Dockerfile: dockerfile })), {}, {});
  const ref = solved.result?.result.case === "ref" ? solved.result.result.value : undefined;
  if (ref === undefined) throw new Error("no single result");
  await bridge.call(unary.evaluate, { Ref: ref.id });
  const made = (await readFile(bridge, ref, "/made")).toString("utf8");
  process.stderr.write(`read ${made}`);
  await bridge.call(unary.return, { result: { result: { case: "ref", value: ref }, metadata: solved.result?.metadata ?? {} } });
}

async function resolve(reference: string, marshal: (output: Output | undefined) => Definition, files: (content: Readonly<Record<string, string>>) => Output | undefined): Promise<void> {
  const image = await bridge.call(unary.resolveImageConfig, { Ref: reference, LogName: "[frontend] look up", Platform: { OS: "linux", Architecture: "amd64" } });
  const source = imageSource(reference, "default");
  const meta = await bridge.call(unary.resolveSourceMeta, { Source: { identifier: source.identifier, attrs: {} }, LogName: "[frontend] look up again" });
  const seen = { same: image.Digest === meta.Image?.Digest, digest: image.Digest, hasConfig: meta.Image !== undefined && meta.Image.Config.byteLength > 0, identifier: meta.Source?.identifier };
  await bridge.call(unary.return, { result: { result: { case: "ref", value: await refOf(bridge, marshal(files({ "/seen.json": JSON.stringify(seen) }))) } } });
}

async function ruled({ url, policies, ask }: Ruled, marshal: (output: Output | undefined) => Definition, files: (content: Readonly<Record<string, string>>) => Output | undefined): Promise<void> {
  const SourcePolicies = [...policies];
  if (ask === "what it is") {
    const { Source, HTTP } = await bridge.call(unary.resolveSourceMeta, { Source: { identifier: url, attrs: {} }, LogName: "[frontend] look up", SourcePolicies });
    await bridge.call(unary.return, { result: { result: { case: "ref", value: await refOf(bridge, marshal(files({ "/seen": `${Source?.identifier} ${HTTP?.Checksum}` }))) } } });
    return;
  }
  const file = marshal(sourceOutput(webSource({ url, filename: "file", checksum: "" }), {}));
  if (ask === "for its graph, after one without rules") await bridge.call(unary.evaluate, { Ref: (await refOf(bridge, file)).id });
  const frontend = ask === "another frontend" ? { Frontend: "dockerfile.v0" } : { Definition: definitionMessage(file) };
  const { result } = await bridge.call(unary.solve, { ...frontend, SourcePolicies, allowResultReturn: true, allowResultArrayRef: true });
  const ref = result?.result.case === "ref" ? result.result.value : undefined;
  if (ref === undefined) throw new Error("no single result");
  if (ask === "for its graph, and looks") process.stderr.write(`read ${(await readFile(bridge, ref, "file")).toString("utf8")}\n`);
  await bridge.call(unary.return, { result: { result: { case: "ref", value: ref } } });
}

async function fail({ message, line }: NonNullable<Program["fail"]>, text: string): Promise<void> {
  const place = { info: { filename, data: Buffer.from(text).toString("base64") }, ranges: [{ start: { line }, end: { line } }] };
  const details = line === undefined ? [] : [{ typeUrl: "github.com/moby/buildkit/errdefs.Source+json", value: Buffer.from(JSON.stringify(place)) }];
  await bridge.call(unary.return, { error: { code: 2, message, details } });
}

async function returnPlatforms(refs: ReadonlyMap<string, Ref>): Promise<void> {
  const parsed = [...refs.keys()].map((id) => ({ ID: id, Platform: { os: id.split("/")[0], architecture: id.split("/")[1] } }));
  const configs = parsed.map(({ ID, Platform }) => [`containerimage.config/${ID}`, Buffer.from(JSON.stringify({ ...Platform, rootfs: { type: "layers", diff_ids: null }, config: {} }))] as const);
  await bridge.call(unary.return, {
    result: { result: { case: "refs", value: { refs: Object.fromEntries(refs) } }, metadata: { ...Object.fromEntries(configs), "refs.platforms": Buffer.from(JSON.stringify({ Platforms: parsed })) } },
  });
}

async function attestation({ type, predicate }: NonNullable<Program["attest"]>, marshal: (output: Output | undefined) => Definition, files: (content: Readonly<Record<string, string>>) => Output | undefined) {
  const ref = await refOf(bridge, marshal(files({ "/predicate.json": JSON.stringify(predicate) })));
  return create(AttestationsSchema, { attestation: [{ ref, path: "/predicate.json", inTotoPredicateType: type, inTotoSubjects: [{ kind: 0 }] }] });
}

async function refOf(client: BridgeClient, definition: Definition): Promise<Ref> {
  const { result } = await client.call(unary.solve, { Definition: definitionMessage(definition), allowResultReturn: true, allowResultArrayRef: true });
  if (result?.result.case !== "ref") throw new Error("no single result");
  return result.result.value;
}

async function readFile(client: BridgeClient, { id }: Ref, path: string): Promise<Buffer> {
  return Buffer.from((await client.call(unary.readFile, { Ref: id, FilePath: path })).Data);
}
