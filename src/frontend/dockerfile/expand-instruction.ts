import type { Instruction, KeyValue, SourceContent, SourcesAndDest } from "./instruction.ts";
import { parseRunMount, type Expander } from "./run-mount.ts";

/**
 * The instruction with its variables filled in, where BuildKit fills them in: not in `--from`, `--exclude`, JSON or shell
 * commands, ports, heredocs. Words are expanded one by one in BuildKit's order, so the first fault is BuildKit's.
 */
export function expandInstruction<Kind extends Instruction>(instruction: Kind, expand: Expander): Kind;
export function expandInstruction(instruction: Instruction, expand: Expander): Instruction {
  switch (instruction.kind) {
    case "add": {
      const [chown, chmod, checksum] = [expand(instruction.chown), expand(instruction.chmod), expand(instruction.checksum)];
      return { ...instruction, chown, chmod, checksum, ...expandPaths(instruction, expand) };
    }
    case "copy": {
      const [chown, chmod] = [expand(instruction.chown), expand(instruction.chmod)];
      return { ...instruction, chown, chmod, ...expandPaths(instruction, expand) };
    }
    case "arg": {
      const args = instruction.args.map((arg) => ({ ...arg, key: expand(arg.key), value: arg.value === undefined ? undefined : expand(arg.value) }));
      return { ...instruction, args };
    }
    case "env":
      return { ...instruction, env: expandPairs(instruction.env, expand) };
    case "label":
      return { ...instruction, labels: expandPairs(instruction.labels, expand) };
    case "run":
      return { ...instruction, mounts: instruction.mountFlags.map((flag) => parseRunMount(flag, expand)) };
    case "stopsignal":
      return { ...instruction, signal: expand(instruction.signal) };
    case "user":
      return { ...instruction, user: expand(instruction.user) };
    case "volume":
      return { ...instruction, volumes: instruction.volumes.map(expand) };
    case "workdir":
      return { ...instruction, path: expand(instruction.path) };
    case "cmd":
    case "entrypoint":
    case "expose":
    case "healthcheck":
    case "maintainer":
    case "onbuild":
    case "shell":
      return instruction;
  }
}

/** The heredocs of ADD and COPY; `expandRaw` leaves quotes alone (`skipProcessQuotes`). */
export function expandContents(contents: readonly SourceContent[], expandRaw: Expander): readonly SourceContent[] {
  return contents.map((content) => (content.expand ? { ...content, data: expandRaw(content.data) } : content));
}

function expandPaths(paths: SourcesAndDest, expand: Expander): Pick<SourcesAndDest, "sources" | "dest"> {
  return { sources: paths.sources.map((source) => expand(source)), dest: expand(paths.dest) };
}

function expandPairs(pairs: readonly KeyValue[], expand: Expander): readonly KeyValue[] {
  return pairs.map((pair) => ({ ...pair, key: expand(pair.key), value: expand(pair.value) }));
}
