import { fileOutput } from "../../llb/file-vertex.ts";
import { definitionOutput } from "../../llb/definition-output.ts";
import type { Definition } from "../../llb/definition.ts";
import { webSource } from "../../llb/source-vertex.ts";
import type { Output } from "../../llb/vertex.ts";
import type { GatewayResult } from "../gateway.ts";
import { IgnoreFileError, readIgnoreFile } from "../../pattern/ignore-file.ts";
import { baseName, joinPath } from "./dockerfile-paths.ts";
import { DockerfileError } from "./dockerfile-error.ts";
import { FrontendOptionError } from "./frontend-option-error.ts";
import { parseBool } from "./go-text.ts";
import { followPaths, gitContext, localOutput, namedSource, ownDefinition, type FrontendMeans } from "./frontend-source.ts";
import { reading } from "./read-failure.ts";

/** The Dockerfile, and how it was read. */
export interface DockerfileInput {
  readonly filename: string;
  readonly data: Uint8Array;
  readonly definition: Definition;
}

const CONTEXT = "context";
const DOCKERFILE = "Dockerfile";
const DOCKERFILE_WANTED = "failed to read dockerfile";
const IGNORE_FILE = ".dockerignore";
/** The file that a downloaded context is stored as. */
const DOWNLOAD = "context";

/** The main build context, local or remote, and the files that the frontend reads of it. */
export class BuildContext {
  readonly #means: FrontendMeans;
  /** Undefined where all comes from directories that the session lends. */
  readonly #remote: RemoteContext | undefined;
  #ignoreFile: Promise<IgnoreFile> | undefined;

  private constructor(means: FrontendMeans, remote: RemoteContext | undefined) {
    this.#means = means;
    this.#remote = remote;
  }

  static async open(means: FrontendMeans, signal: AbortSignal): Promise<BuildContext> {
    return new BuildContext(means, await openRemote(means, signal));
  }

