import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { compileBuild, type BuildRequest, type ImageTable } from "../doors/frontend.ts";
import { describeDefinition, encodeDefinition } from "../doors/llb.ts";
import { readAll } from "../host/read-all.ts";
import type { Command, CommandIo } from "./command.ts";
import { EXIT } from "./exit-code.ts";
import { parsePairs } from "./pairs.ts";
import { standardInput } from "./standard-input.ts";
import { stateRoot } from "./state-root.ts";
import { UsageError } from "./usage-error.ts";

export const command: Command = {
  name: "debug dump-llb",
  summary: "write the graph of build steps that a Dockerfile becomes",
  usage: `Usage: stemma debug dump-llb [flags] CONTEXT

Compiles the Dockerfile and writes its LLB definition to standard output, as protobuf.
Nothing of it is masked: it holds build arguments and the Dockerfile as they are.

  -f, --file FILE           Dockerfile, or - to read it from standard input (default CONTEXT/Dockerfile)
      --target STAGE        stop at this stage
      --build-arg NAME=V    set a build-time variable
      --build-context N=V   additional build context
      --label KEY=V         set metadata for the image
      --platform P          target platform, such as linux/arm64
      --network MODE        network of RUN instructions: default, none or host
      --no-cache            mark each step as not to be taken from the cache
      --json                one op a line, with its digest
      --resolve FILE.json   look images up in this file, {"REFERENCE": {"digest": "sha256:…", "config": {…}}},
                            and touch no network
      --session ID          with --resolve: the session that local sources name (default none)
      --root DIR            without --resolve: directory that keeps state`,
  async run(args, io) {
    const { values, context } = parse(args);
    const images = values.resolve === undefined ? undefined : await readImages(resolve(io.cwd, values.resolve));
    const { results } = await compileBuild(await requestOf(values, context, io), images && { images, sessionId: values.session ?? "" });
    const [result, ...more] = results;
    if (result === undefined || more.length > 0) throw new UsageError("debug dump-llb writes one definition: give one platform");
    io.stdout(values.json === true ? describeDefinition(result.definition) : encodeDefinition(result.definition));
    return EXIT.ok;
  },
};

const OPTIONS = {
  file: { type: "string", short: "f" },
  target: { type: "string" },
  "build-arg": { type: "string", multiple: true },
  "build-context": { type: "string", multiple: true },
  label: { type: "string", multiple: true },
  platform: { type: "string" },
  network: { type: "string" },
  "no-cache": { type: "boolean" },
  json: { type: "boolean" },
  resolve: { type: "string" },
  session: { type: "string" },
  root: { type: "string" },
} as const;

type Values = ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>["values"];

function parse(args: readonly string[]): { readonly values: Values; readonly context: string } {
  try {
    const { values, positionals } = parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
    const [context, ...more] = positionals;
    if (context === undefined || more.length > 0) throw new UsageError(`takes one context, not ${positionals.length}`);
    return { values, context };
  } catch (error) {
    throw new UsageError(`debug dump-llb: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function requestOf(values: Values, context: string, io: CommandIo): Promise<BuildRequest> {
  const { file, target, platform, network } = values;
  if (network !== undefined && network !== "default" && network !== "none" && network !== "host") throw new UsageError(`--network=${network}: use default, none or host`);
  return {
    context: resolve(io.cwd, context),
    ...(file === undefined ? {} : { dockerfile: file === "-" ? { text: await readAll(standardInput(io)) } : resolve(io.cwd, file) }),
    ...(target === undefined ? {} : { target }),
    buildArgs: parsePairs("build-arg", values["build-arg"] ?? [], io.env),
    buildContexts: parsePairs("build-context", values["build-context"] ?? [], {}),
    labels: parsePairs("label", values.label ?? [], {}),
    platforms: platform === undefined ? [] : platform.split(","),
    ...(network === undefined ? {} : { network }),
    noCache: values["no-cache"] ?? false,
    // Images that are given need no state.
    root: values.resolve === undefined ? stateRoot(values.root, io) : "/",
    env: io.env,
    workingDirectory: io.cwd,
    signal: io.signal,
  };
}

async function readImages(path: string): Promise<ImageTable> {
  try {
    const table: unknown = JSON.parse(await readFile(path, "utf8"));
    if (typeof table !== "object" || table === null || Array.isArray(table)) throw new UsageError("an object is needed, with a member for each reference");
    // Its members are checked when they are asked for.
    return table as ImageTable;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof UsageError) throw new UsageError(`--resolve ${path}: ${error.message}`);
    throw error;
  }
}
