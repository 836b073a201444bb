import type { CopyChange, FileChange } from "../../../llb/file-vertex.ts";
import { sourceOutput, webSource } from "../../../llb/source-vertex.ts";
import type { Output } from "../../../llb/vertex.ts";
import { InstructionError } from "../dockerfile-error.ts";
import { absolutePath, joinPath, toSlash, withoutDrive } from "../dockerfile-paths.ts";
import { gitRequest, isGitSource, parseGitReference, urlFilename, type GitReference } from "../git-reference.ts";
import { cut } from "../go-text.ts";
import type { SourceContent } from "../instruction.ts";
import { encodeSource } from "../source-text.ts";
import { COMMAND_DESCRIPTION } from "./conversion.ts";
import { withPrefix } from "./conversion-error.ts";
import type { CopyStep } from "./copy.ts";
import { reportIgnored } from "./ignored-source.ts";
import { inlineFile } from "./run-command.ts";

const INLINE_MODE = 0o644;
const DIGEST = /^(?:sha256:[a-f0-9]{64}|sha384:[a-f0-9]{96}|sha512:[a-f0-9]{128})$/;

/** One copy for each source of the instruction, in order. Throws InstructionError and what paths and references throw. */
export function convertSources(step: CopyStep): readonly FileChange[] {
  const { sources, contents } = step.instruction;
  let { checksum, keepGitDir } = step.instruction.kind === "add" ? step.instruction : NOTHING_ASKED;
  const changes = sources.map((source): FileChange => {
    const git = parseGitReference(source);
    if (git !== undefined && !git.looksLocal) {
      ({ checksum, keepGitDir } = joinRequests(git, checksum, keepGitDir));
      return copyGit(git, { checksum, keepGitDir: keepGitDir === true, mtime: "" }, step);
    }
    return isWebSource(source) ? copyDownload(source, checksum, step) : copyPath(source, step);
  });
  return [...changes, ...contents.map((content) => copyContent(content, step))];
}

const NOTHING_ASKED = { checksum: "", keepGitDir: undefined as boolean | undefined };

export function isWebSource(source: string): boolean {
  return /^https?:\/\//.test(source) && !isGitSource(source);
}

/** What the flags ask for and what the URL asks for; they must not contradict each other. */
function joinRequests(git: GitReference, checksum: string, keepGitDir: boolean | undefined): { readonly checksum: string; readonly keepGitDir: boolean | undefined } {
  if (keepGitDir !== undefined && git.keepGitDir !== undefined && keepGitDir !== git.keepGitDir) throw new InstructionError("inconsistent keep-git-dir configuration");
  if (checksum !== "" && git.checksum !== "" && checksum !== git.checksum) throw new InstructionError(`checksum mismatch "${checksum}" != "${git.checksum}"`);
  return { checksum: git.checksum === "" ? checksum : git.checksum, keepGitDir: git.keepGitDir ?? keepGitDir };
}

function copyGit(git: GitReference, choices: Parameters<typeof gitRequest>[1], { instruction, name, common }: CopyStep): FileChange {
  if (instruction.kind !== "add") throw new InstructionError("source can't be a git ref for COPY");
  const from = sourceOutput(gitRequest(git, choices), { description: { "llb.customname": name } });
  return copyOf(from, { ...common, source: "/", createDestPath: true });
}

/** Downloads are not unpacked unless asked: what a URL gives is not known before. */
function copyDownload(url: string, checksum: string, { instruction, name, common }: CopyStep): FileChange {
  if (instruction.kind !== "add") throw new InstructionError("source can't be a URL for COPY");
  checkDigest(checksum);
  const filename = urlFilename(url);
  const from = sourceOutput(webSource({ url, filename, checksum }), { description: { "llb.customname": name, [COMMAND_DESCRIPTION]: "" } });
  return copyOf(from, { ...common, source: joinPath("/", filename), createDestPath: true, attemptUnpack: instruction.unpack === true });
}

function checkDigest(checksum: string): void {
  if (checksum === "" || DIGEST.test(checksum)) return;
  const { before: algorithm, after: encoded, found } = cut(checksum, ":");
  if (!found || algorithm === "" || encoded === "" || !/^[a-z0-9]+(?:[+._-][a-z0-9]+)*:[a-zA-Z0-9=_-]+$/.test(checksum)) throw new InstructionError("invalid checksum digest format");
  if (!["sha256", "sha384", "sha512"].includes(algorithm)) throw new InstructionError("unsupported digest algorithm");
  const isHex = /^[a-f0-9]*$/.test(encoded);
  throw new InstructionError(isHex ? "invalid checksum digest length" : "invalid checksum digest format");
}

function copyPath(source: string, step: CopyStep): FileChange {
  const { instruction, platform, common, from } = step;
  reportIgnored(source, step);
  const parents = instruction.kind === "copy" && instruction.parents ? parentsOf(source, platform.os) : undefined;
  const unpack = instruction.kind === "add" && (instruction.unpack ?? true);
  return copyOf(from, {
    ...common, ...parents?.patterns, attemptUnpack: unpack,
    source: rooted(parents?.source ?? source, platform.os),
    followSymlink: true, dirCopyContents: true, createDestPath: true, allowWildcard: true, allowEmptyWildcard: true,
  });
}

interface ParentsCopy {
  readonly source: string;
  readonly patterns: Pick<CopyChange, "includePatterns" | "requiredPaths">;
}

/** `--parents`: directories above are copied too, from the root or from where `/./` stands. */
function parentsOf(source: string, os: string): ParentsCopy {
  const { before, after, found } = cut(source, "/./");
  const parent = found ? before : "/";
  const pattern = rooted(found ? after : source, os);
  // A wildcard may match nothing, a name must be there.
  const isName = !hasWildcards(parent) && !hasWildcards(pattern);
  const requiredPaths = isName ? [rooted(joinPath(parent, pattern), os)] : [];
  return { source: parent, patterns: { includePatterns: [pattern.replace(/^\//, "")], requiredPaths } };
}

function hasWildcards(path: string): boolean {
  return /[*?[]/.test(path.replace(/\\[^]?/g, ""));
}

/** Throws DockerfilePathError. */
function rooted(path: string, os: string): string {
  try {
    return absolutePath("/", path, os, false);
  } catch (error) {
    throw withPrefix(error, "removing drive letter");
  }
}

function copyContent({ path, data }: SourceContent, { platform, common }: CopyStep): FileChange {
  const name = driveless(path, platform.os);
  const from = inlineFile(name, encodeSource(data), INLINE_MODE);
  return copyOf(from, { ...common, source: joinPath("/", toSlash(name, platform.os)), createDestPath: true });
}

function driveless(path: string, os: string): string {
  try {
    return withoutDrive(path, os, false);
  } catch (error) {
    throw withPrefix(error, "removing drive letter");
  }
}

function copyOf(from: Output | undefined, copy: CopyChange): FileChange {
  return { kind: "copy", from, copy };
}
