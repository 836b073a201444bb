/**
 * Which test files may share a process: to start one, and to load in it what is under test, takes longer than most of them run. Those of
 * one folder do, but for what sets or measures something that a process has once: its environment, directory, listeners, time, memory.
 * They still run one by one when they are named to `node --test`.
 */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

const SETS: RegExp = /\bdelete process\.env\b|\bprocess\.env(?:\.\w+|\[[^\]]+\])?\s*\S{0,2}=(?!=|>)|Object\.assign\(process\b|\bprocess\.(?:chdir|umask|on|once|off|exit|exitCode|kill|emit|emitWarning|set\w+)\b/;
const MEASURES: RegExp = /\bprocess\.(?:pid|title|report|std(?:in|out|err)|\w*[cC]puUsage|memoryUsage|resourceUsage|getActiveResourcesInfo)\b|\/proc\/self\b|\bmonitorEventLoopDelay\b|\bturnsDuring\b/;
/** Its time passes in others, beside which a start is little. */
const RUNS: RegExp = /"node:child_process"|\/host\/process\.ts"/;
const OF_ALL: RegExp = /\bglobalThis\b|\bmock\b|\bAtomics\b|"node:(?:worker_threads|v8|process|perf_hooks|vm)"|\bsyncBuiltinESMExports\b/;

/** One process for each: its files, by a name for it. */
export interface TestProcess {
  readonly name: string;
  readonly files: readonly string[];
}

/** Of source files below `src` and `tools`: whatever is elsewhere builds images, and looks at what its own process has left. */
export function together(files: readonly string[]): readonly TestProcess[] {
  const byFolder = Map.groupBy(files, (file) => (/^(?:src|tools)\//.test(file) && mayShare(file) ? file.split("/").slice(0, 2).join("/").replace(/\/[^/]*\.test\.\w+$/, "") : file));
  return [...byFolder].map(([name, members]) => ({ name, files: members.toSorted() }));
}

/** By its text, and by that of what tests alone import. */
export function mayShare(file: string): boolean {
  const seen = new Set<string>();
  const isFree = (path: string): boolean => {
    if (seen.has(path) || !existsSync(path)) return true;
    seen.add(path);
    const text = readFileSync(path, "utf8");
    if ([SETS, MEASURES, RUNS, OF_ALL].some((pattern) => pattern.test(text))) return false;
    const helpers = [...text.matchAll(/ from "(\.[^"]*)";$/gm)].map(([, name = ""]) => join(dirname(path), name)).filter((name) => /\/testing\/|\.contract\.ts$/.test(name));
    return helpers.every(isFree);
  };
  return isFree(file);
}