  /** Throws DockerfileError where there is none. */
  async readDockerfile(signal: AbortSignal): Promise<DockerfileInput> {
    const { opts } = this.#means.request;
    const localName = opts.get("dockerfilekey");
    const filename = this.#remote?.dockerfileName ?? opts.get("filename") ?? DOCKERFILE;
    const remote = localName === undefined ? this.#remote?.dockerfile : undefined;
    const definition = ownDefinition(remote ?? dockerfileOutput(localName ?? "dockerfile", filename, this.#means), this.#means);
    const { result, data } = await reading(DOCKERFILE_WANTED, async () => {
      const solved = await this.#means.gateway.solve(definition, signal);
      return { result: solved, data: (await solved.readFile(filename, signal)) ?? (isDockerfile(filename) ? await solved.readFile(lowerCaseName(filename), signal) : undefined) };
    }, signal);
    if (data === undefined) throw new DockerfileError("source", `${DOCKERFILE_WANTED}: open ${filename}: no such file or directory`, []);
    const ignore = await result.readFile(`${filename}${IGNORE_FILE}`, signal);
    if (ignore !== undefined) this.#ignoreFile = Promise.resolve({ name: `${filename}${IGNORE_FILE}`, data: ignore });
    return { filename, data, definition };
  }

  /** All that is beside the Dockerfile, of a context that is not here. Undefined for one that is, and for a Dockerfile alone. */
  async remoteFiles(signal: AbortSignal): Promise<GatewayResult | undefined> {
    const { dockerfile, dockerfileName } = this.#remote ?? {};
    if (dockerfile === undefined || dockerfileName !== undefined) return undefined;
    // Who cannot have them is told what the Dockerfile's own turn would tell.
    return await reading(DOCKERFILE_WANTED, () => this.#means.gateway.solve(ownDefinition(dockerfile, this.#means), signal), signal);
  }

  /** What is not to be sent; nothing for a remote context. Throws FrontendOptionError for an ignore file that cannot be read. */
  async ignorePatterns(signal: AbortSignal): Promise<readonly string[]> {
    if (this.#remote?.context !== undefined) return [];
    this.#ignoreFile ??= this.#readIgnoreFile(signal);
    return parseIgnoreFile(await this.#ignoreFile);
  }

  /** The context, with only what is used of it. */
  async output(usedPaths: ReadonlySet<string>, signal: AbortSignal): Promise<Output> {
    if (this.#remote?.context !== undefined) return this.#remote.context;
    const excludePatterns = await this.ignorePatterns(signal);
    const local = { name: CONTEXT, sharedKeyHint: CONTEXT, stepName: "[internal] load build context", sendsAll: false };
    return localOutput({ ...local, followPaths: followPaths(usedPaths), excludePatterns }, this.#means);
  }

  async #readIgnoreFile(signal: AbortSignal): Promise<IgnoreFile> {
    const output = ignoreFileOutput(CONTEXT, `${CONTEXT}-${IGNORE_FILE}`, `[internal] load ${IGNORE_FILE}`, this.#means);
    return { name: IGNORE_FILE, data: await readIgnoreBytes(output, this.#means, signal) };
  }
}

interface IgnoreFile {
  readonly name: string;
  readonly data: Uint8Array;
}

/** What is undefined is a directory that the session lends. */
interface RemoteContext {
  readonly context: Output | undefined;
  readonly dockerfile: Output | undefined;
  /** Set where the context is one file, the Dockerfile itself. */
  readonly dockerfileName: string | undefined;
}

/** The source of an ignore file alone, of any local directory. */
export function ignoreFileOutput(name: string, sharedKeyHint: string, stepName: string, means: FrontendMeans): Output {
  return localOutput({ name, sharedKeyHint, stepName, followPaths: [IGNORE_FILE], excludePatterns: [], sendsAll: true }, means);
}

export async function readIgnoreBytes(output: Output, means: FrontendMeans, signal: AbortSignal): Promise<Uint8Array> {
  const result = await means.gateway.solve(ownDefinition(output, means), signal);
  return (await result.readFile(IGNORE_FILE, signal)) ?? new Uint8Array();
}

/** Throws FrontendOptionError. */
export function parseIgnoreFile({ name, data }: IgnoreFile): readonly string[] {
  try {
    return readIgnoreFile(Buffer.from(data).toString("utf8"));
  } catch (error) {
    if (error instanceof IgnoreFileError) throw new FrontendOptionError(`failed parsing ${name}: ${error.message}`);
    throw error;
  }
}

function dockerfileOutput(name: string, filename: string, means: FrontendMeans): Output {
  const paths = [filename, `${filename}${IGNORE_FILE}`, ...(isDockerfile(filename) ? [lowerCaseName(filename)] : [])];
  const stepName = `[internal] load build definition from ${filename}`;
  return localOutput({ name, sharedKeyHint: name, stepName, followPaths: paths, excludePatterns: [], sendsAll: true }, means);
}

function isDockerfile(filename: string): boolean {
  return baseName(filename) === DOCKERFILE;
}

/** `dockerfile` in the same directory is found too. */
function lowerCaseName(filename: string): string {
  const slash = filename.lastIndexOf("/");
  return joinPath(slash === -1 ? "." : filename.slice(0, slash + 1), DOCKERFILE.toLowerCase());
}

async function openRemote(means: FrontendMeans, signal: AbortSignal): Promise<RemoteContext | undefined> {
  const { opts } = means.request;
  const text = opts.get(opts.get("contextkey") ?? CONTEXT) ?? "";
  const mtime = (opts.get("build-arg:SOURCE_DATE_EPOCH") ?? "") === "" ? "" : "commit";
  const git = gitContext(text, parseBool(opts.get("build-arg:BUILDKIT_CONTEXT_KEEP_GIT_DIR") ?? "") === true, mtime);
  if (git !== undefined) return { context: inSubdirectory(git, opts), dockerfile: git, dockerfileName: undefined };
  return /^https?:\/\//.test(text) ? await openDownload(text, means, signal) : openInputs(means);
}

/** Another frontend may hand over graphs in place of the client's directories. */
function openInputs({ request: { opts, inputs } }: FrontendMeans): RemoteContext | undefined {
  const [context, dockerfile] = [CONTEXT, "dockerfile"].map((name) => {
    const definition = inputs.get(name);
    return definition === undefined ? undefined : definitionOutput(definition);
  });
  if (context === undefined && dockerfile === undefined) return undefined;
  return { context: context && inSubdirectory(context, opts), dockerfile, dockerfileName: undefined };
}

/** A download is an archive of the context, or else the Dockerfile. */
async function openDownload(url: string, means: FrontendMeans, signal: AbortSignal): Promise<RemoteContext> {
  const download = namedSource(webSource({ url, filename: DOWNLOAD, checksum: "" }), "[internal] load remote build context");
  const start = await reading("failed to read downloaded context", async () => {
    const result = await means.gateway.solve(ownDefinition(download, means), signal);
    return await result.readFile(DOWNLOAD, signal, START_BYTES);
  }, signal);
  if (start === undefined) throw new FrontendOptionError(`failed to read downloaded context: open ${DOWNLOAD}: no such file or directory`);
  const { opts } = means.request;
  if (!isArchive(start)) return { context: inSubdirectory(download, opts), dockerfile: download, dockerfileName: DOWNLOAD };
  const copy = { source: `/${DOWNLOAD}`, dest: "/", attemptUnpack: true };
  const unpacked = fileOutput({ base: undefined, dir: "/", changes: [{ kind: "copy", from: download, copy }] }, {});
  return { context: inSubdirectory(unpacked, opts), dockerfile: unpacked, dockerfileName: undefined };
}

/** A header of a tar: enough to tell what a file is. */
const START_BYTES = 512;

const ARCHIVE_STARTS = ["425a68", "1f8b08", "fd377a585a00"];

/** bzip2, gzip, xz, or a tar whose first header has the right checksum. */
export function isArchive(data: Uint8Array): boolean {
  const start = Buffer.from(data.subarray(0, START_BYTES));
  return ARCHIVE_STARTS.some((magic) => start.toString("hex").startsWith(magic)) || isTarHeader(start);
}

function isTarHeader(header: Buffer): boolean {
  if (header.length < START_BYTES) return false;
  const stated = Number.parseInt(header.toString("latin1", 148, 156).replaceAll("\0", " ").trim(), 8);
  const sum = header.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 0x20 : byte), 0);
  return sum === stated;
}

function inSubdirectory(context: Output, opts: ReadonlyMap<string, string>): Output {
  const directory = opts.get("contextsubdir");
  if (directory === undefined) return context;
  const copy = { source: directory, dest: "/", dirCopyContents: true };
  return fileOutput({ base: undefined, dir: "/", changes: [{ kind: "copy", from: context, copy }] }, {});
}
